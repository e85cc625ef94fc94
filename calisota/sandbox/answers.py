"""What a program answered, as one short text: equal answers give equal texts. Pure and total."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from calisota.models import CallTest, Language, StdioTest
from calisota.sandbox.compare import NotStrictJson, canonical_value, decode_strict
from calisota.text import printable

if TYPE_CHECKING:
    from calisota.models import Execution, Test

MAX_ANSWER = 500
_DIGEST = "sha256:"
_IS_DIGEST = re.compile(f"{_DIGEST}[0-9a-f]{{64}}")
_WEAK = {Language.C, Language.PERL}


def answer_of(test: Test, execution: Execution, language: Language) -> str | None:
    """The value of a call as JSON, or the words of a program's output; None: there is none.

    A process that did not end well has no answer, and nor have tests of other kinds.
    """
    if execution.exit_code != 0 or execution.timed_out or execution.output_exceeded:
        return None
    if isinstance(test, CallTest):
        return _returned(execution.value, weak=language in _WEAK)
    if isinstance(test, StdioTest):
        return _short(" ".join(execution.stdout.decode(errors="backslashreplace").split()))
    return None


def _returned(value: bytes | None, *, weak: bool) -> str | None:
    if value is None:
        return None
    try:
        record = decode_strict(value)
        if not isinstance(record, dict) or record.keys() != {"value"}:
            return None
        return _short(canonical_value(record["value"], weak=weak))
    except (NotStrictJson, RecursionError):
        return None


def _short(text: str) -> str:
    if len(text) <= MAX_ANSWER:
        return printable(text)
    return f"{_DIGEST}{hashlib.sha256(text.encode(errors='backslashreplace')).hexdigest()}"


def is_digest(answer: str) -> bool:
    """Whether it stands for a longer answer: such can be told apart, but not compared otherwise."""
    return _IS_DIGEST.fullmatch(answer) is not None


def canonical_answer(text: str, *, is_call: bool, language: Language) -> str | None:
    """What someone wrote as an answer, in the form of `answer_of`; None: it is no JSON value."""
    try:
        if not is_call:
            return _short(" ".join(_unquoted(text).split()))
        return _short(canonical_value(decode_strict(text.encode()), weak=language in _WEAK))
    except (NotStrictJson, RecursionError, UnicodeEncodeError):
        return None


def _unquoted(text: str) -> str:
    """The text in a JSON string; any other text as it is."""
    try:
        value = decode_strict(text.encode())
    except NotStrictJson:
        return text
    return value if isinstance(value, str) else text
