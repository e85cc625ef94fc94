"""The examples in a statement, as tests. Pure and total; what is not plainly one is left out."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING

from calisota.models import Call, CallTest
from calisota.models.python_source import parse_expression

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from calisota.models import Problem

MAX_EXAMPLES = 20
MAX_CALL_CHARS = 4000
MAX_JSON_DEPTH = 20
MAX_NUMBER = 1e300
"""Finite, and readable as JSON everywhere."""
_ARROW = re.compile(
    r"\s*(?:\#\s*)?(?:={1,3}>?|-{1,2}>|[➞→⇒➔]|(?:should\s+|must\s+|will\s+)?"
    r"(?:returns?|gives?|equals?|be|is|evaluates\s+to)\b)\s*:?\s*"
)
_PROMPT = re.compile(r"^\s*>>>\s?")
MAX_MENTIONS = 200
"""Calls of the function that are looked at: each costs what its text is long."""
_WORDS = {"true": True, "false": False, "null": None, "nil": None, "undef": None}


def examples_of(problem: Problem) -> list[CallTest]:
    """The calls in the statement with the value that it gives for each, in order, once each.

    Understood are doctests and `f(1, 2) == 3`, `f(1, 2) -> 3`, `f(1, 2) returns 3` and the like,
    of a Problem that has an entry point and arguments that JSON can hold. Two different values for
    one call are both left out: the statement contradicts itself, or we misread it.
    """
    if problem.entry_point is None:
        return []
    found: dict[str, CallTest] = {}
    doubtful: set[str] = set()
    for call, value in _pairs(problem.statement, problem.entry_point):
        test = CallTest(name=f"example {len(found) + 1}", call=call, returns=value)
        key = json.dumps(call.model_dump(), sort_keys=True)
        if key in found and found[key].returns != value:
            doubtful.add(key)
        found.setdefault(key, test)
    sound = [test for key, test in found.items() if key not in doubtful]
    return sound[:MAX_EXAMPLES]


def _pairs(statement: str, name: str) -> Iterator[tuple[Call, JsonValue]]:
    lines = statement.splitlines()
    mentions = 0
    for number, line in enumerate(lines):
        doctest = _PROMPT.match(line)
        for start in re.finditer(rf"(?<![\w.]){re.escape(name)}\s?\(", line):
            mentions += 1
            if mentions > MAX_MENTIONS:
                return
            end = _closing(line, start.end() - 1)
            if end is None:
                continue
            call = _call(line[start.start() : end])
            rest = line[end : end + MAX_CALL_CHARS]
            if doctest and not rest.strip():
                following = lines[number + 1] if number + 1 < len(lines) else ""
                rest = f"== {following[:MAX_CALL_CHARS]}"
            arrow = _ARROW.match(rest)
            value = _value(rest[arrow.end() :]) if arrow else _NOTHING
            if call is not None and not isinstance(value, _Nothing):
                yield call, value


def _closing(line: str, opening: int) -> int | None:
    """The position after the bracket that closes the one at `opening`; quotes are minded."""
    depth, quote = 0, ""
    position = opening
    while position < min(len(line), opening + MAX_CALL_CHARS):
        character = line[position]
        if quote:
            if character == "\\":
                position += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0:
                return position + 1
        position += 1
    return None


def _call(text: str) -> Call | None:
    try:
        node = parse_expression(text.strip())
    except SyntaxError:
        return None
    if not isinstance(node, ast.Call):
        return None
    args = [_literal(argument) for argument in node.args]
    kwargs = {keyword.arg: _literal(keyword.value) for keyword in node.keywords}
    if None in kwargs or any(isinstance(v, _Nothing) for v in [*args, *kwargs.values()]):
        return None
    return Call.model_validate({"args": args, "kwargs": kwargs})


def literal_of(node: ast.expr) -> tuple[bool, JsonValue]:
    """Whether an expression is a literal that JSON can hold, and its value."""
    value = _literal(node)
    return (False, None) if isinstance(value, _Nothing) else (True, value)


class _Nothing:
    """There is no value here; `None` is one."""


_NOTHING = _Nothing()


def _value(text: str) -> JsonValue | _Nothing:
    """The literal that `text` begins with, where nothing but prose or punctuation follows it."""
    text = text.strip()
    if text[:1] in "\"'" or text[:1] in "([{":
        end = _end_of_quoted(text) if text[:1] in "\"'" else _closing(text, 0)
        if end is None:
            return _NOTHING
        head, rest = text[:end], text[end:]
    else:
        match = re.match(r"[+-]?[\w.]*\w", text)
        if match is None:
            return _NOTHING
        head, rest = match[0], text[match.end() :]
    # "5 + 1" or "3/2" is a sum, "[1].pop()" a call, "1. f(2)" the next sentence.
    if re.match(r"\s*[-+*/%<>&|^\[(]\s*[\w(\"'\[]|\.\w|\s+\.|\.\.", rest):
        return _NOTHING
    try:
        return _literal(parse_expression(head))
    except SyntaxError:
        return _NOTHING


def _end_of_quoted(text: str) -> int | None:
    position = 1
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] == text[0]:
            return position + 1
        position += 1
    return None


def _literal(node: ast.expr, depth: int = 0) -> JsonValue | _Nothing:
    """The JSON value that a literal stands for; a tuple is a list, as the sandbox reads it."""
    if depth > MAX_JSON_DEPTH:
        return _NOTHING
    value: JsonValue | _Nothing = _NOTHING
    match node:
        case ast.Constant(value=None | bool() as plain):
            value = plain
        case ast.Constant(value=str() as text) if _is_text(text):
            value = text
        case ast.Constant(value=int() | float() as number) if abs(number) <= MAX_NUMBER:
            value = number
        case ast.Name(id=word) if word in _WORDS:
            value = _WORDS[word]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            whole = not isinstance(number, bool) and abs(number) <= MAX_NUMBER
            value = -number if whole else _NOTHING
        case ast.List(elts=items) | ast.Tuple(elts=items):
            value = _list(items, depth)
        case ast.Dict(keys=keys, values=items):
            names = [key.value for key in keys if isinstance(key, ast.Constant)]
            inside = _list(items, depth)
            if len(names) == len(keys) and isinstance(inside, list):
                texts = [name for name in names if isinstance(name, str) and _is_text(name)]
                value = (
                    dict(zip(texts, inside, strict=False)) if len(texts) == len(names) else value
                )
    return value


def _is_text(text: str) -> bool:
    """A lone surrogate is no character: nothing that holds one can be stored or sent."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _list(items: list[ast.expr], depth: int) -> list[JsonValue] | _Nothing:
    values = [_literal(item, depth + 1) for item in items]
    good = [value for value in values if not isinstance(value, _Nothing)]
    return good if len(good) == len(values) else _NOTHING
