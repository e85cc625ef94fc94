"""Seconds per hop and per step of an easy Solve with a model that answers at once.

    python bench/hops.py [--solves 5]

One system, one Solve at a time; the same Problem then runs by `--local` stages in this process.
The difference is what Airflow costs. Prints a table and writes bench/out/hops.json.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from bench.rig import System, running_system, write_result
from bench.scripted_model import answer, problem
from calisota.llm.scripted_server import ScriptedServer
from calisota.local import LocalSolve
from calisota.sandbox.engine import DockerSandbox, connect
from calisota.stages import open_stages

if TYPE_CHECKING:
    from calisota.settings import Settings


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--solves", type=int, default=5, help="Solves measured on each side")
    solves = parser.parse_args().solves
    with ScriptedServer(answer) as model:
        models = {f"CALISOTA_LLM_MODEL_{route}": "scripted" for route in ("SLOW", "FAST", "CRITIC")}
        with running_system(CALISOTA_LLM_BASE_URL=model.base_url, **models) as system:
            airflow_solve(system)  # warm
            rows = [airflow_solve(system) for _ in range(solves)]
            local = [local_solve(system.settings) for _ in range(solves + 1)][1:]
    report(rows, local)


def airflow_solve(system: System) -> dict[str, Any]:
    """One Solve over the API: wall seconds as the client sees them, and of each hop."""
    began = time.monotonic()
    with system.api() as api:
        posted = api.post("/v1/solves", json=problem()).raise_for_status().json()
        solve_id = posted["solve_id"]
        while True:
            state = api.get(f"/v1/solves/{solve_id}").raise_for_status().json()
            if state["state"] not in {"queued", "running"}:
                break
            time.sleep(0.1)
        wall = time.monotonic() - began
    if state["verdict"] != "verified":
        raise SystemExit(f"the easy Solve ended {state['verdict']}: {state.get('cause')}")
    return {"wall": wall, "hops": hops(system.tasks(solve_id)), "steps": state["steps"]}


def hops(tasks: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """Per step: seconds from the end of the step before to its start, and start to end."""
    ran = [task for task in tasks if task["state"] == "success"]
    stages: dict[str, tuple[float, float]] = {}
    for task in ran:
        start = datetime.fromisoformat(task["start_date"]).timestamp()
        end = datetime.fromisoformat(task["end_date"]).timestamp()
        first, last = stages.get(task["task_id"], (start, end))
        stages[task["task_id"]] = (min(first, start), max(last, end))
    ordered = sorted(stages.items(), key=lambda item: item[1][0])
    previous = None
    result = {}
    for name, (start, end) in ordered:
        result[name] = (start - previous if previous is not None else 0.0, end - start)
        previous = end
    return result


def local_solve(config: Settings) -> float:
    """Wall seconds of the same Problem in this process."""
    sandbox = DockerSandbox(connect(config), config)
    began = time.monotonic()
    LocalSolve(open_stages(config), sandbox, on_step=lambda _step: None).run(problem())
    return time.monotonic() - began


def report(rows: list[dict[str, Any]], local: list[float]) -> None:
    """Print the table and keep the figures."""
    names = list(rows[0]["hops"])
    table = Table(title=f"easy Solve, median of {len(rows)}, load {os.getloadavg()[0]:.1f}")
    for column in ("step", "wait before, s", "task, s"):
        table.add_column(column)
    medians = {
        name: tuple(statistics.median(row["hops"][name][part] for row in rows) for part in (0, 1))
        for name in names
    }
    for name, (wait, run) in medians.items():
        table.add_row(name, f"{wait:.2f}", f"{run:.2f}")
    wall = statistics.median(row["wall"] for row in rows)
    alone = statistics.median(local)
    per_hop = (wall - alone) / len(names)
    table.add_section()
    table.add_row("wall, over the API", "", f"{wall:.2f}")
    table.add_row("wall, --local", "", f"{alone:.2f}")
    table.add_row(f"overhead per hop ({len(names)} hops)", "", f"{per_hop:.2f}")
    table.add_row("wall per hop", "", f"{wall / len(names):.2f}")
    Console(width=100).print(table)
    write_result(
        "hops",
        {
            "solves": len(rows),
            "hops": len(names),
            "wall_s": wall,
            "local_s": alone,
            "overhead_per_hop_s": per_hop,
            "wall_per_hop_s": wall / len(names),
            "steps": {name: {"wait_s": w, "task_s": r} for name, (w, r) in medians.items()},
            "all_wall_s": [row["wall"] for row in rows],
            "all_local_s": local,
        },
    )


if __name__ == "__main__":
    main()
