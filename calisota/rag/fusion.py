"""One ranking from two: what the vectors find, lifted by the words it shares with the query."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

PROSE_WEIGHT = 0.1
"""Of the best lexical match, on the scale of a cosine, when the query is prose.

Source: docs/evaluation.md, Retrieval: 0.1 gains on docstrings and costs web queries nothing that
can be measured; 0.2 gains hardly more on the one, and costs the other.
"""
IDENTIFIER_WEIGHT = 0.5
"""The same when the query is a name, which words find better than vectors do (same source)."""

_CODE_WORD = re.compile(
    r"\w+(?:(?:\.|::|->|#)\w+)+(?:\(.*\))?"  # os.path.join, std::vector, Foo#bar
    r"|\w+\(.*\)"  # heappush()
    r"|_*[^\W_]+_\w*|_+\w+"  # snake_case, _private
    r"|\w*[a-z\d][A-Z]\w*"  # camelCase
    r"|[A-Za-z]+\d\w*"  # utf8, md5
)
_NAME = re.compile(r"\w+")
_LONGEST = 128  # of a word that is looked at: a pattern may take the square of its length


def looks_like_identifier(query: str) -> bool:
    """Whether `query` names a thing rather than describes it.

    A single word does, and words of which at least half are written as only code is.
    """
    words = query.split()
    if len(words) == 1 and _NAME.fullmatch(words[0]):
        return True
    stripped = [word.strip("`'\",;:?!")[:_LONGEST] for word in words]
    code = sum(_CODE_WORD.fullmatch(word) is not None for word in stripped)
    return 0 < len(words) <= 2 * code


def weight_of(query: str) -> float:
    """What `fuse` should give the lexical side for this query."""
    return IDENTIFIER_WEIGHT if looks_like_identifier(query) else PROSE_WEIGHT


def fuse(
    dense: Sequence[tuple[int, float]],
    lexical: Sequence[tuple[int, float]],
    *,
    weight: float,
    k: int,
    score_of: Callable[[int], float] | None = None,
) -> list[tuple[int, float]]:
    """At most `k` rows of either list, best first: dense score + `weight` * share of the best BM25.

    A row that only the lexical side found has the dense score that `score_of` tells, or else the
    lowest that the dense side found, which is the most it can have.
    """
    floor = min((score for _, score in dense), default=0.0)
    scores = dict(dense)
    best = max((score for _, score in lexical), default=0.0)
    for row, score in lexical:
        if row not in scores:
            scores[row] = floor if score_of is None else score_of(row)
        if best > 0:
            scores[row] += weight * score / best
    return _ranked(scores, k)


def reciprocal_rank_fusion(
    lists: Iterable[Sequence[tuple[int, float]]], k: int, constant: int = 60
) -> list[tuple[int, float]]:
    """At most `k` rows, best first, by the sum of 1 / (`constant` + rank) over the lists.

    For comparison: it weighs both sides alike, which loses to the vectors alone on web queries.
    Source: Cormack, Clarke and Buettcher (SIGIR 2009), also the constant.
    """
    scores: dict[int, float] = {}
    for ranking in lists:
        for rank, (row, _) in enumerate(ranking, start=1):
            scores[row] = scores.get(row, 0.0) + 1 / (constant + rank)
    return _ranked(scores, k)


def _ranked(scores: dict[int, float], k: int) -> list[tuple[int, float]]:
    return sorted(scores.items(), key=lambda found: (-found[1], found[0]))[:k]
