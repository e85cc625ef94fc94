"""The input that is worth asking about. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.agents.prompts import CUT
from calisota.engine.behaviour import differing
from calisota.engine.consensus import alike
from calisota.engine.quoted import Dispute, denied, dispute
from calisota.models import Outcome, Question

if TYPE_CHECKING:
    from calisota.engine.standing import Standing
    from calisota.models import Tried

TIE = 0.34
"""Shares that are nearer than this are no majority: one candidate more or less would turn it."""
LEAST_SHARE = 0.3
"""Of each side of a disagreement. Source: ClarifyGPT's trigger, arXiv 2310.10996."""
SURE_MEMBERS = 3


def question_about_inputs(s: Standing) -> Question | None:
    """The shortest generated input on which the two largest clusters, nearly a tie, disagree."""
    if s.state.client_tests or len(s.clusters) < 2:  # noqa: PLR2004  # a disagreement
        return None
    first, second = s.clusters[:2]
    if first.share - second.share > TIE or second.share < LEAST_SHARE:
        return None
    one, other = s.by_id[first.members[0]], s.by_id[second.members[0]]
    asked = {q.number for q in s.state.questions if q.about == "input"}
    found = [
        number
        for number in differing(one, other)
        if number not in asked
        and number < len(s.state.inputs)  # behind them are those of the critic
        and _answered(one, number)
        and _answered(other, number)
    ]
    if not found:
        return None
    number = min(found, key=lambda n: (len(s.state.inputs[n]), n))
    options = [one.matrix.observed[number].answer or "", other.matrix.observed[number].answer or ""]
    return Question(number=number, about="input", asked=s.state.inputs[number], options=options)


def _answered(one: Tried, number: int) -> bool:
    observed = one.matrix.observed
    return number < len(observed) and observed[number].answer is not None


def question_about_quoted(s: Standing) -> Question | None:
    """The shortest input on which programs that agree deny what the planner quoted; once."""
    found = alike(s)
    if not found or dispute(s, found[0]) is not Dispute.OPEN:
        return None
    one = found[0]
    named = [n for n in denied(s, one) if n < len(s.state.inputs)]
    whole = [n for n in named if not s.state.inputs[n].endswith(CUT)]
    if not whole:
        return None  # nobody can say what is right for an input that is not shown whole
    number = min(whole, key=lambda n: (len(s.state.inputs[n]), n))
    answers = (one.matrix.observed[number].answer, s.state.expected[number])
    return Question(
        number=number,
        about="input",
        asked=s.state.inputs[number],
        options=[answer for answer in answers if answer is not None],
    )


def question_that_stands(s: Standing) -> Question | None:
    """What the planner went on saying when it was asked again, though programs agree against it."""
    found = alike(s)
    if not found or dispute(s, found[0]) is not Dispute.STANDS:
        return None
    contrary = denied(s, found[0])
    held = (q for q in s.state.questions if q.held and q.about == "input" and q.number in contrary)
    return next(held, None)


def question_about_tests(s: Standing) -> Question | None:
    """A visible test that all programs agree against, though they pass the others."""
    running = [one for one in s.built if one.matrix.tests]
    if len(running) < SURE_MEMBERS or len({one.brief.family for one in running}) < 2:  # noqa: PLR2004
        return None
    asked = {q.number for q in s.state.questions if q.about == "test"}
    pairs = zip(running[0].matrix.tests, s.state.test_inputs, strict=False)
    for number, (test, asked_text) in enumerate(pairs):
        answers = {one.matrix.tests[number].answer for one in running}
        agreed = next(iter(answers)) if len(answers) == 1 else None
        wrong = all(o.matrix.tests[number].outcome is Outcome.WRONG_ANSWER for o in running)
        others = [
            other.outcome is Outcome.ACCEPTED
            for one in running
            for place, other in enumerate(one.matrix.tests)
            if place != number
        ]
        alone = agreed is not None and wrong and bool(others) and all(others)
        if alone and not test.held_out and number not in asked:
            return Question(number=number, about="test", asked=asked_text, options=[agreed or ""])
    return None
