"""Fifty Solves at once while parts of the system are killed: is one lost, paid twice, too dear?

    python bench/chaos.py [--solves 50] [--blows 12] [--parts task ...] [--seed 1]

A scripted model of its own process counts every call. At random moments SIGKILL ends the scheduler
(and the tasks it runs), the API, Airflow's API server, the triggerer, a running task, or the model.
Then every Solve must end with its verdict; no call whose answer was stored is made again; and no
Solve makes more calls than its budget. Exits with 1 where that does not hold. Prints a table and
writes bench/out/chaos.json.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from bench.rig import ROOT, System, free_ports, running_system, write_result
from bench.scripted_model import answer, problem
from calisota.ledger.ledger import Ledger
from calisota.llm.scripted_server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CALLS = 12
"""The budget of a Solve."""
PARTS = ("airflow-scheduler", "airflow-api-server", "api", "airflow-triggerer", "task", "model")
TASK_TITLE = "airflow worker -- "
PAUSE_S = 4.0, 12.0
POLL_S = 0.5
"""Between two looks: Airflow's API server serves the tasks' heartbeats, too."""


def main() -> None:
    """Run the bench, or be its model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--solves", type=int, default=50)
    parser.add_argument("--blows", type=int, default=12)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most-s", type=float, default=1500)
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(int(chosen.serve[0]), Path(chosen.serve[1]))
        return
    result = torment(chosen.solves, chosen.blows, chosen.parts, chosen.seed, chosen.most_s)
    table = Table("", "", title=f"Solves under kills, seed {chosen.seed}", title_justify="left")
    for name, value in result.items():
        table.add_row(name, str(value))
    Console(width=100).print(table)
    write_result("chaos", result)
    good = (
        result["ended with their verdict"] == chosen.solves
        and not result["answered calls made again"]
        and not result["Solves above their budget"]
    )
    sys.exit(0 if good else 1)


def serve(port: int, log: Path) -> None:
    """The model: each call is written down when it comes, and when it was answered."""

    def script(request: dict[str, Any]) -> str:
        prompt = str(request["messages"][0]["content"])
        text = answer(request)
        row = {"prompt": prompt, "temperature": request.get("temperature"), "at": time.time()}
        with log.open("a") as lines:
            lines.write(json.dumps(row) + "\n")
        return text

    with ScriptedServer(script, port=port, delay_s=0.5):
        while True:
            time.sleep(3600)


class Model:
    """The model's process, started again whenever it was killed."""

    def __init__(self, log: Path) -> None:
        (self._port,) = free_ports(1)
        self._log = log
        self._process = self._start()
        self.url = f"http://127.0.0.1:{self._port}/v1"

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "bench.chaos", "--serve", str(self._port), str(self._log)],
            cwd=ROOT,
        )

    def kill(self) -> None:
        """End it with SIGKILL, and start it anew."""
        self._process.kill()
        self._process.wait()
        self._process = self._start()

    def close(self) -> None:
        """End it for good."""
        self._process.kill()
        self._process.wait()


def torment(
    solves: int, blows: int, parts: Sequence[str], seed: int, most_s: float
) -> dict[str, Any]:
    """What came of so many Solves."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    with tempfile.TemporaryDirectory(prefix="chaos-", dir="/tmp") as folder:
        log = Path(folder) / "calls.jsonl"
        model = Model(log)
        models = {f"CALISOTA_LLM_MODEL_{r}": "scripted" for r in ("SLOW", "FAST", "CRITIC")}
        try:
            with running_system(
                CALISOTA_LLM_BASE_URL=model.url,
                CALISOTA_MUTANTS="1",
                CALISOTA_LLM_TIMEOUT_S="20",
                **models,
            ) as system:
                began = time.monotonic()
                ids = dict(_posted(system, solves))
                struck = _strike(system, model, chance, blows, parts)
                ended = _ends(system, ids, most_s)
                counted = _counted(system, ids)
                rows = [json.loads(line) for line in log.read_text().splitlines()]
                return {
                    "Solves": solves,
                    "ended with their verdict": sum(v == "verified" for v in ended.values()),
                    "others": dict(Counter(v for v in ended.values() if v != "verified")),
                    **{f"killed: {part}": struck[part] for part in PARTS},
                    "calls made": len(rows),
                    "calls in the ledger": counted["calls"],
                    "calls that were under way when they were killed": counted["open"],
                    "answered calls made again": counted["again"],
                    "Solves above their budget": counted["above"],
                    "seconds": round(time.monotonic() - began),
                }
        finally:
            model.close()


def _posted(system: System, solves: int) -> Iterator[tuple[int, str]]:
    """Each Solve has a statement of its own, so that its calls are known by their prompts."""
    with system.api() as api:
        for number in range(solves):
            body = problem(f"Solve number {number}.", budget={"calls": CALLS})
            key = {"Idempotency-Key": f"chaos-{number}"}
            answered = api.post("/v1/solves", json=body, headers=key).raise_for_status()
            yield number, answered.json()["solve_id"]


def _strike(
    system: System, model: Model, chance: random.Random, blows: int, parts: Sequence[str]
) -> Counter[str]:
    struck: Counter[str] = Counter()
    for at in range(blows):
        time.sleep(chance.uniform(*PAUSE_S))
        part = parts[at] if at < len(parts) else chance.choice(parts)
        if part == "model":
            model.kill()
            struck[part] += 1
            continue
        found = list(_processes(system, part))
        until = time.monotonic() + PAUSE_S[1]
        while not found and time.monotonic() < until:
            time.sleep(0.1)  # a task lasts a second or two
            found = list(_processes(system, part))
        if found:
            with suppress(psutil.NoSuchProcess):
                chance.choice(found).kill()
                struck[part] += 1
    return struck


def _processes(system: System, part: str) -> Iterator[psutil.Process]:
    """The processes of one part of this system."""
    if part == "task":
        yield from _tasks(system)
        return
    marks = {
        "airflow-scheduler": "calisota_airflow.warm",
        "airflow-api-server": "airflow api_server",
        "api": "api.app:create_app",
        "airflow-triggerer": "triggerer",
    }
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.environ().get("CALISOTA_HOME") != str(system.home):
                continue
            if marks[part] in " ".join(process.cmdline()):
                yield process


def _tasks(system: System) -> Iterator[psutil.Process]:
    """The running tasks: below the scheduler, under a title that overwrites their environment."""
    for scheduler in list(_processes(system, "airflow-scheduler")):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            for process in scheduler.children(recursive=True):
                title = " ".join(process.cmdline())
                if title.startswith(TASK_TITLE) and "LocalExecutor" not in title:
                    yield process


def _ends(system: System, ids: dict[int, str], most_s: float) -> dict[int, str]:
    """Verdict by number; `none` where a Solve did not end in time."""
    deadline = time.monotonic() + most_s
    ends: dict[int, str] = {}
    while len(ends) < len(ids) and time.monotonic() < deadline:
        for number, solve_id in ids.items():
            if number in ends:
                continue
            time.sleep(POLL_S)
            with suppress(httpx.HTTPError), system.api() as api:
                shown = api.get(f"/v1/solves/{solve_id}")
                if shown.is_success and shown.json()["verdict"] is not None:
                    ends[number] = shown.json()["verdict"]
    return {number: ends.get(number, "none") for number in ids}


def _counted(system: System, ids: dict[int, str]) -> dict[str, int]:
    """What the ledger knows of these Solves."""
    ledger = Ledger(system.settings.ledger)
    found = {"calls": 0, "open": 0, "above": 0, "again": ledger.twice_answered()}
    for solve_id in ids.values():
        line = ledger.spent(solve_id)
        if line is not None:
            found["calls"] += line.calls
            found["open"] += line.open
            found["above"] += line.calls > CALLS
    ledger.close()
    return found


if __name__ == "__main__":
    main()
