"""Airflow's REST API, as far as we use it; the only module that talks to Airflow."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from calisota.errors import AirflowUnavailable, PermanentError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DAG_ID = "solve"
FAST_DAG_ID = "solve_fast"
FAST_PREFIX = "fast_"
"""Of the id of every Solve that the API starts in one task; so the id tells the DAG."""
CANCEL_NOTE = "cancelled by client"
PAGE = 100
"""Airflow's own largest page."""

_UP = "run `calisota up`, or see its log when it is running."
# A gateway's answer leaves open whether Airflow carried the request out.
_GATEWAY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}

RunState = Literal["queued", "running", "success", "failed"]


def dag_of(run_id: str) -> str:
    """The DAG that a run belongs to."""
    return FAST_DAG_ID if run_id.startswith(FAST_PREFIX) else DAG_ID


class AnswerLost(AirflowUnavailable):
    """The request was sent but not answered: Airflow may have carried it out."""


class _Read(BaseModel):
    """What we read of an answer of Airflow; it may hold more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class DagRun(_Read):
    """One run of the DAG `solve`."""

    dag_run_id: str
    state: RunState
    run_after: datetime
    start_date: datetime | None
    end_date: datetime | None
    conf: dict[str, JsonValue] | None
    note: str | None

    @property
    def client(self) -> str | None:
        """The key id that started it; None: a person did, in Airflow's UI."""
        client = (self.conf or {}).get("client")
        return client if isinstance(client, str) else None

    @property
    def ended(self) -> bool:
        """Whether nothing will run any more."""
        return self.state in {"success", "failed"}

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` ended it."""
        return self.state == "failed" and (self.note or "").startswith(CANCEL_NOTE)


class TaskInstance(_Read):
    """One task of a run; of a mapped task, one of its instances."""

    task_id: str
    map_index: int
    rendered_map_index: str | None
    state: str | None
    try_number: int
    start_date: datetime | None
    end_date: datetime | None


class _DagRuns(_Read):
    dag_runs: list[DagRun]


class _TaskInstances(_Read):
    task_instances: list[TaskInstance]
    total_entries: int


class Dag(_Read):
    """The DAG `solve` itself."""

    is_paused: bool
    has_import_errors: bool


class ComponentHealth(_Read):
    """One process of Airflow's, by its own heartbeat."""

    status: str | None


class Health(_Read):
    """What Airflow says of its own parts."""

    metadatabase: ComponentHealth
    scheduler: ComponentHealth
    dag_processor: ComponentHealth | None = None


class _Token(_Read):
    access_token: str


R = TypeVar("R", bound=_Read)


class AirflowClient:
    """Runs of the DAG `solve` over REST; logs in by itself.

    Every method raises: AirflowUnavailable: no answer, or a server error; try again.
    PermanentError: Airflow refuses us; its credentials or its DAG must be mended.
    """

    def __init__(
        self, http: httpx.AsyncClient, *, base_url: str, user: str, password_file: Path
    ) -> None:
        self._http = http
        self._base_url = base_url
        self._user = user
        self._password_file = password_file
        self._token: str | None = None
        self._login = asyncio.Lock()

    def ui_link(self, run_id: str) -> str:
        """Where a person sees this run."""
        return f"{self._base_url}/dags/{dag_of(run_id)}/runs/{quote(run_id, safe='')}"

    async def trigger(self, run_id: str, conf: Mapping[str, JsonValue]) -> DagRun | None:
        """The new run; None: there is one of this id already."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        dag_id = dag_of(run_id)
        answer = await self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json_body=body)
        if answer.status_code == HTTPStatus.CONFLICT:
            return None
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise AirflowUnavailable(f"Airflow does not have the DAG `{dag_id}` yet.", remedy=_UP)
        return _read(DagRun, answer)

    async def dag_run(self, run_id: str) -> DagRun | None:
        """The run of this id."""
        answer = await self._call("GET", self._run_path(run_id))
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        return _read(DagRun, answer)

    async def dag_runs(self, *, until: datetime | None = None) -> tuple[list[DagRun], bool]:
        """Runs that began to wait not after `until`, newest first, then by id; are there more?

        Each DAG gives at most `PAGE`, so what is older than the end of a full page is left out.
        """
        pages = await asyncio.gather(*(self._page(dag, until) for dag in (DAG_ID, FAST_DAG_ID)))
        runs = sorted((run for page in pages for run in page), key=_place, reverse=True)
        ends = [_place(page[-1]) for page in pages if len(page) >= PAGE]
        if ends:
            runs = [run for run in runs if _place(run) >= max(ends)]
        return runs, bool(ends)

    async def _page(self, dag_id: str, until: datetime | None) -> list[DagRun]:
        params: dict[str, Any] = {"limit": PAGE, "order_by": ["-run_after", "-run_id"]}
        if until is not None:
            params["run_after_lte"] = until.isoformat()
        answer = await self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns", params=params)
        if answer.status_code == HTTPStatus.NOT_FOUND and dag_id == FAST_DAG_ID:
            return []  # not parsed yet
        return _read(_DagRuns, answer).dag_runs

    async def task_instances(self, run_id: str) -> list[TaskInstance]:
        """All task instances of this run; none when the run is unknown."""
        found: list[TaskInstance] = []
        while True:
            params = {"limit": PAGE, "offset": len(found)}
            path = f"{self._run_path(run_id)}/taskInstances"
            answer = await self._call("GET", path, params=params)
            if answer.status_code == HTTPStatus.NOT_FOUND:
                return []
            page = _read(_TaskInstances, answer)
            found += page.task_instances
            if not page.task_instances or len(found) >= page.total_entries:
                return found

    async def cancel(self, run_id: str) -> DagRun | None:
        """The run, now failed with `CANCEL_NOTE`; its running tasks are killed."""
        body = {"state": "failed", "note": CANCEL_NOTE}
        answer = await self._call("PATCH", self._run_path(run_id), json_body=body)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        return _read(DagRun, answer)

    async def respond(self, run_id: str, task_id: str, body: Mapping[str, JsonValue]) -> bool:
        """Whether the task that waits for a person took this answer; False: it waits no more."""
        path = f"{self._run_path(run_id)}/taskInstances/{quote(task_id, safe='')}/-1/hitlDetails"
        answer = await self._call("PATCH", path, json_body=dict(body))
        if answer.status_code in {HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND}:
            return False
        _read(_Read, answer)
        return True

    async def dag(self) -> Dag | None:
        """The DAG; None: Airflow has not parsed it."""
        answer = await self._call("GET", f"/api/v2/dags/{DAG_ID}")
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        return _read(Dag, answer)

    async def health(self) -> Health:
        """Airflow's own view of its health; needs no login."""
        answer = await self._send("GET", "/api/v2/monitor/health", token=None)
        return _read(Health, answer)

    @staticmethod
    def _run_path(run_id: str) -> str:
        return f"/api/v2/dags/{dag_of(run_id)}/dagRuns/{quote(run_id, safe='')}"

    async def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json_body: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        """The answer as our user; a token that is no longer good is replaced once."""
        # Not httpx's `json=`: the same text everywhere, and NaN is refused.
        content = None if json_body is None else json.dumps(json_body, allow_nan=False).encode()
        token = self._token or await self._new_token(None)
        answer = await self._send(method, path, token=token, params=params, content=content)
        if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            token = await self._new_token(token)
            answer = await self._send(method, path, token=token, params=params, content=content)
        return answer

    async def _new_token(self, stale: str | None) -> str:
        async with self._login:
            if self._token is None or self._token == stale:
                body = {"username": self._user, "password": await self._password()}
                content = json.dumps(body).encode()
                answer = await self._send("POST", "/auth/token", token=None, content=content)
                self._token = _read(_Token, answer).access_token
            return self._token

    async def _password(self) -> str:
        try:
            return (await asyncio.to_thread(self._password_file.read_text)).strip()
        except FileNotFoundError:
            raise PermanentError(
                "There is no file with Airflow's password.",
                remedy="run `calisota up`, which makes the credentials.",
            ) from None

    async def _send(
        self,
        method: str,
        path: str,
        *,
        token: str | None,
        params: Mapping[str, Any] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        headers = {"Content-Type": "application/json"} if content is not None else {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        url = f"{self._base_url}{path}"
        try:
            answer = await self._http.request(
                method, url, params=params, content=content, headers=headers
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise AirflowUnavailable(
                f"Airflow cannot be reached ({type(error).__name__}).", remedy=_UP
            ) from error
        except httpx.TransportError as error:
            raise AnswerLost(
                f"Airflow did not answer ({type(error).__name__}).", remedy=_UP
            ) from error
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            kind = AnswerLost if answer.status_code in _GATEWAY else AirflowUnavailable
            raise kind(f"Airflow failed (HTTP {answer.status_code}).", remedy=_UP)
        return answer


def _place(run: DagRun) -> tuple[datetime, str]:
    return run.run_after, run.dag_run_id


def _read(kind: type[R], answer: httpx.Response) -> R:
    """What a success says. Raises: PermanentError: Airflow refused, or this is not Airflow."""
    if answer.is_success:
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError as error:
            raise PermanentError(
                f"What answers at {answer.url.copy_with(query=None)} is not Airflow 3.3.",
                remedy="correct CALISOTA_AIRFLOW_URL.",
            ) from error
    if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise PermanentError(
            f"Airflow refuses our user (HTTP {answer.status_code}).",
            remedy="restart with `calisota up`, which makes user and password agree.",
        )
    raise PermanentError(
        f"Airflow refused the request (HTTP {answer.status_code}): {answer.text[:300]}",
        remedy=f"see whether the DAG `{DAG_ID}` has import errors in Airflow's UI.",
    )
