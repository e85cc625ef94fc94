"""What the planner quoted from the statement, held against what programs do. Pure.

The planner names inputs whose answer the statement decides, and copies the words that decide it. It
sees no program, so where programs share a misreading it need not share it; but it errs too. So no
program is repaired to please it: its answers say whether agreement means anything, and which
program to show where there is none.
Source: tests of models count by the programs that pass them (CodeT, arXiv 2207.10397).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from calisota.agents.answers import number_in
from calisota.models import Outcome

if TYPE_CHECKING:
    from calisota.engine.standing import Standing
    from calisota.models import ExecutionMatrix, Problem, Question, Trials, Tried

ADMITTED_SHARE = 1 / 3
"""Of the programs by weight: an answer that fewer give is disputed, not admitted."""


class Dispute(Enum):
    """How the planner stands to programs that deny an answer of its."""

    NONE = "none"
    """They deny nothing; or it took back what it was asked about; or somebody overruled it."""
    OPEN = "open"
    """It was not asked again yet, or did not answer."""
    STANDS = "stands"
    """Asked twice more, it said the same."""


def same_answer(one: str | None, other: str | None, *, as_text: bool) -> bool:
    """Whether two answers are one. Of values 0 and 0.0 are; of what is printed only the same."""
    if one is None or other is None:
        return False
    if one == other or as_text:
        return one == other
    number = number_in(one)
    return number is not None and number == number_in(other)


def known_answers(problem: Problem, trials: Trials, matrix: ExecutionMatrix) -> int:
    """How many answers that no coder wrote a program gives: examples passed, quotations met."""
    as_text = problem.entry_point is None
    examples = sum(test.outcome is Outcome.ACCEPTED for test in matrix.examples)
    return examples + sum(
        same_answer(seen.answer, probe.expects, as_text=as_text)
        for probe, seen in zip(trials.inputs, matrix.observed, strict=False)
    )


def _given(s: Standing, one: Tried) -> dict[int, bool]:
    """Each input with an expected answer on which it ran: whether it gives that."""
    pairs = enumerate(zip(one.matrix.observed, s.state.expected, strict=False))
    return {
        number: same_answer(seen.answer, said, as_text=s.state.whole_programs)
        for number, (seen, said) in pairs
        if said is not None and seen.outcome is not Outcome.NOT_RUN
    }


def denied(s: Standing, one: Tried) -> list[int]:
    """The inputs on which it does not give the expected answer."""
    return [number for number, gives in _given(s, one).items() if not gives]


def admitted(s: Standing) -> set[int]:
    """The inputs whose expected answer enough of the programs give."""
    shares: dict[int, float] = {}
    for cluster in s.clusters:
        for number, gives in _given(s, s.by_id[cluster.members[0]]).items():
            shares[number] = shares.get(number, 0.0) + gives * cluster.share
    return {number for number, share in shares.items() if share >= ADMITTED_SHARE}


def gives(s: Standing, one: Tried, numbers: set[int]) -> int:
    """How many of these expected answers it gives."""
    return sum(given for number, given in _given(s, one).items() if number in numbers)


def dispute(s: Standing, one: Tried) -> Dispute:
    """How the planner stands to what `one` and its equals deny.

    One question decides for all: a planner that takes one answer back erred, and may elsewhere.
    """
    contrary = set(denied(s, one))
    if not contrary:
        return Dispute.NONE
    asked = [q for q in s.state.questions if q.about == "input" and q.number in contrary]
    left = [q for q in asked if not (q.binding and _does(s, one, q))]
    if any(q.held for q in left):
        return Dispute.STANDS
    decided = len(left) < len(asked) or any(q.held is False for q in left)
    return Dispute.NONE if decided else Dispute.OPEN


def _does(s: Standing, one: Tried, question: Question) -> bool:
    """Whether it answers what somebody who overrules the planner said."""
    observed = one.matrix.observed
    seen = observed[question.number].answer if question.number < len(observed) else None
    return same_answer(seen, question.said, as_text=s.state.whole_programs)
