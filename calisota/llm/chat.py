"""The seam to a model: what is asked, what comes back, and the stand-in for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import BaseModel, Field

from calisota.models import Frozen, Route, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Source: OpenAI's guidance of about 4 characters a token in English text. Counted in UTF-8 bytes,
# so that scripts whose characters take a token or more each are not underestimated.
BYTES_PER_TOKEN_AT_LEAST = 2


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
    sample: int = Field(default=0, ge=0)
    """Tells apart calls that are otherwise the same; not sent."""
    answer_schema: type[BaseModel] | None = None
    """Ask for JSON of this shape, where the endpoint can; the caller still validates."""

    def worst_case_tokens(self) -> int:
        """An upper bound of what this call may cost: reserved before it is made."""
        size = sum(len(message.content.encode(errors="replace")) for message in self.messages)
        return size // BYTES_PER_TOKEN_AT_LEAST + 16 * len(self.messages) + self.max_tokens


class ChatResponse(Frozen):
    """What a model answered, and what it cost."""

    text: str
    complete: bool
    """False: the answer was cut at `max_tokens`."""
    usage: Usage


class ChatModel(Protocol):
    """A model behind a route."""

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """The model's answer.

        Raises: ModelUnavailable: try again later. ModelRejected: key, name or option is refused.
        """
        ...


class ScriptedChat:
    """A stand-in that answers from a script and remembers what it was asked.

    The script is a list of texts, served in order, or a function of the request.
    """

    def __init__(self, script: Iterable[str] | Callable[[ChatRequest], str]) -> None:
        self.seen: list[ChatRequest] = []
        if callable(script):
            self._answer = script
        else:
            texts = iter(script)
            self._answer = lambda _request: next(texts)

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """The next text of the script; a word counts as a token."""
        self.seen.append(request)
        text = self._answer(request)
        asked = sum(len(message.content.split()) for message in request.messages)
        return ChatResponse(
            text=text,
            complete=True,
            usage=Usage(calls=1, prompt_tokens=asked, completion_tokens=len(text.split())),
        )
