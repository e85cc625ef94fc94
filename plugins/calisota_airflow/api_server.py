"""Airflow's api-server, whose audit log does not stop the other requests.

`python -m calisota_airflow.api_server ARGUMENT ...` is `airflow ARGUMENT ...`.

Airflow 3.3 commits a request's line of the audit log on the event loop (`log_action` in
airflow/api_fastapi/logging/decorators.py). With SQLite that commit waits while another request
writes; and the commit of that one, in a thread, waits for the event loop that starts it. Both
stand still until SQLite gives up, and so does every other request: then one of them answers 500,
`database is locked`. Here the line is written in a thread. Seen as apache/airflow#66726.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from airflow import configuration  # noqa: F401  # first, as Airflow's own __main__ has it
from airflow.api_fastapi.common.db.common import SessionDep  # noqa: TC002  # FastAPI reads it
from airflow.api_fastapi.core_api.security import GetUserDep  # noqa: TC002
from airflow.api_fastapi.logging import decorators
from fastapi import Request  # noqa: TC002
from fastapi.concurrency import run_in_threadpool

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    LogAction = Callable[[Request, SessionDep, GetUserDep], Coroutine[Any, Any, None]]

_original: Callable[[str | None], LogAction] = decorators.action_logging


def action_logging(event: str | None = None) -> LogAction:
    """As Airflow's own: a dependency that writes the audit log of a request."""
    log_action = _original(event)

    async def log_in_thread(request: Request, session: SessionDep, user: GetUserDep) -> None:
        await request.body()  # kept by the request: nothing below reads from the connection
        await run_in_threadpool(lambda: asyncio.run(log_action(request, session, user)))

    return log_in_thread


def main() -> None:
    """Run Airflow's command line."""
    decorators.action_logging = action_logging  # before the routes, which import it, exist
    from airflow.__main__ import main as airflow  # noqa: PLC0415

    sys.argv[0] = "airflow"
    airflow()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
