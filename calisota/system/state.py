"""What `up`, `down` and `doctor` know of a running system: one file and one lock."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TextIO

from calisota.models import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calisota.settings import Settings


LOCK_TRIES = 5


class SystemState(Frozen):
    """The supervisor and its children."""

    pid: int
    status: Literal["starting", "ready", "failed"]
    message: str
    components: dict[str, int]
    """Name -> pid."""


def write_state(settings: Settings, state: SystemState) -> None:
    """Replace the state file."""
    path = settings.home / "run" / "supervisor.json"
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(state.model_dump_json(indent=2))
    partial.replace(path)


def read_state(settings: Settings) -> SystemState | None:
    """The state of the supervisor that runs now; None when none does."""
    path = settings.home / "run" / "supervisor.json"
    if not is_running(settings) or not path.exists():
        return None
    return SystemState.model_validate_json(path.read_text())


@contextmanager
def only_supervisor(settings: Settings) -> Iterator[bool]:
    """Hold the lock of this data home; yields False when another supervisor holds it.

    The kernel frees the lock when the holder dies, however it dies.
    """
    folder = settings.home / "run"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "supervisor.lock").open("a") as file:
        if not _lock(file):
            yield False
            return
        # An exec'd child must not keep the lock alive.
        os.set_inheritable(file.fileno(), False)
        yield True
        (folder / "supervisor.json").unlink(missing_ok=True)


def _lock(file: TextIO) -> bool:
    """Whether we hold the lock; `is_running` takes it for an instant, so one try is not enough."""
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.1)
        else:
            return True
    return False


def is_running(settings: Settings) -> bool:
    """Whether a supervisor of this data home lives."""
    path = settings.home / "run" / "supervisor.lock"
    if not path.exists():
        return False
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
