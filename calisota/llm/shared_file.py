"""Small values by name in one JSON file, shared by the processes of this machine."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import BaseModel, RootModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

V = TypeVar("V", bound=BaseModel)

MAX_FILE_BYTES = 64 * 1024


class SharedFile(Generic[V]):
    """A file that is whole or empty: one that cannot be read, or is damaged, holds nothing.

    Not covered: workers on several machines without a common data home.
    """

    def __init__(self, path: Path, kind: type[V]) -> None:
        self._path = path
        self._kind = RootModel[dict[str, kind]]  # type: ignore[valid-type]

    def read(self) -> dict[str, V]:
        """All values by name."""
        try:
            with self._path.open("rb") as file:
                return self._kind.model_validate_json(file.read(MAX_FILE_BYTES)).root
        except (OSError, ValidationError):
            return {}

    def change(self, by: Callable[[dict[str, V]], dict[str, V]]) -> dict[str, V]:
        """The values as they were before `by` changed them; no process sees a half of it.

        What would be more than is ever read goes, the first of them first.
        Raises: OSError: the file cannot be written; nothing was changed.
        """
        with self._locked():
            before = self.read()
            after = by(before)
            if after != before:
                self._write(dict(after))
        return before

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write(self, values: dict[str, V]) -> None:
        while len(data := self._kind(values).model_dump_json(indent=2).encode()) > MAX_FILE_BYTES:
            del values[next(iter(values))]
        fresh = self._path.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(data)
        fresh.replace(self._path)
