"""An evaluation of the engine as a page for people."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import jinja2

from calisota.evaluation import solving_plot
from calisota.evaluation.solving_compare import false_claims
from calisota.paths import include

if TYPE_CHECKING:
    from calisota.evaluation.solve_run import About
    from calisota.evaluation.solving_compare import Comparison
    from calisota.evaluation.solving_report import SolvingReport


def page(report: SolvingReport, about: About, comparison: Comparison | None) -> str:
    """One HTML file that needs no other; its plots are in it.

    Raises: PermanentError: matplotlib is not installed.
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(include("evaluation.html.j2").read_text(encoding="utf-8"))
    return template.render(
        version=report.name,
        report=report,
        about=about,
        comparison=comparison,
        false_claims=false_claims(report),
        plot=base64.b64encode(solving_plot.draw(report)).decode(),
    )
