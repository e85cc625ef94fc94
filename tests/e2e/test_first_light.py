"""A trivial problem, from the command line, through a real scheduler, model and container."""

import json
import re
from pathlib import Path

import pytest

from bench.rig import System

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def solved(embedded: System):
    done = embedded.calisota("solve", "examples/add.yaml", "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)


def test_the_report_says_what_was_proven_and_what_it_cost(solved):
    assert solved["verdict"] == "verified"
    assert "def add" in solved["code"]
    assert [test["outcome"] for test in solved["tests"]] == ["accepted"] * 4
    assert solved["usage"]["calls"] >= 3
    assert solved["usage"]["completion_tokens"] > 0
    assert solved["claim"].startswith("The program passed all 4 tests in two runs")
    names = {step["name"] for step in solved["steps"]}
    assert {"retrieve", "plan", "code", "critic", "report"} <= names
    assert solved["index"]


def test_the_dag_run_of_that_id_is_green_or_skipped_in_airflow(embedded: System, solved):
    with embedded.airflow() as airflow:
        run = airflow.get(f"/api/v2/dags/solve/dagRuns/{solved['solve_id']}").json()
    assert run["state"] == "success"
    tasks = embedded.tasks(solved["solve_id"])
    assert {task["state"] for task in tasks} <= {"success", "skipped"}
    sandboxes = [t for t in tasks if t["task_id"] == "round_1.sandbox"]
    assert len(sandboxes) == 3
    for task in sandboxes:
        assert re.match(r"r1c\d \w+ \d/4$", task["rendered_map_index"]), task


def test_the_task_log_shows_the_programs_and_no_secret(embedded: System, solved):
    assert solved
    secrets = [
        path.read_text().strip() for path in embedded.settings.secrets.iterdir() if path.is_file()
    ]
    logs = [path for path in embedded.settings.logs.rglob("*") if path.is_file()]
    texts = {path: path.read_text(errors="replace") for path in logs}
    assert any("def add" in text for text in texts.values())
    for path, text in texts.items():
        for secret in secrets:
            assert not (len(secret) > 8 and secret in text), path


def test_the_doctor_finds_a_healthy_installation(embedded: System):
    done = embedded.calisota("doctor", "--json")
    assert done.returncode == 0, done.stdout + done.stderr


def test_up_twice_is_one_system(embedded: System):
    done = embedded.calisota("up", "--detach")
    assert done.returncode == 0, done.stderr
    assert "already" in done.stdout + done.stderr


def test_bad_input_ends_with_exit_code_2_and_names_the_field(embedded: System, tmp_path: Path):
    file = tmp_path / "bad.yaml"
    file.write_text("statement: x\nlanguage: cobol\n")
    done = embedded.calisota("solve", str(file))
    assert done.returncode == 2
    assert "language" in done.stderr
    assert "python" in done.stderr


def test_a_local_solve_gives_the_same_kind_of_report(embedded: System):
    done = embedded.calisota("solve", "examples/is_even.yaml", "--local", "--json")
    assert done.returncode in {0, 1}, done.stderr
    report = json.loads(done.stdout)
    assert report["verdict"] in {"verified", "failed"}
    assert len(report["tests"]) == 4
