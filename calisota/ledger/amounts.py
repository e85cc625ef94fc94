"""What is counted, and how much of it is allowed. Pure."""

from __future__ import annotations

from pydantic import Field

from calisota.models import Frozen


class Amount(Frozen):
    """What a call or an execution may cost, or did."""

    tokens: int = Field(default=0, ge=0)
    calls: int = Field(default=0, ge=0)
    usd: float | None = Field(default=0.0, ge=0)
    """None: no price is known; then tokens and calls alone bound it."""
    executions: int = Field(default=0, ge=0)
    cpu_s: float = Field(default=0.0, ge=0)
    """Of the sandbox."""


class Line(Frozen):
    """What was spent and is reserved under one heading."""

    name: str
    tokens: int
    calls: int
    usd: float
    executions: int
    cpu_s: float
    unpriced: int
    """Calls among these whose price is not known; `usd` leaves them out."""
    open: int
    """Reservations that were never settled: their process died, or they run now. They count in
    full."""


class Cap(Frozen):
    """The most of each; None: not bounded."""

    tokens: int | None = Field(default=None, ge=0)
    calls: int | None = Field(default=None, ge=0)
    usd: float | None = Field(default=None, ge=0)
    cpu_s: float | None = Field(default=None, ge=0)

    def above(self, spent: Line) -> Cap:
        """As much again as this, on top of what was spent."""
        return Cap(
            tokens=None if self.tokens is None else self.tokens + spent.tokens,
            calls=None if self.calls is None else self.calls + spent.calls,
            usd=None if self.usd is None else self.usd + spent.usd,
            cpu_s=None if self.cpu_s is None else self.cpu_s + spent.cpu_s,
        )
