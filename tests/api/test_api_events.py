from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api.airflow_client import AirflowClient
from api.events import GRACE_S, follow
from api.fake_airflow import START

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from fastapi import FastAPI
    from fastapi.sse import ServerSentEvent

    from api.fake_airflow import FakeAirflow
    from calisota.artifacts import ArtifactStore

ID = "solve_1"


def parse(text: str) -> list[dict[str, Any]]:
    events = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "event" in fields:
            events.append({**fields, "data": json.loads(fields["data"])})
    return events


@pytest.fixture
def ended(airflow: FakeAirflow) -> str:
    """A run with one retry, two candidates at once and a round that was not needed."""
    airflow.add_run(ID, {"client": "local"})
    airflow.begin(ID, "retrieve", 1)
    airflow.end(ID, "retrieve", 2)
    airflow.begin(ID, "round_1.sandbox", 3, map_index=1)
    airflow.begin(ID, "round_1.sandbox", 3, map_index=0)
    airflow.end(ID, "round_1.sandbox", 5, map_index=0)
    airflow.end(ID, "round_1.sandbox", 4, map_index=1, state="failed")
    airflow.end(ID, "round_2.code", 6, state="skipped")
    airflow.finish(ID, "failed")
    return ID


async def test_events_come_in_the_order_of_their_times(
    client: httpx.AsyncClient, ended: str
) -> None:
    answer = await client.get(f"/v1/solves/{ended}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = parse(answer.text)
    keys = ("task", "map_index", "state", "seconds")
    assert [(e["event"], *(e["data"].get(key) for key in keys)) for e in events] == [
        ("step.started", "retrieve", None, "running", None),
        ("step.finished", "retrieve", None, "succeeded", 1.0),
        ("step.started", "round_1.sandbox", 0, "running", None),
        ("step.started", "round_1.sandbox", 1, "running", None),
        ("step.finished", "round_1.sandbox", 1, "failed", 1.0),
        ("step.finished", "round_1.sandbox", 0, "succeeded", 2.0),
        ("step.finished", "round_2.code", None, "skipped", 0.0),
        ("solve.finished", None, None, "failed", None),
    ]
    assert events[-1]["data"] == {
        "solve_id": ended,
        "state": "failed",
        "verdict": "internal_error",
    }
    ids = [event["id"] for event in events]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


async def test_a_client_that_comes_back_goes_on_without_loss_or_repetition(
    client: httpx.AsyncClient, ended: str
) -> None:
    events = parse((await client.get(f"/v1/solves/{ended}/events")).text)
    for number, event in enumerate(events[:-1]):
        headers = {"Last-Event-ID": event["id"]}
        rest = await client.get(f"/v1/solves/{ended}/events", headers=headers)
        assert parse(rest.text) == events[number + 1 :]


async def test_a_client_that_has_it_all_is_told_to_stop_asking(
    client: httpx.AsyncClient, ended: str
) -> None:
    headers = {"Last-Event-ID": "end"}
    answer = await client.get(f"/v1/solves/{ended}/events", headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")


async def test_the_stream_of_a_cancelled_solve_ends_as_cancelled(
    client: httpx.AsyncClient, airflow: FakeAirflow
) -> None:
    airflow.add_run(ID, {"client": "local"})
    airflow.begin(ID, "retrieve", 1)
    await client.post(f"/v1/solves/{ID}:cancel")
    events = parse((await client.get(f"/v1/solves/{ID}/events")).text)
    assert events[-1]["data"]["verdict"] == "cancelled"


class Stream:
    """`follow` on a clock that `script` moves, one entry for each sleep."""

    def __init__(self, airflow: FakeAirflow, store: ArtifactStore, password_file: Path) -> None:
        self._airflow = airflow
        self._store = store
        self._password_file = password_file
        self.now = START.timestamp()

    async def events(self, script: list[Callable[[], object]]) -> AsyncIterator[ServerSentEvent]:
        steps = iter(script)

        async def sleep(seconds: float) -> None:
            self.now += seconds
            next(steps)()

        async with httpx.AsyncClient(transport=self._airflow.transport) as http:
            client = AirflowClient(
                http, base_url="http://airflow", user="admin", password_file=self._password_file
            )
            run = await client.dag_run(ID)
            assert run is not None
            async for event in follow(
                run,
                airflow=client,
                store=self._store,
                after=None,
                now=lambda: self.now,
                sleep=sleep,
            ):
                yield event


@pytest.fixture
def stream(airflow: FakeAirflow, store: ArtifactStore, tmp_path: Path) -> Stream:
    (tmp_path / "password").write_text("secret")
    airflow.add_run(ID, {"client": "local"})
    return Stream(airflow, store, tmp_path / "password")


def names(events: list[ServerSentEvent]) -> list[str]:
    return [f"{event.event} {getattr(event.data, 'task', '')}".strip() for event in events]


async def test_events_are_sent_as_they_happen_and_each_once(
    stream: Stream, airflow: FakeAirflow
) -> None:
    def later(seconds: float) -> None:
        stream.now = START.timestamp() + seconds

    script: list[Callable[[], object]] = [
        lambda: (airflow.begin(ID, "retrieve", 1), later(1)),
        lambda: later(1 + 2 * GRACE_S),
        lambda: None,
        lambda: (airflow.end(ID, "retrieve", 5), airflow.finish(ID)),
        lambda: None,
    ]
    events = [event async for event in stream.events(script)]
    assert names(events) == ["step.started retrieve", "step.finished retrieve", "solve.finished"]


async def test_an_event_that_airflow_writes_late_still_comes_in_order(
    stream: Stream, airflow: FakeAirflow
) -> None:
    airflow.begin(ID, "b", 1.2)
    stream.now = START.timestamp() + 1.3
    script: list[Callable[[], object]] = [
        lambda: airflow.begin(ID, "a", 1.1),
        lambda: None,
        lambda: None,
        lambda: (airflow.end(ID, "a", 9), airflow.end(ID, "b", 9), airflow.finish(ID)),
        lambda: None,
    ]
    events = [event async for event in stream.events(script)]
    assert names(events)[:2] == ["step.started a", "step.started b"]


async def test_a_stream_outlives_a_while_without_airflow(
    stream: Stream, airflow: FakeAirflow
) -> None:
    script: list[Callable[[], object]] = [
        lambda: setattr(airflow, "down", True),
        lambda: None,
        lambda: (setattr(airflow, "down", False), airflow.finish(ID)),
        lambda: None,
    ]
    events = [event async for event in stream.events(script)]
    assert names(events) == ["solve.finished"]


async def test_a_try_that_will_be_repeated_is_a_failure_of_that_try(
    stream: Stream, airflow: FakeAirflow
) -> None:
    airflow.begin(ID, "plan", 1)
    airflow.end(ID, "plan", 2, state="up_for_retry")
    stream.now = START.timestamp() + 9
    script: list[Callable[[], object]] = [
        lambda: airflow.end(ID, "plan", 2, state="queued"),
        lambda: airflow.begin(ID, "plan", 7),
        lambda: (airflow.end(ID, "plan", 8), airflow.finish(ID)),
        lambda: None,
    ]
    events = [event async for event in stream.events(script)]
    assert [(e.event, e.data.try_number, e.data.state.value) for e in events[:-1]] == [
        ("step.started", 1, "running"),
        ("step.finished", 1, "failed"),
        ("step.started", 2, "running"),
        ("step.finished", 2, "succeeded"),
    ]


async def test_a_stream_of_a_run_that_is_deleted_ends(stream: Stream, airflow: FakeAirflow) -> None:
    script: list[Callable[[], object]] = [airflow.runs.clear, lambda: None]
    assert [event async for event in stream.events(script)] == []


async def test_a_comment_keeps_a_silent_stream_alive(
    client: httpx.AsyncClient, airflow: FakeAirflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.05)
    airflow.add_run(ID, {"client": "local"})
    asyncio.get_running_loop().call_later(0.3, airflow.finish, ID)
    answer = await client.get(f"/v1/solves/{ID}/events")
    assert answer.text.startswith(": ping\n\n")
    assert parse(answer.text)[-1]["event"] == "solve.finished"


async def test_a_client_that_goes_away_ends_the_poll(
    client: httpx.AsyncClient, app: FastAPI, airflow: FakeAirflow
) -> None:
    airflow.add_run(ID, {"client": "local"})
    airflow.begin(ID, "retrieve", 1)
    began = asyncio.Event()
    request = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        if message := next(request, None):
            return message
        await began.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message.get("body"):
            began.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "method": "GET",
        "path": f"/v1/solves/{ID}/events",
        "query_string": b"",
        "headers": [(b"authorization", client.headers["Authorization"].encode())],
    }
    await asyncio.wait_for(app(scope, receive, send), timeout=5)
    assert began.is_set()
