"""Whether what came out is what the test expects; pure, on the host, total on hostile input."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import TYPE_CHECKING

from calisota.models import Compare
from calisota.text import printable

if TYPE_CHECKING:
    from pydantic import JsonValue

TOLERANCE = 1e-6
MAX_SHOWN = 120

# What C, Python and a person write; not float()'s "nan", "infinity" and "1_000".
_NUMBER = re.compile(rb"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?")


class NotStrictJson(ValueError):
    """The text is no JSON, or JSON that different readers read differently."""


def decode_strict(data: bytes) -> JsonValue:
    """The value; no NaN, no infinity, no key twice, no endless nesting.

    Raises: NotStrictJson: for any other text whatsoever.
    """
    try:
        value: JsonValue = json.loads(
            data.decode(),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            object_pairs_hook=_no_key_twice,
        )
    except RecursionError:
        raise NotStrictJson("it is nested too deeply") from None
    except ValueError as error:  # bad UTF-8, bad JSON, an int of too many digits
        raise NotStrictJson(str(error)) from None
    return value


def _refuse_constant(name: str) -> JsonValue:
    raise NotStrictJson(f"{name} is no JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise NotStrictJson(f"{text[:40]} is too large for a float")
    return value


def _no_key_twice(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise NotStrictJson("an object holds the same key twice")
    return values


def same_value(expected: JsonValue, got: JsonValue, how: Compare) -> bool:
    """Whether two decoded values agree. Types count: `True` is not `1`, `1` is not `1.0`.

    `float` compares numbers, of whichever type, within the tolerance; `unordered` compares the
    items of the outermost list in any order. Values nested deeper than Python recurses differ.
    """
    try:
        if how is Compare.UNORDERED and isinstance(expected, list) and isinstance(got, list):
            return Counter(map(_key, expected)) == Counter(map(_key, got))
        return _same(expected, got, close=how is Compare.FLOAT)
    except RecursionError:
        return False


def _key(value: JsonValue) -> str:
    return json.dumps(value, sort_keys=True)


def _same(expected: JsonValue, got: JsonValue, *, close: bool) -> bool:
    if close and _is_number(expected) and _is_number(got):
        return _close(expected, got)  # type: ignore[arg-type]  # both are numbers
    if type(expected) is not type(got):
        return False
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(
            _same(one, other, close=close) for one, other in zip(expected, got, strict=True)
        )
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(
            _same(value, got[key], close=close) for key, value in expected.items()
        )
    return expected == got


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _close(one: float, other: float) -> bool:
    try:
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    except OverflowError:  # an int beyond the floats
        return one == other


def same_output(expected: bytes, got: bytes, how: Compare) -> bool:
    """Whether two outputs agree, as `how` says."""
    if how is Compare.EXACT:
        return expected == got
    if how is Compare.UNORDERED:
        return Counter(_lines(expected)) == Counter(_lines(got))
    one, other = expected.split(), got.split()
    if how is Compare.TOKENS:
        return one == other
    return len(one) == len(other) and all(
        a == b or _close_words(a, b) for a, b in zip(one, other, strict=True)
    )


def _lines(output: bytes) -> list[bytes]:
    """The lines without white space at their ends, nor empty ones at the end."""
    return [line.rstrip() for line in output.rstrip().split(b"\n")]


def _close_words(one: bytes, other: bytes) -> bool:
    if not (_NUMBER.fullmatch(one) and _NUMBER.fullmatch(other)):
        return False
    a, b = float(one), float(other)
    return math.isfinite(a) and math.isfinite(b) and _close(a, b)


def value_difference(expected: JsonValue, got: JsonValue) -> str:
    """One line: what was expected and what came."""
    return f"expected {_shown(expected)}, got {_shown(got)}"


def output_difference(expected: bytes, got: bytes, how: Compare) -> str:
    """One line on the first place where two outputs part."""
    if how is Compare.UNORDERED:
        missing = Counter(_lines(expected)) - Counter(_lines(got))
        extra = Counter(_lines(got)) - Counter(_lines(expected))
        one, other = next(iter(missing), None), next(iter(extra), None)
        return f"expected a line {_text(one)}, got {_text(other)}"
    if how is Compare.EXACT:
        pairs, unit = _split_at(expected.split(b"\n"), got.split(b"\n")), "line"
    else:
        pairs, unit = _split_at(expected.split(), got.split(), close=how is Compare.FLOAT), "word"
    number, one, other = pairs
    return f"{unit} {number}: expected {_text(one)}, got {_text(other)}"


def _split_at(
    expected: list[bytes], got: list[bytes], *, close: bool = False
) -> tuple[int, bytes | None, bytes | None]:
    """Number (from 1) and both sides of the first part that differs; None: that side ended."""
    for number in range(max(len(expected), len(got))):
        one = expected[number] if number < len(expected) else None
        other = got[number] if number < len(got) else None
        if one is None or other is None:
            return number + 1, one, other
        if one != other and not (close and _close_words(one, other)):
            return number + 1, one, other
    return 1, None, None


def _text(part: bytes | None) -> str:
    if part is None:
        return "nothing"
    text = part[: 4 * MAX_SHOWN].decode(errors="backslashreplace")
    return _cut(one_line(json.dumps(text, ensure_ascii=False)))


def _shown(value: JsonValue) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
        return _cut(one_line(text[: 2 * MAX_SHOWN]))
    except (RecursionError, ValueError):
        return f"a {type(value).__name__} too large to show"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 4] + " ..."


def one_line(text: str) -> str:
    """`text` safe to show, on one line: every character that ends one is escaped, tabs too."""
    return re.sub(r"[\n\t\u2028\u2029]", _escaped, printable(text))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def canonical_value(value: JsonValue, *, weak: bool) -> str:
    """The same text for values that count as the same answer.

    Floats are cut to nine digits: two right programs may add in another order. `weak`: the
    language has fewer types than JSON (C, Perl), so `true` is `1` and, in Perl, `1` is `"1"`.
    """
    return json.dumps(_canonical(value, weak=weak), sort_keys=True, ensure_ascii=True)


def _canonical(value: JsonValue, *, weak: bool) -> JsonValue:
    if isinstance(value, list):
        return [_canonical(one, weak=weak) for one in value]
    if isinstance(value, dict):
        return {key: _canonical(one, weak=weak) for key, one in value.items()}
    if isinstance(value, float):
        short = float(f"{value:.9g}")
        return f"{short:g}" if weak else short
    if weak and isinstance(value, int):
        return str(int(value))
    return value
