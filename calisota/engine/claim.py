"""What a verdict claims, in words that say only what was proven."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.models import Outcome, Verdict

if TYPE_CHECKING:
    from calisota.models import ExecutionMatrix


_FIXED = {
    Verdict.CONSISTENT: "Independent programs agree on generated inputs; no test proved it.",
    Verdict.UNVERIFIED: "The program compiles. You gave no tests, so no more was proven.",
    Verdict.CANCELLED: "Cancelled: nothing is claimed.",
    Verdict.INTERNAL_ERROR: "A fault of ours ended the Solve: nothing is claimed.",
}


def claim_of(verdict: Verdict, matrix: ExecutionMatrix | None, *, confirmed: bool) -> str:
    """One or two sentences about `matrix`, the matrix of the program in the report.

    `confirmed`: the matrix is from a second clean run in a new container.
    """
    if verdict in _FIXED:
        return _FIXED[verdict]
    total = len(matrix.tests) if matrix else 0
    if verdict.solved:
        twice = "in two runs, each in a fresh container" if confirmed else "in one run"
        return f"The program passed {_all(total)} {twice}.{_caveats(matrix)}"
    end = "the rounds" if verdict is Verdict.FAILED else "the budget"
    if matrix is None:
        return f"No program was written before {end} ended."
    return (
        f"Not solved: when {end} ended, the best program passed {matrix.passed()} of {total} tests."
    )


def _all(total: int) -> str:
    return "the one test" if total == 1 else f"all {total} tests"


def _caveats(matrix: ExecutionMatrix | None) -> str:
    tests = matrix.tests if matrix else []
    text = ""
    hidden = sum(test.held_out and test.outcome is Outcome.ACCEPTED for test in tests)
    if hidden:
        text += f" {hidden} of them were never shown to a model."
    cooperative = sum(test.cooperative for test in tests)
    if cooperative:
        text += (
            f" {cooperative} ran inside the program's own process, so a hostile program could "
            "have forged them."
        )
    return text
