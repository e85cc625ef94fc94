"""What is left of a step whose process died with it: the mark it put down before it began.

A result or a Python exception removes the mark, so only a death leaves it: for want of memory, by a
crash of a native library, with the machine.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from calisota.errors import ArtifactDamaged, StepQuarantined
from calisota.models import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calisota.artifacts import ArtifactStore

MOST_DEATHS = 3
"""Of one step of one Solve. Fewer would be too strict: a scheduler that is killed, or a reboot,
takes tasks down too; more is what Airflow allows anyhow, with three tries after the first."""

REMEMBERED_S = 86_400.0
"""For so long a death counts; Airflow's tries are minutes apart."""

FOLDER = "attempts"


class Attempt(Frozen):
    """A step that began and has not ended."""

    step: str
    generation: int
    """How often a person had the step run afresh: earlier deaths do not count then."""
    began_at: float
    """Seconds since the epoch."""
    host: str
    pid: int
    process: str | None
    """Tells the process from every other of this boot and PID namespace; None: it cannot be told.
    """


class Attempts:
    """The marks of the steps under way, in the artifact store.

    Two tries at once each have their own, and one whose process lives is no death.
    Not covered: a try that lives on another machine, which is taken for dead; a Problem that is
    posted anew under another id, which begins without a past.
    """

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store

    @contextmanager
    def under_way(self, solve_id: str, step: str, *, generation: int) -> Iterator[None]:
        """Mark the step while it runs.

        A result makes its earlier deaths forgotten; an exception, after which it may be tried
        again, does not.
        Raises: StepQuarantined: it died too often; nothing was run.
        """
        deaths = self._deaths(solve_id, step, generation)
        if len(deaths) >= MOST_DEATHS:
            raise _quarantined(list(deaths.values()))
        ended = [f"{FOLDER}/{step}~{secrets.token_hex(8)}"]
        self._store.put(solve_id, ended[0], _this(step, generation))
        try:
            yield
            ended += deaths
        finally:
            for name in ended:
                self._store.remove(solve_id, name)

    def deaths(self, solve_id: str, step: str, *, generation: int) -> int:
        """How often this step died."""
        return len(self._deaths(solve_id, step, generation))

    def excuse(self, solve_id: str) -> None:
        """Forget the marks of this process: it was told to end, so its death is no sign."""
        process = process_of(os.getpid())
        for name, attempt in self._found(solve_id, ""):
            if process is not None and attempt.process == process:
                self._store.remove(solve_id, name)

    def _deaths(self, solve_id: str, step: str, generation: int) -> dict[str, Attempt]:
        """The names of the marks that the dead left, and what they say."""
        return {
            name: attempt
            for name, attempt in self._found(solve_id, f"{step}~")
            if attempt.generation == generation
            and abs(time.time() - attempt.began_at) < REMEMBERED_S
            and not _lives(attempt)
        }

    def _found(self, solve_id: str, prefix: str) -> Iterator[tuple[str, Attempt]]:
        for name in self._store.below(solve_id, FOLDER):
            if name.startswith(f"{FOLDER}/{prefix}"):
                try:
                    attempt = self._store.find(solve_id, name, Attempt)
                except ArtifactDamaged:  # the machine stopped while it was written
                    continue
                if attempt is not None:
                    yield name, attempt


def _this(step: str, generation: int) -> Attempt:
    return Attempt(
        step=step,
        generation=generation,
        began_at=time.time(),
        host=socket.gethostname(),
        pid=os.getpid(),
        process=process_of(os.getpid()),
    )


def _lives(attempt: Attempt) -> bool:
    return attempt.process is not None and process_of(attempt.pid) == attempt.process


def process_of(pid: int) -> str | None:
    """What tells a process that runs here from every other; None: it is dead, or cannot be told.

    Source: proc(5), of stat the state and the start time; the numbers of processes come again.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        space = Path("/proc/self/ns/pid").readlink()
        # The name, in parentheses, may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    state, started = fields[0], fields[19]
    return None if state in {"Z", "X"} else f"{boot} {space} {pid} {started}"


def _quarantined(deaths: list[Attempt]) -> StepQuarantined:
    last = max(attempt.began_at for attempt in deaths)
    at = datetime.fromtimestamp(last, UTC).isoformat(timespec="seconds")
    return StepQuarantined(
        f"The step `{deaths[0].step}` was not run: it died {len(deaths)} times with the process "
        f"that ran it, without an error of its own; the last such try began at {at}.",
        remedy="see in the kernel's log (`dmesg`) whether memory ran out or a library crashed, or "
        "whether the machine or Airflow was stopped; mend that, then clear the task by hand: a "
        "task that is cleared starts afresh. By itself it would be tried again after a day.",
    )
