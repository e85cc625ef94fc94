"""What endpoints were learned to refuse, kept for a day: else each task pays for it anew."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from calisota.llm.dialect import Dialect
from calisota.llm.shared_file import SharedFile
from calisota.models.base import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEPT_S = 86_400.0
"""An endpoint that was updated, or exchanged, is asked for everything again after that."""

MOST = 64
"""Models at endpoints; beyond, the oldest are forgotten."""


class Learned(Frozen):
    """A dialect that was answered."""

    dialect: Dialect
    since: float
    """When the first of it was learned, seconds since the epoch."""


class DialectFile:
    """Dialects by endpoint and model. A file that cannot be read or written never stops a call."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._file = SharedFile(path, Learned)
        self._now = now

    def get(self, endpoint: str, model: str) -> Dialect | None:
        """What was learned within a day; None: nothing. `endpoint` is its URL without secrets."""
        found = self._fresh(self._file.read()).get(_name(endpoint, model))
        return found.dialect if found else None

    def learned(self, endpoint: str, model: str, dialect: Dialect) -> None:
        """Keep a dialect that was answered, with what another process learned meanwhile."""
        name = _name(endpoint, model)

        def added(every: dict[str, Learned]) -> dict[str, Learned]:
            fresh = self._fresh(every)
            before = fresh.pop(name, None)
            joined = dialect.joined(before.dialect) if before else dialect
            since = before.since if before else self._now()
            fresh[name] = Learned(dialect=joined, since=since)
            oldest_first = sorted(fresh.items(), key=lambda item: item[1].since)
            return dict(oldest_first[-MOST:])

        with suppress(OSError):
            self._file.change(added)

    def _fresh(self, every: dict[str, Learned]) -> dict[str, Learned]:
        """A time that is not yet (the clock was put back) counts as long past."""
        now = self._now()
        return {name: one for name, one in every.items() if 0 <= now - one.since < KEPT_S}


def _name(endpoint: str, model: str) -> str:
    return f"{model} at {endpoint}"
