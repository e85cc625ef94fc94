"""Whether one evaluation is worse than another of the same cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calisota.evaluation.metrics import bootstrap
from calisota.models import Frozen, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from calisota.evaluation.solving_report import SolvingReport

MOST_FALSE = {Verdict.VERIFIED: 0.01, Verdict.CONSISTENT: 0.02}
"""Of the Solves that ended with this verdict, the share whose program may be wrong."""


LEAST_CASES = 5
"""Of fewer, all that fall may fall by chance: the sign test gives .06 for four."""


class Change(Frozen):
    """One figure before and now."""

    name: str
    before: float
    now: float
    low: float
    high: float
    """The 95 % interval of the difference, paired by case."""


class Comparison(Frozen):
    """Two evaluations, on the cases that both have."""

    before: str
    now: str
    cases: int
    changes: list[Change]
    regressions: list[str]
    """What became worse beyond doubt, in words; empty: nothing."""


def compare(before: SolvingReport, now: SolvingReport) -> Comparison:
    """What changed from `before` to `now`.

    A regression: the whole 95 % interval of a share of right programs lies below zero, over five
    cases at least, or a claim is beyond doubt false more often than allowed where it was not.
    """
    names = sorted({row.name for row in before.rows} & {row.name for row in now.rows})
    changes = [
        _change(mode, _shares(before, names, mode), _shares(now, names, mode))
        for mode in ("direct", "full")
        if names
    ]
    worse = [
        f"{change.name}: {change.before:.3f} became {change.now:.3f} "
        f"({change.low:+.3f} to {change.high:+.3f})"
        for change in changes
        if change.high < 0 and len(names) >= LEAST_CASES
    ]
    return Comparison(
        before=before.name,
        now=now.name,
        cases=len(names),
        changes=changes,
        regressions=[*worse, *_falser(before, now)],
    )


def false_claims(report: SolvingReport) -> list[str]:
    """The verdicts that beyond doubt claim more than is true, in words."""
    return [
        f"{one.verdict}: {one.wrong} of {one.count} are wrong, "
        f"at most {MOST_FALSE[one.verdict]:.0%} may be"
        for one in report.verdicts
        if one.verdict in MOST_FALSE and one.low > MOST_FALSE[one.verdict]
    ]


def _falser(before: SolvingReport, now: SolvingReport) -> list[str]:
    had = {text.partition(":")[0] for text in false_claims(before)}
    return [text for text in false_claims(now) if text.partition(":")[0] not in had]


def _shares(report: SolvingReport, names: Sequence[str], mode: str) -> list[float]:
    return [
        float(np.mean([row.modes[mode] for row in report.rows if row.name == name]))
        for name in names
    ]


def _change(name: str, before: list[float], now: list[float]) -> Change:
    pairs = np.array([before, now]).T
    (_, low, high), *_ = bootstrap(np.diff(pairs, axis=1))
    first, second = pairs.mean(axis=0).tolist()
    return Change(name=name, before=first, now=second, low=low, high=high)
