"""The DAG file as Airflow sees it: parsed in a process of its own, nothing heavy imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PARSE = """
import json, logging, sys
logging.disable(logging.CRITICAL)
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
bag = DagBag({dags!r})
tasks = {{
    dag.dag_id: {{
        task.task_id: [sorted(task.upstream_task_ids), task.trigger_rule.value, task.pool]
        for task in dag.tasks
    }}
    for dag in bag.dags.values()
}}
size = {{d.dag_id: len(json.dumps(DagSerialization.to_dict(d))) for d in bag.dags.values()}}
heavy = ["torch", "sentence_transformers", "faiss", "numpy", "openai", "onnxruntime"]
imported = [name for name in heavy if name in sys.modules]
schedules = {{
    d.dag_id: [str(d.schedule), d.catchup, d.max_active_runs] for d in bag.dags.values()
}}
print(json.dumps([bag.import_errors, tasks, size, imported, schedules]))
"""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory):
    ours = {k: v for k, v in os.environ.items() if not k.startswith("CALISOTA_")}
    env = ours | {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
    }
    script = PARSE.format(dags=str(ROOT / "dags"))
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_every_dag_file_parses(parsed):
    errors, tasks, *_ = parsed
    assert errors == {}
    assert set(tasks) == {path.stem for path in (ROOT / "dags").glob("*.py")}


def test_nothing_heavy_is_imported_when_a_dag_is_parsed(parsed):
    assert parsed[3] == []


def test_solve_has_the_shape_of_the_design(parsed):
    solve = parsed[1]["solve"]
    assert solve["retrieve"] == [[], "all_success", "gpu"]
    assert solve["plan"][0] == ["retrieve"]
    before = ["plan"]
    for number in (1, 2, 3):
        code, sandbox, critic, clarify = (
            f"round_{number}.{n}" for n in ("code", "sandbox", "critic", "clarify")
        )
        assert solve[code] == [sorted(before), "none_failed_min_one_success", "llm_fast"]
        assert solve[sandbox] == [[code], "all_success", "sandbox"]
        assert solve[critic] == [[sandbox], "none_failed", "llm_slow"]
        assert solve[clarify] == [[critic], "all_success", "default_pool"]
        before = [critic, clarify]
    last = sorted(f"round_{n}.{task}" for n in (1, 2, 3) for task in ("critic", "clarify"))
    assert solve["report"] == [last, "none_failed_min_one_success", "sandbox"]


def test_solve_fast_is_one_task(parsed):
    assert parsed[1]["solve_fast"] == {"solve": [[], "all_success", "sandbox"]}


def test_housekeeping_runs_by_itself_and_never_twice_at_once(parsed):
    assert parsed[1]["housekeeping"] == {
        "containers": [[], "all_success", "default_pool"],
        "artifacts": [[], "all_success", "default_pool"],
        "ledger": [[], "all_success", "default_pool"],
        "memory": [[], "all_success", "default_pool"],
    }
    assert parsed[4]["housekeeping"] == ["1:00:00", False, 1]


def test_dag_files_are_wiring_only():
    for path in (ROOT / "dags").glob("*.py"):
        assert len(path.read_text().splitlines()) <= 80, path
