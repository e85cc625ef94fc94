"""The figures of one retrieval report as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.evaluation.plots import save

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from calisota.evaluation.retrieval import RetrievalReport

SHOWN = ("ndcg@10", "mrr@10", "recall@10")


def draw(figure: Figure, report: RetrievalReport, path: Path) -> None:
    """Write `figure` to `path`: each system's means with their intervals, one panel a metric.

    Raises: InputError: matplotlib cannot write such a file.
    """
    systems = report.systems[::-1]  # the first on top
    labels = [f"{one.name}, headers" if one.headers else one.name for one in systems]
    panels = figure.subplots(1, len(SHOWN), sharey=True)
    for panel, metric in zip(panels, SHOWN, strict=True):
        for place, system in enumerate(systems):
            mean, low, high = system.metrics[metric]
            colour = "tab:blue" if system.name == "fused" else "tab:gray"
            panel.errorbar(
                mean, place, xerr=[[mean - low], [high - mean]], fmt="o", capsize=3, color=colour
            )
        panel.set_title(metric)
        panel.set_yticks(range(len(labels)), labels)
        panel.grid(axis="x", alpha=0.3)
    figure.suptitle(
        f"{report.name}: {report.queries} queries, {report.passages} passages, 95 % intervals"
    )
    save(figure, path)
