"""A Docker Engine to work with: the one that is there, or one of our own in the data home."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import psutil

from calisota.errors import EngineUnavailable, PermanentError
from calisota.sandbox.engine import connect
from calisota.system.airflow_env import MARK

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from calisota.settings import Settings

START_S = 60
STOP_S = 30
# sun_path holds 108 bytes, and containerd puts its own, longer name below the same folder.
MAX_HOME_BYTES = 60


def ensure_engine(settings: Settings, detail: Callable[[str], None]) -> str:
    """The URL of an Engine that answers; starts our own where there is none.

    Raises: EngineUnavailable: none answers and none can be started; the remedy says what to do.
    """
    folder = settings.home / "engine"
    if not is_ours(settings):
        # A socket whose daemon is gone would only hide another Engine that works.
        (folder / "docker.sock").unlink(missing_ok=True)
    try:
        return _url(settings)
    except EngineUnavailable as error:
        if settings.docker_host or os.environ.get("DOCKER_HOST"):
            raise
        _check_startable(settings, error)
    _start(settings, detail)
    return _url(settings)


def stop_engine(settings: Settings) -> bool:
    """Whether an Engine of ours was running; it is stopped now. One we did not start stays."""
    folder = settings.home / "engine"
    process = _process(folder)
    if process is None:
        return False
    family = [process, *process.children(recursive=True)]
    process.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=STOP_S)
    for one in alive:
        one.kill()
    psutil.wait_procs(alive, timeout=5)
    return True


def is_ours(settings: Settings) -> bool:
    """Whether an Engine that we started is running."""
    return _process(settings.home / "engine") is not None


def _url(settings: Settings) -> str:
    client = connect(settings)
    try:
        return str(client.base_url).replace("http+docker://localhost", "") or engine_url(settings)
    finally:
        client.close()


def engine_url(settings: Settings) -> str:
    """The URL that `connect` chooses; docker-py does not tell that of a Unix socket."""
    chosen = settings.docker_host or os.environ.get("DOCKER_HOST")
    if chosen:
        return chosen
    own = settings.home / "engine" / "docker.sock"
    return f"unix://{own}" if own.exists() else "unix:///var/run/docker.sock"


def _check_startable(settings: Settings, error: EngineUnavailable) -> None:
    if os.geteuid() != 0:
        raise EngineUnavailable(
            f"No Docker Engine answers, and only root can start one. {error.message}",
            remedy="start Docker (`sudo systemctl start docker`) and join the group `docker`, "
            "or set CALISOTA_DOCKER_HOST.",
        )
    if shutil.which("dockerd") is None:
        raise EngineUnavailable(
            "No Docker Engine answers and none is installed.",
            remedy="run `make setup`, or `apt-get install docker.io mmdebstrap`.",
        )
    if len(str(settings.home).encode()) > MAX_HOME_BYTES:
        raise PermanentError(
            f"The path {settings.home} is too long for the sockets of a Docker Engine.",
            remedy=f"set CALISOTA_HOME to a path of at most {MAX_HOME_BYTES} bytes.",
        )


def _start(settings: Settings, detail: Callable[[str], None]) -> None:
    folder = settings.home / "engine"
    folder.mkdir(parents=True, exist_ok=True)
    settings.logs.mkdir(parents=True, exist_ok=True)
    (folder / "dockerd.pid").unlink(missing_ok=True)
    log = settings.logs / "dockerd.log"
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603  # our own argv
            _command(folder), stdout=output, stderr=output, stdin=subprocess.DEVNULL,
            start_new_session=True,
            # Ended by `stop_engine`, after the containers: not one of the supervisor's family.
            env={name: value for name, value in os.environ.items() if name != MARK},
        )  # fmt: skip
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            connect(settings).close()
        except EngineUnavailable:
            detail("waiting for dockerd")
            time.sleep(0.3)
        else:
            return
    process.kill()
    last = log.read_text(errors="replace").strip().splitlines()[-3:]
    raise EngineUnavailable(
        f"dockerd did not start: {' | '.join(last)}", remedy=f"read {log}, mend it, and try again."
    )


def _command(folder: Path) -> list[str]:
    # Sandbox containers have no network, so neither a bridge nor iptables is needed.
    return [
        "dockerd",
        f"--data-root={folder / 'data'}",
        f"--exec-root={folder / 'run'}",
        f"--pidfile={folder / 'dockerd.pid'}",
        f"--host=unix://{folder / 'docker.sock'}",
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
    ]


def _process(folder: Path) -> psutil.Process | None:
    """Our dockerd, if it runs; a recycled pid is recognised by the command line."""
    try:
        process = psutil.Process(int((folder / "dockerd.pid").read_text()))
        ours = any(str(folder / "data") in part for part in process.cmdline())
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return None
    return process if ours else None
