"""`calisota retriever`: the service's process, the only one of its data home."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import uvicorn

from calisota.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

    from calisota.settings import Settings

BACKLOG = 512


def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Serve until a signal asks to end; beside another one it waits, and takes over at its end.

    Raises: InputError: the data home's path is too long for a socket.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    path = settings.retriever_socket
    if path is None:
        raise InputError(
            f"The path of {settings.home} is too long for a socket in it.",
            remedy="set CALISOTA_HOME to a shorter one; without the service all works in process.",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(path, say), _listening(path) as listener:
        say(f"The retriever listens on {path}.")
        config = uvicorn.Config(
            "api.retriever_app:create_app", factory=True, access_log=False, log_level="warning"
        )
        uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def _only_one(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock beside the socket; it goes with the process, however that ends."""
    with path.with_suffix(".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another retriever serves this data home; waiting for its end.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    path.unlink(missing_ok=True)  # of one that was killed
    with socket.socket(socket.AF_UNIX) as listener:
        before = os.umask(0o177)  # queries and passages are the owner's
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen(BACKLOG)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)
