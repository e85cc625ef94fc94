"""Child processes that cannot be orphaned, and the end of a whole family of them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

import psutil

from calisota.system.airflow_env import MARK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
MAX_LOG_BYTES = 20 * 1024 * 1024


class Component(NamedTuple):
    """One process of the system."""

    name: str
    argv: list[str]
    env: Mapping[str, str]


def become_subreaper() -> None:
    """Adopt grandchildren whose parent died, so that they are still ours to end."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def spawn(component: Component, logs: Path) -> subprocess.Popen[bytes]:
    """Start a component in a session of its own; it is killed when this process dies.

    Its output is appended to `<logs>/<name>.log`; a log that grew large is put aside first.
    """
    logs.mkdir(parents=True, exist_ok=True)
    path = logs / f"{component.name}.log"
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    with path.open("ab") as output:
        return subprocess.Popen(  # noqa: S603  # our own argv
            component.argv,
            env=dict(component.env),
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            # We start no threads, so code between fork and exec is safe.
            preexec_fn=_die_with_parent(os.getpid()),  # noqa: PLW1509
        )


def family(home: Path) -> list[psutil.Process]:
    """Every process that the supervisor of this data home started, at any depth, but this one.

    Found by a mark in the environment: it survives the supervisor and cannot name a stranger.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(home) and process.pid != os.getpid():
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def end_family(home: Path, *, patience_s: float, detail: Callable[[str], None]) -> int:
    """How many processes there were; none is left.

    SIGTERM first; what still runs after `patience_s`, and whatever it started meanwhile, SIGKILL.
    """
    processes = family(home)
    for process in processes:
        _signal(process, signal.SIGTERM)
    deadline = time.monotonic() + patience_s
    alive = processes
    while alive and time.monotonic() < deadline:
        detail(f"{len(alive)} processes left")
        _, alive = psutil.wait_procs(alive, timeout=0.5)
    while rest := family(home):
        for process in rest:
            _signal(process, signal.SIGKILL)
        psutil.wait_procs(rest, timeout=2)
        if all(_dead(process) for process in rest):
            break
    return len(processes)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _dead(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _die_with_parent(parent: int) -> Callable[[], None]:
    def in_child() -> None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above took effect
            os._exit(1)

    return in_child


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
