"""What the planner quoted from the statement, held against what programs do. Pure.

The planner names inputs whose answer the statement decides, and copies the words that decide it. It
sees no program, so where programs share a misreading it need not share it; but it errs too. So no
program is repaired to please it: its answers only say whether agreement means anything.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING

from calisota.models import Outcome

if TYPE_CHECKING:
    from calisota.engine.standing import Standing
    from calisota.models import ExecutionMatrix, Trials, Tried

ADMITTED_SHARE = 1 / 3
"""Of the programs by weight: what fewer give is disputed, not admitted.
Source: facts of CodeT and B4 (arXiv 2207.10397, 2409.08692): tests count by who passes them."""
PASSED_SHARE = 0.9
"""Of the admitted answers, that a program must give for agreement with others to count."""


class Dispute(Enum):
    """How the planner stands to programs that deny an answer of its."""

    NONE = "none"
    """They deny nothing, or asked again it did not say the same."""
    OPEN = "open"
    """It was not asked again yet."""
    STANDS = "stands"
    """Asked twice more, it said the same."""


def same_answer(one: str | None, other: str | None) -> bool:
    """Whether two answers are one; 0 and 0.0 are."""
    if one is None or other is None:
        return False
    return one == other or (_number(one) is not None and _number(one) == _number(other))


def _number(text: str) -> float | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def known_answers(trials: Trials, matrix: ExecutionMatrix) -> int:
    """How many answers that no coder wrote a program gives: examples passed, quotations met."""
    examples = sum(test.outcome is Outcome.ACCEPTED for test in matrix.examples)
    pairs = zip(trials.inputs, matrix.observed, strict=False)
    return examples + sum(same_answer(seen.answer, probe.expects) for probe, seen in pairs)


def _given(s: Standing, one: Tried) -> dict[int, bool]:
    """Each input with an expected answer on which it ran: whether it gives that."""
    pairs = enumerate(zip(one.matrix.observed, s.state.expected, strict=False))
    return {
        number: same_answer(seen.answer, said)
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


def gives_admitted(s: Standing, one: Tried) -> bool:
    """Whether it gives enough of the answers that are admitted."""
    given = _given(s, one)
    wanted = [given[number] for number in admitted(s) if number in given]
    return sum(wanted) >= PASSED_SHARE * len(wanted)


def dispute(s: Standing, one: Tried) -> Dispute:
    """How the planner stands to what `one` and its equals deny.

    One question decides for all: a planner that takes one answer back erred, and may elsewhere.
    """
    contrary = set(denied(s, one))
    if not contrary:
        return Dispute.NONE
    asked = [q for q in s.state.questions if q.about == "input" and q.number in contrary]
    if not asked:
        return Dispute.OPEN
    last = asked[-1]
    held = same_answer(last.said, s.state.expected[last.number])
    return Dispute.STANDS if held else Dispute.NONE
