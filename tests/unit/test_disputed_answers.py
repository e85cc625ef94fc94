"""Whole Solves in which all programs agree, and the planner reads the statement otherwise."""

import json
from collections.abc import Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from calisota.artifacts import ArtifactStore
from calisota.engine.claim import claim_of
from calisota.llm import ChatRequest, ScriptedChat
from calisota.llm.chat import ALWAYS_THERE
from calisota.local import LocalSolve
from calisota.models import Action, Decision, Question, Route, SolveReport, Verdict
from calisota.settings import Settings
from calisota.stages import Stages
from tests.inprocess import InProcessSandbox
from tests.unit.engine.test_decide import tried
from tests.unit.engine.test_honesty import CRITIQUE, NoIndex

RULE = "for n above 20 one more"
STATEMENT = f"Square of n; {RULE}. f(1) == 1, f(2) == 4, f(3) == 9, f(12) == 144."
MISREAD = "def f(n):\n    return n * n\n"
RIGHT = "def f(n):\n    return n * n + (n > 20)\n"
QUOTED = {"quote": RULE, "input": "[30]", "answer": "901"}
PLAN = {
    "contract": "c",
    "approaches": ["multiply", "add"],
    "corner_cases": [],
    "inputs": [f"[{n}]" for n in range(4, 12)],
    "answers": [QUOTED],
}
HOLDS = json.dumps({"quote": RULE, "stated": True, "answer": "901"})
TAKES_BACK = json.dumps({"quote": "", "stated": False, "answer": ""})


def solve(
    home: Path,
    *,
    again: str = HOLDS,
    program: str = MISREAD,
    frontier: str | None = None,
    ask: Callable[[Question], str | None] | None = None,
    **options: Any,
) -> SolveReport:
    def answer(request: ChatRequest) -> str:
        prompt = request.messages[0].content
        if request.route is Route.FRONTIER:
            return frontier or ""
        if prompt.startswith("You plan"):
            return json.dumps(PLAN)
        if prompt.startswith("You review"):
            return CRITIQUE
        if prompt.startswith("You say what"):
            assert "f(30)" in prompt
            return again
        if prompt.startswith("You explain"):
            return json.dumps({"diagnosis": "d", "approach": "", "corner_cases": []})
        return f"```python\n{program}```"

    chat = ScriptedChat(answer, routes=list(Route) if frontier else ALWAYS_THERE)

    @asynccontextmanager
    async def opened():
        yield chat

    config = Settings(home=home, llm_max_tokens=4096)
    stages = Stages(
        config,
        ArtifactStore(config.artifacts),
        open_chat=opened,
        open_retriever=lambda: nullcontext(NoIndex()),
    )
    conf = {"statement": STATEMENT, "language": "python", "entry_point": "f", "options": options}
    return LocalSolve(stages, InProcessSandbox(), on_step=lambda _step: None, ask=ask).run(conf)


def test_what_the_planner_holds_keeps_a_shared_misreading_from_being_claimed(tmp_path: Path):
    report = solve(tmp_path, rounds=2)
    assert report.verdict is Verdict.UNVERIFIED
    assert report.doubts == [
        f"For f(30) the program answers 900; the planner, which saw none, reads 901 in: {RULE}"
    ]
    assert report.claim == (
        "The program passes all 4 examples of the statement. You gave no tests, so no more was "
        f"proven. 100% of the programs that pass the examples, by weight, agree with it on "
        f"{report.inputs} generated inputs, but the planner reads the statement otherwise."
    )


def test_a_planner_that_takes_its_answer_back_is_in_nobodys_way(tmp_path: Path):
    report = solve(tmp_path, again=TAKES_BACK)
    assert (report.verdict, report.doubts) == (Verdict.CONSISTENT, [])


def test_programs_that_do_what_was_quoted_are_consistent_and_nobody_is_asked(tmp_path: Path):
    report = solve(tmp_path, program=RIGHT)
    assert report.verdict is Verdict.CONSISTENT
    assert report.questions == []
    assert report.strength is not None
    told = report.strength
    assert report.claim.endswith(
        f"Of {told.mutants} small changes to it, the inputs notice {told.told_apart}, what the "
        f"statement says {told.by_answers}."
    )


@pytest.mark.parametrize("again", ['{"quote": "for n abo', "901, I think", HOLDS[:-2]])
def test_an_answer_that_cannot_be_read_takes_nothing_back(tmp_path: Path, again: str):
    assert solve(tmp_path, again=again, rounds=1).verdict is Verdict.UNVERIFIED


def test_a_person_who_does_not_know_takes_nothing_back(tmp_path: Path):
    report = solve(tmp_path, ask=lambda _question: None, on_ambiguous="ask", rounds=2)
    assert report.verdict is Verdict.UNVERIFIED
    assert len(report.doubts) == 1


def test_a_person_is_asked_where_the_frontier_model_cannot_say(tmp_path: Path):
    asked: list[Question] = []

    def person(question: Question) -> str:
        asked.append(question)
        return "900"

    report = solve(tmp_path, frontier=TAKES_BACK, ask=person, on_ambiguous="ask")
    assert [(q.asked, q.options, q.quote) for q in asked] == [("f(30)", ["900", "901"], RULE)]
    assert (report.verdict, report.doubts) == (Verdict.VERIFIED_WEAK_TESTS, [])


def test_a_frontier_model_that_agrees_with_the_planner_makes_its_answer_a_test(tmp_path: Path):
    report = solve(tmp_path, frontier=HOLDS, on_ambiguous="ask", rounds=2)
    assert report.verdict is Verdict.FAILED
    assert len(report.doubts) == 1


def test_an_agreement_for_which_nothing_else_speaks_is_told_as_that():
    program = tried("r1c0", answers="abc").matrix
    decision = Decision(
        action=Action.ACCEPT, candidate_id="r1c0", verdict=Verdict.CONSISTENT, reason="r"
    )
    ends = {
        True: ", but what the statement says tells it from too few programs near it.",
        False: ": too few, or inputs that tell too little.",
    }
    for unchecked, end in ends.items():
        claim = claim_of(
            Verdict.UNVERIFIED,
            program,
            confirmed=True,
            decision=decision,
            strength=None,
            agreement=1.0,
            inputs=9,
            unchecked=unchecked,
        )
        assert claim.endswith(f"agree with it on 9 generated inputs{end}")
