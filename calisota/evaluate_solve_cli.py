"""`calisota evaluate solve`, `list`, `show`: the engine on Problems whose truth is known."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from calisota.errors import CalisotaError, InputError, PermanentError
from calisota.settings import Part
from calisota.text import printable

if TYPE_CHECKING:
    from calisota.evaluation.solve_run import EvaluationRun
    from calisota.evaluation.solving_compare import Comparison
    from calisota.evaluation.solving_report import SolvingReport

console = Console(stderr=True)
MOST_FAILURES = 5
"""So many Solves that fail to run one after another end an evaluation."""


def solve(  # noqa: PLR0913  # the options of a command
    *,
    suite: Annotated[
        str, typer.Option(help="`humaneval`, or a file of JSON lines: docs/evaluation.md.")
    ] = "humaneval",
    limit: Annotated[int, typer.Option(min=0, help="So many cases; 0: all.")] = 0,
    pick: Annotated[
        Literal["spread", "shortest"],
        typer.Option(help="Which: evenly spread, or of the shortest reference programs."),
    ] = "spread",
    seeds: Annotated[int, typer.Option(min=1, max=20, help="Solves of each case.")] = 1,
    client_tests: Annotated[
        int, typer.Option(min=0, max=50, help="humaneval: asserts that the client gives.")
    ] = 0,
    candidates: Annotated[
        int | None, typer.Option(min=1, max=8, help="Programs of each round.")
    ] = None,
    rounds: Annotated[int | None, typer.Option(min=1, max=3, help="At most.")] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(help=f"A part to do without: {', '.join(get_args(Part))}; repeatable."),
    ] = None,
    level: Annotated[
        bool, typer.Option("--level", help="Let best-of-N spend the engine's tokens.")
    ] = False,
    memory: Annotated[
        bool, typer.Option("--memory", help="Let the Solves of one seed remember each other.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Solves at once.")] = 2,
    against: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Compare with it; else with the last of this plan."),
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the page here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Solve Problems whose truth is known, and see what was right and what was claimed.

    Each Solve's figures are kept as it ends: an evaluation that was stopped goes on where it was
    when it is started again. The exit code is 1 when something is worse than before.

    Example: calisota evaluate solve --limit 40 --seeds 3 --html evaluation.html
    """
    from calisota.evaluation.solve_run import (  # noqa: PLC0415  # heavy
        EvaluationPlan,
        EvaluationRun,
        Evaluations,
        about_now,
        alone_with,
    )
    from calisota.sandbox.engine import DockerSandbox, connect  # noqa: PLC0415
    from calisota.settings import settings  # noqa: PLC0415

    parts = [part for part in get_args(Part) if part in (without or [])]
    unknown = sorted(set(without or []) - set(parts))
    if unknown:
        raise InputError(
            f"There is no part {unknown[0]!r}.", remedy=f"name one of {', '.join(get_args(Part))}."
        )
    _check_page(html)
    config = settings()
    plan = EvaluationPlan(
        suite=suite if suite == "humaneval" else str(Path(suite).absolute()),
        limit=limit,
        pick=pick,
        seeds=seeds,
        client_tests=client_tests,
        candidates=candidates,
        rounds=rounds,
        without=tuple(parts),
        level=level,
        memory=memory,
    )
    plan.cases()  # what is wrong with it is said before anything is kept
    evaluations = Evaluations(config.artifacts)
    if against is not None and evaluations.report(against) is None:
        raise InputError(
            f"{against} is unfinished.", remedy="let it end first, or compare with another."
        )
    version = evaluations.begin(about_now(plan, config))
    client = connect(config)
    try:
        with alone_with(config, version):
            run = EvaluationRun(config, version, DockerSandbox(client, config))
            _solve_all(run, workers)
    finally:
        client.close()
    report = evaluations.finish(version, run.rows())
    comparison = _compared(version, against)
    _put_page(report, comparison, html)
    if as_json:
        sys.stdout.write(report.model_dump_json(indent=1) + "\n")
    else:
        print_report(report, comparison)
    raise typer.Exit(1 if comparison and comparison.regressions else 0)


def list_all(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False
) -> None:
    """Name the evaluations that were made, newest first."""
    from calisota.evaluation.solve_run import Evaluations  # noqa: PLC0415  # heavy
    from calisota.settings import settings  # noqa: PLC0415

    every = list(Evaluations(settings().artifacts).all())
    rows = [
        {
            "version": listed.version,
            "right": round(listed.report.full, 3) if listed.report else None,
            "solves": len(listed.report.rows) if listed.report else None,
            "plan": listed.about.plan.model_dump(mode="json", exclude_defaults=True),
        }
        for listed in every
    ]
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    table = Table(title="evaluations of the engine", title_justify="left")
    table.add_column("version", no_wrap=True, overflow="ignore")
    for column in ("right", "Solves", "plan"):
        table.add_column(column, overflow="fold")
    for listed in every:
        right = f"{listed.report.full:.3f}" if listed.report else "unfinished"
        solves = str(len(listed.report.rows)) if listed.report else ""
        plan = listed.about.plan.model_dump(mode="json", exclude_defaults=True)
        told = ", ".join(f"{name}: {value}" for name, value in plan.items())
        table.add_row(listed.version, right, solves, told or "all of humaneval")
    Console().print(table)


def show(
    version: Annotated[str, typer.Argument(help="As `calisota evaluate list` names it.")],
    *,
    against: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Compare with this one.")
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the page here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Show an evaluation again, or against another.

    Example: calisota evaluate show humaneval-20261123T170000-a1b2 --html evaluation.html
    """
    from calisota.evaluation.solve_run import Evaluations  # noqa: PLC0415  # heavy
    from calisota.settings import settings  # noqa: PLC0415

    _check_page(html)
    report = Evaluations(settings().artifacts).report(version)
    if report is None:
        raise InputError(
            f"{version} is unfinished.", remedy="start `calisota evaluate solve` as it was started."
        )
    comparison = _compared(version, against)
    if html:
        _put_page(report, comparison, html)
    if as_json:
        sys.stdout.write(report.model_dump_json(indent=1) + "\n")
    else:
        print_report(report, comparison)


def _check_page(html: Path | None) -> None:
    if html is not None and not html.absolute().parent.is_dir():
        raise InputError(f"There is no folder {html.parent}.", remedy="make it first.")
    if html is not None:
        from calisota.evaluation import plots  # noqa: PLC0415  # heavy

        plots.blank()


def _solve_all(run: EvaluationRun, workers: int) -> None:
    """Every Solve that is pending; one that fails to run is left for the next time.

    Raises: CalisotaError: too many failed, or some did: start again, and only these are made.
    """
    pending = run.pending()
    total = len(run.cases) * run.plan.seeds
    failures: list[CalisotaError] = []
    row_of_failures = 0
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress, ThreadPoolExecutor(workers) as pool:
        bar = progress.add_task(run.version, total=total, completed=total - len(pending))
        begun = [pool.submit(run.solve, case, seed) for case, seed in pending]
        try:
            for done in as_completed(begun):
                error = done.exception()
                if isinstance(error, CalisotaError):
                    failures.append(error)
                    row_of_failures += 1
                    progress.print(Text(printable(error.message), style="red"))
                elif error is not None:
                    raise error
                else:
                    row, row_of_failures = done.result(), 0
                    right = "right" if row.right else "wrong"
                    words = printable(f"{row.name}: {row.verdict}, {right}")
                    progress.print(Text(words, style="dim"))
                if row_of_failures >= MOST_FAILURES:
                    break
                progress.advance(bar)
        finally:
            for future in begun:
                future.cancel()
    if failures:
        raise PermanentError(
            f"{len(failures)} of {len(pending)} Solves did not run: {failures[-1].message}",
            remedy=f"{failures[-1].remedy} Then start it again: what is done is kept.",
        )


def _compared(version: str, against: str | None) -> Comparison | None:
    from calisota.evaluation.solve_run import Evaluations  # noqa: PLC0415  # heavy
    from calisota.evaluation.solving_compare import compare  # noqa: PLC0415
    from calisota.settings import settings  # noqa: PLC0415

    evaluations = Evaluations(settings().artifacts)
    other = against or evaluations.before(version)
    before = evaluations.report(other) if other else None
    now = evaluations.report(version)
    return compare(before, now) if before and now else None


def _put_page(report: SolvingReport, comparison: Comparison | None, html: Path | None) -> None:
    from calisota.evaluation.solve_run import Evaluations  # noqa: PLC0415  # heavy
    from calisota.evaluation.solving_page import page  # noqa: PLC0415
    from calisota.settings import settings  # noqa: PLC0415

    evaluations = Evaluations(settings().artifacts)
    try:
        text = page(report, evaluations.about(report.name), comparison)
    except PermanentError as error:
        console.print(f"[yellow]no page: {error.message} {error.remedy}[/]")
        return
    kept = evaluations.put_page(report.name, text)
    if html is not None:
        html.write_text(text, encoding="utf-8")
    console.print(f"[dim]page: {html or kept.uri}[/]", highlight=False)


def print_report(report: SolvingReport, comparison: Comparison | None) -> None:
    """The figures as tables."""
    out = Console()
    table = Table(
        title=f"{report.name}: {report.cases} cases, {report.seeds} Solves of each",
        title_justify="left",
    )
    for column in ("", "right", "95 %", "over direct", "95 %", "tokens", "tokens per right one"):
        table.add_column(column, justify="right" if column else "left")
    for mode in report.modes:
        per_right = "" if mode.tokens_per_right is None else f"{mode.tokens_per_right:,.0f}"
        table.add_row(
            mode.mode,
            f"{mode.right:.3f}",
            f"{mode.low:.3f} to {mode.high:.3f}",
            f"{mode.gain:+.3f}",
            f"{mode.gain_low:+.3f} to {mode.gain_high:+.3f}",
            f"{mode.tokens:,.0f}",
            per_right,
        )
    out.print(table)
    if report.pass_at:
        shares = ", ".join(f"pass@{one.k} {one.mean:.3f}" for one in report.pass_at)
        out.print(f"first round: {shares}", highlight=False)
    for one in report.verdicts:
        out.print(
            f"{one.verdict}: {one.count} of {len(report.rows)}, {one.wrong} of them wrong "
            f"({one.low:.1%} to {one.high:.1%})",
            highlight=False,
        )
    out.print(
        f"a Solve: {report.seconds:.1f} s (median), {report.calls:.1f} calls", highlight=False
    )
    if comparison is not None:
        out.print(f"against {comparison.before}, {comparison.cases} cases:", highlight=False)
        for change in comparison.changes:
            out.print(
                f"  {change.name}: {change.before:.3f} became {change.now:.3f} "
                f"({change.low:+.3f} to {change.high:+.3f})",
                highlight=False,
            )
        for text in comparison.regressions:
            out.print(Text(f"worse: {text}", style="red"))
