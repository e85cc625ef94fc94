"""Candidates that behave alike, counted. Pure.

A program is compared with others only by what it does on the generated inputs, never by its text.
Source: functional clustering (arXiv 2506.11021), CodeT (arXiv 2207.10397).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from pydantic import Field

from calisota.models import Frozen, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from calisota.models import Tried

CORRELATED = 0.5
"""Weight of each further sample of one brief, of the one before: such samples err alike."""

Signature = tuple[tuple[str, str | None], ...]


class Cluster(Frozen):
    """Candidates with the same answer to every generated input."""

    members: list[str]
    """Candidate ids, oldest first."""
    families: int = Field(ge=1)
    """How many different briefs wrote them."""
    share: float = Field(ge=0, le=1)
    """Of the weight of all candidates compared."""


def signature(tried: Tried) -> Signature:
    """What it did on each generated input."""
    return tuple((one.outcome.value, one.answer) for one in tried.matrix.observed)


def comparable(tried: Tried) -> bool:
    """Whether it ran at all: a program that does not build behaves in no way."""
    outcome = tried.matrix.outcome
    return bool(tried.matrix.observed) and outcome not in {
        Outcome.COMPILE_ERROR,
        Outcome.INTERNAL_ERROR,
    }


def clusters_of(tried: Sequence[Tried]) -> list[Cluster]:
    """The clusters, greatest share first; of equal ones the one with the oldest candidate."""
    groups: dict[Signature, list[Tried]] = defaultdict(list)
    for one in tried:
        if comparable(one):
            groups[signature(one)].append(one)
    weights = {key: weight_of(group) for key, group in groups.items()}
    total = sum(weights.values())
    found = [
        Cluster(
            members=[one.candidate_id for one in group],
            families=len({one.brief.family for one in group}),
            share=weights[key] / total,
        )
        for key, group in groups.items()
    ]
    return sorted(found, key=lambda cluster: -cluster.share)  # stable: the oldest first


def weight_of(group: Sequence[Tried]) -> float:
    """One for the first of each brief, half of it for the next, and so on."""
    families = Counter(one.brief.family for one in group)
    return sum(CORRELATED**number for count in families.values() for number in range(count))


def entropy(clusters: Sequence[Cluster]) -> float:
    """0: all behave alike. 1: each is as likely as any other. Of one cluster or none: 0."""
    if len(clusters) < 2:  # noqa: PLR2004  # log 1 is 0
        return 0.0
    bits = -sum(c.share * math.log(c.share) for c in clusters if c.share > 0)
    return bits / math.log(len(clusters))


def telling(tried: Tried) -> int:
    """How many of its answers say something: all but those that the commonest one repeats.

    A program that gives one answer to everything agrees with any other that does.
    """
    answers = Counter(one.answer for one in tried.matrix.observed if one.answer is not None)
    return sum(answers.values()) - max(answers.values(), default=0)


def differing(one: Tried, other: Tried) -> list[int]:
    """The generated inputs on which two candidates answer differently; both ran there."""
    pairs = zip(one.matrix.observed, other.matrix.observed, strict=False)
    return [
        number
        for number, (a, b) in enumerate(pairs)
        if a != b and Outcome.NOT_RUN not in {a.outcome, b.outcome}
    ]
