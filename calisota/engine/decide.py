"""`decide`: what happens after a round. Pure and total: the same state, the same decision.

The rules stand in their order; the first that applies decides. Execution decides, models propose:
no rule looks at a critic's score.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.agents.coder import NO_PROGRAM
from calisota.engine.behaviour import entropy
from calisota.engine.claim import DENIED, SPENT
from calisota.engine.consensus import agreed, alike
from calisota.engine.doubt import (
    question_about_inputs,
    question_about_quoted,
    question_about_tests,
    question_that_stands,
)
from calisota.engine.sound import dissent_from, sound
from calisota.engine.standing import Standing, passed
from calisota.models import Action, Decision, Outcome, Verdict

if TYPE_CHECKING:
    from calisota.models import SolveState, Tried

STRONG_TESTS = 3
"""Fewer different inputs than this, in tests that outside comparison decides, prove little."""
HELD_OUT_LOOKS = 2
"""So many candidates may be tried against the held-out tests before these are spent."""
BROKEN_SHARE = 0.2
INFRASTRUCTURE_RETRIES = 2
REPAIRS = 2
"""Of one line of programs. Source: two hold most of the gain (DDI, arXiv 2506.18403)."""

SCATTERED = 0.9
SCATTERED_FROM = 6
"""Candidates this many that behave in as many ways: the coder is guessing."""


def decide(state: SolveState) -> Decision:
    """The decision after `state.round`."""
    standing = Standing(state)
    for rule in _RULES:
        decision = rule(standing)
        if decision is not None:
            return decision
    return _stop(standing)


def _made(
    s: Standing, action: Action, reason: str, *, verdict: Verdict | None = None,
    of: Tried | None = None,
) -> Decision:  # fmt: skip
    kept = of or s.best
    return Decision(
        action=action,
        candidate_id=kept.candidate_id if kept else None,
        verdict=verdict,
        reason=reason,
    )


def _cancel(s: Standing) -> Decision | None:
    if not s.state.cancelled:
        return None
    return _made(s, Action.CANCEL, "the Solve was cancelled", verdict=Verdict.CANCELLED)


def _infrastructure(s: Standing) -> Decision | None:
    broken = [o for o in s.this_round if o.matrix.outcome is Outcome.INTERNAL_ERROR]
    if len(broken) <= BROKEN_SHARE * len(s.this_round):
        return None
    if s.state.infrastructure_retries < INFRASTRUCTURE_RETRIES and not s.state.settled:
        reason = f"the sandbox gave no result for {len(broken)} candidates: execute them again"
        return _made(s, Action.RETRY_INFRASTRUCTURE, reason)
    if len(broken) < len(s.this_round):
        return None
    reason = "the sandbox returned no result for any candidate"
    return _made(s, Action.STOP, reason, verdict=Verdict.INTERNAL_ERROR)


def rivals(state: SolveState) -> tuple[str, str] | None:
    """The candidate that is accepted, and another program that does the same on all that was run.

    None where there is no other, or nothing is accepted for what it does.
    """
    standing = Standing(state)
    equals = sound(standing) or agreed(standing)
    others = (one for one in equals if one.likeness != equals[0].likeness)
    other = next(others, None)
    return (equals[0].candidate_id, other.candidate_id) if other else None


def _accept_tested(s: Standing) -> Decision | None:
    """A candidate that passes the client's tests, the held-out ones and the examples."""
    found = sound(s)
    return _accept(s, _preferred(s, found)) if found else None


def _preferred(s: Standing, ones: list[Tried]) -> Tried:
    return next((one for one in ones if one.candidate_id == s.state.preferred), ones[0])


def _accept(s: Standing, one: Tried) -> Decision:
    tests = one.matrix.tests
    dissent = dissent_from(s, one)
    doubts = [dissent.words()] if dissent else []
    if not tests:
        return _weakly(s, one, f"{one.candidate_id} answers as was said when it was asked", doubts)
    if s.looks >= HELD_OUT_LOOKS:
        doubts.append(SPENT)
    asked = {
        text for text, test in zip(s.state.test_inputs, tests, strict=False) if not test.cooperative
    }
    reason = f"{one.candidate_id} passed all {len(tests)} tests"
    if len(asked) < STRONG_TESTS:
        return _weakly(s, one, f"{reason}, few or forgeable ones", doubts)
    if doubts:
        return _weakly(s, one, reason, doubts)
    return _made(s, Action.ACCEPT, reason, verdict=Verdict.VERIFIED, of=one)


def _weakly(s: Standing, one: Tried, reason: str, doubts: list[str]) -> Decision:
    words = f"{reason}, but {'; '.join(doubts)}" if doubts else reason
    made = _made(s, Action.ACCEPT, words, verdict=Verdict.VERIFIED_WEAK_TESTS, of=one)
    return made.model_copy(update={"doubts": doubts})


def _accept_consistent(s: Standing) -> Decision | None:
    """A candidate that independent others agree with on inputs that tell programs apart."""
    members = agreed(s)
    if not members:
        return None
    families, one = s.clusters[0].families, _preferred(s, members)
    reason = f"{len(members)} candidates of {families} briefs agree on {one.matrix.ran()} inputs"
    return _made(s, Action.ACCEPT, reason, verdict=Verdict.CONSISTENT, of=one)


def _accept_unproven(s: Standing) -> Decision | None:
    """Without a test or an input to compare on, another round would prove nothing either."""
    found = [o for o in s.built if s.passes_examples(o) and o.matrix.outcome is Outcome.ACCEPTED]
    if s.tested or not found or any(one.matrix.observed for one in found):
        return None
    one = s.best if s.best in found else found[0]
    reason = f"{one.candidate_id} builds; there is no test to prove more"
    return _made(s, Action.ACCEPT, reason, verdict=Verdict.UNVERIFIED, of=one)


def _contradiction(s: Standing) -> Decision | None:
    words = next(iter(s.state.contradictions), None)
    if words is None:
        refuted = next(
            (q for q in s.state.questions if q.about == "test" and q.said in q.options[:1]), None
        )
        if refuted is None:
            return None
        words = f"every program and the planner answer {refuted.said} to {refuted.asked}"
    return _made(s, Action.CONTRADICTION, words, verdict=Verdict.CONTRADICTORY_TESTS)


def _accept_at_last(s: Standing) -> Decision | None:
    """At the end, a program that passes the client's tests though something speaks against it."""
    if not (s.tested and _at_the_end(s)):
        return None
    for one in s.built:
        if s.state.client_tests and s.passes_visible(one) and s.passes_held_out(one):
            doubt = (
                "it seems to answer from a table"
                if one.leaked
                else "it fails the statement's examples"
            )
            return _weakly(s, one, f"{one.candidate_id} passed all tests", [doubt])
    return None


def _at_the_end(s: Standing) -> bool:
    return s.state.round >= s.state.max_rounds or _spent(s)


def _spent(s: Standing) -> bool:
    state = s.state
    return state.out_of_budget or (
        state.usage.tokens >= state.tokens_budget
        or state.usage.calls >= state.calls_budget
        or state.elapsed_s >= state.wall_budget_s
    )


def _budget(s: Standing) -> Decision | None:
    if not _spent(s):
        return None
    reason = "the budget allows no further call"
    return _made(s, Action.BUDGET, reason, verdict=Verdict.BUDGET_EXHAUSTED)


def _discriminate(s: Standing) -> Decision | None:
    """One question in each round, while the calls for it are left."""
    calls_left = s.state.calls_budget - s.state.usage.calls
    if s.state.asked or s.state.settled or calls_left <= 2:  # noqa: PLR2004  # it is asked twice
        return None
    question = question_about_tests(s) or question_about_quoted(s) or question_about_inputs(s)
    if question is None:
        return None
    reason = f"what is right for {question.asked}?"
    return _made(s, Action.DISCRIMINATE, reason).model_copy(update={"question": question})


def _clarify(s: Standing) -> Decision | None:
    """The planner found that the statement does not say, or says what no program does."""
    open_ones = [q for q in s.state.questions if q.about == "input" and q.said is None]
    question = open_ones[-1] if open_ones else question_that_stands(s)
    if question is None or s.state.on_ambiguous == "best_guess" or s.state.settled:
        return None
    if any(q.by == "person" and q.said is None for q in s.state.questions):
        return None  # nobody knew, or was there: the likeliest it is
    reason = f"the statement does not say what is right for {question.asked}"
    if question.held:
        reason = f"programs and planner read the statement differently for {question.asked}"
    if s.state.on_ambiguous == "fail" or not s.state.can_ask:
        made = _made(s, Action.STOP, reason, verdict=Verdict.NEEDS_CLARIFICATION)
    else:
        made = _made(s, Action.CLARIFY, reason)
    return made.model_copy(update={"question": question})


def _repair(s: Standing) -> Decision | None:
    if s.state.round >= s.state.max_rounds or not s.state.can_repair:
        return None
    broken = [one for one in s.state.tried if _repairable(s, one)]
    if not broken or s.best is None:
        return None
    one = max(broken, key=lambda o: (passed(o.matrix), s.share(o), o.round))
    total = len(one.matrix.tests) + len(one.matrix.examples)
    reason = f"{one.candidate_id} passed {passed(one.matrix)} of {total}: repair it"
    return _made(s, Action.REPAIR, reason, of=one)


def _repairable(s: Standing, one: Tried) -> bool:
    """Whether a model can be shown what went wrong, and the last repair changed something."""
    if _chain(s, one) >= REPAIRS or any(
        other.brief.repairs == one.candidate_id for other in s.state.tried
    ):
        return False
    parent = s.by_id.get(one.brief.repairs or "")
    if parent is not None and _failure(parent) == _failure(one):
        return False
    if one.matrix.outcome is Outcome.COMPILE_ERROR:
        return bool(one.matrix.build_stderr) and one.matrix.build_stderr != NO_PROGRAM
    visible = [test for test in one.matrix.tests if not test.held_out]
    return any(
        test.outcome not in {Outcome.ACCEPTED, Outcome.INTERNAL_ERROR, Outcome.NOT_RUN}
        for test in (*visible, *one.matrix.examples)
    )


def _chain(s: Standing, one: Tried) -> int:
    """How many repairs led to it."""
    length = 0
    found: Tried | None = one
    while found is not None and found.brief.repairs is not None and length <= REPAIRS:
        length += 1
        found = s.by_id.get(found.brief.repairs)
    return length


def _failure(one: Tried) -> tuple[object, ...]:
    """Equal for programs that fail in the same way."""
    results = (*one.matrix.tests, *one.matrix.examples)
    return (
        one.matrix.outcome,
        one.matrix.build_stderr,
        tuple((test.outcome, test.detail) for test in results if not test.held_out),
    )


def _widen(s: Standing) -> Decision | None:
    if s.state.round >= s.state.max_rounds:
        return None
    ways = len(s.clusters)
    scattered = len(s.built) >= SCATTERED_FROM and entropy(s.clusters) > SCATTERED and ways > 1
    hopeless = not any(s.passes_visible(o) and s.passes_examples(o) for o in s.built)
    denied = question_that_stands(s) is not None
    lost = hopeless or scattered or denied
    tired = {Action.WIDEN, Action.REPAIR} & set(s.state.actions) and lost
    if tired and Action.ESCALATE not in s.state.actions:
        return None
    if ways > 1 and not hopeless:
        return _made(s, Action.WIDEN, f"{ways} behaviours pass what there is: write more")
    if denied:
        return _made(s, Action.WIDEN, f"{DENIED}: write afresh")
    return _made(s, Action.WIDEN, "nothing worth repairing: write afresh")


def _escalate(s: Standing) -> Decision | None:
    if s.state.round >= s.state.max_rounds:
        return None
    return _made(
        s, Action.ESCALATE, "the coder goes on failing: the slow model explains and writes"
    )


def _stop(s: Standing) -> Decision:
    """The rounds are over."""
    best = s.best
    rounds = f"after {s.state.round} rounds" if s.state.round > 1 else "after one round"
    if best is not None and best in s.built and not s.tested and s.passes_examples(best):
        why = DENIED if alike(s) else "too few programs agree, or on too little,"
        reason = f"{best.candidate_id} runs, but {why} {rounds}"
        return _made(s, Action.ACCEPT, reason, verdict=Verdict.UNVERIFIED)
    return _made(s, Action.STOP, f"no candidate passed {rounds}", verdict=Verdict.FAILED)


_RULES = (
    _cancel,
    _infrastructure,
    _accept_tested,
    _accept_consistent,
    _accept_unproven,
    _contradiction,
    _accept_at_last,
    _budget,
    _discriminate,
    _clarify,
    _repair,
    _widen,
    _escalate,
)
