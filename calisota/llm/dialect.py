"""What one endpoint takes of the options of a call, and what its refusals teach us."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from calisota.models import Frozen

if TYPE_CHECKING:
    from calisota.llm.chat import ChatRequest

LengthOption = Literal["max_tokens", "max_completion_tokens"]
Format = Literal["json_schema", "json_object", "none"]

OTHER_LENGTH: dict[LengthOption, LengthOption] = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}
FORMATS: tuple[Format, ...] = ("json_schema", "json_object", "none")
"""The strongest first."""
WEAKER_FORMAT: dict[Format, Format] = dict(pairwise(FORMATS))
DISPENSABLE = ("temperature", "stop", "seed")

_FORMAT = re.compile(
    r"response_?format|json_schema|json_object|\bschema|grammar|guided|structured.output|json mode",
    re.IGNORECASE,
)
# What is said of an option that is not taken, as against a text that happens to hold its name.
_NOT_TAKEN = re.compile(
    r"support|unknown|unrecognized|unexpected|extra|permitted|allowed|invalid|only|must|cannot|"
    r"unmarshal|deprecated|incompatible|drop_params|out of range|should be",
    re.IGNORECASE,
)
# A limit that the other length option would not move.
_TOO_LONG = re.compile(
    r"context.(length|window|size)|maximum context|too (large|long|many)|at most \d", re.IGNORECASE
)


class Complaint(Frozen):
    """What an endpoint says in an error, of any of the shapes there are."""

    message: str
    param: str | None = None
    code: str | None = None

    @classmethod
    def read(cls, body: object) -> Complaint:
        """The complaint in the body of an error, or in its `error`."""
        if isinstance(body, dict) and isinstance(body.get("error"), dict | str):
            body = body["error"]
        if not isinstance(body, dict):
            return cls(message=_page(body) if isinstance(body, str) else "no message")
        param, code = body.get("param"), body.get("code")
        return cls(
            message=_words(body),
            # LiteLLM writes the word None for none.
            param=param if isinstance(param, str) and param not in {"", "None"} else None,
            code=str(code) if isinstance(code, str | int) else None,
        )

    @property
    def is_refusal(self) -> bool:
        """Whether it is the content that is refused, not the call.

        Source: Azure's content_filter, OpenAI's invalid_prompt, LiteLLM's name for both.
        """
        filters = {"content_filter", "content_policy_violation", "invalid_prompt"}
        return self.code in filters or "ContentPolicyViolationError" in self.message

    @property
    def is_too_long(self) -> bool:
        """Whether prompt and answer are longer than the model can take."""
        return self.code == "context_length_exceeded" or bool(_TOO_LONG.search(self.message))


class Dialect(Frozen):
    """The options one model at one endpoint takes, as far as we know."""

    length: LengthOption = "max_tokens"
    format: Format = "json_schema"
    dropped: frozenset[str] = frozenset()

    @classmethod
    def first(cls, base_url: str) -> Dialect:
        """What to begin with: only OpenAI and Azure have given up `max_tokens`.

        Others may ignore an option they do not know, and an answer without a limit is dear.
        """
        host = urlsplit(base_url).hostname or ""
        new = host.endswith((".openai.com", ".azure.com"))
        return cls(length="max_completion_tokens" if new else "max_tokens")

    def options(self, request: ChatRequest) -> dict[str, Any]:
        """The options of `request`, less what this endpoint does not take."""
        wanted: dict[str, Any] = {
            "temperature": request.temperature,
            "stop": None if request.stop is None else [request.stop],
            "seed": request.seed,
            "response_format": self._format(request),
        }
        sent = {
            name: value
            for name, value in wanted.items()
            if value is not None and name not in self.dropped
        }
        return {self.length: request.max_tokens} | sent

    def _format(self, request: ChatRequest) -> dict[str, Any] | None:
        schema = request.answer_schema
        if schema is None or self.format == "none":
            return None
        if self.format == "json_object":
            return {"type": "json_object"}
        return {
            "type": "json_schema",
            "json_schema": {"name": schema.__name__, "schema": schema.model_json_schema()},
        }

    def after(self, complaint: Complaint, request: ChatRequest) -> Dialect | None:
        """The dialect that does without what was refused; None: nothing we can do without was."""
        named = _named(complaint, self.options(request))
        changes: dict[str, Any] = {}
        if self.length in named:
            changes["length"] = OTHER_LENGTH[self.length]
        if "response_format" in named:
            changes["format"] = WEAKER_FORMAT[self.format]
        less = named.intersection(DISPENSABLE)
        if less:
            changes["dropped"] = self.dropped | less
        return self.model_copy(update=changes) if changes else None

    def joined(self, other: Dialect) -> Dialect:
        """This dialect without what the other one does without, too."""
        weaker = max(self.format, other.format, key=FORMATS.index)
        return self.model_copy(update={"format": weaker, "dropped": self.dropped | other.dropped})


def _named(complaint: Complaint, sent: dict[str, Any]) -> set[str]:
    """Which of the options sent a complaint is about."""
    text = complaint.message
    by_format = {"response_format"} if "response_format" in sent and _FORMAT.search(text) else set()
    if complaint.param is not None:
        option = complaint.param.split(".")[0]
        named = {option} if option in sent else by_format
    elif _NOT_TAKEN.search(text):
        # A text about formats may hold any word of a schema: there a name counts in quotes only.
        mark = r"['\"`]" if by_format else ""
        word = rf"{mark}(?<![A-Za-z_]){{}}(?!\w){mark}"
        named = by_format | {option for option in sent if re.search(word.format(option), text)}
    else:
        named = by_format
    lengths = set() if not complaint.is_too_long else set(OTHER_LENGTH)
    return named - lengths


def _words(body: dict[Any, Any]) -> str:
    for name in ("message", "detail", "error", "msg"):
        found = body.get(name)
        if isinstance(found, str) and found.strip():
            return found
        if isinstance(found, list):
            return "; ".join(_fault(one) for one in found) or "no message"
    return "no message"


def _fault(one: object) -> str:
    """One fault of FastAPI's list; its `input` may echo a whole prompt and is left out."""
    if not isinstance(one, dict):
        return str(one)
    where = one.get("loc")
    path = ".".join(map(str, where)) if isinstance(where, list | tuple) else ""
    return f"{path}: {one.get('msg', '')}"


def _page(text: str) -> str:
    return "an HTML page" if text.lstrip().startswith("<") else text
