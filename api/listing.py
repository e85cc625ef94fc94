"""The Solves of a client, newest first, page by page."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from api.deps import visible
from api.schemas import SolveList, SolveSummary
from api.view import state_of
from calisota.errors import InputError

if TYPE_CHECKING:
    from api.airflow_client import AirflowClient, DagRun

MAX_READS = 10
"""Pages of Airflow's read for one of ours, where most runs belong to other clients."""


class Position(NamedTuple):
    """A place in the order of the list: the run that was looked at last."""

    run_after: datetime
    run_id: str


def write_cursor(position: Position) -> str:
    """The position as text that a client need not understand."""
    text = json.dumps([position.run_after.isoformat(), position.run_id])
    return base64.urlsafe_b64encode(text.encode()).decode()


def read_cursor(cursor: str) -> Position:
    """The position in a cursor. Raises: InputError: it is not one of ours."""
    try:
        when, run_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return Position(datetime.fromisoformat(when), str(run_id))
    except (ValueError, TypeError, binascii.Error):
        raise InputError(
            "This cursor is none of ours.", remedy="give the `next` of the page before, as it is."
        ) from None


async def list_solves(
    client: str, *, limit: int, cursor: str | None, airflow: AirflowClient
) -> SolveList:
    """The next `limit` Solves this client may see; new ones do not shift the pages."""
    position = read_cursor(cursor) if cursor else None
    found: list[DagRun] = []
    for _ in range(MAX_READS):
        page, more = await airflow.dag_runs(until=position.run_after if position else None)
        for run in page:
            here = Position(run.run_after, run.dag_run_id)
            if position is not None and here >= position:
                continue
            position = here
            if visible(run, client):
                found.append(run)
            if len(found) == limit:
                return _page(found, position)
        if not more:
            return _page(found, None)
    return _page(found, position)


def _page(runs: list[DagRun], position: Position | None) -> SolveList:
    items = [
        SolveSummary(solve_id=run.dag_run_id, state=state_of(run), started=run.start_date)
        for run in runs
    ]
    return SolveList(items=items, next=write_cursor(position) if position else None)
