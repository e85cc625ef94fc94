"""Ten thousand Solves against one ledger, with crashes: is a cap ever exceeded?

    python bench/ledger.py [--solves 10000] [--processes 3] [--client-cap 120000] [--url URL]

Processes kill themselves between reservation, call and settlement, and are started again; answers
are delivered twice, usage is missing, candidates of a Solve reserve at once. Prints a table and
writes bench/out/ledger.json; the exit code is 1 when a cap was exceeded.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.ledger_simulation import simulate
from bench.rig import write_result


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--solves", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument(
        "--client-cap", type=int, default=120_000, help="tokens a day of each of the 19 clients"
    )
    parser.add_argument("--url", help="an empty database; unset: a file, by SQLite")
    chosen = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = simulate(
            Path(folder),
            chosen.url or f"sqlite:///{folder}/ledger.db",
            solves=chosen.solves,
            processes=chosen.processes,
            client_cap=chosen.client_cap,
        )
    seconds = time.monotonic() - began
    table = Table(title="the ledger against the truth", title_justify="left")
    table.add_column("")
    table.add_column("", justify="right")
    result = found.model_dump() | {"seconds": round(seconds, 1)}
    for name, value in result.items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    Console(width=80).print(table)
    write_result("ledger", result)
    sys.exit(bool(found.over_solve_cap or found.over_client_cap or found.paid_twice))


if __name__ == "__main__":
    main()
