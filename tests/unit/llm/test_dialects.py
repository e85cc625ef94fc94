"""Every endpoint there is ends in an answer, in few calls, and what was learned stays."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calisota.errors import ModelRejected
from calisota.llm.dialect import Complaint, Dialect
from calisota.llm.openai_chat import open_chat
from calisota.llm.scripted_server import Answer, ScriptedServer
from calisota.models import Route
from tests.unit.llm.asking import ASK, ask, pointed_at
from tests.unit.llm.dialects import (
    ENDPOINTS,
    Endpoint,
    azure_old_deployment,
    error,
    openai_chat,
    openai_reasoning,
    unsupported,
    vllm_error,
)

OPTIONS = {
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "stop",
    "seed",
    "response_format",
}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
async def test_each_endpoint_answers_and_is_asked_rightly_at_once_the_second_time(
    endpoint: Endpoint, tmp_path: Path
):
    with ScriptedServer(endpoint.script) as server:
        async with open_chat(pointed_at(server.base_url, tmp_path)) as chat:
            first = await chat.complete(ASK)
            assert len(server.seen) <= endpoint.calls
            before = len(server.seen)
            second = await chat.complete(ASK)
    assert len(server.seen) == before + 1
    assert first.text == second.text == '{"value": 1}'
    assert server.seen[-1].keys() & OPTIONS == endpoint.kept


async def test_what_one_model_refuses_another_at_the_same_endpoint_still_gets(tmp_path: Path):
    def both(request: dict[str, Any]) -> Answer:
        return openai_reasoning(request) if request["model"] == "o" else openai_chat(request)

    with ScriptedServer(both) as server:
        settings = pointed_at(server.base_url, tmp_path, llm_model_slow="o")
        async with open_chat(settings) as chat:
            await chat.complete(ASK.model_copy(update={"route": Route.SLOW}))
            await chat.complete(ASK)
    assert server.seen[-1]["temperature"] == 0.5
    assert "max_tokens" in server.seen[-1]


async def test_calls_that_are_refused_together_are_all_answered(tmp_path: Path):
    with ScriptedServer(openai_reasoning, delay_s=0.1) as server:
        async with open_chat(pointed_at(server.base_url, tmp_path)) as chat:
            answers = await asyncio.gather(*(chat.complete(ASK) for _ in range(4)))
    assert {answer.text for answer in answers} == {'{"value": 1}'}
    assert len(server.seen) <= 4 * 4


def test_openai_and_azure_are_asked_by_the_new_name_first_and_all_others_by_the_old():
    for url in ("https://api.openai.com/v1", "https://x.openai.azure.com/openai/v1/"):
        assert "max_completion_tokens" in Dialect.first(url).options(ASK)
    for url in ("http://localhost:11434/v1", "https://openai.com.example/v1", "no url"):
        assert "max_tokens" in Dialect.first(url).options(ASK)


def test_an_endpoint_that_knows_only_the_old_name_is_asked_by_it():
    new = Dialect(length="max_completion_tokens")
    status, _, body = azure_old_deployment({"max_completion_tokens": 50})  # type: ignore[misc]
    old = new.after(Complaint.read(body), ASK)
    assert status == 400
    assert old == Dialect(length="max_tokens")


async def test_an_endpoint_that_refuses_every_limit_is_not_asked_without_one(tmp_path: Path):
    def unlimited(request: dict[str, Any]) -> Answer:
        return unsupported("max_tokens" if "max_tokens" in request else "max_completion_tokens")

    with ScriptedServer(unlimited) as server, pytest.raises(ModelRejected, match="max_comp"):
        await ask(server, tmp_path)
    assert len(server.seen) == 2


TOO_LONG = [
    error(
        400,
        message="This model's maximum context length is 8192 tokens. However, you requested 9000.",
        type="invalid_request_error",
        param="messages",
        code="context_length_exceeded",
    ),
    vllm_error(
        "'max_tokens' or 'max_completion_tokens' is too large: 5000. This model's maximum context "
        "length is 4096 tokens and your request has 20 input tokens (parameter=max_tokens)"
    ),
    error(
        400,
        message="max_tokens is too large: 200000. This model supports at most 16384 completion "
        "tokens, whereas you provided 200000.",
        type="invalid_request_error",
        param="max_tokens",
        code="invalid_value",
    ),
]


@pytest.mark.parametrize("answer", TOO_LONG)
async def test_a_prompt_that_is_too_long_teaches_nothing_and_names_the_settings(
    answer: Answer, tmp_path: Path
):
    with ScriptedServer(lambda _request: answer) as server, pytest.raises(ModelRejected) as caught:
        await ask(server, tmp_path)
    assert len(server.seen) == 1
    assert "CALISOTA_LLM_CONTEXT_TOKENS" in caught.value.remedy


def test_an_option_named_in_a_sentence_about_something_else_is_not_dropped():
    for message in ("the server will stop for maintenance", "the temperature in the room"):
        assert Dialect().after(Complaint(message=message), ASK) is None
    foreign = Complaint(message="Invalid content: stop is not allowed", param="messages[0]")
    assert Dialect().after(foreign, ASK) is None


@given(st.text(max_size=200), st.none() | st.sampled_from(sorted(OPTIONS)) | st.text(max_size=20))
def test_every_refusal_leads_to_fewer_options_or_ends(message: str, param: str | None):
    """No complaint, however often it comes, is answered with more calls than there are options."""
    dialect, lengths = Dialect(), set()
    for _ in range(8):
        known = dialect.after(Complaint(message=message, param=param), ASK)
        if known is None:
            return
        if known.length != dialect.length:
            lengths.add(dialect.length)
            if len(lengths) == 2:
                return
        assert known != dialect
        dialect = known
    raise AssertionError(dialect)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["error", "message", "detail", "param", "code", "loc", "msg"]),
                inner,
            )
        ),
    )
)
def test_a_complaint_of_any_shape_can_be_read(body: object):
    assert isinstance(Complaint.read(body).message, str)
