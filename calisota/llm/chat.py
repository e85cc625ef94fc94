"""The seam to a model: what is asked, what comes back, and the stand-in for tests."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Literal, Protocol, Self

from pydantic import BaseModel, Field, model_validator

from calisota.models import Frozen, Route, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

# In UTF-8. English text has about 4 characters a token, but a tokenizer that works on bytes takes
# one for each of "1,2,3" or "(a)[b]{c};": a bound that is to hold cannot count on more.
BYTES_PER_TOKEN_AT_LEAST = 1

EMBEDDED_MODEL = "smollm2-135m-instruct"
"""What our own model server calls its model."""

ALWAYS_THERE = (Route.SLOW, Route.FAST, Route.CRITIC)
"""The routes no installation is without."""

Finish = Literal["stop", "length", "refusal", "unknown"]
"""Why an answer ended: by itself, at `max_tokens`, by what the model or a filter will not say, or
for a reason the endpoint does not give."""


class Message(Frozen):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class ChatRequest(Frozen):
    """One call of a model."""

    route: Route
    messages: list[Message] = Field(min_length=1)
    temperature: float = Field(ge=0, le=2)
    max_tokens: int = Field(ge=1)
    stop: str | None = None
    """The answer ends before this text, where the endpoint can; the rest would be paid for."""
    answer_schema: type[BaseModel] | None = None
    """Ask for JSON of this shape, where the endpoint can; the caller still validates."""
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    """Asks for the same answer again, where the endpoint can; no promise."""
    sample: int = Field(default=0, ge=0)
    """Tells two samples of one prompt apart where answers are kept; the endpoint never sees it."""

    def prompt_bound(self) -> int:
        """An upper bound of the tokens of the messages, and of the schema that goes with them."""
        size = sum(len(message.content.encode(errors="replace")) for message in self.messages)
        if self.answer_schema is not None:
            size += len(json.dumps(self.answer_schema.model_json_schema()))
        return size // BYTES_PER_TOKEN_AT_LEAST + 16 * len(self.messages)

    def worst_case_tokens(self) -> int:
        """An upper bound of what this call may cost: reserved before it is made."""
        return self.prompt_bound() + self.max_tokens

    def key(self, model: str) -> str:
        """The sha256 in hex of all that can change the answer of `model`: one key, one sample."""
        parts = {
            "model": model,
            "route": self.route,
            "messages": [[message.role, message.content] for message in self.messages],
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "stop": self.stop,
            "schema": self.answer_schema.__name__ if self.answer_schema else None,
            "seed": self.seed,
            "sample": self.sample,
        }
        # ASCII only, so that text no encoding can carry has a key as well.
        canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()


class ChatResponse(Frozen):
    """What a model answered, and what it cost."""

    text: str
    """Of a refusal: its words, where there are any."""
    complete: bool
    """False: the answer was cut at `max_tokens`, was refused, or never came."""
    usage: Usage
    finish: Finish = "stop"
    model: str = "unknown"
    """The name of the model that answered, as it is configured."""
    endpoint: str | None = None
    """The URL of the endpoint that answered, without credentials; None: there was none."""
    perhaps_charged_twice: bool = False
    """Whether another endpoint got the request first, and may have made and billed an answer."""

    @model_validator(mode="after")
    def _an_answer_cut_or_refused_is_not_complete(self) -> Self:
        if self.complete and self.finish in {"length", "refusal"}:
            raise ValueError(f"an answer that ended by {self.finish} is not complete")
        return self


class ChatModel(Protocol):
    """A model behind each route."""

    def has(self, route: Route) -> bool:
        """Whether a model is behind this route; all but `frontier` always have one."""
        ...

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """The model's answer.

        Raises: ModelUnavailable: try again later. ModelRejected: key, name or option is refused.
        """
        ...


class ScriptedChat:
    """A stand-in that answers from a script and remembers what it was asked.

    The script is a list of texts, served in order, or a function of the request.
    """

    def __init__(
        self,
        script: Iterable[str] | Callable[[ChatRequest], str],
        *,
        routes: Collection[Route] = ALWAYS_THERE,
        model: str = "scripted",
    ) -> None:
        self.seen: list[ChatRequest] = []
        self._routes = routes
        self._model = model
        if callable(script):
            self._answer = script
        else:
            texts = iter(script)
            self._answer = lambda _request: next(texts)

    def has(self, route: Route) -> bool:
        """Whether it was told to serve this route."""
        return route in self._routes

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """The next text of the script; a word counts as a token."""
        self.seen.append(request)
        text = self._answer(request)
        asked = sum(len(message.content.split()) for message in request.messages)
        return ChatResponse(
            text=text,
            complete=True,
            usage=Usage(calls=1, prompt_tokens=asked, completion_tokens=len(text.split())),
            model=self._model,
        )
