"""`calisota up` and `calisota down` as the command line calls them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil

from calisota.errors import PermanentError
from calisota.system.docker_engine import stop_engine
from calisota.system.processes import end_family
from calisota.system.state import is_running, read_state
from calisota.system.supervisor import PATIENCE_S, remove_containers, run_system

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from calisota.settings import Settings
    from calisota.system.progress import Progress

# A first start builds images and the index.
DETACHED_READY_S = 900
DOWN_S = 60


def up(settings: Settings, progress: Progress, console: Console) -> None:
    """Run in the foreground until Ctrl-C, SIGTERM, SIGHUP or `calisota down`."""
    if is_running(settings):
        console.print(f"CALISOTA is already running. {_where(settings)}", highlight=False)
        return
    run_system(
        settings,
        progress,
        on_ready=lambda: console.print(
            f"Ready. {_where(settings)}\nCtrl-C stops it.", highlight=False
        ),
    )


def up_detached(settings: Settings, progress: Progress, console: Console) -> None:
    """Start the same in a session of its own; returns when it is ready.

    Raises: PermanentError: it failed; its message says what and why.
    """
    if is_running(settings):
        console.print(f"CALISOTA is already running. {_where(settings)}", highlight=False)
        return
    settings.logs.mkdir(parents=True, exist_ok=True)
    log = settings.logs / "supervisor.log"
    offset = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        process = subprocess.Popen(  # our own argv
            [sys.executable, "-m", "calisota.cli", "up"],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=os.environ | {"CALISOTA_HOME": str(settings.home)},
        )
    with progress.step("starting") as step:
        shown = ""
        deadline = time.monotonic() + DETACHED_READY_S
        while True:
            state = read_state(settings)
            if state is not None and state.status == "ready":
                break
            if process.poll() is not None:
                raise _failure(_since(log, offset), log)
            if time.monotonic() > deadline:
                raise PermanentError("It takes too long.", remedy=f"read {log}.")
            line = _since(log, offset).splitlines()[-1].strip()
            if line != shown:
                step.detail(line)
                shown = line
            time.sleep(0.3)
    console.print(f"Ready. {_where(settings)}", highlight=False)


def down(settings: Settings, progress: Progress, console: Console) -> None:
    """Stop everything of this data home, however it came to run; nothing running is fine too."""
    state = read_state(settings)
    if state is None and not is_running(settings):
        ended = end_family(settings.home, patience_s=PATIENCE_S, detail=lambda _line: None)
        remove_containers(settings)
        stopped = stop_engine(settings)
        console.print("Stopped what was left." if ended or stopped else "Nothing was running.")
        return
    with progress.step("stopping") as step:
        if state is not None:
            _ask_to_end(state.pid)
        deadline = time.monotonic() + DOWN_S
        while is_running(settings) and time.monotonic() < deadline:
            step.detail("waiting for the supervisor")
            time.sleep(0.2)
        if is_running(settings) and state is not None:
            os.kill(state.pid, signal.SIGKILL)
            time.sleep(0.2)
        end_family(settings.home, patience_s=0, detail=step.detail)
        remove_containers(settings)
        stop_engine(settings)


def _ask_to_end(pid: int) -> None:
    try:
        psutil.Process(pid).send_signal(signal.SIGTERM)
    except psutil.NoSuchProcess:
        return


def _where(settings: Settings) -> str:
    password = settings.secrets / "airflow_admin_password"
    key = settings.secrets / "api_key"
    return (
        f"\n  Airflow  {settings.airflow}   user admin, password in {password}"
        f"\n  API      {settings.api}/docs   key in {key}"
        f"\n  logs     {settings.logs}"
        "\n  try      calisota solve examples/add.yaml"
    )


def _failure(text: str, log: Path) -> PermanentError:
    """What the detached process said last, as it said it."""
    _, _, last = text.rpartition("error: ")
    message, _, remedy = last.partition("remedy: ")
    return PermanentError(message.strip(), remedy=remedy.strip() or f"read {log}.")


def _since(log: Path, offset: int) -> str:
    """What was logged since `offset`."""
    with log.open("rb") as file:
        file.seek(offset)
        return file.read().decode(errors="replace").strip() or "starting"
