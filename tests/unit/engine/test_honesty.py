"""Ways to a claim that was not proven, each of which was open once."""

import json
from collections.abc import Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from calisota.artifacts import ArtifactStore
from calisota.engine import decide
from calisota.engine.claim import claim_of
from calisota.engine.evidence import held_out
from calisota.engine.report import confirmed_verdict
from calisota.engine.strength import strength_of
from calisota.ledger.ledger import open_ledger
from calisota.llm import ChatRequest, ScriptedChat
from calisota.llm.chat import ALWAYS_THERE
from calisota.local import LocalSolve
from calisota.models import (
    Action,
    Decision,
    HitSet,
    Observation,
    Outcome,
    Problem,
    Question,
    Route,
    SolveReport,
    Verdict,
)
from calisota.settings import Settings
from calisota.stages import Stages
from tests.inprocess import InProcessSandbox
from tests.unit.engine.test_decide import OK, state, tried
from tests.unit.engine.test_strength import mutant

SQUARE = "def f(n):\n    return n * n\n"
OTHER = "def f(n):\n    return n * n + (n > 20)\n"
SQUARES = "Square of n. f(1) == 1, f(2) == 4, f(3) == 9, f(12) == 144."
CRITIQUE = json.dumps({"score": 50, "findings": [], "suggestions": []})
PLAN = json.dumps(
    {
        "contract": "c",
        "approaches": [],
        "corner_cases": [],
        "inputs": [f"[{n}]" for n in range(0, 48, 4)],
    }
)


class NoIndex:
    def search(self, *_args: object, **_named: object) -> HitSet:
        return HitSet(index=None, hits=[])


class Rig:
    """Solves of one Problem by a script of the coder's answers."""

    def __init__(
        self,
        home: Path,
        code: Callable[[ChatRequest], str],
        *,
        frontier: str | None = None,
        plan: str = PLAN,
        **settings: Any,
    ) -> None:
        self.config = Settings(home=home, **settings)
        self.asked: list[ChatRequest] = []
        self._code = code
        self._frontier = frontier
        self._plan = plan

    def _answer(self, request: ChatRequest) -> str:
        self.asked.append(request)
        prompt = request.messages[0].content
        if request.route is Route.FRONTIER:
            return self._frontier or ""
        if prompt.startswith("You plan"):
            return self._plan
        if prompt.startswith("You review"):
            return CRITIQUE
        if prompt.startswith("You say what"):
            return json.dumps({"quote": "", "stated": False, "answer": ""})
        if prompt.startswith("You explain"):
            return json.dumps({"diagnosis": "d", "approach": "", "corner_cases": []})
        return f"```python\n{self._code(request)}```"

    def solve(
        self,
        *,
        ask: Any = None,
        tests: list[dict[str, Any]] | None = None,
        statement: str = SQUARES,
        **options: Any,
    ) -> SolveReport:
        chat = ScriptedChat(self._answer, routes=list(Route) if self._frontier else ALWAYS_THERE)

        @asynccontextmanager
        async def opened():
            yield chat

        stages = Stages(
            self.config,
            ArtifactStore(self.config.artifacts),
            open_chat=opened,
            open_retriever=lambda: nullcontext(NoIndex()),
        )
        conf = {"statement": statement, "language": "python", "entry_point": "f"}
        solve = LocalSolve(stages, InProcessSandbox(), on_step=lambda _step: None, ask=ask)
        return solve.run(conf | {"options": options, "tests": tests or []})


def round_of(rig: Rig) -> int:
    """Rounds that were reviewed so far, and the one under way."""
    return 1 + sum(r.messages[0].content.startswith("You review") for r in rig.asked)


def test_a_later_round_samples_anew_and_no_program_votes_twice(tmp_path: Path):
    """Two right programs in the first round; afterwards nothing but what does not run."""
    made: list[str] = []

    def code(_request: ChatRequest) -> str:
        made.append(SQUARE if len(made) < 2 else f"import nothing_{len(made)}\n")
        return made[-1]

    rig = Rig(tmp_path, code)
    report = rig.solve(candidates=2, rounds=3)
    assert report.verdict is Verdict.UNVERIFIED, report.decisions
    coded = [one for one in report.candidates if one.outcome is Outcome.ACCEPTED]
    assert len(coded) == 2
    with open_ledger(rig.config.ledger) as ledger:
        spent = ledger.spent(report.solve_id)
    assert spent is not None
    assert spent.calls == report.usage.calls == len(rig.asked)


def unlike(*answers: str | None) -> list[Observation]:
    """What a program did; None: it was not run."""
    return [Observation(outcome=Outcome.NOT_RUN if a is None else OK, answer=a) for a in answers]


def test_inputs_that_never_ran_are_no_agreement():
    agreeing = [tried(f"r1c{n}", approach=f"way {n}", answers="abcdefghijkl") for n in range(3)]
    assert decide(state(*agreeing)).verdict is Verdict.CONSISTENT
    observed = unlike(*"abcd", *[None] * 8)
    cut = [
        one.model_copy(update={"matrix": one.matrix.model_copy(update={"observed": observed})})
        for one in agreeing
    ]
    assert decide(state(*cut)).verdict is not Verdict.CONSISTENT


def test_a_mutant_that_was_not_run_is_not_noticed():
    program = tried("r1c0", OK, OK, answers="ab").matrix
    slow = program.model_copy(update={"observed": unlike("a", None)})
    no_test = program.model_copy(update={"tests": []})
    found = strength_of(no_test, [(mutant(0), slow.model_copy(update={"tests": []}))])
    assert (found.mutants, found.told_apart) == (1, 0)
    late = program.model_copy(
        update={
            "tests": [t.model_copy(update={"outcome": Outcome.NOT_RUN}) for t in program.tests],
            "outcome": Outcome.NOT_RUN,
            "observed": unlike("x", "y"),
        }
    )
    assert strength_of(program, [(mutant(0), late)]).told_apart == 0


@pytest.fixture
def refused(tmp_path: Path) -> Any:
    del tmp_path
    program = tried("r1c0", OK, OK, OK, examples=(OK,), answers="ab").matrix
    return program.model_copy(
        update={"tests": [], "examples": [], "observed": [], "refused": True,
                "outcome": Outcome.NOT_RUN}
    )  # fmt: skip


def test_mutants_that_the_budget_refused_verify_nothing_and_lose_nothing(refused: Any):
    program = tried("r1c0", OK, OK, OK, examples=(OK,), answers="ab").matrix
    found = strength_of(program, [(mutant(n), refused) for n in range(6)])
    assert (found.mutants, found.told_apart, found.not_run) == (6, 0, 6)
    decision = Decision(
        action=Action.ACCEPT, candidate_id="r1c0", verdict=Verdict.VERIFIED, reason=""
    )
    assert confirmed_verdict(decision, program, program, found) is Verdict.VERIFIED_WEAK_TESTS
    claim = claim_of(
        Verdict.VERIFIED_WEAK_TESTS,
        program,
        confirmed=True,
        decision=decision,
        strength=found,
        agreement=None,
        inputs=0,
    )
    assert "the budget did not allow 6 to run" in claim


def test_without_the_second_run_nothing_is_claimed(refused: Any):
    program = tried("r1c0", OK, OK, OK).matrix
    decision = Decision(
        action=Action.ACCEPT, candidate_id="r1c0", verdict=Verdict.VERIFIED, reason=""
    )
    assert confirmed_verdict(decision, program, refused, None) is Verdict.BUDGET_EXHAUSTED


def test_a_model_that_says_what_is_right_proves_nothing():
    programs = [tried(f"r1c{n}", approach=f"way {n}", answers="abcdefgh") for n in range(3)]
    answers = {"number": 0, "about": "input", "asked": "f(0)", "options": ["a", "x"], "said": "a"}
    by_model = Question.model_validate(answers | {"by": "frontier"})
    assert decide(state(*programs, questions=[by_model])).verdict is Verdict.CONSISTENT
    by_person = Question.model_validate(answers | {"by": "person"})
    verdict = decide(state(*programs, questions=[by_person])).verdict
    assert verdict is Verdict.VERIFIED_WEAK_TESTS


def tie(rig_of: list[Rig], *, from_round: int) -> Callable[[ChatRequest], str]:
    """A coder whose programs differ from this round on, and do not run before."""
    made: list[int] = []

    def code(_request: ChatRequest) -> str:
        made.append(1)
        if round_of(rig_of[0]) < from_round:
            return f"import nothing_{len(made)}\n"
        return SQUARE if len(made) % 2 else OTHER

    return code


@pytest.mark.parametrize("said", [None, "-1"], ids=["nobody knows", "no program's answer"])
@pytest.mark.parametrize("candidates", [2, 4])
def test_a_question_in_the_last_round_loses_no_solve(
    tmp_path: Path, said: str | None, candidates: int
):
    rigs: list[Rig] = []
    rigs.append(Rig(tmp_path, tie(rigs, from_round=1)))
    questions = []

    def ask(question: Question) -> str | None:
        questions.append(question)
        return said

    report = rigs[0].solve(ask=ask, candidates=candidates, rounds=1, on_ambiguous="ask")
    assert len(questions) == 1
    assert report.verdict in {Verdict.UNVERIFIED, Verdict.FAILED}, report.decisions


def test_one_question_is_asked_in_a_round_whoever_answers(tmp_path: Path):
    rigs: list[Rig] = []
    unknown = json.dumps({"quote": "", "stated": False, "answer": ""})
    rigs.append(Rig(tmp_path, tie(rigs, from_round=1), frontier=unknown))
    asked: list[Question] = []
    rigs[0].solve(ask=asked.append, candidates=4, rounds=1, on_ambiguous="ask")
    frontier = [r for r in rigs[0].asked if r.route is Route.FRONTIER]
    slow = [r for r in rigs[0].asked if r.messages[0].content.startswith("You say what")]
    assert len(asked) == 1
    assert len(frontier) <= 2, "it is asked twice about one input"
    assert len(slow) - len(frontier) <= 2


def test_where_no_person_is_the_frontier_model_is_still_asked(tmp_path: Path):
    rigs: list[Rig] = []
    said = json.dumps({"quote": "Square of n.", "stated": True, "answer": "1"})
    rigs.append(Rig(tmp_path, tie(rigs, from_round=1), frontier=said))
    report = rigs[0].solve(candidates=4, rounds=1, on_ambiguous="ask")
    assert any(r.route is Route.FRONTIER for r in rigs[0].asked)
    assert report.verdict is not Verdict.VERIFIED_WEAK_TESTS, "a model's word proves nothing"


@pytest.mark.parametrize(
    ("language", "held"), [("python", {2, 5}), ("perl", {2, 5}), ("cpp", {5}), ("rust", {5})]
)
def test_a_test_that_the_compiler_may_quote_is_not_called_hidden(language: str, held: set[int]):
    code = [{"code": "assert f(1) == 1" if language == "python" else "assert(f(1) == 1);"}] * 5
    call = {"call": {"args": [1]}, "returns": 1}
    conf = {"statement": "x", "language": language, "entry_point": "f", "tests": [*code, call]}
    assert held_out(Problem.model_validate(conf)) == held


def test_mutants_have_their_time_and_what_is_left_is_not_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("calisota.executions.MUTANTS_S", -1.0)
    report = Rig(tmp_path, lambda _request: SQUARE).solve(candidates=4, rounds=1)
    assert report.strength is not None
    assert report.strength.not_run == report.strength.mutants > 0
    assert report.verdict is Verdict.UNVERIFIED, "inputs that tell nothing apart"
