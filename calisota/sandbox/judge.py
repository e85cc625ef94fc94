"""The judge: what the runner measured becomes Outcomes. Pure, on the host, total.

Safety: an answer counts only as data that came out of the container, so a candidate that prints a
pass marker, ends early or patches its own process wins nothing on call and stdio tests.
Not covered: `code` tests and suites, which run in the candidate's process and are marked
cooperative; a candidate that knows the expected answers and returns them from a table.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from pydantic import Field

from calisota.models import (
    CallTest,
    CodeTest,
    Compare,
    Execution,
    ExecutionMatrix,
    Frozen,
    Outcome,
    SuiteTest,
    TestResult,
)
from calisota.models.execution import worst
from calisota.sandbox.answers import answer_of
from calisota.sandbox.cells import MAX_VALUE_BYTES
from calisota.sandbox.compare import (
    NotStrictJson,
    decode_strict,
    one_line,
    output_difference,
    same_output,
    same_value,
    value_difference,
)
from calisota.sandbox.suites import reported
from calisota.sandbox.weak_types import read_as
from calisota.text import printable

if TYPE_CHECKING:
    from pydantic import JsonValue

    from calisota.models import Language, Problem, StdioTest
    from calisota.models.problem import Limits

MAX_TEXT = 2000
MAX_DETAIL = 300


class CandidateRun(Frozen):
    """What the runner sent back for one candidate."""

    build: Execution | None = None
    cells: list[Execution] = Field(default_factory=list)
    """In the order of the tests; without tests, the one cell that loads the candidate, if any."""
    checks: dict[int, Execution] = Field(default_factory=dict)
    """Test number -> what the Problem's checker came to, where one was asked."""
    cells_planned: int
    fault: str | None = None
    """Why the sandbox itself stopped before all cells ran."""
    out_of_time: bool = False
    """The Solve's wall budget ended first."""
    stopped: bool = False
    """Enough was seen; the rest was not to run."""


def judge(
    problem: Problem, run: CandidateRun, *, candidate_id: str, image: str, wall_s: float
) -> ExecutionMatrix:
    """The matrix: every test of the Problem has its result, in order; a missing one is not a pass.

    Without tests the outcome says whether the candidate builds and loads.
    """
    build = None if run.build is None else _build_failure(run.build)
    if build is not None:
        outcome, detail = build
        tests = [_not_judged(problem, n, outcome, detail) for n in range(len(problem.tests))]
    else:
        tests = [_result(problem, run, number) for number in range(len(problem.tests))]
        outcome = worst([test.outcome for test in tests]) if tests else _loads(problem, run)
    return ExecutionMatrix(
        candidate_id=candidate_id,
        outcome=outcome,
        build_stderr=_complaint(run, failed=outcome is not Outcome.ACCEPTED),
        tests=tests,
        image=image,
        wall_s=wall_s,
        cpu_s=_cpu_s(run),
    )


def _cpu_s(run: CandidateRun) -> float:
    """Of everything that was measured; a checker that does not build is the word on each test."""
    checks = {id(check): check for check in run.checks.values()}.values()
    return sum(one.cpu_s for one in (run.build, *run.cells, *checks) if one is not None)


def no_program(problem: Problem, detail: str, *, candidate_id: str, image: str) -> ExecutionMatrix:
    """The matrix of a candidate that cannot be run, and `detail` why: nothing was."""
    numbers = range(len(problem.tests))
    return ExecutionMatrix(
        candidate_id=candidate_id,
        outcome=Outcome.COMPILE_ERROR,
        build_stderr=detail,
        tests=[_not_judged(problem, n, Outcome.COMPILE_ERROR, detail) for n in numbers],
        image=image,
        wall_s=0,
        cpu_s=0,
    )


def judge_test(
    problem: Problem, number: int, execution: Execution, check: Execution | None = None
) -> TestResult:
    """The result of test `number` (from 0); `check` is what the Problem's checker came to."""
    test = problem.tests[number]
    cases = None
    if isinstance(test, SuiteTest):
        cases = reported(problem.language, execution)
        outcome, detail = _suite(test, cases, execution, problem.limits)
    else:
        failure = _failure(execution, problem.limits)
        outcome, detail = failure or _answer(problem, test, execution, check)
    return TestResult(
        name=problem.test_name(number),
        outcome=outcome,
        detail=None if detail is None else _short(detail),
        cooperative=isinstance(test, CodeTest | SuiteTest),
        cpu_s=execution.cpu_s,
        wall_s=execution.wall_s,
        memory_bytes=execution.peak_bytes,
        exit_code=execution.exit_code,
        signal=execution.signal,
        stdout=shown(execution.stdout),
        stderr=shown(execution.stderr),
        answer=answer_of(test, execution, problem.language),
        cases=cases,
    )


def shown(output: bytes) -> str:
    """At most 2,000 characters of `output`, safe to show: its beginning and its end."""
    if len(output) > 2 * MAX_TEXT:
        output = output[:MAX_TEXT] + b"\n...\n" + output[-MAX_TEXT:]
    text = printable(output.decode(errors="backslashreplace"))
    if len(text) <= MAX_TEXT:
        return text
    half = MAX_TEXT // 2 - 3
    return f"{text[:half]}\n...\n{text[-half:]}"


def _build_failure(build: Execution) -> tuple[Outcome, str] | None:
    if build.exit_code == 0 and not (build.output_exceeded or build.timed_out):
        return None
    if build.output_exceeded:
        return Outcome.COMPILE_ERROR, "the build wrote too much"
    if build.timed_out:
        return Outcome.COMPILE_ERROR, "the build took too long"
    if build.out_of_memory:
        return Outcome.COMPILE_ERROR, "the build needed too much memory"
    return Outcome.COMPILE_ERROR, _error_line(build) or "the build failed"


def _error_line(build: Execution) -> str | None:
    """The first line that names an error; of a Python traceback, which has none, the last."""
    lines = build.stderr.decode(errors="backslashreplace").strip().splitlines()
    named = (line for line in lines if " error: " in line)
    return next(named, lines[-1] if lines else None)


def _complaint(run: CandidateRun, *, failed: bool) -> str | None:
    """What a repair needs to see where no test says it: the compiler's or the import's words."""
    if run.build is not None:
        failure = _build_failure(run.build)
        words = shown(run.build.stderr)
        if failure is not None and (run.build.exit_code is None or not words):
            return f"{failure[1]}\n{words}".strip()
        if words:
            return words
    loaded = run.cells[0] if run.cells and failed and run.cells_planned == 1 else None
    return shown(loaded.stderr) if loaded is not None and loaded.stderr else None


def _result(problem: Problem, run: CandidateRun, number: int) -> TestResult:
    if number < len(run.cells):
        return judge_test(problem, number, run.cells[number], run.checks.get(number))
    if run.fault is not None and number == len(run.cells):
        return _not_judged(problem, number, Outcome.INTERNAL_ERROR, run.fault)
    if run.stopped:
        detail = "an earlier test told enough"
    elif run.out_of_time:
        detail = "the Solve's time ran out"
    else:
        detail = "an earlier test ended the sandbox"
    return _not_judged(problem, number, Outcome.NOT_RUN, detail)


def _not_judged(problem: Problem, number: int, outcome: Outcome, detail: str) -> TestResult:
    return TestResult(
        name=problem.test_name(number),
        outcome=outcome,
        detail=_short(detail),
        cooperative=isinstance(problem.tests[number], CodeTest | SuiteTest),
    )


def _loads(problem: Problem, run: CandidateRun) -> Outcome:
    """The outcome without tests: the candidate builds and, where a cell loads it, loads."""
    if run.fault is not None:
        return Outcome.INTERNAL_ERROR
    if len(run.cells) < run.cells_planned:
        return Outcome.NOT_RUN
    for cell in run.cells:
        outcome, _ = _failure(cell, problem.limits) or _completed(cell)
        if outcome is not Outcome.ACCEPTED:
            return outcome
    return Outcome.ACCEPTED


def _failure(execution: Execution, limits: Limits) -> tuple[Outcome, str] | None:
    """The limit that was broken, or how the process failed; None: it ended well."""
    broken = _broken_limit(execution, limits)
    if broken is not None:
        return broken
    if execution.signal is not None:
        return Outcome.RUNTIME_ERROR, f"killed by {_signal_name(execution.signal)}"
    if execution.exit_code != 0:
        lines = execution.stderr.decode(errors="backslashreplace").strip().splitlines()
        code = f"exit code {execution.exit_code}"
        return Outcome.RUNTIME_ERROR, f"{code}: {lines[-1]}" if lines else code
    return None


def _broken_limit(execution: Execution, limits: Limits) -> tuple[Outcome, str] | None:
    """The first in precedence. Memory counts only with a SIGKILL: a child may die of it alone."""
    if execution.output_exceeded:
        if len(execution.value or b"") >= MAX_VALUE_BYTES:
            return Outcome.OUTPUT_LIMIT, "returned more than 1 MB"
        return Outcome.OUTPUT_LIMIT, f"wrote more than {limits.output_kb} kB"
    if execution.cpu_s > limits.cpu_s or execution.signal == signal.SIGXCPU:
        return Outcome.TIME_LIMIT, f"used more than {limits.cpu_s:g} s of CPU time"
    if execution.timed_out:
        return Outcome.TIME_LIMIT, f"ran longer than {limits.wall_s:g} s"
    if execution.out_of_memory and execution.signal == signal.SIGKILL:
        return Outcome.MEMORY_LIMIT, f"needed more than {limits.memory_mb} MB"
    return None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _answer(
    problem: Problem,
    test: CallTest | StdioTest | CodeTest,
    cell: Execution,
    check: Execution | None,
) -> tuple[Outcome, str | None]:
    if isinstance(test, CodeTest):
        return _completed(cell)
    if isinstance(test, CallTest):
        return _returned(test, cell, problem.language)
    if test.compare is Compare.CHECKER:
        return _checked(check)
    expected = test.stdout.encode()
    if same_output(expected, cell.stdout, test.compare):
        return Outcome.ACCEPTED, None
    return Outcome.WRONG_ANSWER, output_difference(expected, cell.stdout, test.compare)


def _checked(check: Execution | None) -> tuple[Outcome, str | None]:
    """What the checker says; one that breaks down decides nothing."""
    if check is None:
        return Outcome.INTERNAL_ERROR, "the checker did not run"
    word = _record(check.stdout) if check.exit_code == 0 and not check.output_exceeded else None
    accepted = word.get("accepted") if isinstance(word, dict) else None
    if not isinstance(word, dict) or not isinstance(accepted, bool):
        lines = check.stderr.decode(errors="backslashreplace").strip().splitlines()
        why = lines[-1] if lines else "it printed no proper answer"
        return Outcome.INTERNAL_ERROR, f"the checker itself failed: {why}"
    if accepted:
        return Outcome.ACCEPTED, None
    return Outcome.WRONG_ANSWER, str(word.get("detail") or "the checker refused the output")


def _suite(
    test: SuiteTest, cases: dict[str, bool], cell: Execution, limits: Limits
) -> tuple[Outcome, str | None]:
    """Accepted only if exactly the required tests were reported, all passed, with exit code 0."""
    broken = _broken_limit(cell, limits)
    if broken is not None:
        return broken
    if not cases or cell.signal is not None:
        return _failure(cell, limits) or (Outcome.RUNTIME_ERROR, "no test was reported")
    required = dict.fromkeys(test.suite.names)
    failed = [name for name in required if cases.get(name) is False]
    missing = [name for name in required if name not in cases]
    extra = [name for name in cases if name not in required]
    words = [
        f"{len(names)} {what}: {', '.join(names[:3])}"
        for what, names in (("failed", failed), ("not reported", missing), ("unexpected", extra))
        if names
    ]
    if words:
        passed = len(required) - len(failed) - len(missing)
        return Outcome.WRONG_ANSWER, f"{passed} of {len(required)} passed; {'; '.join(words)}"
    return _failure(cell, limits) or (Outcome.ACCEPTED, None)


def _completed(cell: Execution) -> tuple[Outcome, str | None]:
    if cell.value is None:
        return Outcome.RUNTIME_ERROR, "the program ended before the test did"
    record = _record(cell.value)
    if isinstance(record, dict) and record == {"completed": True}:
        return Outcome.ACCEPTED, None
    return Outcome.WRONG_ANSWER, "the call driver's record is damaged"


def _returned(test: CallTest, cell: Execution, language: Language) -> tuple[Outcome, str | None]:
    if cell.value is None:
        return Outcome.RUNTIME_ERROR, "the program ended before the call returned"
    record = _record(cell.value)
    if isinstance(record, str):
        return Outcome.WRONG_ANSWER, f"the value cannot be read: {record}"
    if record.keys() == {"unsupported"}:
        return Outcome.WRONG_ANSWER, f"returned what has no JSON form: {record['unsupported']}"
    if record.keys() != {"value"}:
        return Outcome.WRONG_ANSWER, "the call driver's record is damaged"
    got = read_as(test.returns, record["value"], language)
    if same_value(test.returns, got, test.compare):
        return Outcome.ACCEPTED, None
    return Outcome.WRONG_ANSWER, value_difference(test.returns, got)


def _record(value: bytes) -> dict[str, JsonValue] | str:
    """The driver's record, or in words why there is none."""
    try:
        record = decode_strict(value)
    except NotStrictJson as error:
        return str(error)
    return record if isinstance(record, dict) else "it is no record"


def _short(text: str) -> str:
    line = one_line(text[: 2 * MAX_DETAIL])
    return line if len(line) <= MAX_DETAIL else line[: MAX_DETAIL - 4] + " ..."
