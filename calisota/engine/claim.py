"""What a verdict claims, in words that say only what was proven."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.models import Outcome, Verdict

if TYPE_CHECKING:
    from calisota.models import Decision, ExecutionMatrix, TestResult, TestStrength


SPENT = "other programs were tried on the held-out ones before it"
"""A doubt of a decision, after which held-out tests prove less."""
DENIED = "the planner reads the statement otherwise"
"""In the reason of a decision that agreement did not count."""

_FIXED = {
    Verdict.CANCELLED: "Cancelled: nothing is claimed.",
    Verdict.INTERNAL_ERROR: "A fault of ours ended the Solve: nothing is claimed.",
}


def claim_of(
    verdict: Verdict,
    matrix: ExecutionMatrix | None,
    *,
    confirmed: bool,
    decision: Decision,
    strength: TestStrength | None,
    agreement: float | None,
    inputs: int,
    unchecked: bool = False,
) -> str:
    """One to three sentences about `matrix`, the matrix of the program in the report.

    `confirmed`: the matrix is from a second clean run in a new container. `inputs`: how many
    generated inputs programs were compared on; what the critic added at the end is none.
    `unchecked`: too little is known to be right for agreement to count.
    """
    if verdict in _FIXED:
        return _FIXED[verdict]
    match verdict:
        case Verdict.CONTRADICTORY_TESTS:
            claim = f"The tests contradict each other or the statement: {decision.reason}"
        case Verdict.NEEDS_CLARIFICATION:
            claim = f"Nothing is claimed until it is clear what you want: {decision.reason}."
        case Verdict.UNVERIFIED:
            denied = DENIED in decision.reason
            claim = _unverified(matrix, agreement, inputs, unchecked=unchecked, denied=denied)
        case Verdict.CONSISTENT:
            claim = _consistent(matrix, agreement, inputs) + _strength(
                strength, "the inputs", answers=True
            )
        case Verdict.FAILED | Verdict.BUDGET_EXHAUSTED:
            claim = _not_solved(verdict, matrix)
        case _:
            claim = _passed(matrix, decision, confirmed=confirmed)
            claim += _strength(strength, "the tests")
    return claim


def _passed(matrix: ExecutionMatrix | None, decision: Decision, *, confirmed: bool) -> str:
    total = len(matrix.tests) if matrix else 0
    twice = "in two runs, each in a fresh container" if confirmed else "in one run"
    what = f"passed {_all(total)}" if total else "answers as was said when it was asked,"
    return f"The program {what} {twice}.{_caveats(matrix, decision)}"


def _not_solved(verdict: Verdict, matrix: ExecutionMatrix | None) -> str:
    end = "the rounds" if verdict is Verdict.FAILED else "the budget"
    if matrix is None:
        return f"No program was written before {end} ended."
    results = [*matrix.tests, *matrix.examples]
    what = "tests" if matrix.tests else "examples of the statement"
    return (
        f"Not solved: when {end} ended, the best program passed "
        f"{_accepted(results)} of {len(results)} {what}."
    )


def _unverified(
    matrix: ExecutionMatrix | None,
    agreement: float | None,
    inputs: int,
    *,
    unchecked: bool,
    denied: bool,
) -> str:
    if matrix is None or matrix.outcome is not Outcome.ACCEPTED:
        return "The program runs. You gave no tests, so no more was proven."
    examples = len(matrix.examples)
    text = "The program compiles."
    if examples:
        text = f"The program passes {_examples(examples)}."
    text += " You gave no tests, so no more was proven."
    if agreement is not None and inputs:
        why = ": too few, or inputs that tell too little"
        if unchecked:
            why = ", but what the statement says tells it from too few programs near it"
        elif denied:
            why = f", but {DENIED}"
        text += (
            f" {agreement:.0%} of the programs{_such(examples)}, by weight, agree with it on "
            f"{inputs} generated inputs{why}."
        )
    return text


def _consistent(matrix: ExecutionMatrix | None, agreement: float | None, inputs: int) -> str:
    share = "" if agreement is None else f" ({agreement:.0%} by weight)"
    examples = len(matrix.examples) if matrix else 0
    such = f"Independent programs{_such(examples)} agree{share} on {inputs} generated inputs"
    text = f"{such}; no test proved it."
    return f"{text} It passes {_examples(examples)}." if examples else text


def _such(examples: int) -> str:
    return " that pass the examples" if examples else ""


def _examples(count: int) -> str:
    return "the one example" if count == 1 else f"all {count} examples of the statement"


def _all(total: int) -> str:
    return "the one test" if total == 1 else f"all {total} tests"


def _accepted(results: list[TestResult]) -> int:
    return sum(test.outcome is Outcome.ACCEPTED for test in results)


def _caveats(matrix: ExecutionMatrix | None, decision: Decision) -> str:
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
    return text + "".join(f" But {doubt}." for doubt in decision.doubts)


def _strength(strength: TestStrength | None, what: str, *, answers: bool = False) -> str:
    if strength is None or strength.mutants == 0:
        return ""
    text = f" Of {strength.mutants} small changes to it, {what} notice {strength.told_apart}"
    if answers:
        text += f", what the statement says {strength.by_answers}"
    left = f"; the budget did not allow {strength.not_run} to run" if strength.not_run else ""
    return f"{text}{left}."
