"""The real client against a scripted HTTP server: what each answer of an endpoint comes to."""

from pathlib import Path
from typing import Any

import pytest

from calisota.errors import ModelRejected, ModelUnavailable, PermanentError
from calisota.llm.openai_chat import open_chat
from calisota.llm.scripted_server import ScriptedServer
from calisota.settings import Settings
from tests.unit.llm.asking import ASK, KEY, ask, pointed_at

Answer = tuple[int, dict[str, str], dict[str, Any]]


def refusal(param: str, message: str = "Unsupported parameter") -> Answer:
    error = {"message": f"{message}: {param}", "param": param, "code": "unsupported_parameter"}
    return 400, {}, {"error": error}


async def test_an_answer_comes_with_its_usage(tmp_path: Path):
    with ScriptedServer(lambda _request: "forty two") as server:
        response = await ask(server, tmp_path)
    assert (response.text, response.complete) == ("forty two", True)
    assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (3, 2)
    sent = server.seen[0]
    assert (sent["model"], sent["max_tokens"], sent["temperature"]) == ("m", 50, 0.5)
    assert sent["response_format"]["json_schema"]["name"] == "Shape"


async def test_options_an_endpoint_refuses_are_left_out_and_stay_out(tmp_path: Path):
    def picky(request: dict[str, Any]) -> str | Answer:
        for param in ("max_tokens", "temperature", "stop", "seed", "response_format"):
            if param in request:
                return refusal(param)
        return "ok"

    with ScriptedServer(picky) as server:
        async with open_chat(pointed_at(server.base_url, tmp_path)) as chat:
            assert (await chat.complete(ASK)).text == "ok"
            assert len(server.seen) == 7
            assert (await chat.complete(ASK)).text == "ok"
    assert len(server.seen) == 8
    assert server.seen[-1]["max_completion_tokens"] == 50


async def test_a_refusal_we_cannot_mend_says_so(tmp_path: Path):
    with (
        ScriptedServer(lambda _request: refusal("messages", "context too long")) as server,
        pytest.raises(ModelRejected, match="context too long"),
    ):
        await ask(server, tmp_path)


@pytest.mark.parametrize(
    ("status", "setting"),
    [
        (401, "CALISOTA_LLM_API_KEY"),
        (402, "CALISOTA_LLM_API_KEY"),
        (403, "CALISOTA_LLM_API_KEY"),
        (404, "CALISOTA_LLM_MODEL_FAST"),
        (404, "CALISOTA_LLM_BASE_URL"),
        (413, "CALISOTA_LLM_API_KEY"),
        (422, "CALISOTA_LLM_API_KEY"),
    ],
)
async def test_a_wrong_key_or_model_is_not_tried_again(tmp_path: Path, status: int, setting: str):
    with (
        ScriptedServer(lambda _request: (status, {}, {"error": {"message": "no"}})) as server,
        pytest.raises(ModelRejected) as caught,
    ):
        await ask(server, tmp_path)
    assert len(server.seen) == 1
    assert KEY not in str(caught.value)
    assert setting in caught.value.remedy


async def test_a_rate_limit_carries_how_long_to_wait(tmp_path: Path):
    limited: Answer = (429, {"Retry-After": "90"}, {"error": {"message": "slow down"}})
    with (
        ScriptedServer(lambda _request: limited) as server,
        pytest.raises(ModelUnavailable) as caught,
    ):
        await ask(server, tmp_path)
    assert caught.value.retry_after_s == 90
    assert len(server.seen) == 1


async def test_an_endpoint_that_is_down_is_transient_and_names_the_remedy(tmp_path: Path):
    with ScriptedServer(lambda _request: "") as server:
        base_url = server.base_url
    async with open_chat(pointed_at(base_url, tmp_path)) as chat:
        with pytest.raises(ModelUnavailable, match="calisota up"):
            await chat.complete(ASK)


async def test_missing_usage_is_counted_by_the_upper_bound(tmp_path: Path):
    body = {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "length",
                "message": {"role": "assistant", "content": "cut"},
            }
        ],
    }
    with ScriptedServer(lambda _request: (200, {}, body)) as server:
        response = await ask(server, tmp_path)
    assert response.usage.estimated
    assert response.usage.tokens == ASK.worst_case_tokens()
    assert not response.complete


async def test_an_answer_without_a_choice_is_empty(tmp_path: Path):
    body = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": []}
    with ScriptedServer(lambda _request: (200, {}, body)) as server:
        response = await ask(server, tmp_path)
    assert (response.text, response.complete) == ("", False)


def test_an_endpoint_of_your_own_needs_model_names(tmp_path: Path):
    with pytest.raises(PermanentError, match="CALISOTA_LLM_MODEL_CRITIC"):
        open_chat(pointed_at("http://127.0.0.1:1/v1", tmp_path, llm_model_critic=None))


def test_the_embedded_model_that_was_never_started_says_what_to_run(tmp_path: Path):
    with pytest.raises(ModelUnavailable, match="calisota up"):
        open_chat(Settings(home=tmp_path))


async def test_an_address_that_is_no_endpoint_names_the_setting(tmp_path: Path):
    with (
        ScriptedServer(lambda _request: (200, {}, "<html>")) as server,  # type: ignore[arg-type,return-value]
        pytest.raises(ModelRejected, match="CALISOTA_LLM_BASE_URL"),
    ):
        await ask(server, tmp_path)
