"""A sandbox that runs our own Python programs in this process: for tests of what stands on it."""

import contextlib
import io
import json
from collections.abc import Callable, Sequence

from calisota.models import (
    CallTest,
    Candidate,
    CodeTest,
    ExecutionMatrix,
    Observation,
    Outcome,
    Problem,
    Test,
    TestResult,
)
from calisota.models.execution import worst
from calisota.sandbox.compare import canonical_value, same_value


class InProcessSandbox:
    """Runs programs that a test wrote itself; nothing else may come near it."""

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
        scope: dict[str, object] = {}
        build: str | None = None if candidate.source else "the model's answer held no program"
        try:
            exec(candidate.source or "", scope)  # noqa: S102  # our own
        except Exception as error:  # noqa: BLE001  # a program may raise anything
            build = repr(error)
        tests = [
            TestResult(name=problem.test_name(n), outcome=Outcome.COMPILE_ERROR)
            if build
            else _result(problem, n, test, scope)
            for n, test in enumerate(problem.tests)
        ]
        failed = Outcome.COMPILE_ERROR if build else Outcome.ACCEPTED
        return ExecutionMatrix(
            candidate_id=candidate.id,
            outcome=worst([test.outcome for test in tests]) if tests else failed,
            build_stderr=build,
            tests=tests,
            image="in process",
            wall_s=0,
        )


def _result(problem: Problem, number: int, test: Test, scope: dict[str, object]) -> TestResult:
    name = problem.test_name(number)
    stderr = io.StringIO()
    try:
        with contextlib.redirect_stderr(stderr):
            if isinstance(test, CodeTest):
                exec(test.code, dict(scope))  # noqa: S102  # our own
                return TestResult(name=name, outcome=Outcome.ACCEPTED)
            assert isinstance(test, CallTest)
            value = scope[problem.entry_point or ""](*test.call.args)  # type: ignore[operator]
        got = json.loads(json.dumps(value))
    except Exception as error:  # noqa: BLE001  # a program may raise anything
        failed = Outcome.RUNTIME_ERROR
        return TestResult(name=name, outcome=failed, detail=repr(error), stderr=stderr.getvalue())
    right = same_value(test.returns, got, test.compare)
    return TestResult(
        name=name,
        outcome=Outcome.ACCEPTED if right else Outcome.WRONG_ANSWER,
        detail=None if right else f"expected {test.returns}, got {got}",
        stderr=stderr.getvalue(),
        answer=canonical_value(got, weak=False),
    )
