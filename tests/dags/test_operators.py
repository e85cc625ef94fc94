"""The retry policy and the trigger form, without a scheduler."""

import os
import subprocess
import sys
from pathlib import Path

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


def test_the_retry_policy_and_the_trigger_form(tmp_path: Path):
    env = os.environ | {
        "AIRFLOW_HOME": str(tmp_path),
        "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
