"""The places of a program where one small fault can be put, and which faults."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from calisota.engine.mutation_grammar import MUTATION_GRAMMARS
from calisota.models import Language
from calisota.rag.grammars import parser_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tree_sitter import Node

_INTEGER = re.compile(r"(-?)(\d[\d_']{0,30})(_?(?:[uUlLzZ]{1,3}|[iu](?:8|16|32|64|128|size))?)")
_PLAIN = re.compile(r"[\w.]+(?:[(\[][\w., ]*[)\]])?")
_NUMBER = re.compile(r"-?\w+")
_BOOLEANS = {"true": "false", "false": "true", "True": "False", "False": "True"}
_GO_NUMBERS = re.compile(r"u?int\d*|float\d+|byte|rune|uintptr")
_GO_NILS = re.compile(r"error|any|interface\b.*|\[\].*|\*.*|map\b.*|func\b.*|chan\b.*", re.DOTALL)
_TRUTHS = frozenset(
    "comparison_operator boolean_operator not_operator equality_expression relational_expression "
    "lowprec_logical_expression logical_not_expression".split()
)


class Edit(NamedTuple):
    """Bytes `start` to `end` become `text`; `around` is what a reader sees of it."""

    start: int
    end: int
    text: bytes
    operator: str
    line: int
    around: tuple[int, int]


class MutationSites:
    """One program while its edits are found."""

    def __init__(self, text: bytes, language: Language, entry_point: str | None) -> None:
        self._text = text
        self._language = language
        self._entry_point = entry_point
        self._grammar = MUTATION_GRAMMARS[language]

    def edits(self) -> Iterator[Edit]:
        """Every edit, without what the entry point does not reach."""
        parser = parser_of(self._language.value)
        assert parser is not None  # noqa: S101  # each of the six languages has a grammar
        root = parser.parse(self._text).root_node
        left_out = self._unreached(root)
        stack = [(child, root) for child in root.children if child.id not in left_out]
        while stack:
            node, parent = stack.pop()
            kind = node.type
            if kind in self._grammar.skipped or kind == "ERROR":
                continue
            yield from self._of_statement(node, parent)
            if kind in self._grammar.strings:
                yield from self._of_string(node, parent)
                continue
            yield from self._of_leaf(node, parent)
            yield from self._of_condition(node, parent)
            yield from self._of_bounds(node)
            yield from self._of_return(node)
            if not self._is_main_guard(node):
                stack += [(child, node) for child in self._inside(node)]
            else:
                stack += [(child, node) for child in node.children if child.type == "block"]

    def _inside(self, node: Node) -> Iterator[Node]:
        for index, child in enumerate(node.children):
            field = node.field_name_for_child(index)
            preprocessor = node.type.startswith("preproc_") and field in {"condition", "name"}
            tuple_field = node.type == "field_expression" and field == "field"
            in_type = field in {"type", "return_type", "result", "tag"}
            foreign = node.type == "linkage_specification" and field == "value"
            # A macro's text is no expression: an operator there may be part of a pattern.
            in_macro = node.type == "token_tree" and child.type in self._grammar.strings
            if not (preprocessor or tuple_field or in_type or foreign or in_macro):
                yield child

    def _is_main_guard(self, node: Node) -> bool:
        if self._language is not Language.PYTHON or node.type != "if_statement":
            return False
        return b"__name__" in self._of(node.child_by_field_name("condition"))

    def _of(self, node: Node | None) -> bytes:
        return b"" if node is None else self._text[node.start_byte : node.end_byte]

    def _edit(self, node: Node, text: str | bytes, operator: str, around: Node) -> Edit:
        return Edit(
            node.start_byte,
            node.end_byte,
            text.encode() if isinstance(text, str) else text,
            operator,
            node.start_point.row + 1,
            (around.start_byte, around.end_byte),
        )

    def _of_leaf(self, node: Node, parent: Node) -> Iterator[Edit]:
        """Operators, integers and booleans."""
        grammar = self._grammar
        is_operator = not node.is_named or node.type in {"is not", "not in"}
        if is_operator and parent.type in grammar.operators:
            yield from self._of_operator(node, parent)
        elif node.type in grammar.integers:
            for value in _other_integers(self._of(node).decode()):
                yield self._edit(node, value, "integer", parent)
        elif node.child_count <= 1 and node.is_named:
            text = self._of(node).decode(errors="replace")
            if text in _BOOLEANS and node.type.lower() in {"true", "false", "boolean_literal"}:
                yield self._edit(node, _BOOLEANS[text], "boolean", parent)

    def _of_operator(self, node: Node, parent: Node) -> Iterator[Edit]:
        operator = " ".join(self._of(node).decode(errors="replace").split())
        other = self._grammar.swaps.get(operator)
        if other is not None:
            arithmetic = operator.rstrip("=") if operator.endswith("=") else operator
            kind = "logical" if operator in {"and", "or", "&&", "||"} else "comparison"
            if arithmetic in {*"+-*/%&|^", "//", "**", "<<", ">>"}:
                kind = "arithmetic"
            yield self._edit(node, other, kind, parent)

    def _of_string(self, node: Node, parent: Node) -> Iterator[Edit]:
        is_statement = parent.type == "expression_statement"  # a docstring, or nothing at all
        if is_statement or parent.type in {"concatenated_string", "linkage_specification"}:
            return
        prefix = ""
        if self._language is Language.PYTHON:
            opening = self._of(node)[:3].lower().split(b'"')[0].split(b"'")[0]
            prefix = "b" if b"b" in opening else ""
        empty = prefix + self._grammar.empty_string
        if self._of(node) not in {b'""', b"''", b'b""', b"b''", b"``"}:
            yield self._edit(node, empty, "string", node)

    def _of_condition(self, node: Node, parent: Node) -> Iterator[Edit]:
        no = self._grammar.not_.strip()
        if node.type in self._grammar.negations and no in {c.type for c in node.children[:1]}:
            operand = node.children[-1]
            yield self._edit(node, b"(" + self._of(operand) + b")", "condition", parent)
        if node.type not in self._grammar.conditions or self._is_main_guard(node):
            return
        condition = node.child_by_field_name("condition")
        if condition is not None and condition.type in {"condition_clause", "expression_statement"}:
            inner = condition.child_by_field_name("value") or _first(condition)
            condition = inner if condition.named_child_count == 1 else None
        if condition is None or condition.type in {"let_condition", "let_chain", "declaration"}:
            return
        negated = self._grammar.not_.encode() + b"(" + self._of(condition).strip() + b")"
        if condition.type == "parenthesized_expression":
            negated = b"(" + negated + b")"
        yield self._edit(condition, negated, "condition", condition)

    def _of_bounds(self, node: Node) -> Iterator[Edit]:
        """Ranges, slices and the bounds of loops, one further and one less far."""
        for bound in self._bounds(node):
            text = self._of(bound).decode(errors="replace")
            if _NUMBER.fullmatch(text) and text.lstrip("-")[:1].isdigit():
                continue  # an integer is changed as such
            whole = text if _PLAIN.fullmatch(text) else f"({text})"
            for step in ("+ 1", "- 1"):
                yield self._edit(bound, f"{whole} {step}", "bound", bound.parent or node)
        if node.type == "range_expression" and node.child_count == len(("a", "..", "b")):
            middle = node.children[1]
            other = {"..": "..=", "..=": ".."}.get(middle.type)
            if other is not None:
                yield self._edit(middle, other, "bound", node)

    def _bounds(self, node: Node) -> Sequence[Node]:
        named = [child for child in node.named_children if child.type != "comment"]
        if node.type == "call" and self._of(node.child_by_field_name("function")) == b"range":
            arguments = node.child_by_field_name("arguments")
            given = arguments.named_children if arguments is not None else []
            return [one for one in given[:2] if one.type not in {"comment", "list_splat"}]
        if node.type == "slice":  # Python's; the step is no bound
            step = sum(child.type == ":" for child in node.children) > 1
            return named[: len(named) - 1 if step else None]
        if node.type == "slice_expression":  # Go's
            return named[1:]
        dots = node.type == "binary_expression" and any(c.type == ".." for c in node.children)
        if dots or node.type == "range_expression":  # Perl's and Rust's
            return named
        if node.type in {"for_clause", "for_statement", "cstyle_for_statement"}:
            return self._loop_bound(node)
        return []

    def _loop_bound(self, loop: Node) -> list[Node]:
        condition = loop.child_by_field_name("condition")
        if condition is not None and condition.type == "expression_statement":
            condition = _first(condition)
        compared = condition is not None and condition.type in {
            "binary_expression",
            "relational_expression",
        }
        right = condition.child_by_field_name("right") if condition and compared else None
        operator = condition.child_by_field_name("operator") if condition and compared else None
        if right is None or self._of(operator) not in {b"<", b"<=", b">", b">="}:
            return []
        return [right]

    def _of_statement(self, node: Node, parent: Node) -> Iterator[Edit]:
        if node.type not in self._grammar.statements or parent.type == "cstyle_for_statement":
            return
        what = _first(node) if node.type == "expression_statement" else node
        if what is None or what.type == "comment":
            return
        if node.type != "expression_statement" and parent.type != "statement_list":
            return  # a part of the head of a Go statement
        left = what.child_by_field_name("left")
        declares = left is not None and left.type == "variable_declaration"
        macro = what.type == "macro_invocation" and node.children[-1].type == ";"
        if (what.type in self._grammar.deletable and not declares) or macro:
            yield self._edit(node, self._grammar.nothing, "statement", node)

    def _of_return(self, node: Node) -> Iterator[Edit]:
        value = None
        if node.type in self._grammar.returns:
            value = _first(node)
        elif node.type == "function_item":  # the last expression of a Rust function
            body = node.child_by_field_name("body")
            tail = body.named_children[-1:] if body is not None else []
            is_value = tail and not tail[0].type.endswith(("_statement", "_item", "_declaration"))
            value = tail[0] if is_value and node.child_by_field_name("return_type") else None
        if value is None or value.type in {"comment", "line_comment", "block_comment"}:
            return
        for part, text in self._other_values(node, value):
            if self._of(part) != text.encode():
                yield self._edit(part, text, "return", node if part is not value else part)

    def _other_values(self, node: Node, value: Node) -> Iterator[tuple[Node, str]]:
        text = self._of(value).decode(errors="replace")
        if self._language is Language.PYTHON:
            yield value, "None"
            yield value, f"not ({text})" if value.type in _TRUTHS else "0"
        elif self._language is Language.PERL:
            yield value, f"!({text})" if value.type in _TRUTHS else "0"
        elif self._language is Language.RUST:
            yield value, "Default::default()"
        elif self._language is Language.GO:
            yield from self._go_values(node, value)
        else:
            declared = self._of(self._function_around(node).child_by_field_name("type")).decode()
            if declared == "bool" or value.type in {"true", "false"}:
                yield value, f"!({text})"
            elif declared and declared not in {"auto", "void"} and text != "0":
                plain = self._language is Language.C or re.search(r"\b(int|long|char)$", declared)
                yield value, "0" if plain else "{}"

    def _go_values(self, node: Node, value: Node) -> Iterator[tuple[Node, str]]:
        result = self._function_around(node).child_by_field_name("result")
        if result is None or value.type != "expression_list":
            return
        types = [result]
        if result.type == "parameter_list":
            types = [one.child_by_field_name("type") or one for one in result.named_children]
        if len(types) != value.named_child_count:
            return
        for declared, part in zip(types, value.named_children, strict=True):
            name, text = self._of(declared).decode(), self._of(part).decode()
            if _GO_NUMBERS.fullmatch(name):
                yield part, "0"
            elif name == "string":
                yield part, '""'
            elif name == "bool":
                yield part, f"!({text})"
            elif _GO_NILS.fullmatch(name):
                yield part, "nil"

    def _function_around(self, node: Node) -> Node:
        known = {"function_definition", "function_declaration", "method_declaration"}
        known |= {"func_literal", "lambda_expression"}
        above = node.parent
        while above is not None and above.type not in known:
            above = above.parent
        return above or node

    def _unreached(self, root: Node) -> frozenset[int]:
        """Ids of the top-level nodes that no call of the entry point comes to."""
        if self._entry_point is None:
            return frozenset()
        inner, loose, guards = self._top_level(root)
        if self._entry_point not in inner:
            return frozenset()
        reached = {self._entry_point}
        waiting = [self._entry_point, *(loose & inner.keys())]
        while waiting:
            name = waiting.pop()
            reached.add(name)
            waiting += (_words(self._of(inner[name])) & inner.keys()) - reached
        dead = {node.id for name, node in inner.items() if name not in reached}
        return frozenset(dead | guards)

    def _top_level(self, root: Node) -> tuple[dict[str, Node], set[str], set[int]]:
        """The functions by name, the words of all else, and the main guards."""
        functions: dict[str, Node] = {}
        loose: set[str] = set()
        guards: set[int] = set()
        for node in root.children:
            name = self._name(node) if node.type in self._grammar.functions else None
            if self._is_main_guard(node):
                guards.add(node.id)
            elif name is not None and name not in functions:
                functions[name] = node
            elif node.type not in self._grammar.skipped:
                loose |= _words(self._of(node))
        return functions, loose, guards

    def _name(self, function: Node) -> str | None:
        node: Node | None = function
        for _ in range(10):  # of a C declarator: a pointer to a pointer to a function ...
            if node is None or not node.child_count:
                break
            node = node.child_by_field_name("name") or node.child_by_field_name("declarator")
        return self._of(node).decode(errors="replace") if node is not None else None


def _first(node: Node) -> Node | None:
    return node.named_children[0] if node.named_child_count else None


def _words(text: bytes) -> set[str]:
    return set(re.findall(r"\w+", text.decode(errors="replace")))


def _other_integers(text: str) -> Iterator[str]:
    found = _INTEGER.fullmatch(text)
    if found is None:
        return  # a fraction, or in another base
    sign, digits, suffix = found.groups()
    plain = re.sub(r"[_']", "", digits)
    if len(plain) > 1 and plain[0] == "0":
        return  # octal in some languages
    value = int(sign + plain)
    yield f"{value + 1}{suffix}"
    if value == 1:
        yield f"0{suffix}"
