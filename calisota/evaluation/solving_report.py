"""The figures of many Solves whose truth is known."""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from calisota.evaluation.metrics import bootstrap, wilson
from calisota.evaluation.solving import MODES, Evaluated
from calisota.models import Frozen, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

BINS = 5


class ModeFigures(Frozen):
    """One way to choose a program."""

    mode: str
    right: float
    """Share of the Solves whose program passes the hidden tests, the mean over cases."""
    low: float
    high: float
    """The 95 % interval of it, from resampled cases."""
    gain: float
    gain_low: float
    gain_high: float
    """Over `direct`, paired."""
    tokens: float
    """Mean of a Solve."""
    tokens_per_right: float | None
    """None: none was right."""


class VerdictFigures(Frozen):
    """The Solves that ended with one verdict."""

    verdict: Verdict
    count: int
    share: float
    """Of all Solves."""
    wrong: int
    """Whose program fails the hidden tests."""
    false_rate: float
    low: float = 0.0
    high: float = 1.0
    """The 95 % interval of the false rate. Source: Wilson (1927)."""


class CurvePoint(Frozen):
    """If only the surest programs were returned: how many, and how many of them would be wrong."""

    coverage: float
    false_rate: float
    least: float
    """The agreement from which on they are."""


class PassAt(Frozen):
    """The chance that one of so many programs of the first round is right."""

    k: int
    mean: float
    low: float
    high: float


class SolvingReport(Frozen):
    """All of it."""

    name: str
    cases: int
    seeds: int
    modes: list[ModeFigures]
    pass_at: list[PassAt] = Field(default_factory=list)
    """For as many programs as every Solve wrote in its first round. The first is greedy, so for
    small k it is a little more than sampling alone would give."""
    verdicts: list[VerdictFigures]
    curve: list[CurvePoint]
    calibration_error: float | None
    """Expected difference of agreement and truth in five bins. Source: Guo et al. (2017)."""
    seconds: float
    """Median of a Solve."""
    calls: float
    """Mean of a Solve."""
    usd_per_right: float | None = None
    """What the engine's right programs cost each; None: a price is not known, or none is right."""
    rows: list[Evaluated]

    @property
    def full(self) -> float:
        """Share of right programs of the whole engine."""
        return next(mode.right for mode in self.modes if mode.mode == "full")


def summary(name: str, rows: Sequence[Evaluated]) -> SolvingReport:
    """The report of `rows`, at least one."""
    cases = sorted({row.name for row in rows})
    table = np.array(
        [
            [np.mean([row.modes[mode] for row in rows if row.name == case]) for mode in MODES]
            for case in cases
        ]
    )
    means = bootstrap(table)
    gains = bootstrap(table - table[:, [0]])
    return SolvingReport(
        name=name,
        cases=len(cases),
        seeds=len({row.seed for row in rows}),
        modes=[_mode(mode, rows, mean=means[at], gain=gains[at]) for at, mode in enumerate(MODES)],
        pass_at=pass_at(rows),
        verdicts=[_verdict(verdict, rows) for verdict in Verdict if _count(verdict, rows)],
        curve=curve(rows),
        calibration_error=calibration_error(rows),
        seconds=float(np.median([row.seconds for row in rows])),
        calls=float(np.mean([row.usage.calls for row in rows])),
        usd_per_right=_usd_per_right(rows),
        rows=list(rows),
    )


def _usd_per_right(rows: Sequence[Evaluated]) -> float | None:
    costs = [row.cost_usd for row in rows if row.cost_usd is not None]
    right = sum(row.right for row in rows)
    return sum(costs) / right if right and len(costs) == len(rows) else None


def pass_at(rows: Sequence[Evaluated]) -> list[PassAt]:
    """pass@1 and on, means over cases with 95 % intervals.

    Source: the unbiased estimator of Chen et al. (2021), arXiv 2107.03374.
    """
    most = min(len(row.drawn) for row in rows)
    cases = sorted({row.name for row in rows})
    found = []
    for k in range(1, most + 1):
        shares = [
            [np.mean([_pass_at(k, row.drawn) for row in rows if row.name == case])]
            for case in cases
        ]
        (mean, low, high), *_ = bootstrap(np.array(shares))
        found.append(PassAt(k=k, mean=mean, low=low, high=high))
    return found


def _pass_at(k: int, drawn: Sequence[bool]) -> float:
    return 1 - comb(len(drawn) - sum(drawn), k) / comb(len(drawn), k)


def _mode(
    mode: str,
    rows: Sequence[Evaluated],
    *,
    mean: tuple[float, float, float],
    gain: tuple[float, float, float],
) -> ModeFigures:
    tokens = sum(row.tokens[mode] for row in rows)
    right = sum(row.modes[mode] for row in rows)
    return ModeFigures(
        mode=mode,
        right=mean[0],
        low=mean[1],
        high=mean[2],
        gain=gain[0],
        gain_low=gain[1],
        gain_high=gain[2],
        tokens=tokens / len(rows),
        tokens_per_right=tokens / right if right else None,
    )


def _count(verdict: Verdict, rows: Sequence[Evaluated]) -> int:
    return sum(row.verdict is verdict for row in rows)


def _verdict(verdict: Verdict, rows: Sequence[Evaluated]) -> VerdictFigures:
    found = [row for row in rows if row.verdict is verdict]
    wrong = sum(not row.right for row in found)
    low, high = wilson(wrong, len(found))
    return VerdictFigures(
        verdict=verdict,
        count=len(found),
        share=len(found) / len(rows),
        wrong=wrong,
        false_rate=wrong / len(found),
        low=low,
        high=high,
    )


def sureness(row: Evaluated) -> float:
    """How sure the engine is: agreement; among equal ones what inputs and known answers tell apart.

    A verdict that was held back for a reason counts below all that were not.
    """
    held_back = row.verdict not in {Verdict.CONSISTENT, Verdict.VERIFIED}
    score = (row.agreement or 0.0) + 0.001 * ((row.told_apart or 0.0) + (row.checked or 0.0))
    return score - (1.0 if held_back else 0.0)


def curve(rows: Sequence[Evaluated]) -> list[CurvePoint]:
    """A point wherever one more Solve is taken in, the surest first."""
    ranked = sorted(rows, key=sureness, reverse=True)
    wrong = np.cumsum([not row.right for row in ranked])
    return [
        CurvePoint(
            coverage=at / len(ranked), false_rate=wrong[at - 1] / at, least=sureness(ranked[at - 1])
        )
        for at in range(1, len(ranked) + 1)
        if at == len(ranked) or sureness(ranked[at]) != sureness(ranked[at - 1])
    ]


def calibration_error(rows: Sequence[Evaluated]) -> float | None:
    """The mean distance between agreement and the share of right programs, by bins."""
    known = [(row.agreement, row.right) for row in rows if row.agreement is not None]
    if not known:
        return None
    total = 0.0
    for at in range(BINS):
        low, high = at / BINS, (at + 1) / BINS
        found = [(a, r) for a, r in known if low < a <= high or (at == 0 and a == 0)]
        if found:
            sure = sum(a for a, _ in found) / len(found)
            right = sum(r for _, r in found) / len(found)
            total += len(found) * abs(sure - right)
    return total / len(known)
