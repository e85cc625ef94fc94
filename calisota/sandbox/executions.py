"""One ExecutionRequest in the sandbox: planned as a candidate is, judged by the same judge.

Safety: what the judge's own docstring says of tests holds here. A plain run expects nothing, so
its `accepted` says only that the program ended with exit code 0 within its limits.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from calisota.errors import InputError
from calisota.models import ExecutedTest, ExecutionRequest, ExecutionResult, Outcome
from calisota.models.execution import worst
from calisota.models.executions import MAX_OUTPUT_BYTES
from calisota.sandbox.cells import plan_candidate
from calisota.sandbox.checker import plan_checks, with_checks
from calisota.sandbox.container import SOLVE_LABEL
from calisota.sandbox.images import image_tag
from calisota.sandbox.judge import judge
from calisota.sandbox.maxima import within_maxima

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from calisota.models import Execution, ExecutionMatrix, TestResult
    from calisota.sandbox.cells import CandidatePlan
    from calisota.sandbox.judge import CandidateRun
    from calisota.settings import Settings

OUT_OF_TIME = "the time for the whole execution ran out"


class RunsPlans(Protocol):
    """What executes: `calisota.sandbox.engine.DockerSandbox`, or a fake."""

    def execute(
        self,
        plan: CandidatePlan,
        *,
        labels: Mapping[str, str],
        wall_s: float,
        on_cell: Callable[[int, Execution], None] | None = None,
        while_waiting: Callable[[], None] | None = None,
        cut_short: bool = False,
    ) -> CandidateRun:
        """What was measured of `plan`, in one fresh container."""
        ...

    def remove(self, solve_id: str, candidate_id: str | None = None) -> int:
        """How many containers with this label were removed."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


def admit(request: ExecutionRequest, settings: Settings) -> ExecutionRequest:
    """`request` within the operator's limits; a limit it does not name is lowered to them.

    Raises: InputError: a limit it names is beyond; each is in the message with its maximum.
    """
    lowered = within_maxima(request.limits, settings)
    admitted = request.model_copy(update={"limits": lowered})
    refuse_output([admitted])
    return admitted


def refuse_output(requests: list[ExecutionRequest]) -> None:
    """Nothing. Raises: InputError: together they may write more than can be held and returned."""
    wanted = sum(request.output_bytes for request in requests)
    if wanted > MAX_OUTPUT_BYTES:
        raise InputError(
            f"All processes together may write {wanted >> 20} MiB; at most "
            f"{MAX_OUTPUT_BYTES >> 20} MiB are returned.",
            remedy="lower limits.output_kb, or send fewer runs at once.",
        )


def run_execution(
    request: ExecutionRequest,
    sandbox: RunsPlans,
    *,
    execution_id: str,
    settings: Settings,
    wall_s: float,
    on_cell: Callable[[int, Execution], None] | None = None,
    while_waiting: Callable[[], None] | None = None,
) -> ExecutionResult:
    """What came of an admitted `request`; `execution_id` labels its containers.

    All of it takes at most `wall_s` seconds, and what the start of a container takes; a build may
    end after that. For `on_cell` and `while_waiting` see `DockerSandbox.execute`.
    Raises: EngineUnavailable: try again. ImageMissing: run `calisota setup`. InputError: the files
        cannot lie together.
    """
    problem = request.problem()
    plan = plan_candidate(problem, request.source, tmpfs_mb=settings.sandbox_tmpfs_mb)
    labels = {SOLVE_LABEL: execution_id}
    began = time.monotonic()

    def waiting() -> None:
        nonlocal began
        if while_waiting is not None:
            while_waiting()
        began = time.monotonic()

    run = sandbox.execute(
        plan,
        labels=labels,
        wall_s=wall_s,
        on_cell=on_cell,
        while_waiting=waiting,
        cut_short=True,
    )
    took = time.monotonic() - began
    asked = plan_checks(problem, run.cells, tmpfs_mb=settings.sandbox_tmpfs_mb)
    if asked is not None:
        numbers, checks = asked
        checked = sandbox.execute(
            checks,
            labels=labels,
            wall_s=max(wall_s - took, 0),
            while_waiting=waiting,
            cut_short=True,
        )
        took += time.monotonic() - began
        run = with_checks(run, numbers, checked)
    matrix = judge(
        problem,
        run,
        candidate_id=execution_id,
        image=image_tag(request.language, settings),
        wall_s=took,
    )
    return _result(request, run, matrix)


def decoded(output: bytes) -> str:
    r"""The text of `output`; a byte that is no UTF-8 becomes `\xff`, all else stays as it is."""
    return output.decode(errors="backslashreplace")


def _result(
    request: ExecutionRequest, run: CandidateRun, matrix: ExecutionMatrix
) -> ExecutionResult:
    judged = [_without_expectation(test) if request.plain else test for test in matrix.tests]
    tests = [
        _executed(test, run, run.cells[number] if number < len(run.cells) else None)
        for number, test in enumerate(judged)
    ]
    build = None if run.build is None else decoded(run.build.stderr)
    return ExecutionResult(
        outcome=worst([test.outcome for test in tests]),
        tests=tests,
        build_stderr=build or None,
        image=matrix.image,
        wall_s=round(matrix.wall_s, 6),
        language=request.language,
    )


def _without_expectation(test: TestResult) -> TestResult:
    """A plain run's result: where no answer was expected, none is wrong."""
    if test.outcome is not Outcome.WRONG_ANSWER:
        return test
    return test.model_copy(update={"outcome": Outcome.ACCEPTED, "detail": None})


def _executed(test: TestResult, run: CandidateRun, cell: Execution | None) -> ExecutedTest:
    """The judge's result with the whole output, which it keeps only in part."""
    fields = test.model_dump(include=set(ExecutedTest.model_fields))
    if cell is not None:
        fields |= {"stdout": decoded(cell.stdout), "stderr": decoded(cell.stderr)}
    elif test.outcome is Outcome.NOT_RUN and run.out_of_time:
        fields["detail"] = OUT_OF_TIME
    return ExecutedTest(**fields)
