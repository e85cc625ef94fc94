"""Solved Problems that are remembered, and whom they are shown to."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from bench.scripted_model import answer, problem
from calisota.artifacts import ArtifactStore
from calisota.cli import app
from calisota.errors import InputError
from calisota.llm.openai_chat import open_chat
from calisota.llm.scripted_server import ScriptedServer
from calisota.local import LocalSolve
from calisota.memory import Memory, store
from calisota.memory.memories import digest_of
from calisota.memory.store import MemoryStore, MemoryUnavailable, memories, open_memory
from calisota.models import HitSet, Language, Problem, SolveReport, Verdict
from calisota.settings import Settings, settings
from calisota.stages import Stages
from tests.inprocess import InProcessSandbox

ENCODER = "model-a"


def unit(*values: float) -> NDArray[np.float32]:
    vector = np.array(values, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def memory(solve_id: str, **changes: Any) -> Memory:
    fields = {
        "solve_id": solve_id,
        "owner": "team-a",
        "language": "python",
        "digest": solve_id,
        "statement": "Add.",
        "program": "def add(a, b): return a + b",
        "verdict": "verified",
    }
    return Memory.model_validate(fields | changes)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[MemoryStore]:
    with open_memory(f"sqlite:///{tmp_path / 'memory.db'}") as kept:
        yield kept


def recall(kept: MemoryStore, vector: NDArray[np.float32], **changes: Any) -> str | None:
    asked: dict[str, Any] = {
        "owner": "team-a",
        "language": Language.PYTHON,
        "encoder": ENCODER,
        "least": 0.5,
    }
    found = kept.recall(vector=vector.tolist(), **asked | changes)
    return found.memory.solve_id if found else None


def test_the_nearest_that_is_near_enough_is_recalled(kept: MemoryStore):
    kept.remember(memory("east"), encoder=ENCODER, vector=unit(1, 0, 0).tolist())
    kept.remember(memory("north"), encoder=ENCODER, vector=unit(0, 1, 0).tolist())
    assert recall(kept, unit(1, 0.2, 0)) == "east"
    assert recall(kept, unit(0.2, 1, 0)) == "north"
    assert recall(kept, unit(0, 0, 1)) is None


def test_nothing_of_another_owner_language_or_encoder_is_recalled(kept: MemoryStore):
    kept.remember(memory("one"), encoder=ENCODER, vector=unit(1, 0).tolist())
    east = unit(1, 0)
    assert recall(kept, east) == "one"
    assert recall(kept, east, owner="team-b") is None
    assert recall(kept, east, owner="") is None
    assert recall(kept, east, language=Language.GO) is None
    assert recall(kept, east, encoder="model-b") is None
    assert recall(kept, unit(1, 0, 0)) is None, "a vector of another length is another encoder's"


def test_a_solve_that_is_reported_again_is_remembered_once(kept: MemoryStore):
    kept.remember(memory("one", program="old"), encoder=ENCODER, vector=unit(1, 0).tolist())
    kept.remember(memory("one", program="new"), encoder=ENCODER, vector=unit(1, 0).tolist())
    assert [one.program for one in kept.owned()] == ["new"]


def test_tidying_keeps_the_best_of_a_problem_and_what_is_used(
    kept: MemoryStore, monkeypatch: pytest.MonkeyPatch
):
    for name, verdict in (("a", "consistent"), ("b", "verified"), ("c", "consistent")):
        one = memory(name, digest="same", verdict=verdict)
        kept.remember(one, encoder=ENCODER, vector=unit(1, 0).tolist())
    kept.remember(memory("d", digest="same", owner="other"), encoder=ENCODER, vector=[1.0, 0.0])
    assert kept.tidy(unused_since=None) == {"aged": 0, "repeated": 2, "crowded": 0}
    assert {one.solve_id for one in kept.owned()} == {"b", "d"}
    before = time.time()
    assert recall(kept, unit(1, 0)) == "b"
    assert kept.tidy(unused_since=before) == {"aged": 1, "repeated": 0, "crowded": 0}
    assert [one.solve_id for one in kept.owned()] == ["b"]
    monkeypatch.setattr(store, "KEPT_EACH", 2)
    for name in "xyz":
        kept.remember(memory(name), encoder=ENCODER, vector=unit(0, 1).tolist())
    assert kept.tidy(unused_since=None)["crowded"] == 2
    assert [one.solve_id for one in kept.owned()] == ["z", "y"]


def test_wiping_takes_one_owner_or_all(kept: MemoryStore):
    for name, owner in (("a", "team-a"), ("b", "team-b"), ("c", "")):
        kept.remember(memory(name, owner=owner), encoder=ENCODER, vector=[1.0, 0.0])
    assert kept.wipe("team-a") == 1
    assert [one.owner for one in kept.owned()] == ["", "team-b"]
    assert kept.wipe(None) == 2


def test_many_at_once_lose_nothing(kept: MemoryStore):
    def one(number: int) -> None:
        kept.remember(memory(f"s{number}"), encoder=ENCODER, vector=unit(1, number).tolist())
        recall(kept, unit(1, number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(40)))
    assert len(kept.owned()) == 40


def test_a_database_that_does_not_answer_is_a_passing_fault(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'none' / 'memory.db'}"
    with open_memory(url) as kept, pytest.raises(MemoryUnavailable) as caught:
        kept.owned()
    assert "CALISOTA_LEDGER_URL" in caught.value.remedy


def test_the_same_problem_is_the_same_whatever_its_layout_and_tests():
    one = Problem(statement="Add  two\nnumbers.", language="python", entry_point="add")
    same = one.model_copy(update={"statement": "Add two numbers. ".strip()})
    assert digest_of(one) == digest_of(same)
    assert digest_of(one) != digest_of(one.model_copy(update={"entry_point": "plus"}))


class Index:
    """Finds nothing, and embeds by whether the statement is about a sum."""

    def search(self, query: str, *, k: int, with_vector: bool = False, **_named: object) -> HitSet:
        del k
        vector = [1.0, 0.0] if "sum" in query else [0.0, 1.0]
        return HitSet(index="v", hits=[], vector=vector if with_vector else None, encoder=ENCODER)


class Rig:
    def __init__(self, home: Path, server: ScriptedServer, **changes: Any) -> None:
        models = {f"llm_model_{route}": "scripted" for route in ("slow", "fast", "critic")}
        fields = {"home": home, "llm_base_url": server.base_url, "memory": True}
        self.settings = Settings.model_validate(fields | models | changes)
        self.server = server

    def solve(self, words: str = "", **conf: Any) -> SolveReport:
        stages = Stages(
            self.settings,
            ArtifactStore(self.settings.artifacts),
            open_chat=lambda: open_chat(self.settings),
            open_retriever=lambda: nullcontext(Index()),
        )
        self.server.seen.clear()
        solve = LocalSolve(stages, InProcessSandbox(), on_step=lambda _step: None)
        return solve.run(problem(words) | conf)

    @property
    def prompts(self) -> str:
        return json.dumps([request["messages"] for request in self.server.seen])


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(answer) as server:
        yield server


def test_a_solved_problem_is_shown_to_its_owners_next_solve_and_cited(
    tmp_path: Path, server: ScriptedServer
):
    rig = Rig(tmp_path, server)
    first = rig.solve(client="team-a")
    assert first.verdict is Verdict.VERIFIED
    assert "solved before" not in rig.prompts
    second = rig.solve("Once more.", client="team-a")
    assert "solved before, verified" in rig.prompts
    assert [hit.chunk_id for hit in second.citations] == [f"memory:{first.solve_id}"]
    rig.solve("Once more.", client="team-b")
    assert "solved before" not in rig.prompts
    rig.solve("Once more.")
    assert "solved before" not in rig.prompts


def test_what_was_not_solved_is_not_remembered(tmp_path: Path, server: ScriptedServer):
    rig = Rig(tmp_path, server)
    assert rig.solve("ALWAYS WRONG").verdict is Verdict.FAILED
    weak = rig.solve(tests=[{"call": {"args": [0, 0]}, "returns": 0}])
    assert weak.verdict is Verdict.VERIFIED_WEAK_TESTS
    with open_memory(rig.settings.ledger) as kept:
        assert kept.owned() == []


def test_without_the_setting_nothing_is_remembered(tmp_path: Path, server: ScriptedServer):
    rig = Rig(tmp_path, server, memory=False)
    assert rig.solve().verdict is Verdict.VERIFIED
    with open_memory(rig.settings.ledger) as kept:
        assert kept.owned() == []


def test_a_memory_that_does_not_answer_loses_no_solve(
    tmp_path: Path, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_args: object, **_named: object) -> None:
        raise MemoryUnavailable("gone", remedy="none")

    for name in ("remember", "recall"):
        monkeypatch.setattr(MemoryStore, name, broken)
    assert Rig(tmp_path, server).solve().verdict is Verdict.VERIFIED


def test_the_command_line_shows_and_forgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CALISOTA_HOME", str(tmp_path))
    settings.cache_clear()
    with open_memory(settings().ledger) as kept:
        for name, owner in (("a", "team-a"), ("b", "")):
            kept.remember(
                memory(name, owner=owner, statement="evil \x1b[31m"),
                encoder=ENCODER,
                vector=[1.0, 0.0],
            )
    listed = CliRunner().invoke(app, ["memory", "list"])
    assert listed.exit_code == 0, listed.output
    assert "team-a" in listed.output
    assert "\x1b[31m" not in listed.output
    assert isinstance(CliRunner().invoke(app, ["memory", "wipe"]).exception, InputError)
    assert CliRunner().invoke(app, ["memory", "wipe", "--owner", "team-a"]).exit_code == 0
    left = json.loads(CliRunner().invoke(app, ["memory", "list", "--json"]).stdout)
    assert [one["solve_id"] for one in left] == ["b"]
    assert CliRunner().invoke(app, ["memory", "wipe", "--all"]).exit_code == 0
    settings.cache_clear()


def test_the_table_holds_no_more_than_it_says():
    assert set(memories.c.keys()) == {
        "solve", "owner", "language", "digest", "statement", "program", "verdict", "encoder",
        "vector", "made", "used", "uses",
    }  # fmt: skip
