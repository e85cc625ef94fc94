"""`decide`: what happens after a round. Pure and total: the same state, the same decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.models import Decision, Outcome, Verdict

if TYPE_CHECKING:
    from calisota.models import ExecutionMatrix, SolveState

# Fewer tests than this that only outside comparison decided are called weak. A count is a poor
# measure of a test suite; mutation of the accepted program is the better one to come.
STRONG_TESTS = 3


def decide(state: SolveState) -> Decision:
    """The decision after `state.round`: the first rule that applies.

    In order: accept on the client's tests, accept what builds when there are none, stop for
    a broken sandbox, stop out of budget, stop after the last round, repair the best, widen.
    """
    best = best_candidate(state.matrices)
    if best is not None and best.outcome is Outcome.ACCEPTED:
        return _accept(best, has_tests=state.has_tests)
    best_id = best.candidate_id if best else None
    stop = _reason_to_stop(state)
    if stop is not None:
        verdict, reason = stop
        return Decision(action="stop", candidate_id=best_id, verdict=verdict, reason=reason)
    if best is not None and _repairable(best):
        return Decision(
            action="repair",
            candidate_id=best_id,
            verdict=None,
            reason=f"{best_id} passed {best.passed()} of {len(best.tests)}: repair it",
        )
    return Decision(
        action="widen",
        candidate_id=best_id,
        verdict=None,
        reason="nothing worth repairing: write afresh",
    )


def best_candidate(matrices: list[ExecutionMatrix]) -> ExecutionMatrix | None:
    """The candidate to keep: accepted first, then most tests passed, then the earliest.

    None when there is no candidate at all.
    """
    return max(
        matrices,
        key=lambda matrix: (
            matrix.outcome is Outcome.ACCEPTED,
            matrix.passed(),
            matrix.outcome is not Outcome.COMPILE_ERROR,
        ),
        default=None,
    )


def _accept(best: ExecutionMatrix, *, has_tests: bool) -> Decision:
    if not has_tests:
        verdict = Verdict.UNVERIFIED
        reason = f"{best.candidate_id} compiles; there is no test to prove more"
    elif sum(not test.cooperative for test in best.tests) >= STRONG_TESTS:
        verdict = Verdict.VERIFIED
        reason = f"{best.candidate_id} passed all {len(best.tests)} tests"
    else:
        verdict = Verdict.VERIFIED_WEAK_TESTS
        reason = f"{best.candidate_id} passed all {len(best.tests)} tests, few or forgeable ones"
    return Decision(action="accept", candidate_id=best.candidate_id, verdict=verdict, reason=reason)


def _reason_to_stop(state: SolveState) -> tuple[Verdict, str] | None:
    outcomes = {matrix.outcome for matrix in state.matrices}
    if outcomes == {Outcome.INTERNAL_ERROR}:
        return Verdict.INTERNAL_ERROR, "the sandbox returned no result for any candidate"
    spent = state.out_of_budget or (
        state.usage.tokens >= state.tokens_budget
        or state.usage.calls >= state.calls_budget
        or state.elapsed_s >= state.wall_budget_s
    )
    if spent:
        return Verdict.BUDGET_EXHAUSTED, "the budget allows no further call"
    if state.round >= state.max_rounds:
        return Verdict.FAILED, f"no candidate passed after {state.round} rounds"
    return None


def _repairable(best: ExecutionMatrix) -> bool:
    """Whether a model can be shown what went wrong: a failure of a test it may see."""
    if best.outcome is Outcome.COMPILE_ERROR:
        return bool(best.build_stderr)
    return any(not test.held_out and test.outcome is not Outcome.ACCEPTED for test in best.tests)
