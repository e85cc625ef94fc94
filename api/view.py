"""What a Solve looks like to its client, from the Dag run, its tasks and its artifacts."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from api.schemas import FinishedSolve, Links, SolveProgress, State, Step, StepState
from calisota.models import (
    CandidateSet,
    Language,
    Planned,
    RoundResult,
    SolveReport,
    StepFault,
    Usage,
    Verdict,
)

if TYPE_CHECKING:
    from datetime import datetime

    from api.airflow_client import AirflowClient, DagRun, TaskInstance
    from calisota.artifacts import ArtifactStore

_IN_ROUND = re.compile(r"^round_(\d+)\.(.+)$")

_STATES = {
    "queued": State.QUEUED,
    "running": State.RUNNING,
    "success": State.SUCCEEDED,
    "failed": State.FAILED,
}

# Every other state of Airflow's is some way of waiting.
_STEP_STATES = {
    "running": StepState.RUNNING,
    "deferred": StepState.RUNNING,
    "restarting": StepState.RUNNING,
    "success": StepState.SUCCEEDED,
    "failed": StepState.FAILED,
    "skipped": StepState.SKIPPED,
    "upstream_failed": StepState.SKIPPED,
    "removed": StepState.SKIPPED,
}


def state_of(run: DagRun) -> State:
    """The state of the Solve, as far as the Dag run tells."""
    return State.CANCELLED if run.cancelled else _STATES[run.state]


def step_state_of(instance: TaskInstance) -> StepState:
    """The state of a task instance in our words."""
    return _STEP_STATES.get(instance.state or "", StepState.WAITING)


def step_of(instance: TaskInstance) -> Step:
    """The step a task instance is."""
    in_round = _IN_ROUND.match(instance.task_id)
    return Step(
        name=in_round[2] if in_round else instance.task_id,
        round=int(in_round[1]) if in_round else None,
        map_index=instance.map_index if instance.map_index >= 0 else None,
        label=instance.rendered_map_index,
        state=step_state_of(instance),
        seconds=seconds_between(instance.start_date, instance.end_date),
    )


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """How long it took; None: it has not ended."""
    if start is None or end is None:
        return None
    return round(max(0.0, (end - start).total_seconds()), 3)


def links_of(solve_id: str, airflow: AirflowClient) -> Links:
    """Where a client, or a person, goes from here."""
    here = f"/v1/solves/{quote(solve_id, safe='')}"
    return Links(
        solve=here,
        events=f"{here}/events",
        cancel=f"{here}:cancel",
        evidence=f"{here}/evidence",
        airflow=airflow.ui_link(solve_id),
    )


async def view_of(
    run: DagRun, *, airflow: AirflowClient, store: ArtifactStore
) -> FinishedSolve | SolveProgress:
    """The report with links when there is one; else how far the Solve has come."""
    report = await report_of(run, store)
    links = links_of(run.dag_run_id, airflow)
    if report is not None:
        return FinishedSolve(**dict(report), links=links)
    instances = sorted(await airflow.task_instances(run.dag_run_id), key=_by_start)
    fault = await asyncio.to_thread(store.find, run.dag_run_id, "fault", StepFault)
    verdict, claim, cause = _ending(run, instances, links, fault)
    asking = asking_round(instances)
    question = None
    if asking is not None:
        name = f"round_{asking}/result"
        result = await asyncio.to_thread(store.find, run.dag_run_id, name, RoundResult)
        question = result.decision.question if result else None
    return SolveProgress(
        solve_id=run.dag_run_id,
        state=State.FAILED if verdict is Verdict.INTERNAL_ERROR else state_of(run),
        step=next((i.task_id for i in instances if step_state_of(i) is StepState.RUNNING), None),
        steps=[step_of(instance) for instance in instances],
        verdict=verdict,
        claim=claim,
        language=_language_of(run),
        question=question,
        usage=await asyncio.to_thread(_usage_so_far, store, run.dag_run_id),
        cause=cause,
        links=links,
    )


async def report_of(run: DagRun, store: ArtifactStore) -> SolveReport | None:
    """The report of a run that ended; one that an earlier try left behind does not count."""
    if not run.ended or run.cancelled:
        return None
    report = await asyncio.to_thread(store.find, run.dag_run_id, "report", SolveReport)
    if report is not None and run.state == "failed" and report.state == "succeeded":
        return None
    return report


def asking_round(instances: list[TaskInstance]) -> int | None:
    """The round whose question waits for a person; None: none does."""
    waiting = (
        _IN_ROUND.match(instance.task_id)
        for instance in instances
        if instance.state == "awaiting_input"
    )
    return next((int(match[1]) for match in waiting if match), None)


def _by_start(instance: TaskInstance) -> tuple[bool, float, str, int]:
    at = instance.start_date
    return at is None, at.timestamp() if at else 0.0, instance.task_id, instance.map_index


def _ending(
    run: DagRun, instances: list[TaskInstance], links: Links, fault: StepFault | None
) -> tuple[Verdict | None, str | None, str | None]:
    """Verdict, claim and cause of a run without a report."""
    if not run.ended:
        return None, None, None
    if run.cancelled:
        return Verdict.CANCELLED, "Nothing is claimed: the Solve was cancelled.", None
    failed = next((i for i in instances if i.state == "failed"), None)
    if failed is not None:
        # A fault of an earlier try of the steps says nothing about this one.
        known = fault is not None and fault.step == failed.task_id
        why = f": {fault.message}" if known and fault else "."
        cause = f"The task `{failed.task_id}` failed{why} Its log is at {links.airflow}"
    elif run.state == "failed":
        cause = f"The Dag run was ended before its time; see {links.airflow}"
    else:
        cause = f"The report is gone from the artifact store; see {links.airflow}"
    return Verdict.INTERNAL_ERROR, "Nothing is claimed: a fault of ours ended the Solve.", cause


def _language_of(run: DagRun) -> Language | None:
    name = (run.conf or {}).get("language")
    return Language(name) if name in list(Language) else None


def _usage_so_far(store: ArtifactStore, solve_id: str) -> Usage | None:
    """What the steps that have ended spent; None: there is no plan yet."""
    planned = store.find(solve_id, "plan", Planned)
    if planned is None:
        return None
    spent = planned.usage
    number = 1
    while drawn := store.find(solve_id, f"round_{number}/candidates", CandidateSet):
        spent += drawn.usage
        if result := store.find(solve_id, f"round_{number}/result", RoundResult):
            spent += result.usage + result.slow_usage + result.frontier_usage
        number += 1
    return spent
