"""`/readyz` with a second endpoint: which of the two answers, which is spared, and no secret."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api.app import create_app
from calisota.llm.breaker import FAILURES, Breaker
from calisota.llm.breaker_file import BreakerFile
from calisota.sandbox.fake import FakeSandbox
from tests.api.conftest import ModelEndpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from api.fake_airflow import FakeAirflow
    from calisota.settings import Settings

FIRST, SECOND = "http://first.test/v1", "http://second.test/v1"
KEYS = ("sk-first-4711", "sk-second-0815", "hunter22")
CONFIGURED = {
    "llm_base_url": "http://me:hunter22@first.test/v1",
    "llm_api_key": KEYS[0],
    "llm_model_slow": "m",
    "llm_model_fast": "m",
    "llm_model_critic": "m",
    "llm_fallback_base_url": f"{SECOND}/",
    "llm_fallback_api_key": KEYS[1],
    "llm_fallback_model": "m2",
}


class Rig:
    def __init__(self, settings: Settings, airflow: FakeAirflow) -> None:
        self.settings = settings
        self.airflow = airflow
        self.first, self.second = ModelEndpoint(), ModelEndpoint()

    def route(self, request: httpx.Request) -> httpx.Response:
        hosts = {"first.test": self.first, "second.test": self.second}
        endpoint = hosts.get(request.url.host)
        return endpoint.handle(request) if endpoint else self.airflow.handle(request)

    @asynccontextmanager
    async def client(self, changes: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
        chosen = type(self.settings).model_validate(
            {**self.settings.model_dump(), **CONFIGURED, **changes}
        )
        transport = httpx.MockTransport(self.route)
        app = create_app(chosen, transport=transport, open_sandbox=FakeSandbox)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client,
        ):
            yield client

    async def ready(self, **changes: Any) -> tuple[int, bool, dict[str, dict[str, Any]]]:
        """The status, whether it is degraded, and the parts by name."""
        async with self.client(changes) as client:
            answer = await client.get("/readyz")
        assert not any(key in answer.text for key in KEYS)
        body = answer.json()
        assert body["ready"] is (answer.status_code == 200)
        assert not (body["degraded"] and not body["ready"])
        for part in body["parts"]:
            assert bool(part["remedy"]) is not part["ok"]
        return answer.status_code, body["degraded"], {part["name"]: part for part in body["parts"]}

    def breaks(self, endpoint: str, breaker: Breaker) -> None:
        BreakerFile(self.settings.breakers).change(endpoint, lambda _: breaker)


@pytest.fixture
def rig(settings: Settings, airflow: FakeAirflow) -> Rig:
    return Rig(settings, airflow)


async def test_both_endpoints_that_answer_are_ready_and_each_gets_its_own_key(rig: Rig) -> None:
    status, degraded, parts = await rig.ready(llm_base_url=FIRST)
    assert (status, degraded) == (200, False)
    assert parts["model"]["ok"]
    assert parts["fallback"]["ok"]
    for endpoint, key in ((rig.first, KEYS[0]), (rig.second, KEYS[1])):
        (request,) = endpoint.seen
        assert request.url.path == "/v1/models"
        assert request.headers["authorization"] == f"Bearer {key}"


async def test_without_a_second_endpoint_that_is_said(rig: Rig) -> None:
    _, degraded, parts = await rig.ready(llm_fallback_base_url=None)
    assert not degraded
    assert "CALISOTA_LLM_FALLBACK_BASE_URL" in parts["fallback"]["detail"]
    assert not rig.second.seen


@pytest.mark.parametrize("down", [None, 503])
async def test_the_first_down_and_the_second_up_is_degraded_and_ready(
    rig: Rig, down: int | None
) -> None:
    rig.first.status = down
    status, degraded, parts = await rig.ready()
    assert (status, degraded) == (200, True)
    assert FIRST in parts["model"]["detail"]
    assert "the fallback answers meanwhile" in parts["model"]["detail"]
    assert "CALISOTA_LLM_BASE_URL" in parts["model"]["remedy"]
    assert parts["fallback"]["ok"]


async def test_the_second_down_while_the_first_answers_is_degraded_too(rig: Rig) -> None:
    rig.second.status = None
    status, degraded, parts = await rig.ready()
    assert (status, degraded) == (200, True)
    assert parts["model"]["ok"]
    assert "CALISOTA_LLM_FALLBACK_BASE_URL" in parts["fallback"]["remedy"]


async def test_both_down_is_not_ready(rig: Rig) -> None:
    rig.first.status = rig.second.status = None
    status, degraded, parts = await rig.ready()
    assert (status, degraded) == (503, False)
    assert not parts["model"]["ok"]
    assert not parts["fallback"]["ok"]


@pytest.mark.parametrize("with_second", [True, False])
async def test_an_endpoint_that_is_spared_says_for_how_long(rig: Rig, *, with_second: bool) -> None:
    rig.breaks(FIRST, Breaker(failures=FAILURES, open_until=time.time() + 20))
    changes = {} if with_second else {"llm_fallback_base_url": None}
    status, degraded, parts = await rig.ready(**changes)
    assert (status, degraded) == (200, True)
    assert "its last 5 calls failed, and it is asked again in" in parts["model"]["detail"]
    assert ("fallback answers" in parts["model"]["detail"]) is with_second


async def test_an_endpoint_that_asked_to_wait_says_so(rig: Rig) -> None:
    rig.breaks(SECOND, Breaker(failures=1, open_until=time.time() + 60))
    status, degraded, parts = await rig.ready()
    assert (status, degraded) == (200, True)
    assert "it asked to wait" in parts["fallback"]["detail"]


async def test_failures_that_spare_nobody_are_told_and_are_well(rig: Rig) -> None:
    rig.breaks(FIRST, Breaker(failures=FAILURES, open_until=1))
    rig.breaks(SECOND, Breaker(failures=1))
    status, degraded, parts = await rig.ready()
    assert (status, degraded) == (200, False)
    assert "the next one tries it" in parts["model"]["detail"]
    assert "a call failed" in parts["fallback"]["detail"]


@pytest.mark.parametrize(
    ("setting", "value", "part"),
    [
        ("llm_model_fast", None, "model"),
        ("llm_api_key", "sk-fürst-4711", "model"),
        ("llm_base_url", "http://[", "model"),
        ("llm_fallback_model", None, "fallback"),
        ("llm_fallback_base_url", "http://second.test:port/v1", "fallback"),
    ],
)
async def test_settings_that_no_client_accepts_are_not_ready_though_the_other_answers(
    rig: Rig, setting: str, value: str | None, part: str
) -> None:
    status, degraded, parts = await rig.ready(**{setting: value})
    assert (status, degraded) == (503, False)
    assert [name for name, one in parts.items() if not one["ok"]] == [part]
