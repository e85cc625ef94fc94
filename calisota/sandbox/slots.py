"""At most so many containers at once on this machine, over all processes of the installation."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from calisota.settings import Settings

RETRY_S = 0.05


def places(settings: Settings) -> int:
    """How many containers may run at once."""
    return settings.sandbox_concurrency or os.cpu_count() or 1


@contextmanager
def slot(settings: Settings, while_waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Waits for one of the places, and holds it; the kernel frees it when the process dies.

    `while_waiting` is called before each look for a place; what it raises ends the wait.
    Not covered: fairness, and other machines that use the same Engine.
    """
    folder = settings.home / "run"
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        if while_waiting is not None:
            while_waiting()
        for number in range(places(settings)):
            with (folder / f"sandbox-{number}.lock").open("a") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield
                return
        time.sleep(RETRY_S)
