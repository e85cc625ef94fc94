"""The figures of evaluations of the engine as pictures."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from calisota.evaluation.plots import blank, save
from calisota.evaluation.solving_report import BINS
from calisota.models import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from calisota.evaluation.solving_report import SolvingReport


def draw(report: SolvingReport) -> bytes:
    """An SVG: the ways to choose a program, how sure and how right, agreement against truth."""
    figure = blank(width=12, height=3.8)
    modes, claims, calibration = figure.subplots(1, 3)
    _draw_modes(modes, report)
    _draw_claims(claims, [report], label=lambda _report: "the surest first")
    _draw_calibration(calibration, report)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="svg")
    return drawn.getvalue()


def draw_claims(groups: Mapping[str, Sequence[SolvingReport]], path: Path) -> None:
    """Write the curves of several evaluations to `path`, what they returned against what was wrong.

    One panel for each group. Raises: InputError: matplotlib cannot write such a file.
    """
    figure = blank(width=4.5 * len(groups), height=4)
    panels = figure.subplots(1, len(groups), squeeze=False, sharey=True)[0]
    for panel, (title, reports) in zip(panels, groups.items(), strict=True):
        _draw_claims(panel, reports, label=lambda report: report.name.rpartition(", ")[2])
        panel.set_title(title)
    save(figure, path)


def _draw_modes(panel: Axes, report: SolvingReport) -> None:
    for place, mode in enumerate(reversed(report.modes)):
        colour = "tab:blue" if mode.mode == "full" else "tab:gray"
        spread = [[mode.right - mode.low], [mode.high - mode.right]]
        panel.errorbar(mode.right, place, xerr=spread, fmt="o", capsize=3, color=colour)
    panel.set_yticks(range(len(report.modes)), [mode.mode for mode in reversed(report.modes)])
    panel.set_xlim(0, 1.02)
    panel.set_title("right programs, 95 % intervals")
    panel.grid(axis="x", alpha=0.3)


def _draw_claims(
    panel: Axes, reports: Sequence[SolvingReport], *, label: Callable[[SolvingReport], str]
) -> None:
    for report in reports:
        coverage = [0.0, *(point.coverage for point in report.curve)]
        wrong = [0.0, *(point.false_rate for point in report.curve)]
        (line,) = panel.step(coverage, wrong, where="pre", label=label(report))
        made = next((v for v in report.verdicts if v.verdict is Verdict.CONSISTENT), None)
        if made is not None:
            panel.plot(made.share, made.false_rate, "o", color=line.get_color())
    panel.axhline(0.02, color="tab:red", linewidth=0.8, linestyle="--")
    panel.set_xlim(0, 1.02)
    panel.set_ylim(-0.005, max(0.1, *(r.curve[-1].false_rate + 0.02 for r in reports if r.curve)))
    panel.set_xlabel("share of the Solves that are returned")
    panel.set_ylabel("of these, wrong")
    panel.set_title("dots: what was called consistent; dashed: 2 %")
    panel.grid(alpha=0.3)
    panel.legend(fontsize="small", loc="upper left")


def _draw_calibration(panel: Axes, report: SolvingReport) -> None:
    known = [(row.agreement, row.right) for row in report.rows if row.agreement is not None]
    for at in range(BINS):
        low, high = at / BINS, (at + 1) / BINS
        found = [(a, r) for a, r in known if low < a <= high or (at == 0 and a == 0)]
        if found:
            sure = sum(a for a, _ in found) / len(found)
            right = sum(r for _, r in found) / len(found)
            panel.plot(sure, right, "o", color="tab:blue")
            panel.annotate(
                str(len(found)), (sure, right), textcoords="offset points", xytext=(5, 5)
            )
    panel.plot([0, 1], [0, 1], color="tab:gray", linewidth=0.8)
    error = report.calibration_error
    panel.set_title("agreement and truth" + ("" if error is None else f", error {error:.3f}"))
    panel.set_xlim(0, 1.05)
    panel.set_ylim(0, 1.05)
    panel.set_xlabel("agreement")
    panel.set_ylabel("share of right programs")
    panel.grid(alpha=0.3)
