"""The retry policy, the trigger form and steps that died, without a scheduler."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Airflow warns about itself at import, and our warnings are errors: a process of its own.
SCRIPT = """
from datetime import timedelta
from calisota_airflow.policy import RemedyRetryPolicy
from calisota_airflow.params import solve_params
from calisota import errors
from calisota.models import Problem

policy = RemedyRetryPolicy()
decide = lambda error: policy.evaluate(error, 1, 3)

waited = decide(errors.ModelUnavailable("429", remedy="wait", retry_after_s=7))
assert (waited.action.value, waited.retry_delay) == ("retry", timedelta(seconds=7)), waited
down = decide(errors.EngineUnavailable("no daemon", remedy="start it"))
assert (down.action.value, down.retry_delay) == ("retry", None), down
for error in (
    errors.InputError("bad", remedy="r"),
    errors.ModelRejected("401", remedy="r"),
    errors.ArtifactDamaged("gone", remedy="r"),
):
    assert decide(error).action.value == "fail", error
assert decide(OSError("?")).action.value == "default"
assert RemedyRetryPolicy.deserialize(policy.serialize()).serialize() == {}

params = solve_params()
assert set(Problem.model_fields) <= set(params), set(Problem.model_fields) - set(params)
form = {name: param.resolve() for name, param in params.items()}
form |= {"statement": "Add.", "tests": []}
filled = {k: v for k, v in form.items() if k in Problem.model_fields and v is not None}
Problem.model_validate(filled)
"""

# A step that died with a triggerer goes on in a worker of its own, and is given up there.
DEATHS = """
import asyncio, time
from types import SimpleNamespace
from airflow.sdk.exceptions import TaskDeferred
from calisota import errors
from calisota.artifacts import ArtifactStore
from calisota.attempts import FOLDER, MOST_DEATHS, Attempt
from calisota.settings import settings
from calisota_airflow.operators import CodeOperator
from calisota_airflow.policy import RemedyRetryPolicy
from calisota_airflow.triggers import ModelTrigger, raise_fault

store = ArtifactStore(settings().artifacts)
STEP = dict(step="code", solve_id="s", round_number=1, generation=0)

def die():
    left = Attempt(step="round_1.code", generation=0, began_at=time.time(), host="h", pid=1,
                   process="gone")
    store.put("s", f"{FOLDER}/round_1.code~{time.monotonic_ns()}", left)

async def event():
    async for one in ModelTrigger(**STEP).run():
        return one.payload

def fault_of(call):
    try:
        call()
    except (errors.CalisotaError, TaskDeferred) as error:
        return error

task = CodeOperator(task_id="code", round_number=1, retries=3)
def execute(max_tries=3, try_number=1):
    ti = SimpleNamespace(max_tries=max_tries, try_number=try_number)
    return fault_of(lambda: task.execute({"run_id": "s", "task": task, "ti": ti}))

assert isinstance(execute(), TaskDeferred)
again = execute(try_number=2)
assert isinstance(again, errors.ArtifactDamaged), again  # it began here: there is no Problem
die()
fault = fault_of(lambda: raise_fault(asyncio.run(event())))
assert isinstance(fault, errors.TransientError), fault
assert fault.retry_after_s == 0 and "worker of its own" in fault.remedy, fault
here = execute()
assert isinstance(here, errors.ArtifactDamaged), here  # it began here: there is no Problem
for _ in range(MOST_DEATHS - 1):
    die()
given_up = execute()
assert isinstance(given_up, errors.StepQuarantined), given_up
assert RemedyRetryPolicy().evaluate(given_up, 3, 3).action.value == "fail"
assert isinstance(execute(max_tries=6, try_number=4), TaskDeferred), "cleared by hand"
task._solve_id = "s"
task.on_kill()
"""


@pytest.mark.parametrize("script", [SCRIPT, DEATHS], ids=["policy and form", "deaths"])
def test_the_operators_in_a_process_of_their_own(script: str, tmp_path: Path):
    env = os.environ | {
        "AIRFLOW_HOME": str(tmp_path),
        "CALISOTA_HOME": str(tmp_path / "home"),
        "CALISOTA_DEFERRABLE": "true",
        "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
