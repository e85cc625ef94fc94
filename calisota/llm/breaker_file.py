"""The breakers of all endpoints in one small file, shared by the processes of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.llm.breaker import Breaker
from calisota.llm.shared_file import SharedFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class BreakerFile:
    """Breakers by name. A file that cannot be read or written never stops a call.

    Without one every breaker is closed, and a process knows nothing of the others.
    """

    def __init__(self, path: Path) -> None:
        self._file = SharedFile(path, Breaker)

    def get(self, name: str) -> Breaker:
        """The breaker of this name; a closed one where none is kept."""
        return self._file.read().get(name, Breaker())

    def change(self, name: str, by: Callable[[Breaker], Breaker]) -> Breaker:
        """The breaker as it was before `by` changed it; no other process sees a half of it."""

        def changed(breakers: dict[str, Breaker]) -> dict[str, Breaker]:
            after = by(breakers.get(name, Breaker()))
            others = {key: one for key, one in breakers.items() if key != name}
            return others if after == Breaker() else {**others, name: after}

        try:
            return self._file.change(changed).get(name, Breaker())
        except OSError:
            return self.get(name)
