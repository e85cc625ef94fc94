"""A sandbox without containers, for tests of what stands on it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from calisota.models import Execution
from calisota.sandbox.container import SOLVE_LABEL
from calisota.sandbox.judge import CandidateRun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from calisota.errors import CalisotaError
    from calisota.sandbox.cells import CandidatePlan

PATIENCE_S = 30


def ended_well(stdout: bytes = b"", **fields: object) -> Execution:
    """An Execution that took no time and left exit code 0, but for `fields`."""
    usual = {"exit_code": 0, "signal": None, "cpu_s": 0, "wall_s": 0, "peak_bytes": 1}
    return Execution.model_validate({**usual, "stdout": stdout, "stderr": b"", **fields})


class FakeSandbox:
    """Every program echoes its stdin; what it is told to do otherwise, it does."""

    def __init__(self) -> None:
        self.fault: CalisotaError | None = None
        """Raised in place of every execution."""
        self.hangs = False
        """Whether an execution lasts until its container is removed."""
        self.plans: list[CandidatePlan] = []
        self.running: dict[str, threading.Event] = {}
        self.removed: list[str] = []
        self.most_at_once = 0

    def execute(
        self,
        plan: CandidatePlan,
        *,
        labels: Mapping[str, str],
        wall_s: float,  # noqa: ARG002  # the interface's
        on_cell: Callable[[int, Execution], None] | None = None,
        while_waiting: Callable[[], None] | None = None,
        cut_short: bool = False,  # noqa: ARG002
    ) -> CandidateRun:
        """The echo of each cell's stdin."""
        if while_waiting is not None:
            while_waiting()
        if self.fault is not None:
            raise self.fault
        self.plans.append(plan)
        name, gone = labels[SOLVE_LABEL], threading.Event()
        self.running[name] = gone
        self.most_at_once = max(self.most_at_once, len(self.running))
        try:
            if self.hangs and gone.wait(PATIENCE_S):
                return CandidateRun(cells_planned=len(plan.cells), fault="the container ended")
        finally:
            del self.running[name]
        cells = [ended_well(job.stdin) for job in plan.cells]
        for number, cell in enumerate(cells):
            if on_cell is not None:
                on_cell(number, cell)
        return CandidateRun(build=ended_well(), cells=cells, cells_planned=len(cells))

    def close(self) -> None:
        """There is nothing to let go of."""

    def remove(self, solve_id: str, candidate_id: str | None = None) -> int:
        """End what runs under this label."""
        del candidate_id
        self.removed.append(solve_id)
        found = self.running.get(solve_id)
        if found is not None:
            found.set()
        return int(found is not None)
