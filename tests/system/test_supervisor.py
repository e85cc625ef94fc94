"""The supervisor with real processes: nothing it started outlives it, however it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from calisota.errors import EngineUnavailable, InputError, PermanentError
from calisota.settings import Settings
from calisota.system.airflow_env import MARK
from calisota.system.docker_engine import ensure_engine
from calisota.system.processes import Component, end_family, family
from calisota.system.state import is_running, only_supervisor
from calisota.system.supervisor import Supervisor, check_ports

# A component that forks: the grandchild is in a session of its own, ignores SIGTERM, and changes
# its title as Airflow's workers do.
STUBBORN = """
import os, signal, time
from setproctitle import setproctitle
if os.fork() == 0:
    os.setsid()
    setproctitle("airflow worker -- LocalExecutor: <idle> " + "x" * 200)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
time.sleep(600)
"""

HOST = """
import json, os, sys, time
from pathlib import Path
from calisota.settings import Settings
from calisota.system.airflow_env import child_env
from calisota.system.processes import Component, end_family
from calisota.system.supervisor import Supervisor
settings = Settings(home=Path(sys.argv[1]))
env = child_env(settings, "unix:///none.sock")
supervisor = Supervisor(settings, [Component("stubborn", [sys.executable, "-c", {code!r}], env)])
supervisor.catch_signals()
supervisor.start()
print(json.dumps(supervisor.pids), flush=True)
while not supervisor.ending:
    supervisor.tend()
    time.sleep(0.05)
end_family(settings.home, patience_s=0.5, detail=lambda line: None)
"""


def quiet(_line: str) -> None:
    """No progress."""


@pytest.fixture
def host(tmp_path: Path):
    code = HOST.format(code=STUBBORN)
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    pids = json.loads(process.stdout.readline())
    wait_for(lambda: len(family(tmp_path)) == 2)
    yield process, pids
    process.kill()
    process.wait()
    process.stdout.close()
    end_family(tmp_path, patience_s=0, detail=quiet)


def wait_for(condition, timeout_s: float = 15) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_supervisor_and_every_descendant(host, tmp_path: Path, number):
    process, _ = host
    process.send_signal(number)
    assert process.wait(timeout=15) == 0
    assert family(tmp_path) == []


def test_a_killed_supervisor_takes_its_children_along_and_the_rest_is_found(host, tmp_path: Path):
    process, pids = host
    process.kill()
    process.wait()
    wait_for(lambda: not psutil.pid_exists(pids["stubborn"]))
    assert len(family(tmp_path)) == 1  # the grandchild, in its own session
    assert end_family(tmp_path, patience_s=0, detail=quiet) == 1
    assert family(tmp_path) == []


def test_a_component_that_dies_is_restarted(host, tmp_path: Path):
    process, pids = host
    os.kill(pids["stubborn"], signal.SIGKILL)
    wait_for(lambda: any(p.ppid() == process.pid and p.pid != pids["stubborn"]
                         and p.status() != psutil.STATUS_ZOMBIE
                         and len(p.children()) == 1 for p in family(tmp_path)))  # fmt: skip


def test_a_component_that_keeps_dying_ends_the_start_with_its_last_words(
    tmp_path: Path, monkeypatch
):
    monkeypatch.setattr("calisota.system.supervisor.QUICK_DEATHS", 2)
    code = "import sys; sys.exit('the database is on fire')"
    env = os.environ | {MARK: str(tmp_path)}
    broken = Component("broken", [sys.executable, "-c", code], env)
    supervisor = Supervisor(Settings(home=tmp_path), [broken])
    supervisor.start()

    def tend_forever() -> None:
        while True:
            supervisor.tend()
            time.sleep(0.05)

    with pytest.raises(PermanentError, match="the database is on fire"):
        tend_forever()


def test_one_supervisor_per_data_home(tmp_path: Path):
    settings = Settings(home=tmp_path)
    assert not is_running(settings)
    with only_supervisor(settings) as first:
        assert first
        assert is_running(settings)
        with only_supervisor(settings) as second:
            assert not second
    assert not is_running(settings)


def test_a_port_in_use_names_the_setting(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = Settings(home=tmp_path, api_port=taken.getsockname()[1])
        with pytest.raises(InputError, match="CALISOTA_API_PORT"):
            check_ports(settings)


def test_an_engine_that_was_named_but_does_not_answer_is_not_replaced(tmp_path: Path):
    settings = Settings(home=tmp_path, docker_host=f"unix://{tmp_path}/none.sock")
    with pytest.raises(EngineUnavailable):
        ensure_engine(settings, quiet)


def test_without_root_no_engine_is_started_and_the_remedy_says_what_to_do(
    tmp_path: Path, monkeypatch
):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("CALISOTA_DOCKER_HOST", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    if Path("/var/run/docker.sock").exists():
        pytest.skip("an Engine of the system answers here")
    with pytest.raises(EngineUnavailable, match="systemctl start docker"):
        ensure_engine(Settings(home=tmp_path), quiet)


def test_a_data_home_with_a_long_path_is_refused_before_dockerd_fails(tmp_path: Path, monkeypatch):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("CALISOTA_DOCKER_HOST", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/sbin/{name}")
    if Path("/var/run/docker.sock").exists():
        pytest.skip("an Engine of the system answers here")
    with pytest.raises(PermanentError, match="too long"):
        ensure_engine(Settings(home=tmp_path / ("x" * 80)), quiet)
