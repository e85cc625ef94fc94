"""Fifteen daily partitions of an index, backfilled three ways while searches go on.

    python bench/backfill.py [--queries 10000] [--files 30] [--pictures docs/images]

A system of its own builds a git repository with a commit a day: the first five days from Airflow's
UI (a real browser; needs Debian's `chromium`), the next five from the command line, the last five
over REST after a dry run. On the eighth day most files are gone, so its gate fails. The task
`embed` of the sixth, which brings most of the files, is killed with SIGKILL. At the end a day is
run again. Meanwhile searches ask without a pause, and another version is promoted every second.

What must hold: no search fails or mixes two versions, no chunk is embedded twice, a day that is run
again changes nothing, and `calisota index list` shows the good days and nothing else. Exits with 1
where one does not. Prints a table and writes bench/out/backfill.json.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psutil
from rich.console import Console
from rich.table import Table

from bench.browser import logged_in
from bench.rig import System, running_system, write_result
from calisota.llm.scripted_server import ScriptedServer
from calisota.rag import layout
from calisota.rag.chunk_store import ChunkStore
from calisota.rag.embedding_cache import text_key
from calisota.rag.versions import IndexVersions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

DAG = "index_build"
CORPUS = "repository"
DAYS = [f"2026-03-{day:02}" for day in range(1, 16)]
BIG_DAY, BAD_DAY = DAYS[5], DAYS[7]
OWN_OF_BAD_DAY = 1
"""Chunks that only the day has that is not published: `first.py` as it is then."""
UI, CLI, REST = DAYS[:5], DAYS[5:10], DAYS[10:]
MOST_S = 900
PAUSE_S = 0.03
"""After a search, of each of the two that ask: the builds need the machine too."""
WORDS = "merge sorted inputs parse date open socket compress bytes walk tree read lines".split()


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=30, help="that the sixth day brings")
    parser.add_argument("--pictures", type=Path, help="a folder for what the UI shows")
    chosen = parser.parse_args()
    result = backfilled(chosen.queries, chosen.files, chosen.pictures)
    table = Table("", "", title="fifteen days backfilled from UI, command line and REST")
    for name, value in result.items():
        table.add_row(name, str(value))
    Console(width=110).print(table)
    write_result("backfill", result)
    sys.exit(0 if result["as it should be"] else 1)


def backfilled(queries: int, files: int, pictures: Path | None) -> dict[str, Any]:
    """Do all of it; what was seen."""
    with tempfile.TemporaryDirectory(prefix="backfill-", dir="/tmp") as folder:
        repository = Repository(Path(folder) / CORPUS)
        corpora = Path(folder) / "corpora.yaml"
        corpora.write_text(f"{CORPUS}: {{kind: git, path: {CORPUS}}}\n")
        scripted = {f"CALISOTA_LLM_MODEL_{one}": "scripted" for one in ("SLOW", "FAST", "CRITIC")}
        with (
            ScriptedServer(lambda _: "") as model,
            running_system(
                CALISOTA_LLM_BASE_URL=model.base_url,
                CALISOTA_CORPORA=str(corpora),
                CALISOTA_INDEX_CORPUS=CORPUS,
                CALISOTA_INDEX_SCHEDULE="0 0 * * *",
                **scripted,
            ) as system,
        ):
            wait(lambda: scheduled(system))  # the day before today, of the one file that there is
            repository.write_days(files)
            searches = Searches(system, queries)
            with searches:
                return go_through(system, searches, pictures)


def go_through(system: System, searches: Searches, pictures: Path | None) -> dict[str, Any]:
    """The three backfills, a day again, and what is there at the end."""
    began = time.monotonic()
    yesterday = str((datetime.now(UTC) - timedelta(days=1)).date())
    seen: dict[str, Any] = {}
    from_ui(system, pictures)
    seen["five days from the UI"] = outcome(system, UI)
    killer = Killer(system)
    killer.start()
    from_command_line(system)
    seen["five from the command line"] = outcome(system, CLI)
    killer.join()
    new = chunks_of(system, CLI) - killer.begun
    seen["chunks that are new on these days"] = len(new) + OWN_OF_BAD_DAY
    seen["of them embedded when `embed` was killed"] = len(new & killer.before)
    seen["embedded by the tries after it"] = embedded(system, CLI)
    with system.airflow() as airflow:
        dry = airflow.post("/api/v2/backfills/dry_run", json=order(REST)).raise_for_status().json()
        seen["days that a dry run names"] = len(dry["backfills"])
        seen["runs that it makes"] = sum(day in REST for day in runs(system))
        airflow.post("/api/v2/backfills", json=order(REST)).raise_for_status()
    seen["five over REST"] = outcome(system, REST)
    versions, before = versions_by_day(system), cached(system)
    with system.airflow() as airflow:
        again = order(REST[1:2], reprocess="completed")
        number = airflow.post("/api/v2/backfills", json=again).raise_for_status().json()["id"]
        wait(lambda: airflow.get(f"/api/v2/backfills/{number}").json()["completed_at"])
    seen["a day again"] = outcome(system, REST[1:2])
    seen["versions that it changes"] = len(versions.items() ^ versions_by_day(system).items())
    seen["chunks that it embeds"] = len(cached(system) - before)
    seen["minutes"] = round((time.monotonic() - began) / 60, 1)
    seen |= searches.result()
    listed = json.loads(system.calisota("index", "list", "--json").stdout)
    days = [one["inputs"]["partition"] for one in listed if one["inputs"]["partition"]]
    seen["days that `index list` shows"] = len(days)
    seen["days that it does not"] = sorted({*DAYS} - {*days})
    verified = system.calisota("index", "verify")
    seen["versions that `index verify` finds whole"] = verified.stdout.count("✓")
    if pictures is not None:
        picture_of_grid(system, pictures)
    seen["as it should be"] = (
        sorted(days)[:-1] == [day for day in DAYS if day != BAD_DAY]
        and days.count(yesterday) == 1  # which the schedule built by itself
        and seen["five days from the UI"] == seen["five over REST"] == {"success": 5}
        and seen["five from the command line"] == {"success": 4, "failed": 1}
        and seen["days that a dry run names"] == 5
        and seen["runs that it makes"] == 0
        and seen["versions that it changes"] == seen["chunks that it embeds"] == 0
        and seen["of them embedded when `embed` was killed"] > 0
        and seen["chunks that are new on these days"]
        == seen["of them embedded when `embed` was killed"] + seen["embedded by the tries after it"]
        and verified.returncode == 0
        and not searches.wrong
    )
    return seen


class Repository:
    """A git repository that begins with one file."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir()
        self._git("init", day="2026-02-01")
        self._commit({"first.py": function("first", 0)}, "2026-02-01")

    def write_days(self, files: int) -> None:
        """A commit a day, each with a new function and one that changed."""
        stdlib = Path(sysconfig.get_path("stdlib"))
        big = {path.name: path.read_text() for path in sorted(stdlib.glob("*.py"))[:files]}
        for number, day in enumerate(DAYS):
            changed = {f"day{number}.py": function(f"day{number}", number)}
            changed["first.py"] = function("first", number)
            if day == BIG_DAY:
                changed |= big
            if day == BAD_DAY:
                for name in big:
                    (self._root / name).unlink()
            elif DAYS[number - 1] == BAD_DAY:
                changed |= big
            self._commit(changed, day)

    def _commit(self, files: dict[str, str], day: str) -> None:
        for name, text in files.items():
            (self._root / name).write_text(text)
        self._git("add", "--all", day=day)
        self._git("commit", "-m", day, day=day)

    def _git(self, *arguments: str, day: str) -> None:
        moment = f"{day}T12:00:00Z"
        env = os.environ | {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}
        name = ("-c", "user.name=a", "-c", "user.email=a@b")
        command = ["git", "-C", str(self._root), *name, *arguments]
        subprocess.run(command, env=env, check=True, capture_output=True)


def function(name: str, number: int) -> str:
    """The text of a Python function."""
    return f'def {name}(items):\n    """Return {name} of {number} items."""\n    return {number}\n'


class Searches:
    """Asks until the block ends and so many answers came, and promotes a version each second."""

    def __init__(self, system: System, least: int) -> None:
        self._system = system
        self._least = least
        self._done = threading.Event()
        self._began = time.monotonic()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(2)]
        self._threads.append(threading.Thread(target=self._promote))
        self.answers: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self.wrong: list[str] = []
        self.promoted = 0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._least = 0
        self._end()

    def _end(self) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311  # no secret
        with self._system.api() as api:
            while not self._done.is_set() or sum(self.answers.values()) < self._least:
                text = f"{' '.join(chance.sample(WORDS, 4))} {chance.random()}"
                answer = api.post("/v1/search", json={"text": text, "k": 3})
                if answer.status_code != HTTPStatus.OK or not answer.json()["hits"]:
                    self.wrong.append(answer.text)
                    continue
                ids = tuple(hit["chunk_id"] for hit in answer.json()["hits"])
                self.answers[answer.json()["index"], ids] += 1
                time.sleep(PAUSE_S)

    def _promote(self) -> None:
        chance = random.Random(0)  # noqa: S311  # no secret
        versions = IndexVersions(self._system.settings.indexes / CORPUS)
        while not self._done.wait(1):
            with versions.writing(lambda _: None):
                versions.serve(chance.choice(versions.names()), why="promote")
            self.promoted += 1

    def result(self) -> dict[str, Any]:
        """What was asked; an answer is mixed where a hit is no chunk of the version it names."""
        self._end()
        folder = self._system.settings.indexes / CORPUS
        chunks: dict[str, set[str]] = {}
        for version in {version for version, _ in self.answers}:
            store = ChunkStore(folder / version / layout.CHUNKS)
            chunks[version] = {chunk for _, chunk in store.ids()}
            store.close()
        mixed = [one for one in self.answers if not chunks[one[0]].issuperset(one[1])]
        self.wrong += [f"mixed: {one}" for one in mixed]
        return {
            "searches": sum(self.answers.values()),
            "versions that answered": len(chunks),
            "times that another version was promoted": self.promoted,
            "searches that failed or mixed versions": len(self.wrong),
            "what the first of them said": self.wrong[:1],
        }


class Killer(threading.Thread):
    """Kills `embed` of the big day once it has embedded some, but not all."""

    def __init__(self, system: System) -> None:
        super().__init__(daemon=True)
        self._system = system
        self.begun = cached(system)
        self.before: set[bytes] = set()

    def run(self) -> None:
        """Wait for it, and kill."""
        until = time.monotonic() + MOST_S
        while time.monotonic() < until:
            if cached(self._system) > self.begun and (pid := self._pid()):
                os.kill(pid, signal.SIGKILL)
                time.sleep(1)  # until a transaction of its is rolled back
                self.before = cached(self._system)
                return
            time.sleep(0.2)

    def _pid(self) -> int | None:
        run = runs(self._system).get(BIG_DAY)
        for task in tasks(self._system, run["dag_run_id"]) if run else ():
            if task["task_id"] == "embed" and task["state"] == "running":
                pid: int | None = task["pid"]
                return pid if pid and psutil.pid_exists(pid) else None
        return None


def order(days: Sequence[str], *, reprocess: str = "none") -> dict[str, Any]:
    """The body that asks Airflow for a backfill."""
    return {
        "dag_id": DAG,
        "from_date": f"{days[0]}T00:00:00Z",
        "to_date": f"{days[-1]}T00:00:00Z",
        "dag_run_conf": {"corpus": CORPUS},
        "max_active_runs": 2,
        "reprocess_behavior": reprocess,
    }


def from_ui(system: System, pictures: Path | None) -> None:
    """The first five days, as a person does it."""
    with logged_in(system.settings) as page:
        page.goto(f"{system.settings.airflow}/dags/{DAG}")
        page.get_by_role("button", name="Trigger").first.click()
        page.get_by_text("Run this Dag for a range of dates").click()
        for day in (UI[0], UI[-1]):
            page.get_by_text("Select date and time").first.click()
            for field, value in (("YYYY/MM/DD", day.replace("-", "/")), ("HH:mm", "00:00")):
                page.get_by_placeholder(field).fill(value)
                page.get_by_placeholder(field).press("Enter")
            page.get_by_text("Date Range").click()  # closes the calendar
            page.get_by_placeholder("HH:mm").wait_for(state="hidden")
        page.locator("[name=element_corpus]").fill(CORPUS)
        page.get_by_text("5 runs will be triggered").wait_for()
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=pictures / "backfill.png")
        with page.expect_response("**/api/v2/backfills") as answered:
            page.get_by_role("button", name="Run Backfill").click()
        if answered.value.status != HTTPStatus.OK:
            raise RuntimeError(f"Airflow refused the backfill: {answered.value.text()}")


def from_command_line(system: System) -> None:
    """The next five days, by Airflow's own command."""
    done = system.calisota(
        *("airflow", "backfill", "create", "--dag-id", DAG),
        *("--from-date", CLI[0], "--to-date", CLI[-1], "--max-active-runs", "2"),
        *("--dag-run-conf", json.dumps({"corpus": CORPUS})),
    )
    if done.returncode != 0:
        raise RuntimeError(f"`calisota airflow backfill create` failed:\n{done.stderr}")


def picture_of_grid(system: System, folder: Path) -> None:
    """The days and their tasks, as the UI shows them at the end."""
    with logged_in(system.settings) as page:
        page.goto(f"{system.settings.airflow}/dags/{DAG}")
        page.wait_for_timeout(5000)
        page.screenshot(path=folder / "backfilled.png")


def outcome(system: System, days: Sequence[str]) -> dict[str, int]:
    """How many of the days' runs ended how, once all have."""
    ends = {"success", "failed"}
    wait(lambda: all(runs(system).get(day, {}).get("state") in ends for day in days))
    with system.airflow() as airflow:  # which begins no other one before
        path = "/api/v2/backfills"
        wait(
            lambda: all(
                one["completed_at"]
                for one in airflow.get(path, params={"dag_id": DAG}).json()["backfills"]
            )
        )
    return dict(Counter(runs(system)[day]["state"] for day in days))


def wait(until: Callable[[], object]) -> None:
    """Until it is so. Raises: TimeoutError."""
    most = time.monotonic() + MOST_S
    while not until():
        if time.monotonic() > most:
            raise TimeoutError(f"not so after {MOST_S} s")
        time.sleep(1)


def runs(system: System) -> dict[str, dict[str, Any]]:
    """The Dag run of each backfilled day."""
    with system.airflow() as airflow:
        answer = airflow.get(f"/api/v2/dags/{DAG}/dagRuns", params={"limit": 100})
    found = answer.raise_for_status().json()["dag_runs"]
    return {run["data_interval_start"][:10]: run for run in found if run["run_type"] == "backfill"}


def scheduled(system: System) -> bool:
    """Whether the run that the schedule starts at once has ended."""
    with system.airflow() as airflow:
        answer = airflow.get(f"/api/v2/dags/{DAG}/dagRuns", params={"run_type": "scheduled"})
    found = answer.raise_for_status().json()["dag_runs"]
    return bool(found) and all(run["state"] in {"success", "failed"} for run in found)


def tasks(system: System, run_id: str) -> list[dict[str, Any]]:
    """The task instances of a run."""
    with system.airflow() as airflow:
        answer = airflow.get(f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances")
    found: list[dict[str, Any]] = answer.raise_for_status().json()["task_instances"]
    return found


def embedded(system: System, days: Sequence[str]) -> int:
    """How many chunks the tries of `embed` that ended say that they embedded."""
    total = 0
    for day in days:
        run_id = runs(system)[day]["dag_run_id"]
        for task in tasks(system, run_id):
            if task["task_id"] == "embed" and task["state"] == "success":
                path = f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances/embed/xcomEntries"
                with system.airflow() as airflow:
                    number = {"map_index": task["map_index"], "deserialize": True}
                    answer = airflow.get(f"{path}/return_value", params=number)
                total += answer.raise_for_status().json()["value"]["embedded"]
    return total


def versions_by_day(system: System) -> dict[str, str]:
    """The version of each day."""
    versions = IndexVersions(system.settings.indexes / CORPUS)
    return {str(one.inputs.partition): one.version for one in versions.manifests()}


def chunks_of(system: System, days: Sequence[str]) -> set[bytes]:
    """The keys under which the cache has the chunks of the days' versions."""
    found: set[bytes] = set()
    for day, version in versions_by_day(system).items():
        if day in days:
            store = ChunkStore(system.settings.indexes / CORPUS / version / layout.CHUNKS)
            rows = range(len(store.ids()))
            found |= {text_key(chunk.text) for chunk in store.get(rows)}
            store.close()
    return found


def cached(system: System) -> set[bytes]:
    """The keys of all that was embedded, by any build on this machine."""
    keys: set[bytes] = set()
    for path in (system.settings.home / "cache" / "embeddings").glob("*.sqlite"):
        with closing(sqlite3.connect(path, timeout=60)) as connection:
            keys |= {key for (key,) in connection.execute("SELECT key FROM vectors")}
    return keys


if __name__ == "__main__":
    main()
