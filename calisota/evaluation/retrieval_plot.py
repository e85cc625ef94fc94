"""The figures of one retrieval report as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.errors import InputError, PermanentError

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from calisota.evaluation.retrieval import RetrievalReport

SHOWN = ("ndcg@10", "mrr@10", "recall@10")


def blank() -> Figure:
    """An empty figure; asked for before the work, so that a missing package costs none.

    Raises: PermanentError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  # heavy
    except ImportError as error:
        raise PermanentError(
            f"A plot cannot be drawn: {error}.", remedy="pip install 'calisota[plot]'"
        ) from error
    return Figure(figsize=(9, 3.6), layout="constrained")


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
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise InputError(
            f"The plot cannot be written: {error}.", remedy="name a .png, .svg or .pdf to write."
        ) from error
