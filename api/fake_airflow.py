"""An Airflow in memory, for tests: what we use of its REST API, with the same semantics."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from api.airflow_client import DAG_ID, FAST_DAG_ID, PAGE, dag_of

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2026, 1, 1, tzinfo=UTC)

_RUNS = re.compile(rf"^/api/v2/dags/(?P<dag_id>{DAG_ID}|{FAST_DAG_ID})/dagRuns$")
_RUN = re.compile(rf"{_RUNS.pattern[:-1]}/(?P<run_id>[^/]+)$")
_INSTANCES = re.compile(rf"{_RUN.pattern[:-1]}/taskInstances$")
_HITL = re.compile(rf"{_INSTANCES.pattern[:-1]}/(?P<task_id>[^/]+)/-1/hitlDetails$")

_ENDED = {"success", "failed", "skipped", "upstream_failed", "removed"}


class FakeAirflow:
    """Dag runs of `solve` and their task instances; `transport` serves them.

    `at(seconds)` is a moment on its clock. Set `down` and it cannot be reached; set `failing` and
    it answers with that HTTP status; set `losing_answers` and it does as told without answering.
    """

    def __init__(self, *, user: str = "admin", password: str = "secret") -> None:  # noqa: S107
        self.user = user
        self.password = password
        self.down = False
        self.failing: int | None = None
        self.losing_answers = False
        self.has_dag = True
        self.paused = False
        self.health = {
            "metadatabase": "healthy",
            "scheduler": "healthy",
            "dag_processor": "healthy",
        }
        self.runs: dict[str, dict[str, Any]] = {}
        self.instances: dict[str, list[dict[str, Any]]] = {}
        self.answered: dict[str, dict[str, Any]] = {}
        """What persons answered, by run id."""
        self.logins = 0
        self.requests: list[httpx.Request] = []

    @property
    def transport(self) -> httpx.MockTransport:
        """What to give to an `httpx.AsyncClient`."""
        return httpx.MockTransport(self.handle)

    @staticmethod
    def at(seconds: float) -> datetime:
        """The moment so many seconds after the fake began."""
        return START + timedelta(seconds=seconds)

    def expire_tokens(self) -> None:
        """No token given out so far is good any more."""
        self.logins += 1

    def begin(self, run_id: str, task_id: str, at: float, *, map_index: int = -1) -> None:
        """The task starts; the run is then running."""
        self.runs[run_id].update(state="running", start_date=_text(self.at(0)))
        instance = self._instance(run_id, task_id, map_index)
        instance.update(
            state="running",
            start_date=_text(self.at(at)),
            end_date=None,
            try_number=instance["try_number"] + 1,
        )

    def end(
        self, run_id: str, task_id: str, at: float, *, map_index: int = -1, state: str = "success"
    ) -> None:
        """The task ends in `state`; one that never started was skipped."""
        instance = self._instance(run_id, task_id, map_index)
        instance.update(
            state=state,
            start_date=instance["start_date"] or _text(self.at(at)),
            end_date=_text(self.at(at)),
        )

    def finish(self, run_id: str, state: str = "success") -> None:
        """The run ends."""
        self.runs[run_id].update(state=state, end_date=_text(self.at(3600)))

    def add_run(self, run_id: str, conf: dict[str, Any] | None = None) -> None:
        """A new run, waiting."""
        self.runs[run_id] = {
            "dag_run_id": run_id,
            "state": "queued",
            "run_after": _text(self.at(len(self.runs))),
            "start_date": None,
            "end_date": None,
            "conf": conf,
            "note": None,
        }
        self.instances[run_id] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        """The answer to `request`."""
        self.requests.append(request)
        if self.down:
            raise httpx.ConnectError("connection refused", request=request)
        if self.failing is not None:
            return httpx.Response(self.failing, text="Internal Server Error")
        answer = self._open_to_all(request) or self._for_user(request)
        if self.losing_answers and request.method == "POST" and _RUNS.match(request.url.path):
            raise httpx.ReadTimeout("timed out", request=request)
        return answer

    def _open_to_all(self, request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/api/v2/monitor/health":
            return httpx.Response(200, json={k: {"status": v} for k, v in self.health.items()})
        if request.url.path == "/auth/token":
            if json.loads(request.content) != {"username": self.user, "password": self.password}:
                return _error(401, "Invalid credentials")
            return httpx.Response(201, json={"access_token": f"token-{self.logins}"})
        return None

    def _for_user(self, request: httpx.Request) -> httpx.Response:  # noqa: PLR0911  # a router
        if request.headers.get("Authorization") != f"Bearer token-{self.logins}":
            return _error(401, "Token Expired")
        if not self.has_dag:
            return _error(404, f"Dag with dag_id: '{DAG_ID}' not found")
        path = request.url.path
        if path == f"/api/v2/dags/{DAG_ID}":
            dag = {"is_paused": self.paused, "has_import_errors": False}
            return httpx.Response(200, json=dag)
        if match := _RUNS.match(path):
            if request.method == "POST":
                return self._post_run(request)
            return self._get_runs(request, match["dag_id"])
        handlers: list[tuple[re.Pattern[str], Callable[..., httpx.Response]]] = [
            (_RUN, self._patch_run if request.method == "PATCH" else self._get_run),
            (_INSTANCES, self._get_instances),
            (_HITL, self._answer),
        ]
        for pattern, handler in handlers:
            if match := pattern.match(path):
                run_id = match["run_id"]
                known = run_id in self.runs
                return handler(run_id, request) if known else _error(404, "not found")
        return _error(404, "Not Found")

    def _post_run(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if "logical_date" not in body:
            return _error(422, "logical_date: Field required")
        if body["dag_run_id"] in self.runs:
            return _error(409, "Unique constraint violation")
        self.add_run(body["dag_run_id"], body["conf"])
        return httpx.Response(200, json=self.runs[body["dag_run_id"]])

    def _get_runs(self, request: httpx.Request, dag_id: str) -> httpx.Response:
        params = request.url.params
        runs = sorted(
            (run for run in self.runs.values() if dag_of(run["dag_run_id"]) == dag_id),
            key=lambda run: (run["run_after"], run["dag_run_id"]),
            reverse=True,
        )
        if until := params.get("run_after_lte"):
            runs = [run for run in runs if _moment(run["run_after"]) <= _moment(until)]
        limit = min(int(params.get("limit", 50)), PAGE)
        return httpx.Response(200, json={"dag_runs": runs[:limit], "total_entries": len(runs)})

    def _get_run(self, run_id: str, _: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=self.runs[run_id])

    def _patch_run(self, run_id: str, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.runs[run_id].update(body)
        for instance in self.instances[run_id]:
            if instance["state"] not in _ENDED:
                was_running = instance["state"] == "running"
                instance.update(
                    state=body["state"] if was_running else "skipped",
                    end_date=_text(self.at(3600)),
                )
        return httpx.Response(200, json=self.runs[run_id])

    def _get_instances(self, run_id: str, request: httpx.Request) -> httpx.Response:
        params = request.url.params
        found = self.instances[run_id]
        offset, limit = int(params.get("offset", 0)), min(int(params.get("limit", 50)), PAGE)
        page = found[offset : offset + limit]
        return httpx.Response(200, json={"task_instances": page, "total_entries": len(found)})

    def _answer(self, run_id: str, request: httpx.Request) -> httpx.Response:
        match = _HITL.match(request.url.path)
        task_id = match["task_id"] if match else ""
        waiting = [
            one
            for one in self.instances[run_id]
            if (one["task_id"], one["state"]) == (task_id, "awaiting_input")
        ]
        if not waiting:
            return _error(409, "Human-in-the-loop detail has already been updated")
        body = json.loads(request.content)
        waiting[0]["state"] = "scheduled"
        self.answered[run_id] = body
        return httpx.Response(200, json=body)

    def _instance(self, run_id: str, task_id: str, map_index: int) -> dict[str, Any]:
        for instance in self.instances[run_id]:
            if (instance["task_id"], instance["map_index"]) == (task_id, map_index):
                return instance
        instance = {
            "task_id": task_id,
            "map_index": map_index,
            "rendered_map_index": None,
            "state": None,
            "try_number": 0,
            "start_date": None,
            "end_date": None,
        }
        self.instances[run_id].append(instance)
        return instance


def _text(moment: datetime) -> str:
    return moment.isoformat()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _error(status: int, detail: str) -> httpx.Response:
    return httpx.Response(status, json={"detail": detail})
