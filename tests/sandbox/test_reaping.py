"""What a start, an end and the housekeeping do to containers that somebody left behind."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from calisota.models import Language
from calisota.sandbox.container import (
    EXPIRES_LABEL,
    HOME_LABEL,
    SOLVE_LABEL,
    Container,
    ContainerLimits,
    home_label,
)
from calisota.sandbox.engine import DockerSandbox
from calisota.sandbox.images import image_tag
from calisota.system.supervisor import remove_containers

ROOT = Path(__file__).resolve().parents[2]
LIMITS = ContainerLimits(memory_bytes=2**26, tmpfs_bytes=2**23, exec_needed=False)
SCRIPT = """
import json
from calisota_airflow.housekeeping import ReapContainersOperator
print(json.dumps(ReapContainersOperator(task_id="containers").execute({})))
"""

pytestmark = pytest.mark.docker


@pytest.fixture
def home(settings, client, tmp_path):
    socket = getattr(client.get_adapter(client.base_url), "socket_path", None)
    if socket is None:
        pytest.skip("the Engine is not on a Unix socket")
    update = {"home": tmp_path, "docker_host": f"unix://{socket}"}
    return settings.model_copy(update=update)


@pytest.fixture
def left(client, settings, home):
    """Containers that nobody removes: of three homes and ages; name -> whether it is there."""
    other = home.model_copy(update={"home": home.home / "other"})
    kinds = {
        "solve_young": (home, 600),
        "solve_old": (home, -1),
        "exec_young": (home, 600),
        "local_young": (home, 600),
        "local_old": (home, -1),
        "solve_other": (other, -1),
    }
    started = []
    for name, (one, left_s) in kinds.items():
        labels = {
            HOME_LABEL: home_label(one.home),
            SOLVE_LABEL: name,
            EXPIRES_LABEL: str(int(time.time() + left_s)),
        }
        image = image_tag(Language.PYTHON, settings)
        container = Container(client, image=image, limits=LIMITS, labels=labels)
        container.__enter__()
        started.append(container)

    def there():
        found = []
        for one in (home, other):
            found += DockerSandbox(client, one).list_ours()
        return {one["Labels"][SOLVE_LABEL] for one in found}

    assert there() == set(kinds)
    yield there
    for container in started:
        container.__exit__(None, None, None)


def comes_to(there, wanted):
    until = time.monotonic() + 10
    while there() != wanted and time.monotonic() < until:
        time.sleep(0.05)
    return there() == wanted


def test_a_start_removes_all_of_this_home_but_what_another_terminal_runs(home, left):
    remove_containers(home)
    assert comes_to(left, {"local_young", "solve_other"})


def test_the_housekeeping_removes_only_what_has_outlived_its_time(home, left, tmp_path):
    env = os.environ | {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "CALISOTA_HOME": str(home.home),
        "CALISOTA_DOCKER_HOST": home.docker_host,
        "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {"found": 5, "removed": 2}
    assert comes_to(left, {"solve_young", "exec_young", "local_young", "solve_other"})
