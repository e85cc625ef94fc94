"""Which candidates are compared, and what of that a report tells."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from bench.scripted_model import CRITIQUE, HALF_DOWN, PLAN, half_problem
from calisota.artifacts import ArtifactStore
from calisota.engine.standing import in_line
from calisota.llm.openai_chat import open_chat
from calisota.llm.scripted_server import ScriptedServer
from calisota.local import LocalSolve
from calisota.models import HitSet, Question, Verdict
from calisota.settings import Settings
from calisota.stages import Stages
from tests.inprocess import InProcessSandbox
from tests.unit.engine.test_decide import BAD, OK, tried


def test_only_what_passes_the_examples_and_the_answers_is_compared():
    right = tried("r1c0", examples=(OK, OK), answers="ab")
    failing = tried("r1c1", examples=(OK, BAD), answers="ab")
    other = tried("r1c2", examples=(OK, OK), answers="ax")
    assert in_line([right, failing, other], []) == [right, other]
    said = Question(
        number=1, about="input", asked="f(1)", options=["b", "x"], by="person", said="b"
    )
    assert in_line([right, failing, other], [said]) == [right]


class NoIndex:
    def search(self, *_args: object, **_named: object) -> HitSet:
        return HitSet(index=None, hits=[])


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Its first program fails an example; all others agree."""
    coded: list[str] = []

    def script(request: dict[str, Any]) -> str:
        prompt = str(request["messages"][0]["content"])
        if prompt.startswith("You"):
            return PLAN if prompt.startswith("You plan") else CRITIQUE
        coded.append(prompt)
        wrong = "def half(n):\n    return 0\n"
        return f"```python\n{wrong if len(coded) == 1 else HALF_DOWN}```"

    with ScriptedServer(script) as server:
        yield server


def test_a_report_tells_the_agreement_that_its_claim_rests_on(
    tmp_path: Path, server: ScriptedServer
):
    models = {f"llm_model_{route}": "scripted" for route in ("slow", "fast", "critic")}
    config = Settings.model_validate({"home": tmp_path, "llm_base_url": server.base_url} | models)
    stages = Stages(
        config,
        ArtifactStore(config.artifacts),
        open_chat=lambda: open_chat(config),
        open_retriever=lambda: nullcontext(NoIndex()),
    )
    solve = LocalSolve(stages, InProcessSandbox(), on_step=lambda _step: None)
    report = solve.run(half_problem())
    assert report.verdict is Verdict.CONSISTENT, json.dumps(report.decisions)
    assert report.agreement == 1.0
    assert "that pass the examples agree (100% by weight)" in report.claim
