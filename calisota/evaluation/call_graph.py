"""Which passages call which: measured as a way to rank, and left out of search.

See docs/evaluation.md: callers gain nothing on docstrings and .01 on bare names, which words alone
find mostly; callees gain nothing on either.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from calisota.evaluation.retrieval_sets import Passage

    Edges = Mapping[int, Sequence[int]]

WEIGHT = 0.05
"""Of the best neighbour's score, on the scale of a cosine; the best that was tried."""

_CALL = re.compile(r"(\w+)\s*\(")


def calls(passages: Sequence[Passage]) -> Edges:
    """The rows that each row calls, by name; of several so named, the one in the same document.

    Only passages with a header are known by a name, which is the end of their id.
    """
    named: defaultdict[str, list[int]] = defaultdict(list)
    for row, passage in enumerate(passages):
        if passage.header is not None:
            named[_name(passage)].append(row)
    edges: dict[int, list[int]] = {}
    for row, passage in enumerate(passages):
        found: list[int] = []
        for name in sorted({*_CALL.findall(passage.text)} - {_name(passage)}):
            others = named.get(name, [])
            if len(others) > 1:
                place = _document(passage)
                others = [other for other in others if _document(passages[other]) == place]
            found += others if len(others) == 1 else []
        edges[row] = found
    return edges


def turned(edges: Edges) -> Edges:
    """Who is called by whom, from who calls whom."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    for row, others in edges.items():
        for other in others:
            found[other].append(row)
    return found


def lifted(ranking: Sequence[tuple[int, float]], edges: Edges) -> list[tuple[int, float]]:
    """The same rows, each with a share of the best score among its neighbours in the ranking."""
    scores = dict(ranking)
    lifts = {
        row: WEIGHT
        * max((scores[other] for other in edges.get(row, ()) if other in scores), default=0)
        for row in scores
    }
    return sorted(
        ((row, score + lifts[row]) for row, score in ranking), key=lambda pair: (-pair[1], pair[0])
    )


def _name(passage: Passage) -> str:
    return passage.id.rpartition(":")[2].rpartition(".")[2]


def _document(passage: Passage) -> str:
    return passage.id.partition(":")[0]
