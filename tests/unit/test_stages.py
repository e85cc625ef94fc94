"""The steps of a Solve with a scripted model and a sandbox that is told what happens."""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import pytest

from calisota.artifacts import ArtifactStore
from calisota.errors import (
    EngineUnavailable,
    IndexUnusable,
    InputError,
    ModelUnavailable,
)
from calisota.ledger.ledger import open_ledger
from calisota.llm import ChatRequest, ScriptedChat
from calisota.local import LocalSolve
from calisota.models import (
    Candidate,
    ExecutionMatrix,
    Hit,
    HitSet,
    Observation,
    Outcome,
    Problem,
    Route,
    TestResult,
    Verdict,
)
from calisota.models.execution import worst
from calisota.settings import Settings
from calisota.stages import Stages

PLAN = json.dumps({"contract": "adds", "approaches": ["use +"], "corner_cases": ["zero"]})
CRITIQUE = json.dumps({"score": 70, "findings": [], "suggestions": ["add, do not subtract"]})
RIGHT = "def add(a, b):\n    return a + b\n"
WRONG = "def add(a, b):\n    return a - b\n"


def fenced(source: str) -> str:
    return f"```python\n{source}```"


def problem(tests: int = 4, **options: object) -> Problem:
    return Problem.model_validate(
        {
            "statement": "Add two numbers.",
            "language": "python",
            "entry_point": "add",
            "tests": [{"call": {"args": [n, 1]}, "returns": n + 1} for n in range(tests)],
            "options": {"candidates": 2} | options,
        }
    )


class OracleSandbox:
    """Accepts a program that adds; a test passes when the program's operator is right."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def run_candidate(
        self,
        problem: Problem,
        candidate: Candidate,
        *,
        solve_id: str,
        optional: int = 0,
        while_like: Sequence[Observation] = (),
        on_line: Callable[[str], None] | None = None,
    ) -> ExecutionMatrix:
        del solve_id, optional, while_like, on_line
        self.ran.append(candidate.id)
        right = candidate.source is not None and "a + b" in candidate.source
        cell = Outcome.ACCEPTED if right else Outcome.WRONG_ANSWER
        tests = [
            TestResult(name=problem.test_name(n), outcome=cell, detail=f"secret-{n}")
            for n in range(len(problem.tests))
        ]
        if candidate.source is None:
            return ExecutionMatrix(
                candidate_id=candidate.id,
                outcome=Outcome.COMPILE_ERROR,
                build_stderr=candidate.note,
                tests=[t.model_copy(update={"outcome": Outcome.NOT_RUN}) for t in tests],
                image="test",
                wall_s=0.1,
            )
        return ExecutionMatrix(
            candidate_id=candidate.id,
            outcome=worst([t.outcome for t in tests]) if tests else Outcome.ACCEPTED,
            tests=tests,
            image="test",
            wall_s=0.1,
        )


class OneHit:
    def search(self, query: str, *, k: int, **_named: object) -> HitSet:
        del query, k
        hit = Hit(
            chunk_id="c",
            path="operator.py",
            start_line=1,
            end_line=2,
            score=0.9,
            language="python",
            text="def add(a, b): ...",
        )
        return HitSet(index="v1", hits=[hit, hit.model_copy(update={"score": 0.1})])


class Rig:
    def __init__(
        self, tmp_path: Path, code: Callable[[ChatRequest], str], **settings: object
    ) -> None:
        self.fixed: dict[Route, str | Callable[[str], str]] = {
            Route.SLOW: PLAN,
            Route.CRITIC: CRITIQUE,
        }

        def answer(request: ChatRequest) -> str:
            fixed = self.fixed.get(request.route) or code(request)
            return fixed if isinstance(fixed, str) else fixed(request.messages[0].content)

        self.chat = ScriptedChat(answer, routes=list(Route))
        self.sandbox = OracleSandbox()
        self.store = ArtifactStore(str(tmp_path))
        self.retriever: Callable[[], OneHit] = OneHit
        self.steps: list[str] = []
        self.settings = Settings.model_validate({"home": tmp_path, **settings})
        self.stages = Stages(
            self.settings,
            self.store,
            open_chat=self._open_chat,
            open_retriever=self._open_retriever,
        )

    def _open_retriever(self):
        return nullcontext(self.retriever())

    @asynccontextmanager
    async def _open_chat(self):
        yield self.chat

    def solve(self, given: Problem):
        return LocalSolve(self.stages, self.sandbox, on_step=self.steps.append).run(
            given.model_dump(mode="json")
        )

    def prompts(self, route: Route) -> list[str]:
        return [request.messages[0].content for request in self.chat.seen if request.route is route]


def test_an_easy_problem_takes_six_steps_and_is_confirmed_in_a_second_container(tmp_path: Path):
    rig = Rig(tmp_path, lambda _request: fenced(RIGHT))
    report = rig.solve(problem())
    assert report.verdict is Verdict.VERIFIED
    assert report.code == RIGHT
    assert rig.steps == [
        "retrieve", "plan", "round_1.code", "round_1.sandbox", "round_1.critic", "report",
    ]  # fmt: skip
    whole = [ran for ran in rig.sandbox.ran if "m" not in ran]
    assert sorted(whole) == ["r1c0", "r1c0", "r1c1"]
    assert report.strength is not None
    assert report.strength.told_apart == report.strength.mutants > 0
    assert report.usage.calls == 4
    assert set(report.usage_by_route) == {Route.SLOW, Route.FAST, Route.CRITIC}
    assert "two runs" in report.claim
    assert report.index == "v1"
    assert [hit.path for hit in report.citations] == ["operator.py"]
    assert {step.name for step in report.steps} >= {"retrieve", "plan", "code", "critic", "report"}


def test_a_wrong_first_round_is_repaired_with_the_failure_in_the_prompt(tmp_path: Path):
    rig = Rig(tmp_path, lambda r: fenced(RIGHT if "is wrong" in r.messages[0].content else WRONG))
    report = rig.solve(problem())
    assert report.verdict is Verdict.VERIFIED
    assert report.code == RIGHT
    winner = next(c for c in report.candidates if c.outcome is Outcome.ACCEPTED)
    assert winner.repairs == "r1c0"
    repair_prompt = next(text for text in rig.prompts(Route.FAST) if "is wrong" in text)
    assert "secret-0" in repair_prompt
    assert "add, do not subtract" in repair_prompt


def test_a_held_out_test_never_reaches_a_model(tmp_path: Path):
    rig = Rig(tmp_path, lambda _request: fenced(WRONG))
    report = rig.solve(problem(tests=6))
    asked = "\n".join(request.messages[0].content for request in rig.chat.seen)
    assert "add(1, 1) == 2" in asked
    for hidden in ("add(2, 1)", "add(5, 1)", "secret-2", "secret-5"):
        assert hidden not in asked
    assert [test.held_out for test in report.tests] == [False, False, True] * 2


def test_rounds_that_never_pass_end_in_failed_with_the_best_program(tmp_path: Path):
    report = Rig(tmp_path, lambda _request: fenced(WRONG)).solve(problem(rounds=2))
    assert report.verdict is Verdict.FAILED
    assert report.code == WRONG
    assert len(report.candidates) == 4
    assert "0 of 4" in report.claim


def test_an_answer_without_a_program_is_a_candidate_that_failed(tmp_path: Path):
    rig = Rig(tmp_path, lambda _request: "I would rather not.")
    report = rig.solve(problem(rounds=1))
    assert report.verdict is Verdict.FAILED
    assert report.code is None


def test_a_budget_too_small_for_a_call_ends_in_budget_exhausted(tmp_path: Path):
    rig = Rig(tmp_path, lambda _request: fenced(RIGHT))
    report = rig.solve(problem(budget={"tokens": 10}))
    assert report.verdict is Verdict.BUDGET_EXHAUSTED
    assert rig.chat.seen == []
    assert report.usage.calls == 0


def test_without_tests_a_program_that_builds_is_unverified(tmp_path: Path):
    report = Rig(tmp_path, lambda _request: fenced(RIGHT)).solve(problem(tests=0))
    assert report.verdict is Verdict.UNVERIFIED
    assert "no tests" in report.claim


def test_a_missing_index_costs_the_passages_not_the_solve(tmp_path: Path):
    def absent():
        raise IndexUnusable("No index.", remedy="run `calisota setup`.")

    rig = Rig(tmp_path, lambda _request: fenced(RIGHT))
    rig.retriever = absent
    report = rig.solve(problem())
    assert report.verdict is Verdict.VERIFIED
    assert report.index is None


def test_a_model_that_is_down_for_every_candidate_is_transient(tmp_path: Path):
    def down(_request: ChatRequest) -> str:
        raise ModelUnavailable("down", remedy="start it")

    with pytest.raises(ModelUnavailable):
        Rig(tmp_path, down).solve(problem())


def test_what_one_candidate_answered_is_kept_when_another_call_failed(tmp_path: Path):
    def flaky(request: ChatRequest) -> str:
        if request.temperature > 0:
            raise ModelUnavailable("down", remedy="start it")
        return fenced(RIGHT)

    report = Rig(tmp_path, flaky).solve(problem())
    assert report.verdict is Verdict.VERIFIED
    assert [candidate.id for candidate in report.candidates] == ["r1c0"]


def test_a_dead_daemon_is_an_infrastructure_error_not_a_wrong_answer(tmp_path: Path):
    class Dead(OracleSandbox):
        def run_candidate(self, *_args, **_kwargs):
            raise EngineUnavailable("no daemon", remedy="start it")

    rig = Rig(tmp_path, lambda _request: fenced(RIGHT))
    rig.sandbox = Dead()
    with pytest.raises(EngineUnavailable):
        rig.solve(problem())


def test_an_execution_that_came_to_nothing_costs_nothing(tmp_path: Path):
    class Dead(OracleSandbox):
        def run_candidate(self, *_args, **_kwargs):
            raise EngineUnavailable("no daemon", remedy="start it")

    rig = Rig(tmp_path, lambda _request: fenced(RIGHT))
    rig.stages.retrieve("solve_x", problem().model_dump(mode="json"))
    asyncio.run(rig.stages.plan("solve_x"))
    asyncio.run(rig.stages.code("solve_x", 1))
    with pytest.raises(EngineUnavailable):
        rig.stages.sandbox("solve_x", "r1c0", Dead())
    with open_ledger(rig.settings.ledger) as ledger:
        (sandbox,) = (line for line in ledger.report("route") if line.name == "sandbox")
    assert (sandbox.executions, sandbox.cpu_s, sandbox.open) == (0, 0, 0)


@pytest.mark.parametrize("tests", [0, 4])
def test_every_container_is_in_the_ledger_with_all_its_cpu_time(tmp_path: Path, tests: int):
    class Measured(OracleSandbox):
        def run_candidate(self, *args, **kwargs):
            return super().run_candidate(*args, **kwargs).model_copy(update={"cpu_s": 0.5})

    rig = Rig(tmp_path, lambda _request: fenced(WRONG))
    rig.sandbox = Measured()
    rig.solve(problem(tests, rounds=1))
    with open_ledger(rig.settings.ledger) as ledger:
        (sandbox,) = (line for line in ledger.report("route") if line.name == "sandbox")
    ran = len(rig.sandbox.ran)
    assert ran > 2 if tests == 0 else ran == 4, "two programs, and two traces of them"
    assert (sandbox.executions, sandbox.cpu_s, sandbox.open) == (ran, ran * 0.5, 0)


def test_a_trace_that_the_budget_does_not_allow_is_not_made(tmp_path: Path):
    class Measured(OracleSandbox):
        def run_candidate(self, *args, **kwargs):
            return super().run_candidate(*args, **kwargs).model_copy(update={"cpu_s": 50.0})

    rig = Rig(tmp_path, lambda _request: fenced(WRONG))
    rig.sandbox = Measured()
    rig.solve(problem(rounds=1, candidates=1, budget={"cpu_s": 80}))
    assert rig.sandbox.ran == ["r1c0"]


def test_the_checkers_cpu_time_is_reserved_too(tmp_path: Path):
    checker = {"language": "python", "source": "print()"}
    stdio = {"stdin": "", "stdout": "", "compare": "checker"}
    given = problem(0, rounds=1, candidates=1, budget={"cpu_s": 70})
    conf = given.model_dump(mode="json") | {
        "checker": checker,
        "tests": [stdio],
        "entry_point": None,
    }
    rig = Rig(tmp_path, lambda _request: fenced(RIGHT))
    rig.stages.retrieve("solve_x", conf)
    asyncio.run(rig.stages.plan("solve_x"))
    asyncio.run(rig.stages.code("solve_x", 1))
    assert rig.stages.sandbox("solve_x", "r1c0", rig.sandbox).refused
    assert rig.sandbox.ran == []


def test_a_second_run_that_fails_takes_the_verdict_back(tmp_path: Path):
    class Flaky(OracleSandbox):
        def run_candidate(self, given, candidate, **kwargs):
            if candidate.id in self.ran:
                candidate = candidate.model_copy(update={"source": WRONG})
            return super().run_candidate(given, candidate, **kwargs)

    rig = Rig(tmp_path, lambda _request: fenced(RIGHT))
    rig.sandbox = Flaky()
    report = rig.solve(problem())
    assert report.verdict is Verdict.FAILED
    assert "not in the second, clean run" in report.claim


def test_results_of_an_earlier_run_of_the_steps_do_not_reach_the_report(tmp_path: Path):
    rig = Rig(tmp_path, lambda _request: fenced(WRONG))
    rig.solve(problem(rounds=2))
    (solve_id,) = (path.name for path in (tmp_path / "solves").iterdir())
    rig.chat = ScriptedChat(lambda r: PLAN if r.route is Route.SLOW else fenced(RIGHT))
    asyncio.run(rig.stages.code(solve_id, 1))
    assert len(rig.chat.seen) == 0, "what was paid for is not asked again"
    asyncio.run(rig.stages.code(solve_id, 1, generation=1))
    for candidate_id in ("r1c0", "r1c1"):
        rig.stages.sandbox(solve_id, candidate_id, rig.sandbox)
    asyncio.run(rig.stages.critic(solve_id, 1, rig.sandbox, generation=1))
    report = rig.stages.report(solve_id, rig.sandbox)
    assert report.verdict is Verdict.VERIFIED
    assert [candidate.id for candidate in report.candidates] == ["r1c0", "r1c1"]


def test_a_solve_that_a_person_starts_over_has_its_budget_anew(tmp_path: Path):
    rig = Rig(tmp_path, lambda _request: fenced(RIGHT))
    conf = problem(budget={"calls": 4}).model_dump(mode="json")
    for generation in (0, 1):
        rig.stages.retrieve("solve_x", conf, generation=generation)
        asyncio.run(rig.stages.plan("solve_x", generation=generation))
        drawn = asyncio.run(rig.stages.code("solve_x", 1, generation=generation))
        assert (len(drawn.candidates), drawn.stopped) == (2, None)
    assert len(rig.chat.seen) == 6


def test_a_solve_of_yesterday_spends_todays_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rig = Rig(tmp_path, lambda _request: fenced(RIGHT), client_daily_tokens=100)
    conf = problem().model_dump(mode="json") | {"client": "c"}
    monkeypatch.setattr("calisota.ledger.ledger.today", lambda: "2026-01-01")
    rig.stages.retrieve("solve_x", conf)
    monkeypatch.setattr("calisota.ledger.ledger.today", lambda: "2026-01-02")
    asyncio.run(rig.stages.plan("solve_x"))
    drawn = asyncio.run(rig.stages.code("solve_x", 1))
    assert (rig.chat.seen, drawn.stopped) == ([], "budget")


def test_a_paid_fallback_is_reserved_at_its_price(tmp_path: Path):
    rig = Rig(
        tmp_path,
        lambda _request: fenced(RIGHT),
        llm_fallback_base_url="https://api.openai.com/v1",
        llm_fallback_model="gpt-4.1",
    )
    report = rig.solve(problem(budget={"usd": 0.0001}))
    assert report.verdict is Verdict.BUDGET_EXHAUSTED
    assert rig.chat.seen == []


def test_a_large_problem_comes_by_reference(tmp_path: Path):
    rig = Rig(tmp_path, lambda _request: fenced(RIGHT))
    ref = rig.store.put("solve_x", "posted", problem())
    rig.stages.retrieve("solve_x", {"problem_ref": ref.model_dump(), "statement": None})
    assert rig.stages.problem_of({"problem_ref": ref.model_dump()}) == problem()


def test_the_operators_limits_bind_a_solve_too(tmp_path: Path):
    rig = Rig(tmp_path, lambda _request: "", sandbox_max_wall_s=2)
    conf = {"statement": "s", "language": "python", "limits": {"memory_mb": 64}}
    lowered = rig.stages.problem_of(conf).limits
    assert (lowered.wall_s, lowered.memory_mb, lowered.cpu_s) == (2, 64, 5)
    with pytest.raises(InputError, match=r"limits\.wall_s: 3 is more than the 2 allowed here"):
        rig.stages.problem_of({**conf, "limits": {"wall_s": 3}})


def test_a_conf_that_is_no_problem_is_refused_in_words(tmp_path: Path):
    rig = Rig(tmp_path, lambda _request: "")
    with pytest.raises(InputError, match="statement: this field is required"):
        rig.stages.retrieve("solve_x", {"language": "python", "statement": None})


TWO_STEPS = "def add(a, b):\n    total = a + b\n    return total\n"


def two_ways(request: ChatRequest) -> str:
    return fenced(TWO_STEPS if request.temperature == 0 else RIGHT)


def prefers(*shorter: str) -> Callable[[str], str]:
    """A critic that names one of two programs; `shorter`: what it says where that is shown first,
    and where it is shown second."""

    def critic(prompt: str) -> str:
        if "You choose between" not in prompt:
            return CRITIQUE
        at_first = prompt.index("return a + b") < prompt.index("return total")
        return json.dumps({"why": "shorter", "better": shorter[0 if at_first else 1]})

    return critic


def test_of_two_programs_that_do_the_same_the_one_preferred_in_both_orders_is_handed_out(
    tmp_path: Path,
):
    rig = Rig(tmp_path, two_ways, llm_max_tokens=2000)
    rig.fixed[Route.CRITIC] = prefers("first", "second")
    report = rig.solve(problem())
    assert report.code == RIGHT
    assert report.verdict is Verdict.VERIFIED, "no preference changes what is claimed"
    assert len(rig.prompts(Route.CRITIC)) == 3
    assert report.usage_by_route[Route.CRITIC].calls == 3
    assert len(report.decisions) == 1


@pytest.mark.parametrize("said", [("first", "first"), ("second", "second"), ("neither", "neither")])
def test_a_critic_that_leans_to_a_place_changes_nothing(tmp_path: Path, said: tuple[str, str]):
    rig = Rig(tmp_path, two_ways, llm_max_tokens=2000)
    rig.fixed[Route.CRITIC] = prefers(*said)
    assert rig.solve(problem()).code == TWO_STEPS


@pytest.mark.parametrize("settings", [{"without": "critic"}, {"llm_max_tokens": 256}])
def test_nobody_is_asked_to_prefer_where_no_critic_can(tmp_path: Path, settings: dict[str, object]):
    rig = Rig(tmp_path, two_ways, **{"llm_max_tokens": 2000} | settings)
    rig.fixed[Route.CRITIC] = prefers("first", "second")
    assert rig.solve(problem()).code == TWO_STEPS
    assert not any("You choose between" in prompt for prompt in rig.prompts(Route.CRITIC))


def test_a_finding_has_the_line_that_the_critic_quotes_and_only_that(tmp_path: Path):
    findings = [
        {"severity": "error", "message": "subtracts", "quote": "  return a - b"},
        {"severity": "error", "message": "reads a file", "quote": "open('x')"},
        {"severity": "info", "message": "no types", "quote": None},
    ]
    rig = Rig(
        tmp_path,
        lambda r: fenced(RIGHT if "is wrong" in r.messages[0].content else WRONG),
        llm_max_tokens=2000,
    )
    rig.fixed[Route.CRITIC] = json.dumps(
        {"score": 10, "findings": findings, "suggestions": [], "objections": []}
    )
    report = rig.solve(problem())
    critique = rig.stages.record(report.solve_id).rounds[0][1].critique
    assert critique is not None
    assert [found.line for found in critique.findings] == [2, None, None]
    repair_prompt = next(text for text in rig.prompts(Route.FAST) if "is wrong" in text)
    assert "`return a - b`: subtracts" in repair_prompt
    assert "reads a file" not in repair_prompt


def test_the_functions_of_a_large_program_reach_the_coder(tmp_path: Path):
    plan = json.loads(PLAN) | {"inputs": [], "functions": ["parse(text): the numbers in it"]}
    rig = Rig(tmp_path, lambda _request: fenced(RIGHT), llm_max_tokens=2000)
    rig.fixed[Route.SLOW] = json.dumps(plan)
    rig.solve(problem())
    direct, planned = rig.prompts(Route.FAST)
    assert "parse(text): the numbers in it" in planned
    assert "parse(text)" not in direct, "one program is written without the plan"


def test_after_the_coder_and_the_slow_model_the_frontier_model_writes(tmp_path: Path):
    def slow(prompt: str) -> str:
        return fenced(WRONG) if "one ```python code block" in prompt else PLAN

    rig = Rig(tmp_path, lambda _request: "I cannot.", llm_model_frontier="large")
    rig.fixed |= {Route.SLOW: slow, Route.FRONTIER: fenced(RIGHT)}
    report = rig.solve(problem(rounds=3))
    assert report.verdict is Verdict.VERIFIED
    assert report.code == RIGHT
    assert any(": escalate: " in line for line in report.decisions)
    assert report.usage_by_route[Route.FRONTIER].calls == 1
    assert report.usage == sum(report.usage_by_route.values(), type(report.usage)())
