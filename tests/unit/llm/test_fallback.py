"""A second endpoint that stands in, and a breaker that spares the first; over real HTTP."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from calisota.errors import ModelRejected, ModelUnavailable, PermanentError
from calisota.llm.breaker import FAILURES, Breaker
from calisota.llm.breaker_file import BreakerFile
from calisota.llm.openai_chat import open_chat
from calisota.llm.scripted_server import FOREVER_S, Answer, Raw, ScriptedServer
from calisota.models import Route
from tests.unit.llm.asking import ASK, KEY, ask, pointed_at

DOWN: Answer = (503, {}, {"error": {"message": "overloaded"}})
BAD_KEY: Answer = (401, {}, {"error": {"message": f"Incorrect API key provided: {KEY}"}})
FALLBACK_KEY = "sk-fallback-0815"


@pytest.fixture
def second() -> Iterator[ScriptedServer]:
    with ScriptedServer(lambda _request: "from the second") as server:
        yield server


def with_fallback(second: ScriptedServer, **changes: Any) -> dict[str, Any]:
    fallback = {"base_url": second.base_url, "model": "m2", "api_key": FALLBACK_KEY}
    return {f"llm_fallback_{name}": value for name, value in fallback.items()} | changes


def breaker_of(server: ScriptedServer, tmp_path: Path) -> Breaker:
    settings = pointed_at(server.base_url, tmp_path)
    return BreakerFile(settings.breakers).get(server.base_url)


async def test_the_first_answers_while_it_can(second: ScriptedServer, tmp_path: Path):
    with ScriptedServer(lambda _request: "from the first") as first:
        response = await ask(first, tmp_path, **with_fallback(second))
    assert (response.text, response.model) == ("from the first", "m")
    assert response.endpoint == first.base_url
    assert not second.seen


@pytest.mark.parametrize("down", [DOWN, Raw(first_pause_s=FOREVER_S), Raw([b"{"])])
async def test_the_second_answers_while_the_first_is_unavailable_and_says_so(
    down: Answer, second: ScriptedServer, tmp_path: Path
):
    changes = with_fallback(second, llm_timeout_s=2)
    with ScriptedServer(lambda _request: down) as first:
        for route in (Route.SLOW, Route.FAST, Route.CRITIC):
            request = ASK.model_copy(update={"route": route})
            response = await ask(first, tmp_path, request, **changes)
            assert (response.text, response.model) == ("from the second", "m2")
            assert response.endpoint == second.base_url
    assert second.seen[0]["model"] == "m2"


async def test_an_endpoint_that_is_not_there_is_stood_in_for(
    second: ScriptedServer, tmp_path: Path
):
    with ScriptedServer(lambda _request: "") as first:
        pass
    assert (await ask(first, tmp_path, **with_fallback(second))).model == "m2"


async def test_a_wrong_key_is_reported_and_not_worked_around(
    second: ScriptedServer, tmp_path: Path
):
    with ScriptedServer(lambda _request: BAD_KEY) as first, pytest.raises(ModelRejected):
        await ask(first, tmp_path, **with_fallback(second))
    assert not second.seen


async def test_when_neither_answers_both_are_named_and_the_shorter_wait(tmp_path: Path):
    with (
        ScriptedServer(lambda _request: (429, {"Retry-After": "60"}, {})) as first,
        ScriptedServer(lambda _request: (429, {"Retry-After": "20"}, {})) as second,
        pytest.raises(ModelUnavailable) as caught,
    ):
        await ask(first, tmp_path, **with_fallback(second))
    assert first.base_url in caught.value.message
    assert second.base_url in caught.value.message
    assert caught.value.retry_after_s == 20


async def test_a_fallback_that_is_misconfigured_leaves_the_fault_transient(tmp_path: Path):
    echo: Answer = (401, {}, {"error": {"message": f"no {FALLBACK_KEY}"}})
    with (
        ScriptedServer(lambda _request: DOWN) as first,
        ScriptedServer(lambda _request: echo) as second,
        pytest.raises(ModelUnavailable, match="CALISOTA_LLM_FALLBACK_API_KEY") as caught,
    ):
        await ask(first, tmp_path, **with_fallback(second))
    assert FALLBACK_KEY not in str(caught.value)


def test_a_fallback_without_a_model_names_the_setting(tmp_path: Path):
    url = "http://127.0.0.1:1/v1"
    with pytest.raises(PermanentError, match="CALISOTA_LLM_FALLBACK_MODEL"):
        open_chat(pointed_at(url, tmp_path, llm_fallback_base_url=url))


async def test_the_second_stands_in_only_for_routes_the_first_has(
    second: ScriptedServer, tmp_path: Path
):
    with ScriptedServer(lambda _request: DOWN) as first:
        settings = pointed_at(first.base_url, tmp_path, **with_fallback(second))
        async with open_chat(settings) as chat:
            assert not chat.has(Route.FRONTIER)
            assert chat.has(Route.FAST)


async def test_after_enough_failures_the_endpoint_is_not_asked_for_a_while(tmp_path: Path):
    with ScriptedServer(lambda _request: DOWN) as server:
        for _ in range(FAILURES):
            with pytest.raises(ModelUnavailable, match="overloaded"):
                await ask(server, tmp_path)
        with pytest.raises(ModelUnavailable, match="not asked") as caught:
            await ask(server, tmp_path)
    assert len(server.seen) == FAILURES
    assert caught.value.retry_after_s is not None
    assert 20 < caught.value.retry_after_s <= 30


async def test_an_endpoint_that_asked_for_half_a_minute_is_left_alone_by_all_processes(
    tmp_path: Path, second: ScriptedServer
):
    with ScriptedServer(lambda _request: (429, {"Retry-After": "30"}, {})) as first:
        for _ in range(3):  # each opens a client of its own, as a process does
            assert (await ask(first, tmp_path, **with_fallback(second))).model == "m2"
    assert len(first.seen) == 1
    assert len(second.seen) == 3


async def test_one_call_probes_and_its_answer_closes_the_breaker(tmp_path: Path):
    with ScriptedServer(lambda _request: "back", delay_s=0.5) as server:
        settings = pointed_at(server.base_url, tmp_path)
        broken = Breaker(failures=FAILURES, open_until=1.0)
        BreakerFile(settings.breakers).change(server.base_url, lambda _: broken)
        async with open_chat(settings) as chat:
            calls = [asyncio.create_task(chat.complete(ASK)) for _ in range(4)]
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert sum(isinstance(one, ModelUnavailable) for one in results) == 3
            assert len(server.seen) == 1
            assert (await chat.complete(ASK)).text == "back"
    assert breaker_of(server, tmp_path) == Breaker()


async def test_a_probe_that_is_cancelled_lets_another_go(tmp_path: Path):
    with ScriptedServer(lambda _request: Raw(first_pause_s=FOREVER_S)) as server:
        settings = pointed_at(server.base_url, tmp_path)
        broken = Breaker(failures=FAILURES, open_until=1.0)
        BreakerFile(settings.breakers).change(server.base_url, lambda _: broken)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await ask(server, tmp_path)
    assert breaker_of(server, tmp_path) == broken


async def test_a_refused_key_shows_that_the_endpoint_is_up(tmp_path: Path):
    with ScriptedServer(lambda _request: DOWN) as server:
        with pytest.raises(ModelUnavailable):
            await ask(server, tmp_path)
        assert breaker_of(server, tmp_path).failures == 1
        server.script = lambda _request: BAD_KEY
        with pytest.raises(ModelRejected):
            await ask(server, tmp_path)
    assert breaker_of(server, tmp_path) == Breaker()


async def test_a_healthy_endpoint_leaves_no_file(tmp_path: Path):
    with ScriptedServer(lambda _request: "ok") as server:
        await ask(server, tmp_path)
    assert not pointed_at(server.base_url, tmp_path).breakers.exists()


async def test_no_secret_is_kept_in_the_file(tmp_path: Path):
    with ScriptedServer(lambda _request: DOWN) as server:
        url = server.base_url.replace("//", "//me:hunter22@")
        async with open_chat(pointed_at(url, tmp_path)) as chat:
            with pytest.raises(ModelUnavailable):
                await chat.complete(ASK)
        kept = pointed_at(url, tmp_path).breakers.read_text()
    assert server.base_url in kept
    assert "hunter22" not in kept
    assert KEY not in kept
