"""When an endpoint that fails is asked again: a circuit breaker, as a value without a clock."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from calisota.models import Frozen

FAILURES = 5
"""In a row, until it opens: more than the calls of one step that fail together."""

OPEN_S = 30.0
"""For how long at first; each failed probe doubles it."""

MAX_OPEN_S = 120.0
"""At most; `endpoint.MAX_RETRY_AFTER_S` is the same."""

PROBE_WAIT_S = 5.0
"""When to come again while another call probes: its answer is near, one way or the other."""


class Admission(Frozen):
    """Whether a call may go out."""

    kind: Literal["call", "probe", "wait"]
    """A probe is the one call let through to see whether the endpoint is back."""
    wait_s: float = Field(default=0, ge=0, le=MAX_OPEN_S)


class Breaker(Frozen):
    """What is known of the health of one endpoint. Times are seconds since the epoch.

    Closed: calls go out. Open: none does, until `open_until`. Then, if it opened by failures, one
    probe goes out, and its end decides; if the endpoint merely asked to wait, all calls do.
    """

    failures: int = Field(default=0, ge=0)
    """In a row."""
    open_until: float | None = None
    probing_until: float | None = None
    """While set and not past, a probe is out; a probe whose process died is forgotten then."""

    def decide(self, now: float) -> Admission:
        """What to do with a call.

        A time further ahead than we ever set (the clock was put back) counts as past.
        """
        wait = _remaining(self.open_until, now)
        if wait > 0:
            return Admission(kind="wait", wait_s=wait)
        if self.failures < FAILURES:
            return Admission(kind="call")
        if self.probing_until is not None and now < self.probing_until:
            return Admission(kind="wait", wait_s=min(self.probing_until - now, PROBE_WAIT_S))
        return Admission(kind="probe")

    def told(self, now: float) -> str | None:
        """What is known of the endpoint's health, in words; None: nothing bad."""
        admission = self.decide(now)
        failed = f"its last {self.failures} calls failed" if self.failures > 1 else "a call failed"
        if admission.kind == "probe":
            return f"{failed}, and the next one tries it"
        if admission.kind == "wait" and self.failures < FAILURES:
            return f"it asked to wait, and is asked again in {admission.wait_s:.0f} s"
        if admission.kind == "wait" and _remaining(self.open_until, now) == 0:
            return f"{failed}, and one tries it now"
        if admission.kind == "wait":
            return f"{failed}, and it is asked again in {admission.wait_s:.0f} s"
        return failed if self.failures else None

    def probing(self, now: float, *, longest_s: float) -> Breaker:
        """A probe went out, which ends within `longest_s`."""
        return self.model_copy(update={"probing_until": now + longest_s})

    def failed(self, now: float, *, retry_after_s: float | None = None) -> Breaker:
        """A call failed; the endpoint may have asked to wait."""
        failures = self.failures + 1
        wait = min(max(retry_after_s or 0.0, 0.0), MAX_OPEN_S)
        if failures >= FAILURES:
            doublings = min(failures - FAILURES, 8)
            wait = max(wait, min(OPEN_S * 2**doublings, MAX_OPEN_S))
        # What an earlier call was told holds on: a failure never shortens a wait.
        wait = max(wait, _remaining(self.open_until, now))
        return Breaker(failures=failures, open_until=now + wait if wait else None)

    def given_up(self) -> Breaker:
        """A probe ended without a result, such as by being cancelled: another may go out."""
        return self.model_copy(update={"probing_until": None})

    def answered(self, now: float) -> Breaker:
        """A call was answered: the failures in a row are over.

        A wait that the endpoint asked of a call beside this one holds on.
        """
        wait = _remaining(self.open_until, now)
        return Breaker(open_until=self.open_until if wait > 0 else None)


def _remaining(until: float | None, now: float) -> float:
    if until is None or not 0 < until - now <= MAX_OPEN_S:
        return 0.0
    return until - now
