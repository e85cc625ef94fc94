"""Programs that pass every test, and whether the tests tell them apart. Pure.

The planner names inputs that the statement allows. Where two programs that pass all tests answer
one of these differently, one is wrong and no test says which: a mutant that survives, and no
made-up one. So the weightiest behaviour is taken, and `verified` is not claimed. Changed inputs
say nothing here: the statement may not allow them, and there right programs differ.
Source: of programs that pass the visible tests the largest cluster (AlphaCode, arXiv 2203.07814).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.agents.prompts import CUT
from calisota.engine.behaviour import signature, weight_of
from calisota.engine.quoted import admitted, gives
from calisota.models import Compare, Frozen, Observation, Outcome
from calisota.sandbox.answers import is_digest
from calisota.sandbox.compare import (
    NotStrictJson,
    decode_strict,
    one_line,
    same_output,
    same_value,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from calisota.engine.standing import Standing
    from calisota.models import Tried

MAX_CHARS = 120
"""Of an input or an answer in words."""
_NOT_SEEN = {Outcome.NOT_RUN, Outcome.INTERNAL_ERROR}


class Dissent(Frozen):
    """A program that passes what another passes, and answers an input differently."""

    candidate_id: str
    asked: str
    """The input, as a person reads it; a long one is cut."""
    its: Observation
    """What this program did there; it has an answer."""
    own: Observation
    """What the program did there that is to be accepted."""

    @property
    def whole(self) -> bool:
        """Whether the input can be read whole."""
        return len(self.asked) <= MAX_CHARS and not self.asked.endswith(CUT)

    def words(self) -> str:
        """What speaks against the program to be accepted, "this one"; what is quoted is data."""
        its, own = (_shown(seen.answer) for seen in (self.its, self.own))
        how = f" with {its}" if its else ""
        if self.own.answer is None:
            how += f", on which this one ends as {self.own.outcome}"
        else:
            how = f"{how}, this one with {own}" if its and own else " otherwise"
        advice = ": a test of that input would decide" if self.whole else ""
        asked = _quoted(self.asked if self.whole else self.asked[:MAX_CHARS] + CUT)
        return f"{self.candidate_id} passed the same and answers {asked}{how}{advice}"


def sound(s: Standing) -> list[Tried]:
    """Of the programs that pass all tests and examples, those of the weightiest behaviour.

    The one to accept comes first. Empty where no test or person can prove anything.
    """
    groups = _groups(s, _passing(s))
    if not groups:
        return []
    known = admitted(s)
    top = max(groups, key=lambda group: weight_of(group) * (1 + gives(s, group[0], known)))
    one = max(top, key=lambda member: _seen(s, member))  # of equal ones the oldest
    others = [o for o in top if o is not one and signature(o) == signature(one)]
    return [one, *others]


def dissent_from(s: Standing, one: Tried) -> Dissent | None:
    """Another program that passes all that `one` passes, and answers where it fails, or differs.

    Of several the one with the shortest such input.
    """
    found = [
        Dissent(candidate_id=other.candidate_id, asked=s.state.inputs[number], its=its, own=own)
        for other in _passing(s)
        for number, own, its in _pairs(s, one, other)
        if its.answer is not None and _differ(s, own, its)
    ]
    return min(found, key=lambda dissent: (not dissent.whole, len(dissent.asked)), default=None)


def _passing(s: Standing) -> list[Tried]:
    if not s.tested:
        return []
    return [
        o
        for o in s.built
        if s.passes_visible(o) and s.passes_held_out(o) and not o.leaked and s.passes_examples(o)
    ]


def _groups(s: Standing, passing: Sequence[Tried]) -> list[list[Tried]]:
    """Programs that differ on no input that the planner named, by the oldest of each."""
    groups: list[list[Tried]] = []
    for one in passing:
        for group in groups:
            if not any(
                _differ(s, own, its) for member in group for _, own, its in _pairs(s, one, member)
            ):
                group.append(one)
                break
        else:
            groups.append([one])
    return groups


def _pairs(s: Standing, one: Tried, other: Tried) -> list[tuple[int, Observation, Observation]]:
    """What two programs did on each input of the planner's; both ran there."""
    seen = zip(one.matrix.observed, other.matrix.observed, s.state.inputs, strict=False)
    return [
        (number, own, its)
        for number, (own, its, _) in enumerate(seen)
        if number < s.state.planned and not {own.outcome, its.outcome} & _NOT_SEEN
    ]


def _seen(s: Standing, one: Tried) -> int:
    return len(_pairs(s, one, one))


def _differ(s: Standing, one: Observation, other: Observation) -> bool:
    """Whether one of the two is wrong, whatever is right; what cannot be told is no difference."""
    if one.answer is None or other.answer is None:
        # One that ended well may have an answer that is no value.
        silent = {o.outcome for o in (one, other) if o.answer is None}
        return one.answer != other.answer and Outcome.ACCEPTED not in silent
    return not _may_both_be_right(s, one.answer, other.answer)


def _may_both_be_right(s: Standing, one: str, other: str) -> bool:
    """Whether a way in which the client's tests compare takes the two for the same."""
    ways = set(s.state.compares) or {Compare.EXACT}
    if one == other or Compare.CHECKER in ways:
        return True
    if is_digest(one) or is_digest(other):
        return bool(ways & {Compare.FLOAT, Compare.UNORDERED})
    return any(_same(one, other, how, as_text=s.state.whole_programs) for how in ways)


def _same(one: str, other: str, how: Compare, *, as_text: bool) -> bool:
    if as_text:
        if how is Compare.UNORDERED:  # where a line ended is not known any more
            return sorted(one.split()) == sorted(other.split())
        pair = [text.encode(errors="backslashreplace") for text in (one, other)]
        return same_output(pair[0], pair[1], how)
    try:
        values = [decode_strict(text.encode(errors="backslashreplace")) for text in (one, other)]
    except NotStrictJson:
        return False
    return same_value(values[0], values[1], how)


def _shown(answer: str | None) -> str:
    """The answer quoted; empty: there is none, or it is too long to read."""
    if answer is None or is_digest(answer) or len(answer) > MAX_CHARS:
        return ""
    return _quoted(answer)


def _quoted(text: str) -> str:
    """On one line, and with no end but its own."""
    return f"`{one_line(text).replace('`', chr(39))}`"
