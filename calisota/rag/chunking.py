"""Documents in bounded chunks: functions, classes and what stands between, each under a header."""

from __future__ import annotations

import hashlib
import re
from itertools import accumulate
from textwrap import dedent
from typing import TYPE_CHECKING, NamedTuple

from calisota.rag.documents import Chunk
from calisota.rag.grammars import GRAMMARS, parser_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tree_sitter import Node

    from calisota.rag.documents import Document
    from calisota.rag.layout import CountTokens

CHUNKER_VERSION = "tree-1"
"""Part of an index's inputs: raise it with every change that alters a chunk."""

_SPECIAL_TOKENS = 2  # the encoder adds one at each end
_HEADER_SHARE = 3  # a header takes at most this part of a chunk
_OVERLAP_SHARE = 8  # windows of prose repeat this part of the one before
_MAX_NESTING = 40
_MAX_TOKEN_CHARS = 64
"""No encoder makes fewer tokens of so many characters than one."""
_BROKEN_SHARE = 0.5
"""Part of a file inside syntax errors above which its tree says nothing."""
_SPACE = re.compile(r"\s+")
_NAMES = ("name", "declarator", "type", "trait")


class _Piece(NamedTuple):
    """Lines of a document (from 1, both included) and the text that stands for them."""

    start: int
    end: int
    text: str
    tokens: int


class _Definition(NamedTuple):
    """A function or a class, with the comments and decorators that belong to it."""

    node: Node
    start: int
    end: int
    is_container: bool


def chunk_document(
    document: Document, count_tokens: CountTokens, *, max_tokens: int
) -> list[Chunk]:
    """The chunks of one document in source order, none longer than `max_tokens`.

    A function that is too long is cut between statements, a statement that is too long between
    lines. A class that fits is one chunk; a longer one is its attributes and the signatures of its
    methods, which are chunks of their own. Statements between definitions are chunks too, imports
    and comments alone are not. Prose, and what does not parse, is cut into windows that overlap.
    Not covered: tokens of a line are added up, which holds for encoders that split at white space;
    of a line that alone is too long, the start is kept.
    """
    cut = _Cut(document, count_tokens, max_tokens)
    return list({chunk.id: chunk for chunk in cut.chunks()}.values())


class _Cut:
    """One document while it is cut."""

    def __init__(self, document: Document, count_tokens: CountTokens, max_tokens: int) -> None:
        self._document = document
        self._source = document.text.encode("utf-8", "replace")
        # As the parser counts; splitlines() knows more ends of lines.
        self._lines = self._source.decode().split("\n")
        self._count = count_tokens
        self._max = max_tokens - _SPECIAL_TOKENS
        self._before = [0, *accumulate(self._tokens_of(self._lines))]
        self._grammar = GRAMMARS.get(document.language)
        path = document.path
        if document.language == "python":
            module = path.removesuffix(".pyi").removesuffix(".py").removesuffix("/__init__")
            path = module.replace("/", ".")
        self._place = path

    def chunks(self) -> Iterator[Chunk]:
        parser = parser_of(self._document.language)
        if parser is None:
            return self._windows()
        root = parser.parse(self._source).root_node
        if _broken_bytes(root) > _BROKEN_SHARE * len(self._source):
            return self._windows()
        return self._block(root.children, "", (1, len(self._lines)))

    def _block(
        self, nodes: Sequence[Node], scope: str, lines: tuple[int, int], depth: int = 0
    ) -> Iterator[Chunk]:
        """The chunks of `lines`, in which `nodes` lie: definitions, and what stands between."""
        line = lines[0]
        loose: list[Node] = []
        for found in self._definitions(nodes, loose):
            if found.start > line:
                yield from self._loose(line, found.start - 1, loose, scope)
            if found.end >= line:
                yield from self._defined(found, scope, depth)
            line = max(line, found.end + 1)
        if line <= lines[1]:
            yield from self._loose(line, lines[1], loose, scope)

    def _definitions(self, nodes: Iterable[Node], loose: list[Node]) -> Iterator[_Definition]:
        """In source order; every other statement goes to `loose`."""
        assert self._grammar is not None  # noqa: S101  # whoever has a tree has a grammar
        stack = [iter(nodes)]
        above: list[Node] = []  # comments that end right before the next node
        while stack:
            node = next(stack[-1], None)
            if node is None:
                stack.pop()
                continue
            inner = self._unwrapped(node)
            first, last = _first_line(node), _last_line(node)
            touching = bool(above) and _last_line(above[-1]) == first - 1
            if "comment" in node.type or node.type == "attribute_item":
                above = [*above, node] if touching else [node]
                continue
            start = _first_line(above[0]) if touching else first
            above = []
            if inner.type in self._grammar.functions and self._is_function(inner):
                yield _Definition(inner, start, last, is_container=False)
            elif inner.type in self._grammar.containers:
                yield _Definition(inner, start, last, is_container=True)
            elif node.type in self._grammar.transparent and len(stack) < _MAX_NESTING:
                stack.append(iter(node.children))
            elif node.type == "ERROR" and len(stack) < _MAX_NESTING:
                stack.append(iter(node.children))
                loose.append(node)
            elif node.is_named and node.type not in self._grammar.quiet:
                loose.append(node)

    def _unwrapped(self, node: Node) -> Node:
        """The definition inside decorators, `export` or `template`."""
        assert self._grammar is not None  # noqa: S101
        known = self._grammar.functions | self._grammar.containers
        for _ in range(_MAX_NESTING):
            if node.type not in self._grammar.wrappers:
                break
            inside = [
                child for child in node.children if child.type in known | self._grammar.wrappers
            ]
            if not inside:
                break
            node = inside[-1]
        return node

    @staticmethod
    def _is_function(node: Node) -> bool:
        """Whether a JavaScript variable holds a function; every other function is one."""
        if node.type not in {"lexical_declaration", "variable_declaration"}:
            return True
        values = [child.child_by_field_name("value") for child in node.named_children]
        return any(v is not None and "function" in v.type for v in values)

    def _defined(self, found: _Definition, scope: str, depth: int) -> Iterator[Chunk]:
        name = self._name(found.node)
        header = self._header(found, scope, name)
        symbol = f"{scope}{name}" if name else scope.rstrip(".:> ") or None
        room = self._room(header)
        body = found.node.child_by_field_name("body") or found.node
        if (
            self._tokens(found.start, found.end) <= room
            or depth >= _MAX_NESTING
            or not found.is_container
        ):
            pieces = self._cut(found.start, found.end, body.children, room)
            yield from self._packed(header, pieces, room, symbol)
        else:
            assert self._grammar is not None  # noqa: S101
            inside = f"{scope}{name}{self._grammar.separator}" if name else scope
            yield from self._packed(header, self._outline(found, body, room), room, symbol)
            for one in self._definitions(body.children, []):
                yield from self._defined(one, inside, depth + 1)

    def _outline(self, found: _Definition, body: Node, room: int) -> Iterator[_Piece]:
        """The class without the bodies of its methods and inner classes."""
        line = found.start
        for one in self._definitions(body.children, []):
            if line < one.start:
                yield from self._cut(line, one.start - 1, [], room)
            indent = self._lines[_first_line(one.node) - 1][: one.node.start_point.column]
            text = self._clip(f"{indent}{self._signature(one.node)} ...", room)
            yield _Piece(one.start, one.end, text, *self._tokens_of([text]))
            line = max(line, one.end + 1)
        if line <= found.end:
            yield from self._cut(line, found.end, [], room)

    def _loose(self, first: int, last: int, nodes: list[Node], scope: str) -> Iterator[Chunk]:
        """Statements that belong to no definition, if there is one that says something."""
        inside = [node for node in nodes if first <= _first_line(node) <= last]
        if inside:
            header = self._clip(
                self._marked(f"{self._place} {scope}".rstrip(". :>")), self._third()
            )
            room = self._room(header)
            yield from self._packed(header, self._cut(first, last, inside, room), room, None)

    def _windows(self) -> Iterator[Chunk]:
        """The lines in order, each window starting with the end of the one before."""
        header = self._clip(self._marked(self._place), self._third())
        room = self._room(header)
        packed: list[_Piece] = []
        fresh = 0
        for number in range(1, len(self._lines) + 1):
            piece = next(self._cut(number, number, [], room))
            if packed and sum(part.tokens for part in packed) + piece.tokens > room:
                yield self._chunk(header, packed, None)
                packed, fresh = (
                    self._tail(packed, min(room // _OVERLAP_SHARE, room - piece.tokens)),
                    0,
                )
            if packed or piece.text.strip():
                packed.append(piece)
                fresh += bool(piece.text.strip())
        if fresh:
            yield self._chunk(header, packed, None)

    @staticmethod
    def _tail(packed: list[_Piece], tokens: int) -> list[_Piece]:
        kept: list[_Piece] = []
        for piece in reversed(packed):
            tokens -= piece.tokens
            if tokens < 0:
                break
            kept.insert(0, piece)
        return kept

    def _cut(
        self, first: int, last: int, nodes: Sequence[Node], room: int, depth: int = 0
    ) -> Iterator[_Piece]:
        """Pieces that cover the lines in order: whole statements where they fit, else lines."""
        if self._tokens(first, last) <= room:
            yield self._piece(first, last)
            return
        line = first
        for node in nodes if depth < _MAX_NESTING else ():
            end = min(_last_line(node), last)
            if node.is_named and end >= line and (line, end) != (first, last):
                yield from self._cut(line, end, node.children, room, depth + 1)
                line = end + 1
            elif node.is_named and end >= line:
                yield from self._cut(line, end, node.children, room, depth + 1)
                return
        for number in range(line, last + 1):
            text = self._clip(self._lines[number - 1], room)
            yield _Piece(number, number, text, *self._tokens_of([text]))

    def _packed(
        self, header: str, pieces: Iterable[_Piece], room: int, symbol: str | None
    ) -> Iterator[Chunk]:
        """As many neighbouring pieces in each chunk as there is room for."""
        packed: list[_Piece] = []
        for piece in pieces:
            if packed and sum(part.tokens for part in packed) + piece.tokens > room:
                yield self._chunk(header, packed, symbol)
                packed = []
            if packed or piece.text.strip():  # a chunk does not begin with blank lines
                packed.append(piece)
        if packed:
            yield self._chunk(header, packed, symbol)

    def _chunk(self, header: str, packed: Sequence[_Piece], symbol: str | None) -> Chunk:
        body = dedent("\n".join(piece.text for piece in packed)).strip("\n")
        text = f"{header}\n{body}"
        path = self._document.path
        return Chunk(
            id=hashlib.sha256(f"{path}\n{text}".encode()).hexdigest()[:16],
            path=path,
            start_line=packed[0].start,
            end_line=packed[-1].end,
            language=self._document.language,
            label=self._document.label,
            symbol=symbol,
            text=text,
        )

    def _header(self, found: _Definition, scope: str, name: str | None) -> str:
        """`# module.def Class.name(arguments): first line of what documents it`."""
        signature = self._signature(found.node)
        if name and self._document.language == "python":
            named = re.compile(rf"\b{re.escape(name)}\b")
            signature = named.sub(lambda _: f"{self._place}.{scope}{name}", signature, count=1)
        elif name and scope:
            signature = f"{self._place} {scope}{name}: {signature}"
        else:
            signature = f"{self._place} {signature}"
        told = self._documentation(found)
        signature = signature.rstrip(" {:;")
        header = f"{signature}: {told}" if told else signature
        return self._clip(self._marked(_SPACE.sub(" ", header).rstrip()), self._third())

    def _signature(self, node: Node) -> str:
        """The definition up to its body."""
        if node.type == "section":
            return self._name(node) or ""
        body = node.child_by_field_name("body")
        end = body.start_byte if body is not None else node.end_byte
        text = self._source[node.start_byte : end].decode("utf-8", "replace")
        text = text if body is not None else text.partition("\n")[0]
        # Python's grammar counts comments after the colon to the definition.
        text = "\n".join(line.partition("  #")[0] for line in text.split("\n"))
        return _SPACE.sub(" ", text).strip().rstrip("{:").rstrip()

    def _name(self, node: Node) -> str | None:
        """What a definition is called; a C function's name lies inside its declarators."""
        if node.type == "section":
            text = self._text(node.children[0]) if node.children else ""
            return _SPACE.sub(" ", text.strip("# \n=-")) or None
        if node.type in {"type_declaration", "lexical_declaration", "variable_declaration"}:
            node = next(
                (child for child in node.named_children if "comment" not in child.type), node
            )
        for _ in range(_MAX_NESTING):
            inner = next(
                (found for field in _NAMES if (found := node.child_by_field_name(field))), None
            )
            if inner is None:
                break
            if (
                inner.type.endswith(("identifier", "constant", "package", "bareword"))
                or not inner.named_children
            ):
                return self._text(inner)
            node = inner
        return None if node.child_count else self._text(node)

    def _documentation(self, found: _Definition) -> str:
        """The first line of the comment above, or of Python's docstring."""
        lines = self._lines[found.start - 1 : _first_line(found.node) - 1]
        if self._document.language == "python":
            body = found.node.child_by_field_name("body")
            first = body.named_children[0] if body is not None and body.named_children else None
            if first is not None and first.type == "expression_statement" and first.named_children:
                first = first.named_children[0]
            if first is not None and first.type == "string":
                lines = self._text(first).lstrip("rRuUbB").strip("\"'").split("\n")
        plain = (line.strip().strip("/*#!-=").strip() for line in lines)
        return next((line for line in plain if line and not line.startswith("@")), "")

    def _text(self, node: Node) -> str:
        return self._source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def _marked(self, text: str) -> str:
        mark = self._grammar.comment if self._grammar is not None else "#"
        return f"{mark} {text}"

    def _third(self) -> int:
        return self._max // _HEADER_SHARE

    def _room(self, header: str) -> int:
        return self._max - self._tokens_of([header])[0]

    def _tokens(self, first: int, last: int) -> int:
        return self._before[last] - self._before[first - 1]

    def _tokens_of(self, texts: list[str]) -> list[int]:
        """Tokens of each text; of a line that no chunk could hold, only that it is too long."""
        longest = self._max * _MAX_TOKEN_CHARS
        return self._count([text[:longest] for text in texts])

    def _piece(self, first: int, last: int) -> _Piece:
        text = "\n".join(self._lines[first - 1 : last])
        return _Piece(first, last, text, self._tokens(first, last))

    def _clip(self, text: str, room: int) -> str:
        """The longest start of `text` that takes at most `room` tokens, found by halving."""
        text = text[: self._max * _MAX_TOKEN_CHARS]
        if self._tokens_of([text])[0] <= room:
            return text
        fits, too_long = 0, len(text)
        while too_long - fits > 1:
            middle = (fits + too_long) // 2
            if self._tokens_of([text[:middle]])[0] <= room:
                fits = middle
            else:
                too_long = middle
        return text[:fits]


def _first_line(node: Node) -> int:
    return node.start_point.row + 1


def _last_line(node: Node) -> int:
    end = node.end_point
    # A node may end before the first character of the line after it.
    return max(end.row + (end.column > 0), _first_line(node))


def _broken_bytes(root: Node) -> int:
    """How much lies inside the outermost syntax errors."""
    total, stack = 0, [root] if root.has_error else []
    while stack:
        node = stack.pop()
        if node.type == "ERROR":
            total += node.end_byte - node.start_byte
        else:
            stack += [child for child in node.children if child.has_error]
    return total
