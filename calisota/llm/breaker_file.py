"""The breakers of all endpoints in one small file, shared by the processes of this machine."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import RootModel, ValidationError

from calisota.llm.breaker import Breaker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MAX_FILE_BYTES = 64 * 1024


class _Breakers(RootModel[dict[str, Breaker]]):
    """By the endpoint's URL."""


class BreakerFile:
    """Breakers by name. A file that cannot be read or written never stops a call.

    Without one every breaker is closed, and a process knows nothing of the others.
    Not covered: workers on several machines without a common data home.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, name: str) -> Breaker:
        """The breaker of this name; a closed one where none is kept."""
        return self._read().get(name, Breaker())

    def change(self, name: str, by: Callable[[Breaker], Breaker]) -> Breaker:
        """The breaker as it was before `by` changed it; no other process sees a half of it."""
        try:
            with self._locked():
                all_of_them = self._read()
                before = all_of_them.get(name, Breaker())
                after = by(before)
                if after != before:
                    self._write({**all_of_them, name: after})
        except OSError:
            return self.get(name)
        return before

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> dict[str, Breaker]:
        try:
            with self._path.open("rb") as file:
                return _Breakers.model_validate_json(file.read(MAX_FILE_BYTES)).root
        except (OSError, ValidationError):
            return {}

    def _write(self, breakers: dict[str, Breaker]) -> None:
        kept = {name: one for name, one in breakers.items() if one != Breaker()}
        fresh = self._path.with_suffix(f".{os.getpid()}")
        fresh.write_text(_Breakers(kept).model_dump_json(indent=2) + "\n")
        fresh.replace(self._path)
