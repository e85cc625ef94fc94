"""The one owner of the `openai` SDK: Chat Completions in the subset every endpoint knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import openai
from openai.types.chat import ChatCompletion

from calisota.errors import ModelRejected, ModelUnavailable, PermanentError
from calisota.llm.chat import ChatRequest, ChatResponse
from calisota.models import Route, Usage

if TYPE_CHECKING:
    from types import TracebackType

    from calisota.settings import Settings

EMBEDDED_MODEL = "smollm2-135m-instruct"

# Timeout, conflict and rate limit; any other 4xx stays as it is however often it is asked.
TRY_AGAIN = (408, 409, 429)
SERVER_ERROR = 500
MAX_RETRY_AFTER_S = 120

# What most endpoints call the longest answer, and what reasoning models insist on.
LENGTH_OPTIONS = ("max_tokens", "max_completion_tokens")


class OpenAIChat:
    """A model at an OpenAI-compatible endpoint.

    Learns which options the endpoint refuses (HTTP 400 that names one) and stops sending them:
    `max_tokens` gives way to `max_completion_tokens`; temperature, stop, response_format go.
    Source: option table of OpenAI, Azure, vLLM, Ollama, llama.cpp and LiteLLM; none takes all.
    """

    def __init__(self, client: openai.AsyncOpenAI, models: dict[Route, str]) -> None:
        self._client = client
        self._models = models
        self._length_option = LENGTH_OPTIONS[0]
        self._dropped: set[str] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.close()

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """The model's answer; see `ChatModel.complete`."""
        while True:
            try:
                completion = await self._client.chat.completions.create(**self._options(request))
            except openai.APIStatusError as error:
                if error.status_code in TRY_AGAIN or error.status_code >= SERVER_ERROR:
                    raise self._unavailable(error) from error
                if not self._learn(error, request):
                    raise self._rejected(request, error) from error
            except openai.APIError as error:
                raise self._unavailable(error) from error
            except ValueError as error:
                raise self._no_endpoint("its answer is no JSON") from error
            else:
                if not isinstance(completion, ChatCompletion):
                    raise self._no_endpoint("its answer is no chat completion")
                return self._response(request, completion)

    def _options(self, request: ChatRequest) -> dict[str, Any]:
        options: dict[str, Any] = {
            "model": self._models[request.route],
            "messages": [message.model_dump() for message in request.messages],
            self._length_option: request.max_tokens,
        }
        if "temperature" not in self._dropped:
            options["temperature"] = request.temperature
        if request.stop is not None and "stop" not in self._dropped:
            options["stop"] = [request.stop]
        if request.answer_schema is not None and "response_format" not in self._dropped:
            options["response_format"] = {
                "type": "json_schema",
                "json_schema": {
                    "name": request.answer_schema.__name__,
                    "schema": request.answer_schema.model_json_schema(),
                },
            }
        return options

    def _learn(self, error: openai.APIStatusError, request: ChatRequest) -> bool:
        """Whether the refused option is one we can do without; then it is not sent again."""
        text = f"{error.param or ''} {error.message}"
        old, new = LENGTH_OPTIONS
        if old in text and self._length_option == old:
            self._length_option = new
            return True
        for option in ("temperature", "stop"):
            if option in text and option not in self._dropped:
                self._dropped.add(option)
                return True
        format_sent = request.answer_schema is not None and "response_format" not in self._dropped
        if format_sent and ("response_format" in text or "schema" in text):
            self._dropped.add("response_format")
            return True
        return False

    def _rejected(self, request: ChatRequest, error: openai.APIStatusError) -> ModelRejected:
        return ModelRejected(
            f"The model endpoint refused the call ({error.status_code}, "
            f"model {self._models[request.route]!r}): {_first_line(error.message)}.",
            remedy="check CALISOTA_LLM_API_KEY, CALISOTA_LLM_MODEL_* and the prompt's length "
            "against the model's context.",
        )

    def _unavailable(self, error: openai.APIError) -> ModelUnavailable:
        retry_after = None
        if isinstance(error, openai.APIStatusError):
            header = error.response.headers.get("retry-after", "")
            # An endpoint that asks for a day would park the Solve until its time is over.
            retry_after = min(float(header), MAX_RETRY_AFTER_S) if header.isdigit() else None
        return ModelUnavailable(
            f"The model endpoint {self._client.base_url} did not answer: "
            f"{type(error).__name__}: {_first_line(error.message)}.",
            remedy="see that it runs (`calisota doctor`), or correct CALISOTA_LLM_BASE_URL.",
            retry_after_s=retry_after,
        )

    def _no_endpoint(self, why: str) -> ModelRejected:
        return ModelRejected(
            f"{self._client.base_url} is no OpenAI-compatible endpoint: {why}.",
            remedy="correct CALISOTA_LLM_BASE_URL; it usually ends in /v1.",
        )

    @staticmethod
    def _response(request: ChatRequest, completion: ChatCompletion) -> ChatResponse:
        # Some endpoints answer 200 with no choice: an empty answer, which the caller resamples.
        choice = completion.choices[0] if completion.choices else None
        usage = completion.usage
        return ChatResponse(
            text=(choice.message.content or "") if choice else "",
            complete=choice is not None and choice.finish_reason != "length",
            usage=Usage(
                calls=1,
                prompt_tokens=usage.prompt_tokens if usage else request.worst_case_tokens(),
                completion_tokens=usage.completion_tokens if usage else 0,
                estimated=usage is None,
            ),
        )


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0][:300] if lines else "no message"


def open_chat(settings: Settings) -> OpenAIChat:
    """The configured endpoint: the embedded model, or the one in CALISOTA_LLM_BASE_URL.

    Raises: PermanentError: an endpoint of your own needs model names.
    """
    named = {
        Route.SLOW: settings.llm_model_slow,
        Route.FAST: settings.llm_model_fast,
        Route.CRITIC: settings.llm_model_critic,
    }
    if settings.llm_is_embedded:
        key = _embedded_key(settings)
        models = dict.fromkeys(named, EMBEDDED_MODEL)
    else:
        key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else "none"
        models = {route: name for route, name in named.items() if name}
        missing = [f"CALISOTA_LLM_MODEL_{route.upper()}" for route in named if route not in models]
        if missing:
            raise PermanentError(
                f"CALISOTA_LLM_BASE_URL is set, but not {', '.join(missing)}.",
                remedy="name a model for each route.",
            )
    client = openai.AsyncOpenAI(
        base_url=settings.llm,
        api_key=key,
        timeout=settings.llm_timeout_s,
        # Airflow retries the task; retries here would multiply with it, and escape the budget.
        max_retries=0,
    )
    return OpenAIChat(client, models)


def _embedded_key(settings: Settings) -> str:
    try:
        return (settings.secrets / "llm_api_key").read_text().strip()
    except FileNotFoundError:
        raise ModelUnavailable(
            "The embedded model server was never started here.", remedy="run `calisota up`."
        ) from None
