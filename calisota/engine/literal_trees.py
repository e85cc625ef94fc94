"""The tables of a Rust, Go, C, C++ or Perl program, read from its syntax tree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from calisota.engine.literals import MAX_SCALARS, Pair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from calisota.engine.literals import Scalar, Scalars

_MAX_NAMES = 50
_MAX_STEPS = 300_000
"""Nodes looked at in all: lists in lists are read once for each list around them."""
_IFS = frozenset(
    "if_statement if_expression conditional_statement elsif conditional_expression "
    "postfix_conditional_expression".split()
)
_CASES = frozenset("case_statement expression_case match_arm".split())
_LISTS = frozenset(
    "initializer_list literal_value array_expression list_expression anonymous_array_expression "
    "token_tree tuple_expression".split()
)
_ROWS = frozenset(
    "initializer_list literal_value tuple_expression anonymous_array_expression".split()
)
_NESTED = (
    _IFS
    | _CASES
    | frozenset(
        "for_statement while_statement for_expression while_expression loop_statement "
        "cstyle_for_statement match_expression switch_statement expression_switch_statement "
        "do_statement loop_expression range_clause".split()
    )
)
_DEFINITIONS = frozenset(
    "function_item mod_item function_declaration function_definition "
    "subroutine_declaration_statement".split()
)
_STRINGS = frozenset(
    "string_literal raw_string_literal interpreted_string_literal interpolated_string_literal "
    "char_literal rune_literal autoquoted_bareword".split()
)
_NUMBERS = frozenset("number_literal integer_literal float_literal int_literal number".split())
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "nil": None, "None": None}
_ANSWERS = re.compile(rb"return|print|puts|cout|write|say|Print|=")
_MEASURES = re.compile(rb"\b(?:len|size|length|strlen|count|scalar|abs)\b|[%+*&^]|\bnot\b")
_FORMAT = re.compile(r"^\s*(?:%\S{0,4}|\{\S{0,3}\})\s*$")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


class TreeTables:
    """One program of another language while its tables are read."""

    def __init__(self, text: bytes, *, is_called: bool) -> None:
        self._text = text
        self._is_called = is_called
        self._steps = _MAX_STEPS

    def groups(self, root: Node) -> list[list[Pair]]:
        """The pairs of each table, and last all that branches answer."""
        tables: list[list[Pair]] = []
        branches: list[Pair] = []
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if node.type in _DEFINITIONS and self._is_own_test(node):
                continue
            waiting += reversed(node.children)
            if node.type in _IFS:
                branches += self._branch(node)
            elif node.type in _CASES:
                branches += self._case(node)
            elif node.type in _LISTS:
                tables.append(list(self._table(node)))
        return [*tables, branches]

    def _is_own_test(self, definition: Node) -> bool:
        node: Node | None = definition
        for _ in range(_MAX_NAMES):  # of a C declarator
            if node is None or not node.child_count:
                break
            node = node.child_by_field_name("name") or node.child_by_field_name("declarator")
        name = b"" if node is None else self._of(node)
        return name.lower().startswith(b"test") or (self._is_called and name == b"main")

    def _of(self, node: Node) -> bytes:
        return self._text[node.start_byte : node.end_byte]

    def _branch(self, node: Node) -> Iterator[Pair]:
        condition = node.child_by_field_name("condition")
        if condition is None:
            return
        names = ("consequence", "block", "consequent")
        bodies = [node.child_by_field_name(name) for name in names]
        body = next(filter(None, bodies), None)
        if body is None and node.type == "postfix_conditional_expression":
            body = node.children[0]
        if body is None or node.children[0].type == "unless":
            return
        key = self._compared(condition)
        value = self._answered(body, needs_answer="conditional_expression" not in node.type)
        if key and value is not None:
            yield Pair(key, value)

    def _case(self, node: Node) -> Iterator[Pair]:
        pattern = node.child_by_field_name("pattern") or node.child_by_field_name("value")
        if pattern is None:
            return
        inner = pattern.named_children[-1] if pattern.named_child_count == 1 else pattern
        if inner.type == "or_pattern" or (
            pattern.type == "expression_list" and pattern.named_child_count > 1
        ):
            return  # a class of inputs
        key = self._scalars(pattern)
        rest = [one for one in node.named_children if one.start_byte >= pattern.end_byte]
        body = rest[0] if rest else None
        if key and body is not None:
            value = self._answered(body, needs_answer=node.type != "match_arm")
            if value is not None:
                yield Pair(key, value)

    def _table(self, node: Node) -> Iterator[Pair]:
        parts = [one for one in node.children if one.is_named or one.type == "=>"]
        for index, part in enumerate(parts):
            inner = part.named_children[0] if part.type == "literal_element" else part
            if part.type == "keyed_element":
                key, value = part.named_children[0], part.named_children[-1]
                yield from self._row([key], value)
            elif part.type == "=>" and 0 < index < len(parts) - 1:
                yield from self._row([parts[index - 1]], parts[index + 1])
            elif inner.type in _ROWS and inner.named_child_count > 1:
                yield from self._row(inner.named_children[:-1], inner.named_children[-1])

    def _row(self, keys: list[Node], value: Node) -> Iterator[Pair]:
        key = tuple(one for part in keys for one in self._scalars(part))
        found = self._scalars(value)
        if key and found:
            yield Pair(key, found)

    def _compared(self, condition: Node) -> Scalars:
        """The literals that the condition wants to be equal to something that came in."""
        found: list[Scalar] = []
        waiting = [condition]
        while waiting:
            node = waiting.pop()
            operator = next((one.type for one in node.children if not one.is_named), "")
            compares = operator in {"==", "eq"} and node.named_child_count > 1
            if operator in {"||", "or"}:
                return ()
            if operator in {"<", ">", "<=", ">=", "!=", "ne", "%", "=~"}:
                continue
            if compares:
                sides = node.named_children
                literal = [self._scalars(side) for side in sides]
                measured = any(
                    _MEASURES.search(self._of(side))
                    for side, own in zip(sides, literal, strict=True)
                    if not own
                )
                if not measured:
                    found += [one for own in literal for one in own]
            elif operator in {"&&", "and"} or "parenthesized" in node.type or node is condition:
                waiting += reversed(node.named_children)
            elif re.search("call|unary|condition", node.type) and not _MEASURES.search(
                self._of(node).split(b"(")[0]
            ):
                found += self._scalars(node)
        return tuple(found)

    def _answered(self, body: Node, *, needs_answer: bool) -> Scalars | None:
        """The literals of a short branch that returns, prints or assigns nothing else."""
        waiting = [body]
        while waiting:
            self._steps -= 1
            node = waiting.pop()
            if node.type in _NESTED or self._steps <= 0:
                return None
            waiting += node.children
            operators = {one.type for one in node.children if not one.is_named}
            if "binary" in node.type and not operators & {"<<", "."}:
                return None
        if (
            needs_answer
            and body.type not in _STRINGS | _NUMBERS
            and not (_ANSWERS.search(self._of(body)) or body.type == "block")
        ):
            return None
        return self._scalars(body) or None

    def _scalars(self, root: Node) -> Scalars:
        found: list[Scalar] = []
        waiting = [root]
        while waiting and len(found) < MAX_SCALARS and self._steps > 0:
            self._steps -= 1
            node = waiting.pop()
            is_leaf = node.child_count <= 1 or node.type in _STRINGS | _NUMBERS
            text = self._of(node).decode(errors="replace") if is_leaf else ""
            if node.type in _STRINGS:
                string = _unquoted(text)
                if not _FORMAT.match(string):
                    found.append(string)
            elif node.type in _NUMBERS:
                number = _number(text)
                found += [] if number is None else [number]
            elif text in _WORDS:
                found.append(_WORDS[text])
            elif "type" not in node.type:
                waiting += [
                    child
                    for index, child in reversed(list(enumerate(node.children)))
                    if node.field_name_for_child(index) != "type"
                ]
        return tuple(found)


def _unquoted(text: str) -> str:
    opening = re.match(r"""^(?:[bLuUR8]*r?#*|q[qr]?)?["'`({\[|/]""", text)
    inner = text[opening.end() : -1].rstrip("#").rstrip('"') if opening else text
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), inner)


def _number(text: str) -> int | float | None:
    plain = re.sub(r"[_']", "", text)
    plain = re.sub(r"(?<=\d)(?:[iuf](?:8|16|32|64|128|size)|[uUlLfF]{1,3})$", "", plain)
    try:
        return abs(int(plain)) if len(plain) <= 40 else None  # noqa: PLR2004  # longer than any
    except ValueError:
        pass
    try:
        return abs(float(plain))
    except ValueError:
        return None
