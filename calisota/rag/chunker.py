"""Python source in bounded chunks: functions, methods and classes, each under a header line."""

from __future__ import annotations

import ast
import hashlib
from itertools import accumulate
from textwrap import dedent
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field

from calisota.models import Frozen, Language

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from calisota.rag.corpus import SourceFile

    CountTokens = Callable[[Sequence[str]], list[int]]
    """Tokens of each text, without the encoder's special tokens."""

CHUNKER_VERSION = "ast-1"
"""Part of an index's inputs: raise it with every change that alters a chunk."""

_SPECIAL_TOKENS = 2  # the encoder adds one at each end
_HEADER_SHARE = 3  # a header takes at most this part of a chunk

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Definition = _Function | ast.ClassDef


class Chunk(Frozen):
    """What is indexed: a piece of one file, under a header that says where it belongs."""

    id: str
    """Hash of the path and the text: it stays when the lines move."""
    path: str
    start_line: int = Field(ge=1)
    end_line: int = Field(ge=1)
    language: Language
    text: str


class _Piece(NamedTuple):
    """Lines of a file (from 1, both included) and the text that stands for them."""

    start: int
    end: int
    text: str
    tokens: int


def chunk_python(source: SourceFile, count_tokens: CountTokens, *, max_tokens: int) -> list[Chunk]:
    """The chunks of one file in source order, none longer than `max_tokens`.

    A function that is too long is cut between statements, a statement that is too long between
    lines. A class that fits is one chunk; a longer one is its attributes and the signatures of its
    methods, which are chunks of their own. Module-level statements are not indexed.
    Not covered: tokens of a line are added up, which holds for encoders that split at white space.
    """
    found = _File(source, count_tokens, max_tokens).definitions(ast.parse(source.text).body, "")
    return list({chunk.id: chunk for chunk in found}.values())


class _File:
    """One file while it is cut."""

    def __init__(self, source: SourceFile, count_tokens: CountTokens, max_tokens: int) -> None:
        self._path = source.path
        self._lines = source.text.split("\n")  # as `ast` counts; splitlines() knows more ends
        self._count = count_tokens
        self._max = max_tokens - _SPECIAL_TOKENS
        self._before = [0, *accumulate(count_tokens(self._lines))]
        module = source.path.removesuffix(".py").removesuffix("/__init__")
        self._module = module.replace("/", ".")

    def definitions(self, statements: Iterable[ast.stmt], scope: str) -> Iterator[Chunk]:
        """The chunks of every function and class in `statements`, branches included."""
        for node in statements:
            if isinstance(node, _Function):
                yield from self._function(node, scope)
            elif isinstance(node, ast.ClassDef):
                yield from self._class(node, scope)
            else:
                yield from self.definitions(_nested(node), scope)

    def _function(self, node: _Function, scope: str) -> Iterator[Chunk]:
        header = self._header(node, scope)
        room = self._room(header)
        pieces = self._cut(_start(node), _end(node), _nested(node), room)
        yield from self._chunks(header, pieces, room)

    def _class(self, node: ast.ClassDef, scope: str) -> Iterator[Chunk]:
        header = self._header(node, scope)
        room = self._room(header)
        if self._tokens(_start(node), _end(node)) <= room:
            yield from self._chunks(header, [self._piece(_start(node), _end(node))], room)
            return
        yield from self._chunks(header, self._outline(node, room), room)
        yield from self.definitions(node.body, f"{scope}{node.name}.")

    def _outline(self, node: ast.ClassDef, room: int) -> Iterator[_Piece]:
        """The class without the bodies of its methods and inner classes."""
        line = _start(node)
        for statement in node.body:
            if isinstance(statement, _Definition):
                if line < _start(statement):
                    yield from self._cut(line, _start(statement) - 1, [], room)
                text = self._clip(f"    {_signature(statement, '')}: ...", room)
                yield _Piece(_start(statement), _end(statement), text, *self._count([text]))
            else:
                yield from self._cut(line, _end(statement), _nested(statement), room)
            line = _end(statement) + 1

    def _cut(
        self, first: int, last: int, statements: Sequence[ast.stmt], room: int
    ) -> Iterator[_Piece]:
        """Pieces that cover the lines in order: whole statements where they fit, else lines."""
        if self._tokens(first, last) <= room:
            yield self._piece(first, last)
            return
        line = first
        for statement in statements:
            if _end(statement) >= line:  # else it shares a line with the one before
                yield from self._cut(line, _end(statement), _nested(statement), room)
                line = _end(statement) + 1
        for number in range(line, last + 1):
            text = self._clip(self._lines[number - 1], room)
            yield _Piece(number, number, text, *self._count([text]))

    def _chunks(self, header: str, pieces: Iterable[_Piece], room: int) -> Iterator[Chunk]:
        """As many neighbouring pieces in each chunk as there is room for."""
        packed: list[_Piece] = []
        for piece in pieces:
            if packed and sum(part.tokens for part in packed) + piece.tokens > room:
                yield self._chunk(header, packed)
                packed = []
            if packed or piece.text.strip():  # a chunk does not begin with blank lines
                packed.append(piece)
        if packed:
            yield self._chunk(header, packed)

    def _chunk(self, header: str, packed: Sequence[_Piece]) -> Chunk:
        body = dedent("\n".join(piece.text for piece in packed)).strip("\n")
        text = f"{header}\n{body}"
        return Chunk(
            id=hashlib.sha256(f"{self._path}\n{text}".encode()).hexdigest()[:16],
            path=self._path,
            start_line=packed[0].start,
            end_line=packed[-1].end,
            language=Language.PYTHON,
            text=text,
        )

    def _header(self, node: _Definition, scope: str) -> str:
        """`# module.Class.name(arguments): first line of the docstring`."""
        header = f"# {_signature(node, f'{self._module}.{scope}')}"
        docstring = ast.get_docstring(node)
        if docstring:
            header += f": {docstring.partition(chr(10))[0]}"
        return self._clip(header.replace("\n", " "), self._max // _HEADER_SHARE)

    def _room(self, header: str) -> int:
        return self._max - self._count([header])[0]

    def _tokens(self, first: int, last: int) -> int:
        return self._before[last] - self._before[first - 1]

    def _piece(self, first: int, last: int) -> _Piece:
        text = "\n".join(self._lines[first - 1 : last])
        return _Piece(first, last, text, self._tokens(first, last))

    def _clip(self, text: str, room: int) -> str:
        """The longest start of `text` that takes at most `room` tokens, found by halving."""
        if self._count([text])[0] <= room:
            return text
        fits, too_long = 0, len(text)
        while too_long - fits > 1:
            middle = (fits + too_long) // 2
            if self._count([text[:middle]])[0] <= room:
                fits = middle
            else:
                too_long = middle
        return text[:fits]


def _nested(node: ast.AST) -> list[ast.stmt]:
    """The statements one level below, in source order."""
    found: list[ast.stmt] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            found.append(child)
        elif isinstance(child, ast.ExceptHandler | ast.match_case):
            found += _nested(child)
    return found


def _start(node: ast.stmt) -> int:
    decorators = node.decorator_list if isinstance(node, _Definition) else []
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _signature(node: _Definition, prefix: str) -> str:
    """How the definition is called, its name behind `prefix`."""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(part) for part in [*node.bases, *node.keywords])
        return f"class {prefix}{node.name}" + (f"({bases})" if bases else "")
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    keyword = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    return f"{keyword} {prefix}{node.name}({ast.unparse(node.args)}){returns}"
