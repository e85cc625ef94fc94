"""Mutants of a program: what it would be with one small fault in it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pydantic import Field

from calisota.engine.mutation_sites import MutationSites
from calisota.models import Frozen, Language
from calisota.models.python_source import parse_python
from calisota.rag.grammars import parser_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from calisota.engine.mutation_sites import Edit

MAX_SHOWN_CHARS = 80
_CHOICE = 16
"""Among so many next edits of a kind, the one on the line that was taken least comes first."""


class Mutant(Frozen):
    """A program that differs from the original in one place."""

    id: str = Field(pattern=r"^m\d+$")
    line: int = Field(ge=1)
    before: str
    after: str
    """What stood there and what stands there now, with a little around it; cut, not for running."""
    source: str
    """The whole program."""


def mutants_of(
    source: str, language: Language, *, limit: int, entry_point: str | None = None
) -> list[Mutant]:
    """At most `limit` mutants in source order, spread over the kinds of fault and over the lines.

    The same ones every time, no two alike, none like the original. Each parses as well as the
    original did; that it compiles, or behaves otherwise, only running it can tell. With an entry
    point, what calls of it do not reach is left as it is: Python's main guard, and functions
    whose names it never needs. A text that does not parse has no mutants.
    """
    try:
        text = source.encode()
    except UnicodeEncodeError:  # a lone surrogate: no file can hold it
        return []
    if not _parses(text, language):
        return []
    chosen: dict[bytes, Edit] = {}
    for edit in _spread(sorted(set(MutationSites(text, language, entry_point).edits()))):
        if len(chosen) >= limit:
            break
        mutated = text[: edit.start] + edit.text + text[edit.end :]
        if mutated != text and mutated not in chosen and _parses(mutated, language):
            chosen[mutated] = edit
    ordered = sorted(chosen.items(), key=lambda item: item[1])
    return [_mutant(number, text, *item) for number, item in enumerate(ordered)]


def _mutant(number: int, text: bytes, mutated: bytes, edit: Edit) -> Mutant:
    start, end = edit.around
    if end - start > MAX_SHOWN_CHARS:
        start, end = edit.start, edit.end
    return Mutant(
        id=f"m{number}",
        line=edit.line,
        before=_shown(text[start:end]),
        after=_shown(mutated[start : end + len(mutated) - len(text)]),
        source=mutated.decode(),
    )


def _shown(text: bytes) -> str:
    words = " ".join(text.decode(errors="replace").split())
    return words if len(words) <= MAX_SHOWN_CHARS else words[:MAX_SHOWN_CHARS] + " ..."


def _parses(text: bytes, language: Language) -> bool:
    if language is Language.PYTHON:
        return _parses_as_python(text.decode())
    parser = parser_of(language.value)
    return parser is not None and not parser.parse(text).root_node.has_error


def _parses_as_python(source: str) -> bool:
    try:
        parse_python(source)
    except SyntaxError:
        return False
    return True


def _spread(edits: Sequence[Edit]) -> Iterator[Edit]:
    """All edits, so ordered that any first part of them is spread over operators and lines."""
    groups: dict[str, list[Edit]] = {}
    for edit in edits:
        groups.setdefault(edit.operator, []).append(edit)
    orders = []
    for place, name in enumerate(sorted(groups)):
        group = groups[name]
        # Each kind starts elsewhere, or a small limit would take every kind's first line.
        shift = place * len(group) // len(groups)
        turned = group[shift:] + group[:shift]
        bits = len(turned).bit_length()
        by_bits = sorted(range(len(turned)), key=lambda i, bits=bits: f"{i:0{bits}b}"[::-1])  # type: ignore[misc]
        orders.append([turned[i] for i in by_bits])
    taken: Counter[int] = Counter()
    while any(orders):
        for order in filter(None, orders):
            near = range(min(len(order), _CHOICE))
            edit = order.pop(min(near, key=lambda i, order=order: taken[order[i].line]))  # type: ignore[misc]
            taken[edit.line] += 1
            yield edit
