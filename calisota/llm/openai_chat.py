"""The one owner of the `openai` SDK: Chat Completions in the subset every endpoint knows."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import openai

from calisota.errors import CalisotaError, ModelRejected, ModelUnavailable, PermanentError
from calisota.llm.answer import MAX_BODY_BYTES, harmless, read_answer, refused
from calisota.llm.breaker_file import BreakerFile
from calisota.llm.dialect import OTHER_LENGTH, Complaint, Dialect
from calisota.llm.dialect_file import DialectFile
from calisota.llm.endpoint import retry_after_s
from calisota.llm.endpoints import fallback_endpoint, first_endpoint
from calisota.llm.fallback import FallbackChat, GuardedChat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from calisota.llm.chat import ChatModel, ChatRequest, ChatResponse
    from calisota.llm.endpoint import Endpoint
    from calisota.models import Route
    from calisota.settings import Settings

# Timeout, conflict and rate limit; any other 4xx stays as it is however often it is asked.
TRY_AGAIN = (408, 409, 425, 429)
SERVER_ERROR = 500
BAD_OPTION = (400, 422)

CONNECT_TIMEOUT_S = 10.0


class OpenAIChat:
    """Models at one OpenAI-compatible endpoint.

    Learns for each model which options are refused (HTTP 400 or 422 that names one) and stops
    sending them; see `Dialect`. What was learned, and then answered, is kept in `dialects`.
    A call ends within `deadline_s`, however slowly bytes come.
    Source: option table of OpenAI, Azure, vLLM, Ollama, llama.cpp and LiteLLM; none takes all.
    """

    def __init__(
        self,
        client: openai.AsyncOpenAI,
        models: dict[Route, str],
        *,
        endpoint: Endpoint,
        dialects: DialectFile,
        deadline_s: float,
    ) -> None:
        self._client = client
        self._models = models
        self._endpoint = endpoint
        self._deadline_s = deadline_s
        self._first = Dialect.first(endpoint.base_url.get_secret_value())
        self._file = dialects
        self._kept: dict[str, Dialect] = {}
        self._dialects: dict[str, Dialect] = {}

    def has(self, route: Route) -> bool:
        """Whether a model is named for this route."""
        return route in self._models

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """The model's answer; see `ChatModel.complete`."""
        if not self.has(request.route):
            raise ModelRejected(
                f"No model is named for the route {request.route}.",
                remedy=f"set CALISOTA_LLM_MODEL_{request.route.upper()}.",
            )
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._answer(request, self._models[request.route])
        except TimeoutError:
            pass
        raise self._endpoint.unavailable(
            f"no whole answer came within {self._deadline_s:g} s", perhaps_charged=True
        )

    async def _answer(self, request: ChatRequest, model: str) -> ChatResponse:
        """The answer, after at most as many refusals as there are options to do without."""
        lengths_refused = set()
        while True:
            dialect = self._dialect(model)
            came = await self._send(request, model, dialect)
            if isinstance(came, bytes):
                answer = read_answer(came, request, model=model, endpoint=self._endpoint)
                self._keep(model, dialect)
                return answer
            if not isinstance(came, openai.APIStatusError):
                raise self._no_answer(came)
            complaint = Complaint.read(came.body)
            if came.status_code in BAD_OPTION and complaint.is_refusal:
                return refused(complaint, request, model=model, endpoint=self._endpoint)
            known = dialect.after(complaint, request) if came.status_code in BAD_OPTION else None
            if known is not None and known.length != dialect.length:
                lengths_refused.add(dialect.length)
            if known is None or lengths_refused.issuperset(OTHER_LENGTH):
                raise self._status_fault(came, complaint, request, model)
            if self._dialect(model) == dialect:
                self._dialects[model] = known
            # Else a call beside this one learned something meanwhile: try with that first.

    def _dialect(self, model: str) -> Dialect:
        """What this model takes, as far as any process of this data home knows."""
        if model not in self._dialects:
            known = self._file.get(self._endpoint.shown, model) or self._first
            self._dialects[model] = self._kept[model] = known
        return self._dialects[model]

    def _keep(self, model: str, dialect: Dialect) -> None:
        """A dialect was answered: only then was the refusal before it understood."""
        if self._kept[model] != dialect == self._dialects[model]:
            self._kept[model] = dialect
            self._file.learned(self._endpoint.shown, model, dialect)

    async def _send(
        self, request: ChatRequest, model: str, dialect: Dialect
    ) -> bytes | openai.APIError | _TooLargeError:
        """The body of a 200, or what went wrong.

        An error is returned, not raised: what is raised in its handler carries it along, and with
        it whatever the endpoint echoed, our key perhaps.
        """
        options: dict[str, Any] = {
            "model": model,
            "messages": [
                {"role": message.role, "content": harmless(message.content)}
                for message in request.messages
            ],
        }
        options |= dialect.options(request)
        try:
            raw = await self._client.chat.completions.with_raw_response.create(**options)
        except (openai.APIError, _TooLargeError) as error:
            return error
        body: bytes = raw.content
        return body

    def _no_answer(self, error: openai.APIError | _TooLargeError) -> ModelUnavailable:
        why = str(error)
        cause = error.__cause__
        if isinstance(error, openai.APITimeoutError):
            why = "the connection timed out"
        elif isinstance(error, openai.APIConnectionError):
            why = f"{type(cause).__name__}: {cause}" if cause else why
        never_sent = isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout)
        return self._endpoint.unavailable(why, perhaps_charged=not never_sent)

    def _status_fault(
        self,
        error: openai.APIStatusError,
        complaint: Complaint,
        request: ChatRequest,
        model: str,
    ) -> CalisotaError:
        status = error.status_code
        if status in TRY_AGAIN or status >= SERVER_ERROR:
            return self._endpoint.unavailable(
                f"HTTP {status}: {complaint.message}",
                retry_after_s=retry_after_s(error.response.headers),
            )
        return self._endpoint.rejected(
            status,
            complaint.message,
            model=model,
            route=request.route,
            too_long=complaint.is_too_long,
        )


class _TooLargeError(Exception):
    """The body is more than we read."""


class _BoundedStream(httpx2.AsyncByteStream):
    """A body of which no more than `MAX_BODY_BYTES` are read."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise _TooLargeError(f"its answer is longer than {MAX_BODY_BYTES} bytes")
            yield chunk

    async def aclose(self) -> None:
        """Close what it reads from."""
        await self._stream.aclose()


async def _bound(response: httpx2.Response) -> None:
    """Bound the body of every response, of errors and redirects as well.

    We ask for no compression; a body that is compressed all the same could swell without bound.
    """
    if response.headers.get("content-encoding", "identity") != "identity":
        raise _TooLargeError("its answer is compressed, which was not asked for")
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _BoundedStream(response.stream)


def open_chat(settings: Settings) -> AbstractAsyncContextManager[ChatModel]:
    """The configured models: the embedded one, or those at CALISOTA_LLM_BASE_URL.

    Where CALISOTA_LLM_FALLBACK_BASE_URL is set, its model answers while the others cannot.
    Raises: PermanentError: an endpoint of your own needs model names.
    """
    chat, client = _guarded(settings, *first_endpoint(settings))
    second = fallback_endpoint(settings)
    if second is None:
        return _closing(chat, client)
    stand_in, its_client = _guarded(settings, *second)
    return _closing(FallbackChat(chat, stand_in), client, its_client)


def open_one(
    settings: Settings, endpoint: Endpoint, models: dict[Route, str]
) -> AbstractAsyncContextManager[ChatModel]:
    """The models at one endpoint of `calisota.llm.endpoints`, behind its breaker, alone."""
    chat, client = _guarded(settings, endpoint, models)
    return _closing(chat, client)


@asynccontextmanager
async def _closing(chat: ChatModel, *clients: openai.AsyncOpenAI) -> AsyncIterator[ChatModel]:
    async with AsyncExitStack() as stack:
        for client in clients:
            await stack.enter_async_context(client)
        yield chat


def _guarded(
    settings: Settings, endpoint: Endpoint, models: dict[Route, str]
) -> tuple[GuardedChat, openai.AsyncOpenAI]:
    client, deadline_s = _client(settings, endpoint), settings.llm_timeout_s
    chat = GuardedChat(
        OpenAIChat(
            client,
            models,
            endpoint=endpoint,
            dialects=DialectFile(settings.dialects),
            deadline_s=deadline_s,
        ),
        BreakerFile(settings.breakers),
        endpoint=endpoint.shown,
        longest_call_s=deadline_s,
    )
    return chat, client


def _client(settings: Settings, endpoint: Endpoint) -> openai.AsyncOpenAI:
    timeout = httpx2.Timeout(
        settings.llm_timeout_s, connect=min(CONNECT_TIMEOUT_S, settings.llm_timeout_s)
    )
    try:
        return openai.AsyncOpenAI(
            base_url=endpoint.base_url.get_secret_value(),
            api_key=endpoint.key.get_secret_value(),
            timeout=timeout,
            # Airflow retries the task; retries here would multiply with it, and escape the budget.
            max_retries=0,
            default_headers={"Accept-Encoding": "identity"},
            http_client=openai.DefaultAsyncHttpx2Client(
                timeout=timeout, event_hooks={"response": [_bound]}
            ),
        )
    except httpx2.InvalidURL:
        pass
    raise PermanentError(
        f"{endpoint.settings}_BASE_URL is no URL.", remedy="correct it; it usually ends in /v1."
    )
