"""The DAG `index_build` in a real system: five days of a repository, backfilled over REST."""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import psutil
import pytest

from bench.rig import System, running_system
from calisota.llm.scripted_server import ScriptedServer
from calisota.rag.versions import IndexVersions

DAYS = [f"2026-03-0{day}" for day in range(1, 6)]
FUNCTION = '''def {name}(items):
    """Return what the {name} of the items is."""
    return {name}_of(items, {number})
'''
BACKFILL = {
    "dag_id": "index_build",
    "from_date": f"{DAYS[0]}T00:00:00Z",
    "to_date": f"{DAYS[-1]}T00:00:00Z",
    "dag_run_conf": {"corpus": "repository"},
    "max_active_runs": 2,
}


def write_days(root: Path) -> None:
    """A commit a day; on the third most files are gone, on the fourth they are back."""
    root.mkdir()
    names = ["median", "mean", "mode", "range", "total", "product"]

    def git(*arguments: str, day: str = DAYS[0]) -> None:
        moment = f"{day}T12:00:00Z"
        env = os.environ | {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}
        name = ("-c", "user.name=a", "-c", "user.email=a@b")
        command = ["git", "-C", str(root), *name, *arguments]
        subprocess.run(command, env=env, check=True, capture_output=True)

    git("init")
    for number, day in enumerate(DAYS):
        for place, name in enumerate(names):
            path = root / f"{name}.py"
            if number == 2 and place < 5:
                path.unlink()
            else:
                path.write_text(FUNCTION.format(name=name, number=number if place == 0 else 0))
        (root / f"day{number}.py").write_text(FUNCTION.format(name=f"day{number}", number=number))
        git("add", "--all", day=day)
        git("commit", "-m", day, day=day)


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora")
    write_days(folder / "repository")
    corpora = folder / "corpora.yaml"
    corpora.write_text("stdlib: {kind: stdlib}\nrepository: {kind: git, path: repository}\n")
    models = {f"CALISOTA_LLM_MODEL_{route}": "scripted" for route in ("SLOW", "FAST", "CRITIC")}
    with (
        ScriptedServer(lambda _: "") as model,
        running_system(
            CALISOTA_LLM_BASE_URL=model.base_url,
            CALISOTA_CORPORA=str(corpora),
            CALISOTA_INDEX_SCHEDULE="0 0 * * *",
            **models,
        ) as running,
    ):
        yield running


def runs(system: System) -> dict[str, str]:
    """The state of each backfilled day."""
    with system.airflow() as airflow:
        answer = airflow.get("/api/v2/dags/index_build/dagRuns", params={"limit": 100})
    found = answer.raise_for_status().json()["dag_runs"]
    return {
        run["data_interval_start"][:10]: run["state"]
        for run in found
        if run["run_type"] == "backfill"
    }


def backfill(system: System, reprocess: str) -> dict[str, str]:
    """The states when it has ended."""
    with system.airflow() as airflow:
        until = time.monotonic() + 240
        body = BACKFILL | {"reprocess_behavior": reprocess}
        number = airflow.post("/api/v2/backfills", json=body).raise_for_status().json()["id"]
        while time.monotonic() < until:
            answer = airflow.get(f"/api/v2/backfills/{number}").raise_for_status().json()
            if answer["completed_at"] and set(runs(system).values()) <= {"success", "failed"}:
                return runs(system)
            time.sleep(0.5)
    pytest.fail(f"the backfill does not end: {runs(system)}")


def of_days(system: System) -> dict[str, str]:
    versions = IndexVersions(system.settings.indexes / "repository")
    return {str(one.inputs.partition): one.version for one in versions.manifests()}


def test_a_dry_run_names_the_days_and_starts_nothing(system: System):
    with system.airflow() as airflow:
        answer = airflow.post(
            "/api/v2/backfills/dry_run", json=BACKFILL | {"reprocess_behavior": "none"}
        )
    days = [one["logical_date"][:10] for one in answer.raise_for_status().json()["backfills"]]
    assert days == DAYS
    assert runs(system) == {}


def test_five_days_are_backfilled_and_a_bad_one_is_kept_out(system: System):
    states = backfill(system, "none")
    assert states == dict.fromkeys(DAYS, "success") | {DAYS[2]: "failed"}
    kept = [day for day in DAYS if day != DAYS[2]]
    assert sorted(of_days(system)) == kept
    versions = IndexVersions(system.settings.indexes / "repository")
    assert versions.serving() == of_days(system)[DAYS[-1]]
    with system.airflow() as airflow:
        events = airflow.get("/api/v2/assets/events").raise_for_status().json()["asset_events"]
    extras = [event["extra"] for event in events if event["extra"].get("corpus") == "repository"]
    assert {extra["partition"] for extra in extras} == set(kept)
    assert all(extra["gate"]["recall"] >= 0.95 for extra in extras)


def test_days_that_are_run_again_change_nothing(system: System):
    before = of_days(system)
    states = backfill(system, "completed")
    assert states[DAYS[2]] == "failed"
    assert of_days(system) == before


def test_a_killed_task_is_tried_again_while_searches_go_on(system: System):
    """Nothing that was embedded is embedded again; no search fails or mixes two versions."""
    wrong: list[str] = []
    asked = 0
    done = threading.Event()

    def search() -> None:
        nonlocal asked
        with system.api() as api:
            while not done.is_set():
                answer = api.post("/v1/search", json={"text": "merge sorted inputs", "k": 3})
                asked += 1
                if answer.status_code != 200 or not answer.json()["hits"]:
                    wrong.append(answer.text)

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        with system.airflow() as airflow:
            started = airflow.post(
                "/api/v2/dags/index_build/dagRuns", json={"logical_date": None, "conf": {}}
            )
            run_id = started.raise_for_status().json()["dag_run_id"]
            killed = kill_a_task(system, run_id)
            until = time.monotonic() + 240
            state = "running"
            while state in {"queued", "running"} and time.monotonic() < until:
                run = airflow.get(f"/api/v2/dags/index_build/dagRuns/{run_id}")
                state = run.raise_for_status().json()["state"]
                time.sleep(0.5)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert killed
    assert state == "success"
    assert wrong == []
    assert asked > 20


def kill_a_task(system: System, run_id: str) -> bool:
    """Whether a process that ran a task of the run was killed."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with system.airflow() as airflow:
            answer = airflow.get(f"/api/v2/dags/index_build/dagRuns/{run_id}/taskInstances")
        for task in answer.raise_for_status().json()["task_instances"]:
            if task["state"] == "running" and task["pid"] and psutil.pid_exists(task["pid"]):
                os.kill(task["pid"], signal.SIGKILL)
                return True
        time.sleep(0.05)
    return False


def test_the_command_line_tells_what_there_is(system: System):
    done = system.calisota("index", "list", "--corpus", "repository", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [one["serves"] for one in told] == [False, False, False, True]
    first, last = told[0]["version"], told[-1]["version"]
    diff = system.calisota("index", "diff", first, last, "--corpus", "repository", "--json")
    assert set(json.loads(diff.stdout)["added"]) == {f"day{n}.py" for n in range(1, 5)}
    rolled = system.calisota("index", "rollback", "--corpus", "repository")
    assert rolled.returncode == 0, rolled.stderr
    assert system.calisota("index", "promote", last, "--corpus", "repository").returncode == 0
    verified = system.calisota("index", "verify", "--corpus", "repository")
    assert verified.stdout.count("✓") == 4
    again = system.calisota("index", "rollback", "--corpus", "nowhere")
    assert again.returncode != 0
    assert "remedy" in (again.stderr + again.stdout).lower()
