"""A report as a person reads it in a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.console import Group
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from calisota.models import (
    ExecutedTest,
    Outcome,
    SolveReport,
    StepTiming,
    TestResult,
    Verdict,
)
from calisota.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType


def render_report(report: SolveReport) -> Group:
    """Verdict and claim, the program, its test matrix, the candidates, tokens and seconds."""
    return Group(*_parts(report))


def render_ending(text: str) -> Panel:
    """The end of a Solve that has no report: what is claimed (nothing), and why."""
    body = json.loads(text)
    lines = [str(body[name]) for name in ("claim", "cause") if body.get(name)]
    return Panel(
        Text(printable("\n".join(lines))),
        title=Text(f"verdict: {body['verdict']}", style="bold red"),
        border_style="red",
        subtitle=str(body["solve_id"]),
    )


def _parts(report: SolveReport) -> Iterator[RenderableType]:
    colour = "green" if report.verdict.solved else "yellow"
    if report.verdict in {Verdict.FAILED, Verdict.INTERNAL_ERROR}:
        colour = "red"
    yield Panel(
        Text(printable(report.claim + (f"\n{report.cause}" if report.cause else ""))),
        title=Text(f"verdict: {report.verdict}", style=f"bold {colour}"),
        border_style=colour,
        subtitle=report.solve_id,
    )
    if report.code is not None:
        title = "program" if report.verdict.solved else "best program, not proven"
        code = Syntax(printable(report.code), report.language, theme="ansi_dark", word_wrap=True)
        yield Panel(code, title=title, border_style="dim")
    if report.tests:
        yield test_table(report.tests)
    if report.examples:
        yield test_table(report.examples)
    if report.candidates:
        yield _candidates(report)
    notes = [
        *report.doubts,
        *(
            f"Asked: {question.asked}: {question.said or 'not stated'} (by {question.by})"
            for question in report.questions
        ),
    ]
    if report.strength and report.strength.survivors:
        notes += [f"No test notices: {text}" for text in report.strength.survivors]
    if notes:
        yield Panel(Text(printable("\n".join(notes))), title="notes", border_style="dim")
    yield _spent(report)


def test_table(tests: Sequence[TestResult | ExecutedTest]) -> Table:
    """One line for each test: its outcome, what it used, and why it failed."""
    table = Table(title="tests", title_justify="left", expand=True)
    for column in ("test", "outcome", "cpu s", "wall s", "MB", "detail"):
        table.add_column(column, justify="right" if column in {"cpu s", "wall s", "MB"} else "left")
    for test in tests:
        marks = "".join(
            mark
            for mark, there in (
                (" (held out)", getattr(test, "held_out", False)),
                (" (coop.)", test.cooperative),
            )
            if there
        )
        style = "green" if test.outcome is Outcome.ACCEPTED else "red"
        megabytes = None if test.memory_bytes is None else test.memory_bytes / 1e6
        table.add_row(
            Text(printable(test.name) + marks),
            Text(test.outcome, style=style),
            _number(test.cpu_s, 3),
            _number(test.wall_s, 3),
            _number(megabytes, 1),
            Text(printable(test.detail or "")),
        )
    return table


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _candidates(report: SolveReport) -> Table:
    table = Table(title="candidates", title_justify="left", expand=True)
    for column in ("id", "outcome", "passed", "repairs", "approach"):
        table.add_column(column)
    for candidate in report.candidates:
        table.add_row(
            candidate.id,
            candidate.outcome,
            f"{candidate.passed}/{candidate.total}",
            candidate.repairs or "",
            Text(printable(candidate.approach or "")),
        )
    return table


def _spent(report: SolveReport) -> Table:
    table = Table(title="tokens and seconds", title_justify="left", expand=True)
    table.add_column("usage")
    table.add_column("step seconds")
    lines = [
        f"{route}: {usage.calls} calls, {usage.prompt_tokens} + {usage.completion_tokens} tokens"
        + (" (upper bound)" if usage.estimated else "")
        for route, usage in report.usage_by_route.items()
        if usage.calls
    ]
    lines.append(f"in all: {report.usage.calls} calls, {report.usage.tokens} tokens")
    table.add_row("\n".join(lines), "\n".join(map(_step, report.steps)))
    return table


def _step(step: StepTiming) -> str:
    where = f"round {step.round} " if step.round else ""
    return f"{where}{step.name}: {step.seconds:.2f}"
