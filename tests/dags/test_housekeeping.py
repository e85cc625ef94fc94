"""The operators of the DAG `housekeeping`, without a scheduler."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAY_S = 86_400

# Airflow warns about itself at import, and our warnings are errors: a process of its own.
PRUNE = """
import json, sys
from calisota_airflow.housekeeping import PruneArtifactsOperator

class TaskInstance:
    asked = []
    def get_dr_count(self, dag_id, run_ids, states):
        assert states == ["queued", "running"]
        if dag_id == "solve_fast":
            return 0
        assert dag_id == "solve"
        self.asked += run_ids
        return len({"queued", "a~b"} & set(run_ids))

ti = TaskInstance()
result = PruneArtifactsOperator(task_id="artifacts").execute({"ti": ti})
print(json.dumps([result, ti.asked]))
"""


SCHEDULE = """
from calisota_airflow.housekeeping import schedule
print(schedule())
"""


@pytest.fixture
def run(tmp_path: Path):
    def run(script: str, **settings: str) -> str:
        env = os.environ | {
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "CALISOTA_HOME": str(tmp_path / "home"),
            "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
        }
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=env | settings,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.splitlines()[-1]

    return run


@pytest.fixture
def solves(tmp_path: Path) -> Path:
    """Solves of various ages: each a folder with two files, of which the newest decides."""
    solves = tmp_path / "home" / "artifacts" / "solves"
    ages = {
        "old": 31,
        "old~0123abcd": 31,
        "local_old": 400,
        "young": 29,
        "queued": 90,
        "queued~0123abcd": 90,
        "a~b": 90,
        "a~b~0123abcd": 90,
        "rerun": 90,
    }
    for name, days in ages.items():
        write(solves / name / "problem.json", days)
        write(solves / name / "steps" / "plan.json", 0 if name == "rerun" else days + 1)
    write(solves / "a file", 90)
    write(solves.parent / "other" / "file", 90)
    (solves / "link").symlink_to(solves.parent / "other")
    return solves


def write(path: Path, days: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("12345")
    then = path.stat().st_mtime - days * DAY_S
    os.utime(path, (then, then))


def test_what_is_older_than_the_retention_goes_and_nothing_else(run, solves: Path):
    before = {path.name for path in solves.iterdir()}
    result, asked = json.loads(run(PRUNE))
    assert result == {"deleted": 3, "bytes": 30, "kept": 6}
    assert not {"young", "rerun"} & set(asked)  # their age alone keeps them
    gone = before - {path.name for path in solves.iterdir()}
    assert gone == {"old", "old~0123abcd", "local_old"}
    assert (solves.parent / "other" / "file").exists()


def test_a_retention_of_0_keeps_all(run, solves: Path):
    before = sorted(solves.rglob("*"))
    assert '"deleted": 0' in run(PRUNE, CALISOTA_ARTIFACT_RETENTION_DAYS="0")
    assert sorted(solves.rglob("*")) == before


def test_without_any_artifact_there_is_nothing_to_do(run):
    assert '"deleted": 0, "bytes": 0, "kept": 0' in run(PRUNE)


def test_the_schedule_is_a_setting(run):
    assert run(SCHEDULE) == "1:00:00"
    assert run(SCHEDULE, CALISOTA_HOUSEKEEPING_MINUTES="5") == "0:05:00"
    assert run(SCHEDULE, CALISOTA_HOUSEKEEPING_MINUTES="0") == "None"
