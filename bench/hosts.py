"""What Airflow costs a Solve, in its steps and in one task, and how many it solves in an hour.

    python bench/hosts.py [--solves 5] [--at-once 1 10 50] [--skip-load]

First a model that answers at once: the same Problem by `--local`, `solve_fast` and `solve`, in
turn. Then a model that takes a second for each answer: so many Solves posted at once, their steps
in workers, then deferred to the triggerer, then each in one task. Prints tables and writes
bench/out/hosts.json.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from typing import TYPE_CHECKING, Any

import psutil
from rich.console import Console
from rich.table import Table

from bench.rig import System, running_system, write_result
from bench.scripted_model import answer, problem
from calisota.llm.scripted_server import ScriptedServer
from calisota.local import LocalSolve
from calisota.sandbox.engine import DockerSandbox, connect
from calisota.stages import open_stages

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from calisota.settings import Settings

MODELS = {f"CALISOTA_LLM_MODEL_{route}": "scripted" for route in ("SLOW", "FAST", "CRITIC")}
# A shared machine: mutants are work of the sandbox, not of the host that is measured.
PLAIN = {"CALISOTA_MUTANTS": "0"}
MOST_S = 900


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--solves", type=int, default=5)
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--skip-load", action="store_true")
    chosen = parser.parse_args()
    out = Console(width=100)
    result: dict[str, Any] = {"load_before": os.getloadavg()[0]}
    with (
        ScriptedServer(answer) as model,
        running_system(CALISOTA_LLM_BASE_URL=model.base_url, **MODELS, **PLAIN) as system,
    ):
        result["overhead"] = overhead(system, chosen.solves)
    _show_overhead(out, result["overhead"])
    result["load"] = []
    try:
        for deferrable in () if chosen.skip_load else ("false", "true"):
            for row in under_load(chosen.at_once, deferrable=deferrable):
                result["load"].append(row)
                out.print(row)
    finally:  # what was measured before something ended it is kept
        _show_load(out, result["load"])
        write_result("hosts", result)


def overhead(system: System, solves: int) -> dict[str, dict[str, float]]:
    """Wall seconds of an easy Solve in each host, in turn; medians."""
    hosts = {
        "--local": lambda: _local(system.settings),
        "solve_fast": lambda: _posted(system, mode="fast"),
        "solve": lambda: _posted(system, mode="dag"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in hosts}
    for number in range(solves + 1):
        for name, run in hosts.items():
            took = run()
            if number:  # the first is a warm-up
                seconds[name].append(took)
    alone = statistics.median(seconds["--local"])
    return {
        name: {
            "seconds": statistics.median(values),
            "over_local": statistics.median(values) - alone,
            "all": values,  # type: ignore[dict-item]
        }
        for name, values in seconds.items()
    }


def _local(config: Settings) -> float:
    sandbox = DockerSandbox(connect(config), config)
    began = time.monotonic()
    LocalSolve(open_stages(config), sandbox, on_step=lambda _step: None).run(problem())
    return time.monotonic() - began


def _posted(system: System, *, mode: str) -> float:
    began = time.monotonic()
    with system.api() as api:
        _wait(api, _post(api, mode), MOST_S)
    return time.monotonic() - began


def _post(api: httpx.Client, mode: str) -> str:
    body = problem(mode=mode)
    solve_id: str = api.post("/v1/solves", json=body).raise_for_status().json()["solve_id"]
    return solve_id


def _wait(api: httpx.Client, solve_id: str, most_s: float) -> None:
    deadline = time.monotonic() + most_s
    while time.monotonic() < deadline:
        state = api.get(f"/v1/solves/{solve_id}").raise_for_status().json()
        if state["verdict"] is not None:
            if state["verdict"] != "verified":
                raise SystemExit(f"{solve_id} ended {state['verdict']}: {state.get('cause')}")
            return
        time.sleep(0.2)
    raise SystemExit(f"{solve_id} did not end within {most_s} s")


def under_load(at_once: list[int], *, deferrable: str) -> Iterator[dict[str, Any]]:
    """So many Solves at once with a model that takes a second."""
    with (
        ScriptedServer(answer, delay_s=1.0) as model,
        running_system(
            CALISOTA_LLM_BASE_URL=model.base_url,
            CALISOTA_DEFERRABLE=deferrable,
            **MODELS,
            **PLAIN,
        ) as system,
    ):
        modes = ["dag"] if deferrable == "true" else ["dag", "fast"]
        _posted(system, mode="dag")
        for count in at_once:
            for mode in modes:
                name = {"dag": "solve, deferred" if deferrable == "true" else "solve"}
                yield {"host": name.get(mode, "solve_fast"), **_together(system, count, mode)}


def _together(system: System, count: int, mode: str) -> dict[str, Any]:
    before = psutil.cpu_times()
    began = time.monotonic()
    with system.api() as api:
        ids = [_post(api, mode) for _ in range(count)]
        for solve_id in ids:
            _wait(api, solve_id, MOST_S)
    seconds = time.monotonic() - began
    after = psutil.cpu_times()
    busy = sum(getattr(after, n) - getattr(before, n) for n in ("user", "system", "nice"))
    return {
        "at_once": count,
        "seconds": round(seconds, 1),
        "per_hour": round(3600 * count / seconds),
        "cpu_s_per_solve": round(busy / count, 1),
    }


def _show_overhead(out: Console, rows: dict[str, dict[str, float]]) -> None:
    table = Table(title="an easy Solve, model at once, median", title_justify="left")
    for column in ("host", "s", "over --local, s"):
        table.add_column(column)
    for name, row in rows.items():
        table.add_row(name, f"{row['seconds']:.2f}", f"{row['over_local']:.2f}")
    out.print(table)


def _show_load(out: Console, rows: list[dict[str, Any]]) -> None:
    table = Table(title="1 s for each answer of the model", title_justify="left")
    for column in ("host", "at once", "s", "Solves per hour", "CPU s per Solve"):
        table.add_column(column)
    for row in rows:
        cells = ("host", "at_once", "seconds", "per_hour", "cpu_s_per_solve")
        table.add_row(*(str(row[name]) for name in cells))
    out.print(table)


if __name__ == "__main__":
    main()
