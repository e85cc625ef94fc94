"""Reading the body of an answer, which may be anything: a `ChatResponse`, or an error of ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, Field, StrictInt, ValidationError, WrapValidator

from calisota.llm.chat import BYTES_PER_TOKEN_AT_LEAST, ChatRequest, ChatResponse, Finish
from calisota.llm.dialect import Complaint
from calisota.models import Usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from calisota.llm.endpoint import Endpoint

T = TypeVar("T")

MAX_BODY_BYTES = 4 * 1024 * 1024
"""Six bytes (an escaped character) for each of the 4 characters of 131,072 tokens, and reserve."""

MAX_CHARS_A_TOKEN = 128
"""Source: the longest tokens of o200k_base are runs of 128 blanks."""

MAX_BELIEVED_TOKENS = 10_000_000
"""Source: the longest context any vendor states; a count above it is a fault."""

_ENDS: dict[str, Finish] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "refusal",
    "refusal": "refusal",
}


def _or_none(value: Any, validate: Callable[[Any], Any]) -> Any:
    try:
        return validate(value)
    except ValidationError:
        return None


Lenient = Annotated[T | None, WrapValidator(_or_none)]
"""A field that an endpoint may leave out, or fill with what does not belong there."""

_Count = Annotated[StrictInt, Field(ge=0, le=MAX_BELIEVED_TOKENS)]


class _Part(BaseModel):
    text: Lenient[str] = None


class _Said(BaseModel):
    content: Lenient[str | list[_Part]] = None
    refusal: Lenient[str] = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "".join(part.text or "" for part in self.content)
        return self.content or ""


class _Choice(BaseModel):
    finish_reason: Lenient[str] = None
    message: Lenient[_Said] = None


class _Counts(BaseModel):
    prompt_tokens: Lenient[_Count] = None
    completion_tokens: Lenient[_Count] = None


class _Completion(BaseModel):
    choices: Lenient[list[_Choice]] = None
    usage: Lenient[_Counts] = None


def read_answer(
    body: bytes, request: ChatRequest, *, model: str, endpoint: Endpoint
) -> ChatResponse:
    """The answer in the body of a 200.

    An answer without a choice is an empty one, which the caller may sample again.
    Raises: ModelUnavailable: the body broke off, or reports a fault of what is behind the
    endpoint. ModelRejected: it is no chat completion at all.
    """
    data = _parsed(body, endpoint)
    if not isinstance(data, dict):
        raise endpoint.no_endpoint("its answer is no chat completion")
    answer = _Completion.model_validate(data)
    if answer.choices is None and data.get("error"):
        raise endpoint.unavailable(Complaint.read(data).message)
    if answer.choices is None and "choices" not in data:
        raise endpoint.no_endpoint("its answer is no chat completion")
    choice = answer.choices[0] if answer.choices else _Choice()
    text, finish = _said(choice, request)
    return ChatResponse(
        text=text,
        complete=choice.message is not None and finish in {"stop", "unknown"},
        usage=_usage(answer.usage or _Counts(), request, text),
        finish=finish,
        model=model,
        endpoint=endpoint.shown,
    )


def refused(
    complaint: Complaint, request: ChatRequest, *, model: str, endpoint: Endpoint
) -> ChatResponse:
    """The answer where a filter refused the prompt with an error; its cost is not known."""
    usage = Usage(calls=1, prompt_tokens=request.prompt_bound(), estimated=True)
    return ChatResponse(
        text=endpoint.clean(complaint.message),
        complete=False,
        usage=usage,
        finish="refusal",
        model=model,
        endpoint=endpoint.shown,
    )


def harmless(text: str) -> str:
    """`text` with U+FFFD for each half of a character, which no file and no request can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _parsed(body: bytes, endpoint: Endpoint) -> object:
    text = body.decode("utf-8-sig", "replace").strip()
    try:
        return json.loads(text)
    except RecursionError:
        fault = "its answer is nested too deep"
    except ValueError:
        if not text or text.startswith(("{", "[")):
            fault = None
        else:
            fault = f"its answer is {'an HTML page' if text.startswith('<') else 'no JSON'}"
    # Outside the handler: what was caught there would bring the whole body into a log.
    raise (
        endpoint.no_endpoint(fault)
        if fault
        else endpoint.unavailable("its answer broke off", perhaps_charged=True)
    )


def _said(choice: _Choice, request: ChatRequest) -> tuple[str, Finish]:
    said = choice.message or _Said()
    text, finish = said.text, _ENDS.get(choice.finish_reason or "", "unknown")
    if said.refusal:
        text, finish = text or said.refusal, "refusal"
    text = harmless(text)
    longest = request.max_tokens * MAX_CHARS_A_TOKEN
    if len(text) > longest:  # the endpoint ignores the limit
        return text[:longest], "refusal" if finish == "refusal" else "length"
    return text, finish


def _usage(counts: _Counts, request: ChatRequest, text: str) -> Usage:
    """What the endpoint counted; what it did not, or cannot have meant, by our upper bound."""
    # No prompt is empty, and no text comes of no tokens.
    prompt = counts.prompt_tokens or None
    answer = None if counts.completion_tokens == 0 and text else counts.completion_tokens
    bound = max(request.max_tokens, len(text.encode()) // BYTES_PER_TOKEN_AT_LEAST)
    return Usage(
        calls=1,
        prompt_tokens=request.prompt_bound() if prompt is None else prompt,
        completion_tokens=bound if answer is None else answer,
        estimated=prompt is None or answer is None,
    )
