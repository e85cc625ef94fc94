"""Every way in which an endpoint fails, over real HTTP, and what each comes to."""

import asyncio
import itertools
import json
import logging
import time
import traceback
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from calisota.errors import CalisotaError, ModelRejected, ModelUnavailable, PermanentError
from calisota.llm import Message
from calisota.llm.answer import MAX_BODY_BYTES, MAX_CHARS_A_TOKEN
from calisota.llm.openai_chat import open_chat
from calisota.llm.scripted_server import FOREVER_S, Answer, Raw, ScriptedServer, completion
from calisota.models import Route
from tests.unit.llm.asking import ASK, KEY, ask, pointed_at

ASKED = {"messages": [{"content": "one two three"}], "model": "m"}


def body(text: str | None = "ok", **changes: Any) -> dict[str, Any]:
    whole = completion(text or "", ASKED, **changes.pop("choice", {}))
    if text is None:
        whole["choices"][0]["message"]["content"] = None
    return whole | changes


def said(**message: Any) -> dict[str, Any]:
    return body(choice={"message": {"role": "assistant"} | message})


async def answered(answer: Answer, tmp_path: Path, **changes: Any) -> Any:
    with ScriptedServer(lambda _request: answer) as server:
        return await ask(server, tmp_path, **changes)


async def failed(answer: Answer, tmp_path: Path, **changes: Any) -> Any:
    with pytest.raises(CalisotaError) as caught:
        await answered(answer, tmp_path, **changes)
    return caught.value


# What is an answer


async def test_an_answer_names_the_model_and_the_endpoint(tmp_path: Path):
    response = await answered("ok", tmp_path)
    assert (response.model, response.finish, response.complete) == ("m", "stop", True)
    assert response.endpoint.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    "empty",
    [
        body(""),
        body(None),
        said(content=[]),
        said(content=[{"type": "image"}]),
        said(content=5),
        body(choices=[]),
        body(choices=None),
        body(choices="none"),
        body(choices=[{"message": None}]),
        body(choices=[{"index": 0}]),
    ],
)
async def test_an_empty_answer_of_any_shape_is_empty_and_still_costs(empty: Any, tmp_path: Path):
    response = await answered((200, {}, empty), tmp_path)
    assert response.text == ""
    assert response.usage.calls == 1
    assert response.usage.prompt_tokens > 0


async def test_an_answer_in_parts_is_put_together(tmp_path: Path):
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]
    assert (await answered((200, {}, said(content=parts)), tmp_path)).text == "one two"


@pytest.mark.parametrize("reason", ["length", "max_tokens", "model_length"])
async def test_an_answer_that_was_cut_is_not_complete(reason: str, tmp_path: Path):
    response = await answered((200, {}, body("a", choice={"finish_reason": reason})), tmp_path)
    assert (response.text, response.complete, response.finish) == ("a", False, "length")


async def test_reasoning_that_used_up_the_limit_leaves_an_empty_cut_answer(tmp_path: Path):
    cut = said(content=None, reasoning_content="let me think")
    cut["choices"][0]["finish_reason"] = "length"
    response = await answered((200, {}, cut), tmp_path)
    assert (response.text, response.complete, response.finish) == ("", False, "length")


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, said(content=None, refusal="I will not.")),
        (200, {}, body("I will", choice={"finish_reason": "content_filter"})),
        (
            400,
            {},
            {
                "error": {
                    "message": "The response was filtered due to the prompt triggering the content "
                    "management policy. Please modify your prompt and retry.",
                    "type": None,
                    "param": "prompt",
                    "code": "content_filter",
                    "status": 400,
                    "innererror": {"code": "ResponsibleAIPolicyViolation"},
                }
            },
        ),
        (
            400,
            {},
            {"error": {"message": "litellm.ContentPolicyViolationError: no", "code": "400"}},
        ),
    ],
)
async def test_a_refusal_is_an_answer_that_says_so(answer: Answer, tmp_path: Path):
    response = await answered(answer, tmp_path)
    assert (response.finish, response.complete) == ("refusal", False)
    assert response.text
    assert response.usage.prompt_tokens > 0


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        "none",
        {"prompt_tokens": None, "completion_tokens": None},
        {"prompt_tokens": -1, "completion_tokens": -5},
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": 10**15, "completion_tokens": 10**15},
        {"prompt_tokens": float("nan"), "completion_tokens": float("inf")},
        {"prompt_tokens": "3", "completion_tokens": True},
    ],
)
async def test_usage_that_cannot_be_is_counted_by_the_upper_bound(usage: Any, tmp_path: Path):
    response = await answered((200, {}, body(usage=usage)), tmp_path)
    assert response.usage.estimated
    assert response.usage.tokens == ASK.worst_case_tokens()


async def test_half_a_usage_is_believed_by_half(tmp_path: Path):
    usage = {"prompt_tokens": 3, "completion_tokens": None}
    response = await answered((200, {}, body(usage=usage)), tmp_path)
    assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (3, 50)
    assert response.usage.estimated


async def test_characters_that_no_file_can_hold_do_no_harm(tmp_path: Path):
    raw = json.dumps(body("a\ud800b\ud83d\ude00 NaN")).encode()
    response = await answered(Raw([raw]), tmp_path)
    assert response.text == "a\ufffdb\U0001f600 NaN"
    nan = json.dumps(body("x", created=float("nan"))).encode()
    assert (await answered(Raw([nan]), tmp_path)).text == "x"
    no_utf8 = raw.replace(b"NaN", b"\xff")
    assert (await answered(Raw([no_utf8]), tmp_path)).text.endswith(" \ufffd")


async def test_a_prompt_with_half_a_character_is_sent_without_it(tmp_path: Path):
    broken = ASK.model_copy(update={"messages": [Message(role="user", content="a\ud800b")]})
    with ScriptedServer(lambda _request: "ok") as server:
        await ask(server, tmp_path, broken)
    assert server.seen[0]["messages"][0]["content"] == "a\ufffdb"


# What is too much


async def test_a_megabyte_is_cut_to_what_the_limit_allows(tmp_path: Path):
    response = await answered("word " * 200_000, tmp_path)
    assert len(response.text) == ASK.max_tokens * MAX_CHARS_A_TOKEN
    assert (response.complete, response.finish) == (False, "length")


@pytest.mark.parametrize("status", [200, 400, 500, 302])
async def test_an_answer_without_end_is_not_read_to_it(status: int, tmp_path: Path):
    sent = itertools.count()

    def endless() -> Iterator[bytes]:
        chunk = b"x" * 65_536
        while True:
            next(sent)
            yield chunk

    headers = {"Location": "/v1/elsewhere"} if status == 302 else {}
    tracemalloc.start()
    try:
        error = await failed(Raw(endless(), status=status, headers=headers), tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(error, ModelUnavailable)
    assert str(MAX_BODY_BYTES) in error.message
    # What the kernel holds of a connection comes on top.
    assert next(sent) * 65_536 < MAX_BODY_BYTES + 16 * 2**20
    assert peak < 6 * MAX_BODY_BYTES


async def test_a_compressed_answer_is_not_unpacked(tmp_path: Path):
    bomb = Raw([b"\x1f\x8b"], headers={"Content-Encoding": "gzip"})
    error = await failed(bomb, tmp_path)
    assert isinstance(error, ModelUnavailable)
    assert "compressed" in error.message


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
async def test_an_answer_nested_too_deep_is_none(opening: bytes, tmp_path: Path):
    for status, kind in ((200, ModelRejected), (400, ModelRejected), (503, ModelUnavailable)):
        error = await failed(Raw([opening * 200_000], status=status), tmp_path)
        assert isinstance(error, kind)


# What never comes, or only in part


async def test_a_body_that_breaks_off_is_transient(tmp_path: Path):
    raw = json.dumps(body()).encode()
    for cut in (
        Raw([raw[:-20]], content_length=len(raw)),  # the connection was cut
        Raw([raw[:-20]]),  # the body was
        Raw([], content_length=0),
        Raw([b"   "]),
        Raw([], content_length=10),
    ):
        assert isinstance(await failed(cut, tmp_path), ModelUnavailable)


@pytest.mark.parametrize(
    "slow",
    [
        Raw([b"{}"], first_pause_s=FOREVER_S),
        Raw([b"{}"], pause_s=FOREVER_S),
        Raw(itertools.repeat(b" "), pause_s=0.05),
        Raw(itertools.repeat(b" "), pause_s=0.05, status=500),
    ],
    ids=["hangs", "hangs after its head", "drips", "drips an error"],
)
async def test_a_call_ends_at_its_deadline_however_bytes_come(slow: Raw, tmp_path: Path):
    began = time.monotonic()
    error = await failed(slow, tmp_path, llm_timeout_s=1)
    assert isinstance(error, ModelUnavailable)
    assert time.monotonic() - began < 4


async def test_a_call_that_is_cancelled_ends_at_once(tmp_path: Path):
    with ScriptedServer(lambda _request: Raw(first_pause_s=FOREVER_S)) as server:
        call = asyncio.create_task(ask(server, tmp_path))
        await asyncio.sleep(1)
        assert server.seen
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


# What is an error


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
async def test_faults_that_pass_are_transient(status: int, tmp_path: Path):
    page = Raw([b"<html><body>Bad gateway</body></html>"], status=status)
    for answer in (page, Raw([], status=status), (status, {}, {"error": {"message": "later"}})):
        error = await failed(answer, tmp_path)
        assert isinstance(error, ModelUnavailable)
        assert f"HTTP {status}" in error.message
        assert "<" not in error.message


async def test_an_error_that_comes_as_a_200_is_transient(tmp_path: Path):
    behind = {"error": {"message": "Provider returned error", "code": 502}}
    error = await failed((200, {}, behind), tmp_path)
    assert isinstance(error, ModelUnavailable)
    assert "Provider returned error" in error.message


@pytest.mark.parametrize(
    "page", [b"<!doctype html><title>Welcome</title>", b"hello", b'"text"', b"[1]", b"{}", b"7"]
)
async def test_what_is_no_endpoint_names_the_setting(page: bytes, tmp_path: Path):
    error = await failed(Raw([page], headers={"Content-Type": "text/html"}), tmp_path)
    assert isinstance(error, ModelRejected)
    assert "CALISOTA_LLM_BASE_URL" in error.remedy


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ({"Retry-After": "30"}, 30, 30),
        ({"Retry-After": "1.5"}, 1.5, 1.5),
        ({"retry-after-ms": "250"}, 0.25, 0.25),
        ({"Retry-After": "86400"}, 120, 120),
        (
            {"Retry-After": format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)},
            0,
            0,
        ),
    ],
)
async def test_how_long_to_wait_is_read_in_every_form(
    header: dict[str, str], least: float, most: float, tmp_path: Path
):
    error = await failed((429, header, {"error": {"message": "slow down"}}), tmp_path)
    assert isinstance(error, ModelUnavailable)
    assert error.retry_after_s is not None
    assert least <= error.retry_after_s <= most


async def test_a_date_to_wait_for_becomes_seconds(tmp_path: Path):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    error = await failed((503, {"Retry-After": date}, {}), tmp_path)
    assert 30 < error.retry_after_s <= 40


@pytest.mark.parametrize("nonsense", ["soon", "-5", "nan", "inf", "1e9", "٣", "9" * 400])
async def test_a_wait_that_makes_no_sense_is_none(nonsense: str, tmp_path: Path):
    header = {"Retry-After": nonsense.encode().decode("latin-1")}
    error = await failed((429, header, {}), tmp_path)
    assert error.retry_after_s is None


async def test_a_route_without_a_model_names_its_setting(tmp_path: Path):
    request = ASK.model_copy(update={"route": Route.FRONTIER})
    with ScriptedServer(lambda _request: "ok") as server:
        async with open_chat(pointed_at(server.base_url, tmp_path)) as chat:
            assert not chat.has(Route.FRONTIER)
            assert chat.has(Route.SLOW)
            with pytest.raises(ModelRejected, match="CALISOTA_LLM_MODEL_FRONTIER"):
                await chat.complete(request)
        async with open_chat(
            pointed_at(server.base_url, tmp_path, llm_model_frontier="big")
        ) as chat:
            assert chat.has(Route.FRONTIER)
            assert (await chat.complete(request)).model == "big"
    assert [request["model"] for request in server.seen] == ["big"]


# What must not be told


SPOKEN = f"Incorrect API key provided: {KEY}"


@pytest.mark.parametrize(
    "answer",
    [
        *[(status, {}, {"error": {"message": SPOKEN}}) for status in (400, 401, 404, 429, 500)],
        (401, {}, {"error": {"message": "x" * 290 + KEY}}),
        (401, {}, {"error": KEY}),
        (422, {}, {"detail": [{"loc": ["header"], "msg": KEY}]}),
        (400, {}, {"error": {"message": KEY, "code": "content_filter"}}),
        (200, {}, {"error": {"message": SPOKEN}}),
        Raw([f"Bearer {KEY}".encode()], status=502),
        Raw([f"Bearer {KEY}".encode()]),
        Raw([f'{{"Bearer {KEY}'.encode()]),
        Raw([], headers={"Location": f"gopher://{KEY}/"}, status=302),
    ],
)
async def test_a_key_that_an_endpoint_echoes_is_in_no_message_and_no_traceback(
    answer: Answer, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    try:
        told = repr(await answered(answer, tmp_path))
    except CalisotaError as error:
        told = "".join(traceback.format_exception(error)) + str(error) + error.remedy
        seen: BaseException | None = error
        while seen is not None:
            told += f"{seen!r}{vars(seen)}"
            seen = seen.__cause__ or seen.__context__
    assert KEY not in told
    assert "secret" not in told
    assert KEY not in caplog.text


async def test_a_password_in_the_url_is_not_shown(tmp_path: Path):
    with ScriptedServer(
        lambda _request: (404, {}, {"error": {"message": "no hunter22"}})
    ) as server:
        url = server.base_url.replace("//", "//me:hunter22@") + "?token=abcdefgh"
        async with open_chat(pointed_at(url, tmp_path)) as chat:
            with pytest.raises(ModelRejected) as caught:
                await chat.complete(ASK)
    assert "hunter22" not in str(caught.value)
    assert "abcdefgh" not in str(caught.value)


def test_a_key_that_fits_no_header_is_said_and_not_shown(tmp_path: Path):
    for key in ("sk-schlüssel", "sk-two\nlines"):
        with pytest.raises(PermanentError, match="CALISOTA_LLM_API_KEY") as caught:
            open_chat(pointed_at("http://127.0.0.1:1/v1", tmp_path, llm_api_key=key))
        assert key not in str(caught.value)


async def test_a_line_feed_after_the_key_does_no_harm(tmp_path: Path):
    assert (await answered("ok", tmp_path, llm_api_key=f"{KEY}\n")).text == "ok"


def test_an_address_that_cannot_be_one_names_the_setting(tmp_path: Path):
    with pytest.raises(PermanentError, match="CALISOTA_LLM_BASE_URL"):
        open_chat(pointed_at("http://[::1", tmp_path))
