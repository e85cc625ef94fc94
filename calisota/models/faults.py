"""Validation faults in words a person can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.models.base import Frozen

if TYPE_CHECKING:
    from pydantic import ValidationError

# Names of the union's branches appear in a location but mean nothing to a reader.
_BRANCHES = {"call", "stdio", "code"}


class Fault(Frozen):
    """One fault: where in the document, and what is wrong with it."""

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


def readable_faults(error: ValidationError) -> list[Fault]:
    """Each fault of a failed validation; the input itself is not repeated."""
    return [
        Fault(where=_where(fault["loc"]), message=_message(fault["type"], fault["msg"]))
        for fault in error.errors(include_url=False, include_input=False)
    ]


def _where(location: tuple[int | str, ...]) -> str:
    text = ""
    for position, part in enumerate(location):
        after_index = position > 0 and isinstance(location[position - 1], int)
        if isinstance(part, int):
            text += f"[{part}]"
        elif not (after_index and part in _BRANCHES):
            text += f".{part}" if text else part
    return text


def _message(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "no such field; remove it or correct its name"
    if kind == "missing":
        return "this field is required"
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        return "it must be a mapping of fields"
    if kind == "string_pattern_mismatch":
        return "it holds characters that are not allowed here"
    if kind in {"enum", "literal_error"}:
        return message.replace("Input should be", "it must be")
    return message.removeprefix("Value error, ").replace("Input should", "it should")
