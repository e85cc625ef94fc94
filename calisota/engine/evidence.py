"""Which tests a model may see, and which failures it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.models import CallTest, CodeTest, Language, Outcome, SuiteTest

if TYPE_CHECKING:
    from calisota.models import ExecutionMatrix, Problem, Test, Trials

HOLD_OUT_FROM = 6
HOLD_OUT_EVERY = 3
MAX_FAILURES = 3
MAX_FAILURE_CHARS = 600


def held_out(problem: Problem) -> frozenset[int]:
    """The tests no prompt ever quotes: each third one when there are six or more.

    By position, so that a step that runs again, here or on another host, holds out the same. Never
    a test that is compiled together with the program: the compiler quotes it in what it says, and
    that a model must see.
    """
    if len(problem.tests) < HOLD_OUT_FROM:
        return frozenset()
    every_third = range(HOLD_OUT_EVERY - 1, len(problem.tests), HOLD_OUT_EVERY)
    return frozenset(n for n in every_third if not _is_compiled(problem, problem.tests[n]))


def _is_compiled(problem: Problem, test: Test) -> bool:
    interpreted = problem.language in {Language.PYTHON, Language.PERL}
    return isinstance(test, CodeTest | SuiteTest) and not interpreted


def shown_tests(problem: Problem) -> frozenset[int]:
    """The tests a prompt may quote."""
    return frozenset(range(len(problem.tests))) - held_out(problem)


def mark_held_out(problem: Problem, matrix: ExecutionMatrix) -> ExecutionMatrix:
    """The same matrix with the held-out tests marked as such."""
    hidden = held_out(problem)
    tests = [
        test.model_copy(update={"held_out": number in hidden})
        for number, test in enumerate(matrix.tests)
    ]
    return matrix.model_copy(update={"tests": tests})


def failures_for_model(matrix: ExecutionMatrix) -> list[str]:
    """What went wrong, in lines for a prompt: the shortest failures of tests it may see.

    Held-out tests never appear. A program that does not build gives the compiler's first words.
    """
    if matrix.outcome is Outcome.COMPILE_ERROR and matrix.build_stderr:
        return [f"it does not compile: {_cut(matrix.build_stderr)}"]
    lines = [
        _cut(f"{test.outcome}: {test.detail or test.name}" + _tail(test.stderr))
        for test in (*matrix.tests, *matrix.examples)
        if not test.held_out and test.outcome is not Outcome.ACCEPTED
    ]
    return sorted(lines, key=len)[:MAX_FAILURES]


def smallest_failure(problem: Problem, trials: Trials, matrix: ExecutionMatrix) -> CallTest | None:
    """The shortest call of a Python function that failed, and that a model may see."""
    if problem.language is not Language.PYTHON or matrix.outcome is Outcome.COMPILE_ERROR:
        return None
    pairs = [
        *zip(problem.tests, matrix.tests, strict=False),
        *zip(trials.examples, matrix.examples, strict=False),
    ]
    traceable = {Outcome.WRONG_ANSWER, Outcome.RUNTIME_ERROR}
    failed = [
        test
        for test, result in pairs
        if isinstance(test, CallTest) and not result.held_out and result.outcome in traceable
    ]
    return min(failed, key=lambda test: len(test.call.model_dump_json()), default=None)


def _tail(stderr: str) -> str:
    lines = stderr.strip().splitlines()
    return f" ({lines[-1]})" if lines else ""


def _cut(text: str) -> str:
    text = text.strip()
    return text if len(text) <= MAX_FAILURE_CHARS else text[:MAX_FAILURE_CHARS] + " ..."
