"""The progress of a Solve as events, derived from its task instances alone.

Nothing is remembered between streams: the same task instances give the same events with the same
ids, so a client that comes back with its last id goes on where it was.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from fastapi.sse import ServerSentEvent

from api.schemas import SolveEvent, State, StepEvent, StepState
from api.view import report_of, state_of, step_of, step_state_of
from calisota.errors import AirflowUnavailable
from calisota.models import Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from api.airflow_client import AirflowClient, DagRun, TaskInstance
    from calisota.artifacts import ArtifactStore

log = structlog.get_logger(__name__)

END = "end"
"""The id of `solve.finished`: greater than that of any step, which begins with a digit."""
POLL_S = 0.5
RETRY_S = 2.0
GRACE_S = 1.0
"""An event is sent when it is this old, so that one that was written late still comes in order."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def step_events(instances: list[TaskInstance], *, before: float) -> list[ServerSentEvent]:
    """What happened before `before` (seconds since the epoch), in order; ids ascend as text.

    Not covered: workers whose clocks differ by more than `GRACE_S`: of two events, the one written
    later may be left out. A try that failed is gone from Airflow's list once the next one begins,
    so a client that comes back only then does not hear of it.
    """
    events = [event for instance in instances for event in _events_of(instance)]
    due = [event for event in events if event.data.at.timestamp() < before]
    return sorted(due, key=lambda event: event.id or "")


def _events_of(instance: TaskInstance) -> Iterator[ServerSentEvent]:
    start, end, state = instance.start_date, instance.end_date, step_state_of(instance)
    will_retry = instance.state == "up_for_retry"
    if state is StepState.WAITING and not will_retry:
        return  # what dates there are belong to an earlier try
    # Airflow gives a task that it skips a start and an end, though it never ran.
    if start is not None and state is not StepState.SKIPPED:
        yield _event(instance, "step.started", start, StepState.RUNNING)
    if end is not None and state is not StepState.RUNNING:
        yield _event(instance, "step.finished", end, StepState.FAILED if will_retry else state)


def _event(instance: TaskInstance, kind: str, at: datetime, state: StepState) -> ServerSentEvent:
    step = step_of(instance)
    micros = (at - _EPOCH) // timedelta(microseconds=1)
    order = int(kind == "step.finished")
    where = f"{instance.task_id}.{instance.map_index}.{instance.try_number}"
    return ServerSentEvent(
        event=kind,
        id=f"{micros:017d}-{order}-{where}",
        data=StepEvent(
            task=instance.task_id,
            round=step.round,
            map_index=step.map_index,
            label=step.label,
            try_number=instance.try_number,
            state=state,
            seconds=step.seconds if order else None,
            at=at,
        ),
    )


async def follow(
    run: DagRun,
    *,
    airflow: AirflowClient,
    store: ArtifactStore,
    after: str | None,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[ServerSentEvent]:
    """The events after id `after`, as they happen; the last is `solve.finished`.

    Airflow may be away for a while: the stream waits for it. It ends without `solve.finished`
    only when the run is deleted.
    """
    last = after or ""
    current: DagRun | None = run
    while current is not None:
        wait = POLL_S
        try:
            # The run first: when it has ended, the tasks read after it are final.
            ended = current.ended
            instances = await airflow.task_instances(run.dag_run_id)
            before = float("inf") if ended else now() - GRACE_S
            for event in step_events(instances, before=before):
                if (event.id or "") > last:
                    last = event.id or ""
                    yield event
            if ended:
                yield await _finished(current, store)
                return
            if not any(_unfinished(instance) for instance in instances):
                current = await airflow.dag_run(run.dag_run_id)
        except AirflowUnavailable as error:
            log.warning("events_wait_for_airflow", solve_id=run.dag_run_id, detail=error.message)
            wait = RETRY_S
        await sleep(wait)


def _unfinished(instance: TaskInstance) -> bool:
    return step_state_of(instance) in {StepState.WAITING, StepState.RUNNING}


async def _finished(run: DagRun, store: ArtifactStore) -> ServerSentEvent:
    report = await report_of(run, store)
    if report is not None:
        state, verdict = State(report.state), report.verdict
    elif run.cancelled:
        state, verdict = state_of(run), Verdict.CANCELLED
    else:
        state, verdict = State.FAILED, Verdict.INTERNAL_ERROR
    return ServerSentEvent(
        event="solve.finished",
        id=END,
        data=SolveEvent(solve_id=run.dag_run_id, state=state, verdict=verdict),
    )
