"""`calisota memory`: what is remembered, and forgetting it."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from calisota.errors import InputError
from calisota.text import printable

app = typer.Typer(no_args_is_help=True, help="See what is remembered of Solves, and forget it.")

SHOWN_CHARS = 60

Owner = Annotated[
    str | None, typer.Option(help="Only what is this client's; '' is yours at the command line.")
]


@app.command("list")
def list_all(
    owner: Owner = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Name what is remembered, last used first."""
    from calisota.memory.store import open_memory  # noqa: PLC0415
    from calisota.settings import settings  # noqa: PLC0415

    with open_memory(settings().ledger) as memory:
        found = memory.owned(owner)
    if as_json:
        rows = [one.model_dump(mode="json") for one in found]
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    table = Table(title="solved Problems that are remembered", title_justify="left")
    for column in ("owner", "language", "verdict", "statement", "Solve"):
        table.add_column(column)
    for one in found:
        statement = printable(" ".join(one.statement.split()))[:SHOWN_CHARS]
        cells = (one.owner, one.language.value, one.verdict.value, statement, one.solve_id)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    Console().print(table)


@app.command()
def wipe(
    owner: Owner = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Of every owner.")] = False,
) -> None:
    """Forget everything of one owner, or of all.

    Example: calisota memory wipe --owner team-a
    """
    from calisota.memory.store import open_memory  # noqa: PLC0415
    from calisota.settings import settings  # noqa: PLC0415

    if (owner is None) is not every:
        raise InputError(
            "It is not said whose memories are to go.", remedy="give --owner NAME, or --all."
        )
    with open_memory(settings().ledger) as memory:
        gone = memory.wipe(owner)
    Console(stderr=True).print(f"{gone} forgotten")
