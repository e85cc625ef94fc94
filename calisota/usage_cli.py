"""`calisota usage`: the ledger as a table."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, get_args

from rich.console import Console
from rich.table import Table
from rich.text import Text

from calisota.errors import InputError
from calisota.ledger.ledger import By, open_ledger
from calisota.text import printable

if TYPE_CHECKING:
    from calisota.ledger import Line
    from calisota.settings import Settings

WIDEST = 500


def print_usage(settings: Settings, by: str, *, as_json: bool) -> None:
    """Print a line for each heading. Raises: InputError: there is no such heading."""
    chosen = next((one for one in get_args(By) if one == by), None)
    if chosen is None:
        raise InputError(f"{by!r} is no heading.", remedy=f"give one of {', '.join(get_args(By))}.")
    with open_ledger(settings.ledger) as ledger:
        lines = ledger.report(chosen)
    if as_json:
        sys.stdout.write(json.dumps([line.model_dump() for line in lines], indent=1) + "\n")
        return
    table, console = _table(chosen, lines), Console()
    # Wider than the terminal where it must be: an id or a number that is cut is of no use.
    whole = console.measure(table, options=console.options.update(max_width=WIDEST)).maximum
    console.width = max(console.width, whole)
    console.print(table)


def _table(by: str, lines: list[Line]) -> Table:
    table = Table(title="spent and reserved", title_justify="left")
    table.add_column(by)
    names = ("tokens", "calls", "USD", "unpriced calls", "executions", "sandbox CPU s", "open")
    for name in names:
        table.add_column(name, justify="right")
    for line in lines:
        table.add_row(
            Text(printable(line.name) or "none"),
            f"{line.tokens:,}",
            f"{line.calls:,}",
            f"{line.usd:.4f}",
            f"{line.unpriced:,}",
            f"{line.executions:,}",
            f"{line.cpu_s:,.1f}",
            f"{line.open:,}",
        )
    return table
