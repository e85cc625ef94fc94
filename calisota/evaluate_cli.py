"""`calisota evaluate`: parts of CALISOTA against data whose truth is known."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path  # noqa: TC003  # typer reads the annotation
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from calisota.text import printable

if TYPE_CHECKING:
    from calisota.evaluation.sandbox import SetResult

console = Console(stderr=True)
app = typer.Typer(no_args_is_help=True, help="Measure a part against data whose truth is known.")

MAX_DETAIL = 300


@app.callback()
def _main() -> None:
    """Keeps `sandbox` a subcommand while it is the only one."""


@app.command()
def sandbox(
    data: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the data sets lie.")],
    *,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Sets whose name holds this; repeatable.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="First cases of each set; 0: all.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Judge reference and buggy programs of public sets; each must get what it deserves.

    Example: calisota evaluate sandbox data --only go --only "buggy"

    The exit code is 1 when a program was judged wrongly for a reason that is not noted.
    """
    from calisota.evaluation.sandbox import chosen, judge_set  # noqa: PLC0415  # heavy
    from calisota.sandbox.engine import DockerSandbox, connect  # noqa: PLC0415
    from calisota.settings import settings  # noqa: PLC0415

    sets = chosen(data, only or [])
    engine = DockerSandbox(connect(settings()), settings())
    results: list[tuple[SetResult, float]] = []
    for name, cases in sets.items():
        wanted = cases[:limit] if limit else cases
        began = time.monotonic()
        with console.status(name) as status:
            done: list[bool] = []

            def on_case(
                judged: object, done: list[bool] = done, name: str = name, of: int = len(wanted)
            ) -> None:
                done.append(bool(judged))
                status.update(f"{name}: {len(done)} of {of}")

            result = judge_set(engine, name, wanted, on_case=on_case)
        results.append((result, time.monotonic() - began))
        console.print(f"[dim]{name}: {result.right}/{len(result.cases)}[/]", highlight=False)
    if as_json:
        rows = [
            {
                "set": result.name,
                "right": result.right,
                "of": len(result.cases),
                "seconds": round(seconds, 1),
                "outcomes": result.outcomes(),
                "misses": [miss.model_dump(mode="json") for miss in result.misses()],
            }
            for result, seconds in results
        ]
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    else:
        _show(results)
    unexplained = any(not miss.note for result, _ in results for miss in result.misses())
    raise typer.Exit(1 if unexplained else 0)


def _show(results: list[tuple[SetResult, float]]) -> None:
    out = Console()
    table = Table(title="programs judged as they should be", title_justify="left")
    for column in ("set", "right", "of", "seconds", "outcomes"):
        table.add_column(
            column, justify="right" if column in {"right", "of", "seconds"} else "left"
        )
    for result, seconds in results:
        outcomes = ", ".join(f"{count} {name}" for name, count in result.outcomes().items())
        table.add_row(
            result.name, str(result.right), str(len(result.cases)), f"{seconds:.0f}", outcomes
        )
    out.print(table)
    for result, _ in results:
        for miss in result.misses():
            why = miss.note or printable(miss.detail or "")[:MAX_DETAIL].strip()
            out.print(f"{miss.name} {miss.outcome}: {why}", markup=False, highlight=False)
