"""Memory of each process of an idle system, and disk of an installation by part.

    python bench/footprint.py [--settle 60]

Memory is PSS (shared pages divided among their users), so the column adds up. Prints two tables
and writes bench/out/footprint.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from typing import TYPE_CHECKING, Any

import psutil
from rich.console import Console
from rich.table import Table

from bench.rig import System, main_home, running_system, write_result

if TYPE_CHECKING:
    from pathlib import Path


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settle", type=float, default=60, help="seconds idle before measuring")
    settle = parser.parse_args().settle
    with running_system() as system:
        time.sleep(settle)
        memory = memory_by_component(system)
    disk = disk_by_part(main_home())
    show("memory of an idle system, PSS", memory, 1e6, "MB")
    show("disk of an installation", disk, 1e6, "MB")
    write_result("footprint", {"memory_bytes": memory, "disk_bytes": disk})


def memory_by_component(system: System) -> dict[str, int]:
    """Bytes of PSS by component of `calisota up`, each with all its descendants."""
    state: dict[str, Any] = json.loads((system.home / "run" / "supervisor.json").read_text())
    supervisor = psutil.Process(int(state["pid"]))
    sizes: dict[str, int] = {"supervisor": supervisor.memory_full_info().pss}
    for child in supervisor.children():
        family = [child, *child.children(recursive=True)]
        name = component_name(child)
        sizes[name] = sizes.get(name, 0) + sum(p.memory_full_info().pss for p in family)
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def component_name(process: psutil.Process) -> str:
    """What a child of the supervisor is, by its command line."""
    line = " ".join(process.cmdline())
    known = {
        "api-server": "airflow api-server",
        "scheduler": "airflow scheduler",
        "dag-processor": "airflow dag-processor",
        "triggerer": "airflow triggerer",
        "api.app": "our API",
        "calisota.cli retriever": "retriever",
        "llm.server": "embedded model",
    }
    return next((name for mark, name in known.items() if mark in line), line[:40])


def disk_by_part(home: Path) -> dict[str, int]:
    """Bytes on disk under the data home, by folder; of hard links only the first counts.

    uv links the environment to its cache, so what both hold counts for the environment.
    """
    parts = sorted(home.iterdir(), key=lambda part: (part.name != "venv", part.name))
    answer = subprocess.run(
        ["du", "-s", "-B1", *map(str, parts)], capture_output=True, text=True, check=False
    )
    rows = (line.split("\t") for line in answer.stdout.splitlines())
    sizes = {part.rsplit("/", 1)[-1]: int(size) for size, part in rows}
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def show(title: str, sizes: dict[str, int], unit: float, name: str) -> None:
    """Print one table with its sum."""
    table = Table(title=title)
    table.add_column("part")
    table.add_column(name, justify="right")
    for part, size in sizes.items():
        table.add_row(part, f"{size / unit:,.0f}")
    table.add_section()
    table.add_row("in all", f"{sum(sizes.values()) / unit:,.0f}")
    Console(width=80).print(table)


if __name__ == "__main__":
    main()
