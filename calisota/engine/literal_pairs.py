"""The tables of a program: which literals it answers for which, in branches and in dictionaries."""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING, NamedTuple

from calisota.models import Language
from calisota.rag.grammars import parser_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tree_sitter import Node

Scalar = str | int | float | bool | None
Scalars = tuple[Scalar, ...]


class Pair(NamedTuple):
    """Literals that an input is compared with, and those answered then; both flat, in order."""

    key: Scalars
    value: Scalars


_MAX_SCALARS = 2000
_MAX_DEPTH = 50
_INPUT_CALLS = frozenset(
    "repr str tuple list dict sorted set frozenset dumps strip rstrip lstrip read readline input "
    "int float join split splitlines lower".split()
)


def pair_groups(source: str, language: Language, *, is_called: bool) -> list[list[Pair]]:
    """The pairs of each table, and last all that branches answer; a text that is none has none.

    What a program holds for its own tests is left out; its main part too, if it is only called.
    """
    try:
        text = source.encode()
    except UnicodeEncodeError:
        return []
    if language is Language.PYTHON:
        groups = _python_groups(source, is_called=is_called)
    else:
        parser = parser_of(language.value)
        assert parser is not None  # noqa: S101  # each of the six languages has a grammar
        groups = _Trees(text, is_called=is_called).groups(parser.parse(text).root_node)
    return [group for group in groups if group]


def flat(value: object) -> Scalars | None:
    """The scalars of a plain value, in order; None: it is too large or nested too deeply."""
    found: list[Scalar] = []
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if isinstance(one, dict):
            one = [part for item in one.items() for part in item]
        if isinstance(one, (set, frozenset)):
            one = sorted(one, key=repr)
        if isinstance(one, (list, tuple)):
            waiting += [(part, depth + 1) for part in reversed(one)]
        elif one is None or isinstance(one, (str, int, float, bool)):
            found.append(one)
        else:
            return None
        if depth > _MAX_DEPTH or len(found) + len(waiting) > _MAX_SCALARS:
            return None
    return tuple(found)


def _python_groups(source: str, *, is_called: bool) -> list[list[Pair]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []
    tables: list[list[Pair]] = []
    branches: list[Pair] = []
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if _is_own_test(node, is_called=is_called):
            continue
        waiting += reversed(list(ast.iter_child_nodes(node)))
        if isinstance(node, ast.Dict):
            items = zip(node.keys, node.values, strict=True)
            tables.append(list(_pairs((k, v) for k, v in items if k is not None)))
        elif isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            tables.append(list(_rows(node.elts)))
        elif isinstance(node, (ast.If, ast.IfExp)):
            answer = _answer(node.body) if isinstance(node, ast.If) else _literal(node.body)
            if answer is not None:
                branches += [Pair(key, answer) for key in _keys(node.test)]
        elif isinstance(node, ast.match_case):
            answer = _answer(node.body)
            if answer is not None and node.guard is None:
                branches += [Pair(key, answer) for key in _patterns(node.pattern)]
    return [*tables, branches]


def _is_own_test(node: ast.AST, *, is_called: bool) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name.startswith(("test", "_test"))
    if not isinstance(node, ast.If):
        return False
    names = {one.id for one in ast.walk(node.test) if isinstance(one, ast.Name)}
    return is_called and "__name__" in names


def _literal(node: ast.AST | None) -> Scalars | None:
    """The scalars of an expression of literals alone."""
    if node is None:
        return None
    if isinstance(node, ast.Call) and _called(node) in {"str", "list", "tuple", "print", "write"}:
        parts = [_literal(one) for one in node.args]
        if not parts or any(part is None for part in parts):
            return None
        return tuple(one for part in parts if part for one in part)
    try:
        return flat(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _called(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _pairs(items: Iterable[tuple[ast.AST, ast.AST]]) -> Iterator[Pair]:
    for left, right in items:
        key, value = _literal(left), _literal(right)
        if key is not None and value is not None:
            yield Pair(key, value)


def _rows(rows: list[ast.expr]) -> Iterator[Pair]:
    """Of a list of rows, each with the answer last."""
    for row in rows:
        if isinstance(row, (ast.Tuple, ast.List)) and len(row.elts) > 1:
            key = [_literal(one) for one in row.elts[:-1]]
            value = _literal(row.elts[-1])
            if value is not None and all(part is not None for part in key):
                yield Pair(tuple(one for part in key if part for one in part), value)


def _answer(body: list[ast.stmt]) -> Scalars | None:
    """What a branch returns, prints or assigns, if that is a literal."""
    for statement in body:
        value: ast.AST | None = None
        if isinstance(statement, (ast.Return, ast.Assign)):
            value = statement.value
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            is_output = _called(statement.value) in {"print", "write"}
            value = statement.value if is_output else None
        found = _literal(value)
        if found is not None:
            return found
    return None


def _keys(test: ast.expr) -> list[Scalars]:
    """What the test compares an input with: one entry for each input that makes it true."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return [key for part in test.values for key in _keys(part)]
    if isinstance(test, ast.BoolOp):
        known = [key for part in test.values for key in _keys(part)[:1]]
        return [tuple(one for key in known for one in key)] if known else []
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return []
    left, right = test.left, test.comparators[0]
    if isinstance(test.ops[0], ast.In) and isinstance(right, (ast.Tuple, ast.List, ast.Set)):
        found = [_literal(one) for one in right.elts] if _is_input(left) else []
        return [key for key in found if key and _is_one_input(key)]
    sides = ((left, right), (right, left)) if isinstance(test.ops[0], ast.Eq) else ()
    found = [_literal(other) for one, other in sides if _is_input(one)]
    return [key for key in found if key][:1]


def _is_one_input(key: Scalars) -> bool:
    """Several numbers with one answer are a class of inputs; a text or a list is an input."""
    return len(key) > 1 or isinstance(key[0], str)


def _is_input(node: ast.AST) -> bool:
    """Whether an expression is an input as it came, or a plain form of it."""
    for _ in range(_MAX_DEPTH):
        if isinstance(node, (ast.Attribute, ast.Subscript)):
            node = node.value
        elif isinstance(node, ast.Call) and _called(node) in _INPUT_CALLS:
            inner = node.func.value if isinstance(node.func, ast.Attribute) else None
            node = node.args[0] if node.args else inner or ast.Name("input")
        else:
            break
    if isinstance(node, (ast.Tuple, ast.List)):
        return all(isinstance(one, (ast.Name, ast.Call, ast.Subscript)) for one in node.elts)
    return isinstance(node, ast.Name)


def _patterns(pattern: ast.pattern) -> list[Scalars]:
    if isinstance(pattern, ast.MatchOr):
        found = [key for part in pattern.patterns for key in _patterns(part)]
        return [key for key in found if key and _is_one_input(key)]
    if isinstance(pattern, ast.MatchValue):
        key = _literal(pattern.value)
        return [] if key is None else [key]
    if isinstance(pattern, ast.MatchSingleton):
        return [(pattern.value,)]
    if isinstance(pattern, ast.MatchSequence):
        parts = [_patterns(part) for part in pattern.patterns]
        if all(len(part) == 1 for part in parts):
            return [tuple(one for part in parts for one in part[0])]
    return []


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


class _Trees:
    """One program of another language while its tables are read."""

    def __init__(self, text: bytes, *, is_called: bool) -> None:
        self._text = text
        self._is_called = is_called

    def groups(self, root: Node) -> list[list[Pair]]:
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
        for _ in range(_MAX_DEPTH):  # of a C declarator
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
            node = waiting.pop()
            if node.type in _NESTED:
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
        while waiting and len(found) < _MAX_SCALARS:
            node = waiting.pop()
            text = self._of(node).decode(errors="replace")
            if node.type in _STRINGS:
                string = _unquoted(text)
                if not _FORMAT.match(string):
                    found.append(string)
            elif node.type in _NUMBERS:
                number = _number(text)
                found += [] if number is None else [number]
            elif text in _WORDS and node.child_count <= 1:
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
