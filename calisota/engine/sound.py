"""Programs that pass every test, and whether the tests tell them apart. Pure.

Where two of them answer one input differently, one is wrong and no test says which: a mutant that
survives, and no made-up one. So the commonest behaviour is taken, and `verified` is not claimed.
Source: of programs that pass the visible tests the largest cluster (AlphaCode, arXiv 2203.07814).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.engine.behaviour import clusters_of, differing
from calisota.engine.quoted import admitted, gives
from calisota.models import Compare, Frozen
from calisota.sandbox.answers import is_digest
from calisota.sandbox.compare import (
    NotStrictJson,
    decode_strict,
    one_line,
    same_output,
    same_value,
)

if TYPE_CHECKING:
    from calisota.engine.standing import Standing
    from calisota.models import Tried

MAX_CHARS = 120
"""Of an input or an answer in a reason."""


class Dissent(Frozen):
    """A program that passes what another passes, and answers an input differently."""

    candidate_id: str
    asked: str
    """The shortest such input."""
    answers: tuple[str, str]
    """Of the other program, and of this one."""

    def words(self) -> str:
        """What is said of the other."""
        asked, own, its = (_short(text) for text in (self.asked, *self.answers))
        return (
            f"{self.candidate_id} passed them too and answers {asked} with {its}, this one with "
            f"{own}: a test of that input would decide"
        )


def sound(s: Standing) -> list[Tried]:
    """Of the programs that pass all tests and examples, those of the commonest behaviour.

    Oldest first, by weight; empty where nothing can prove anything.
    """
    passing = _passing(s)
    clusters = clusters_of(passing)
    if not clusters:
        return passing  # there is nothing to compare them on
    known = admitted(s)
    top = max(clusters, key=lambda c: c.share * (1 + gives(s, s.by_id[c.members[0]], known)))
    return [s.by_id[name] for name in top.members]


def dissent_from(s: Standing, one: Tried) -> Dissent | None:
    """Another program that passes all that `one` passes, where both answer and differ.

    A crash is no answer: a program may do as it likes with what the statement does not allow. Nor
    do answers differ that one of the client's ways to compare takes for the same.
    """
    found = [
        Dissent(
            candidate_id=other.candidate_id,
            asked=s.state.inputs[number],
            answers=(own, its),
        )
        for other in _passing(s)
        for number in differing(one, other)
        if (own := one.matrix.observed[number].answer) is not None
        and (its := other.matrix.observed[number].answer) is not None
        and not _may_both_be_right(s, own, its)
    ]
    return min(found, key=lambda dissent: len(dissent.asked), default=None)


def _passing(s: Standing) -> list[Tried]:
    if not s.tested:
        return []
    return [
        o
        for o in s.built
        if s.passes_visible(o) and s.passes_held_out(o) and not o.leaked and s.passes_examples(o)
    ]


def _may_both_be_right(s: Standing, one: str, other: str) -> bool:
    ways = {Compare.FLOAT, *s.state.compares}
    if Compare.CHECKER in ways or is_digest(one) or is_digest(other):
        return True
    return any(_same(one, other, how, as_text=s.state.whole_programs) for how in ways)


def _same(one: str, other: str, how: Compare, *, as_text: bool) -> bool:
    if as_text:
        if how is Compare.UNORDERED:  # lines are not known any more
            return sorted(one.split()) == sorted(other.split())
        return same_output(one.encode(), other.encode(), how)
    try:
        return same_value(decode_strict(one.encode()), decode_strict(other.encode()), how)
    except NotStrictJson:
        return one == other


def _short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= MAX_CHARS else line[: MAX_CHARS - 1] + "…"
