"""How good a ranking is, and how sure one may be of it."""

from __future__ import annotations

from math import log2, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from numpy.typing import NDArray

RESAMPLES = 2000
SEED = 20_250_101


class Interval(NamedTuple):
    """A mean over queries and the 95 % interval that the bootstrap gives it."""

    mean: float
    low: float
    high: float


def recall(ranked: Sequence[str], relevant: Collection[str], *, k: int) -> float:
    """The share of `relevant` among the first `k`."""
    return len(set(ranked[:k]).intersection(relevant)) / len(relevant)


def reciprocal_rank(ranked: Sequence[str], relevant: Collection[str], *, k: int) -> float:
    """1 / the place of the first relevant one; 0 if it is not among the first `k`."""
    return next((1 / place for place, one in enumerate(ranked[:k], 1) if one in relevant), 0.0)


def ndcg(ranked: Sequence[str], relevant: Collection[str], *, k: int) -> float:
    """The discounted gain of the first `k`, as a share of what the ideal order has.

    Source: Jaervelin and Kekaelaeinen (2002), each relevant one gaining 1.
    """
    gained = sum(1 / log2(place + 1) for place, one in enumerate(ranked[:k], 1) if one in relevant)
    return gained / sum(1 / log2(place + 1) for place in range(1, min(k, len(relevant)) + 1))


METRICS: dict[str, Callable[[Sequence[str], Collection[str]], float]] = {
    "recall@1": lambda ranked, relevant: recall(ranked, relevant, k=1),
    "recall@5": lambda ranked, relevant: recall(ranked, relevant, k=5),
    "recall@10": lambda ranked, relevant: recall(ranked, relevant, k=10),
    "mrr@10": lambda ranked, relevant: reciprocal_rank(ranked, relevant, k=10),
    "ndcg@10": lambda ranked, relevant: ndcg(ranked, relevant, k=10),
}
"""Name -> what it makes of one ranking and the ids that are relevant (at least one)."""


def wilson(count: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share. Source: Wilson (1927)."""
    z = 1.959964
    share, square = count / of, z * z / of
    middle = (share + square / 2) / (1 + square)
    half = z / (1 + square) * sqrt(share * (1 - share) / of + square / (4 * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def bootstrap(values: NDArray[np.float64]) -> list[Interval]:
    """Each column's mean with its 95 % percentile interval; `values` is (queries, columns).

    All columns see the same draws, so that of a difference is a paired interval. Where all values
    of a column are the same no draw differs from another: its interval says nothing of the sample's
    size. Source: Efron (1979).
    """
    draws = np.random.default_rng(SEED)
    count = len(values)
    means = np.array(
        [values[draws.integers(count, size=count)].mean(axis=0) for _ in range(RESAMPLES)]
    )
    edges = np.percentile(means, [2.5, 97.5], axis=0)
    columns = zip(values.mean(axis=0).tolist(), *edges.tolist(), strict=True)
    return [Interval(*column) for column in columns]
