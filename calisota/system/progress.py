"""Steps of a long command as a person, or a log, sees them."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console


class Progress:
    """Prints each step once it has ended, with its seconds; shows what it does meanwhile."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """A step that takes a while; the yielded value takes lines of detail."""
        began = time.monotonic()
        with self._console.status(f"{name} ...") as status:
            step = Step(name, status.update, self._console)
            try:
                yield step
            except BaseException:
                self._console.print(f"[red]✗[/red] {name}", highlight=False)
                raise
        seconds = time.monotonic() - began
        result = f": {step.result}" if step.result else ""
        self._console.print(
            f"[green]✓[/green] {name}{result} [dim]{seconds:.1f} s[/dim]", highlight=False
        )


class Step:
    """What a running step tells: a line of detail, and at the end a result."""

    LOG_EVERY_S = 5.0

    def __init__(self, name: str, update: object, console: Console) -> None:
        self._name = name
        self._update = update
        self._console = console
        self._logged = time.monotonic()
        self.result = ""

    def detail(self, line: str) -> None:
        """Show `line` beside the step's name; without a terminal, print one every few seconds."""
        if callable(self._update):
            self._update(f"{self._name}: {line}")
        now = time.monotonic()
        if not self._console.is_terminal and now - self._logged > self.LOG_EVERY_S:
            self._logged = now
            self._console.print(f"  {self._name}: {line}", highlight=False, markup=False)
