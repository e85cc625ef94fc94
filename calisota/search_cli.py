"""`calisota search`: passages of the index for a question, at the terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import ValidationError
from rich.text import Text

from calisota.errors import InputError
from calisota.models import readable_faults
from calisota.rag.client import open_retriever
from calisota.rag.documents import Query
from calisota.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.syntax import Syntax

    from calisota.models import Hit, HitSet
    from calisota.settings import Settings

SHOWN_LINES = 12
"""Of one passage: those around most words of the query."""
MARK = "bold reverse"

_WORD = re.compile(r"[^\W_]{3,}")
_LEXERS = {"text": "default"}


def find(query: Query, settings: Settings) -> HitSet:
    """The hits of `query`: of the service where it answers, else of the index opened here.

    Raises: IndexUnusable: there is none. RetrieverBusy: try again.
    """
    with open_retriever(settings) as retriever:
        return retriever.search_many([query])[0]


def read_query(
    text: str, *, k: int, language: str | None, path: str | None, labels: Sequence[str] | None
) -> Query:
    """The query that the command line makes. Raises: InputError: a value does not fit."""
    readable = text.encode("utf-8", "replace").decode()  # arguments need not be Unicode
    try:
        return Query(
            text=readable, k=k, language=language, path=path, labels=tuple(labels or ()) or None
        )
    except ValidationError as error:
        faults = "; ".join(str(fault) for fault in readable_faults(error))
        raise InputError(
            f"This cannot be searched for: {faults}.", remedy="see `calisota search --help`."
        ) from None


def show(found: HitSet, query: str, console: Console) -> None:
    """Print each hit: where it lies and how near it is, then its best lines, words marked."""
    words = {word.lower() for word in _WORD.findall(query)}
    for number, hit in enumerate(found.hits, start=1):
        place = Text(f"{printable(hit.path)}:{hit.start_line}-{hit.end_line}", style="bold cyan")
        console.print(Text(f"{number:>2}  ") + place + Text(f"  {hit.score:.3f}", style="green"))
        console.print(snippet(hit, words))
        console.print()
    if not found.hits:
        console.print("Nothing matches; widen --language, --path or --label.")
    console.print(f"index {found.index}", style="dim", highlight=False)


def snippet(hit: Hit, words: set[str]) -> Syntax:
    """The lines of `hit` that hold most of `words`, each occurrence marked."""
    from rich.syntax import Syntax  # noqa: PLC0415  # --json needs no lexers

    lines = printable(hit.text).expandtabs(4).split("\n")
    pattern = re.compile("|".join(map(re.escape, words)) or r"(?!)", re.IGNORECASE)
    marks = [[match.span() for match in pattern.finditer(line)] for line in lines]
    last = max(1, len(lines) - SHOWN_LINES + 1)
    first = max(range(last), key=lambda at: (sum(map(bool, marks[at : at + SHOWN_LINES])), -at))
    shown = lines[first : first + SHOWN_LINES]
    syntax = Syntax(
        "\n".join(shown),
        _LEXERS.get(hit.language, hit.language),
        theme="ansi_dark",
        background_color="default",
        word_wrap=True,
    )
    for row, spans in enumerate(marks[first : first + SHOWN_LINES], start=1):
        for start, end in spans:
            syntax.stylize_range(MARK, (row, start), (row, end))
    return syntax
