"""Values of languages that have fewer types than JSON, read as what the test expects. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from calisota.models import Language

if TYPE_CHECKING:
    from pydantic import JsonValue

_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def read_as(expected: JsonValue, got: JsonValue, language: Language) -> JsonValue:
    """`got` with the types of `expected` where `language` cannot tell them apart.

    C has no boolean of its own, so 0 and 1 are read as one where one is expected. A Perl scalar is
    a string, a number and a truth value at once. Other languages say what they mean.
    """
    if language is Language.C:
        return bool(got) if isinstance(expected, bool) and _is_bit(got) else got
    if language is Language.PERL:
        return _perl(expected, got)
    return got


def _is_bit(value: JsonValue) -> bool:
    return type(value) is int and value in {0, 1}


def _perl(expected: JsonValue, got: JsonValue) -> JsonValue:
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        return [_perl(one, other) for one, other in zip(expected, got, strict=True)]
    if isinstance(expected, dict) and isinstance(got, dict):
        return {key: _perl(expected.get(key), value) for key, value in got.items()}
    mixed = isinstance(got, list | dict) or isinstance(expected, list | dict | None)
    return got if mixed else _perl_scalar(expected, got)


def _perl_scalar(expected: JsonValue, got: JsonValue) -> JsonValue:
    if isinstance(expected, bool):
        return got if isinstance(got, bool) else got not in {0, "", "0", None}
    if isinstance(expected, str):
        return _perl_text(got)
    number = _perl_text(got)
    if not isinstance(number, str) or not _NUMBER.fullmatch(number):
        return got
    return _perl_number(expected, number)


def _perl_text(value: JsonValue) -> JsonValue:
    """As Perl prints a scalar; what it does not print stays."""
    if isinstance(value, bool):
        return "1" if value else ""
    return str(value) if isinstance(value, int | float) else value


def _perl_number(expected: JsonValue, text: str) -> JsonValue:
    value = float(text)
    whole = int(text) if re.fullmatch(r"[+-]?\d+", text, re.ASCII) else None
    if isinstance(expected, int) and whole is None and value.is_integer():
        whole = int(value)
    if isinstance(expected, int) and whole is not None:
        return whole
    return value
