"""Small changes of a program, to see whether tests would notice them. Pure and total.

Six languages by their syntax trees: an operator, a number, a condition, a statement changes, never
a comment, a text, a type or an import. The same program gives the same mutants.
Source: the classic mutation operators, as in Jia and Harman, IEEE TSE 37(5), 2011.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING

from pydantic import Field

from calisota.models import Frozen, Language
from calisota.rag.grammars import parser_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

MAX_SOURCE_BYTES = 64 * 1024
MAX_PLACES = 2000
MAX_DEPTH = 400
MAX_SHOWN = 60

_OPERATORS = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
    "+": "-", "-": "+", "*": "+", "/": "*", "//": "*", "%": "*", "**": "*",
    "<<": ">>", ">>": "<<", "&": "|", "|": "&", "^": "|",
    "&&": "||", "||": "&&", "and": "or", "or": "and",
    "+=": "-=", "-=": "+=", "*=": "+=", "/=": "*=", "%=": "*=", "//=": "*=",
    "eq": "ne", "ne": "eq", "lt": "le", "le": "lt", "gt": "ge", "ge": "gt",
    "in": "not in",
}  # fmt: skip
_OPERATION = (
    "binary", "comparison", "boolean", "relational", "equality", "logical", "augmented",
    "assignment_expression", "compound_assignment", "assignment_statement",
)  # fmt: skip
"""Of the parent's type: elsewhere the same character is a type's bracket or a pointer's star."""
_NUMBERS = {"integer", "integer_literal", "int_literal", "number_literal", "number"}
_BOOLEANS = {"true": "false", "false": "true", "True": "False", "False": "True"}
_NEGATIONS = {"!", "not"}
_DELETABLE = [["augmented_assignment"], ["call"], ["assignment_expression"], ["call_expression"]]
_SKIPPED = (
    "comment", "string", "char", "import", "include", "use_", "type", "package", "attribute",
    "decorator", "pod", "macro_definition", "preproc_def", "generic", "parameter", "rune",
    "lifetime",
)  # fmt: skip


class Mutant(Frozen):
    """A program with one small change."""

    id: str
    line: int = Field(ge=1)
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.before!r} for {self.after!r}"


def mutants_of(source: str, language: Language, *, limit: int) -> list[Mutant]:
    """At most `limit` different mutants, spread over the kinds of change and over the program.

    None of a program that is too large, or that the grammar cannot read.
    """
    data = source.encode(errors="surrogatepass")
    parser = parser_of(language.value)
    if parser is None or limit < 1 or len(data) > MAX_SOURCE_BYTES:
        return []
    by_kind: dict[str, list[tuple[int, int, bytes]]] = defaultdict(list)
    for number, (kind, start, end, text) in enumerate(_places(parser.parse(data).root_node)):
        if number == MAX_PLACES:
            break
        by_kind[kind].append((start, end, text.encode()))
    found: list[Mutant] = []
    seen = {source}
    for start, end, new in _spread(list(by_kind.values())):
        changed = (data[:start] + new + data[end:]).decode(errors="surrogatepass")
        if changed in seen or (language is Language.PYTHON and not _parses(changed)):
            continue
        seen.add(changed)
        found.append(
            Mutant(
                id=f"m{len(found)}",
                line=data.count(b"\n", 0, start) + 1,
                before=_shown(data[start:end]),
                after=_shown(new),
                source=changed,
            )
        )
        if len(found) == limit:
            break
    return found


def _shown(data: bytes) -> str:
    return " ".join(data.decode(errors="replace").split())[:MAX_SHOWN]


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _spread(kinds: list[list[tuple[int, int, bytes]]]) -> Iterator[tuple[int, int, bytes]]:
    """One of each kind in turn; of one kind first the ends, then the middles between."""
    # Every other kind from the end: else the first mutants are all of the first lines.
    queues = [_halving(p[::-1] if at % 2 else p) for at, p in enumerate(kinds)]
    while queues:
        for queue in list(queues):
            place = next(queue, None)
            if place is None:
                queues.remove(queue)
            else:
                yield place


def _halving(places: list[tuple[int, int, bytes]]) -> Iterator[tuple[int, int, bytes]]:
    done: set[int] = set()
    step = len(places)
    while step >= 1 and len(done) < len(places):
        for at in range(0, len(places), step):
            if at not in done:
                done.add(at)
                yield places[at]
        step = step // 2 if step > 1 else 0


def _places(root: Node) -> Iterator[tuple[str, int, int, str]]:
    """Kind, first byte, end and new text of every change, in the program's order."""
    stack = [(root, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > MAX_DEPTH or node.is_error or any(word in node.type for word in _SKIPPED):
            continue
        yield from _changes(node)
        stack += [(child, depth + 1) for child in reversed(node.children)]


def _changes(node: Node) -> Iterator[tuple[str, int, int, str]]:
    kind, parent = node.type, node.parent
    start, end = node.start_byte, node.end_byte
    within = parent.type if parent is not None else ""
    if kind in _OPERATORS and any(word in within for word in _OPERATION):
        yield (
            "operator" if kind not in {"and", "or", "&&", "||"} else "logic",
            start,
            end,
            (_OPERATORS[kind]),
        )
    elif kind in _NUMBERS and node.child_count == 0:
        text = (node.text or b"").decode(errors="replace")
        if text.isdecimal() and len(text) < 10:  # noqa: PLR2004  # of 32 bits
            yield "number", start, end, str(int(text) + 1) if text != "1" else "0"
    elif kind in _BOOLEANS:
        text = (node.text or b"").decode(errors="replace")
        yield "truth", start, end, _BOOLEANS.get(text, "0")
    elif kind in _NEGATIONS and ("unary" in within or "not" in within):
        yield "negation", start, end, ""
    elif kind == "return_statement" and node.named_child_count == 1:
        value = node.named_children[0]
        if node.children[0].type == "return" and value.type not in {"none", "None"}:
            yield from _returned(value)
    elif kind == "expression_statement" and [one.type for one in node.named_children] in _DELETABLE:
        text = (node.text or b"").decode(errors="replace")
        yield "statement", start, end, ";" if text.endswith(";") else "pass"


def _returned(value: Node) -> Iterator[tuple[str, int, int, str]]:
    """A returned expression becomes 0; where that does not compile, the mutant says nothing."""
    if value.type not in _NUMBERS:
        yield "return", value.start_byte, value.end_byte, "0"
