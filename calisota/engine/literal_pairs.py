"""The tables of a program: which literals it answers for which, in branches and in dictionaries."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from calisota.engine.literal_trees import TreeTables
from calisota.engine.literals import Pair, flat
from calisota.models import Language
from calisota.models.python_source import parse_python
from calisota.rag.grammars import parser_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from calisota.engine.literals import Scalars

_MAX_NESTING = 50
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
        groups = TreeTables(text, is_called=is_called).groups(parser.parse(text).root_node)
    return [group for group in groups if group]


def _python_groups(source: str, *, is_called: bool) -> list[list[Pair]]:
    try:
        tree = parse_python(source)
    except SyntaxError:
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
    for _ in range(_MAX_NESTING):
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
