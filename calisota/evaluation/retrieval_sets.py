"""What retrieval is measured on: passages, and queries whose relevant passages are known."""

from __future__ import annotations

import ast
import gzip
import inspect
import json
from textwrap import dedent
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from calisota.errors import InputError
from calisota.models import Frozen
from calisota.models.python_source import parse_python
from calisota.rag.terms import terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from calisota.rag.documents import Document

COSQA_CODES = "code_idx_map.txt.gz"
COSQA_QUERIES = "cosqa-retrieval-dev-500.json.gz"
LEAST_TERMS = 3
"""Of a query made from a docstring: "Return it." finds nothing in particular."""

_T = TypeVar("_T")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Passage(Frozen):
    """One text that can be found."""

    id: str = Field(min_length=1)
    text: str
    header: str | None = None
    """A line that says where it belongs, for systems that show it to the index."""


class Question(Frozen):
    """One query, and the ids of all passages that answer it."""

    query: str = Field(min_length=1)
    relevant: frozenset[str] = Field(min_length=1)


class RetrievalSet(Frozen):
    """Passages and questions about them."""

    name: str
    passages: tuple[Passage, ...]
    questions: tuple[Question, ...]


def known_item(documents: Iterable[Document]) -> RetrievalSet:
    """Every Python function; the first line of a docstring must find the one it was taken from.

    Docstrings are cut out of the passages. Functions that share a first line all answer it. A
    function within a function belongs to the outer one's passage.
    """
    passages: list[Passage] = []
    answers: dict[str, set[str]] = {}
    for document in documents:
        if document.language == "python":
            for passage, summary in _functions(document):
                passages.append(passage)
                if summary is not None and len(terms(summary)) >= LEAST_TERMS:
                    answers.setdefault(summary, set()).add(passage.id)
    return _checked("known-item", passages, _questions(answers))


def names(documents: Iterable[Document]) -> RetrievalSet:
    """The same passages; a function's bare name must find every function so named."""
    passages: list[Passage] = []
    answers: dict[str, set[str]] = {}
    for document in documents:
        if document.language == "python":
            for passage, _ in _functions(document):
                passages.append(passage)
                name = passage.id.rpartition(":")[2].rpartition(".")[2]
                if not name.startswith("__"):
                    answers.setdefault(name, set()).add(passage.id)
    return _checked("names", passages, _questions(answers))


def _questions(answers: dict[str, set[str]]) -> list[Question]:
    return [Question(query=query, relevant=frozenset(ids)) for query, ids in answers.items()]


def _functions(document: Document) -> Iterator[tuple[Passage, str | None]]:
    """Each function without its docstring, and the docstring's first line."""
    try:
        body = parse_python(document.text).body
    except SyntaxError:
        return
    lines = document.text.split("\n")
    module = document.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    seen: dict[str, int] = {}
    for symbol, node in _definitions(body, ""):
        seen[symbol] = seen.get(symbol, 0) + 1
        line = f"{node.lineno}:" if seen[symbol] > 1 else ""
        text, summary = _without_docstring(node, lines)
        identity = f"{document.path}:{line}{symbol}"
        yield Passage(id=identity, text=text, header=f"# {module}.{symbol}"), summary


def _definitions(body: Iterable[ast.AST], scope: str) -> Iterator[tuple[str, _Function]]:
    """The functions and methods below `body` with their dotted names; none within another."""
    for node in body:
        if isinstance(node, _Function):
            yield f"{scope}{node.name}", node
        else:
            inner = f"{scope}{node.name}." if isinstance(node, ast.ClassDef) else scope
            yield from _definitions(ast.iter_child_nodes(node), inner)


def _without_docstring(node: _Function, lines: list[str]) -> tuple[str, str | None]:
    first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
    kept = lines[first - 1 : node.end_lineno]
    docstring = ast.get_docstring(node, clean=False)
    if not docstring or not docstring.strip():
        return dedent("\n".join(kept)), None
    place = node.body[0]
    begin, end = place.lineno - first, (place.end_lineno or place.lineno) - first
    alone = not kept[begin][: place.col_offset].strip()
    summary = inspect.cleandoc(docstring).strip().partition("\n")[0]
    if not alone:  # `def f(): "What it does."`: the line goes with it, up to the colon
        return kept[begin][: place.col_offset].strip(), summary
    del kept[begin : end + 1]
    return dedent("\n".join(kept)), summary


def cosqa(folder: Path) -> RetrievalSet:
    """CoSQA's dev queries, typed into a search engine, each with one function among 6,267.

    Source: Jun-jie-Huang/CoCLR, data/search (MIT).
    Raises: InputError: the files are not in `folder`.
    """
    try:
        with gzip.open(folder / COSQA_CODES, "rt", encoding="utf-8") as file:
            codes: dict[str, int] = json.load(file)
        with gzip.open(folder / COSQA_QUERIES, "rt", encoding="utf-8") as file:
            queries: list[dict[str, Any]] = json.load(file)
    except (OSError, EOFError, ValueError) as error:
        raise InputError(
            f"CoSQA cannot be read: {error}.",
            remedy=f"put {COSQA_CODES} and {COSQA_QUERIES} into one folder and name it with --data "
            "(docs/evaluation.md says where they are from).",
        ) from error
    return _checked(
        "cosqa",
        [Passage(id=str(number), text=code) for code, number in codes.items()],
        [
            Question(query=row["doc"], relevant=frozenset({str(row["retrieval_idx"])}))
            for row in queries
        ],
    )


def from_files(queries: Path, documents: Path) -> RetrievalSet:
    """JSON lines of `{"query", "relevant": [ids]}` and of `{"id", "text"}`, the latter searched.

    Raises: InputError: a file is absent, or a line is no such object.
    """
    passages = list(_lines(documents, TypeAdapter(Passage)))
    return _checked(queries.stem, passages, list(_lines(queries, TypeAdapter(Question))))


def _lines(path: Path, kind: TypeAdapter[_T]) -> Iterator[_T]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read: {error}.", remedy="name a file of JSON lines in UTF-8."
        ) from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield kind.validate_json(line)
            except ValidationError as error:
                fault = error.errors()[0]
                where = ".".join(map(str, fault["loc"]))
                raise InputError(
                    f"{path}, line {number}: {where or 'the object'}: {fault['msg']}.",
                    remedy='write {"query": text, "relevant": [ids]} into the file of queries and '
                    '{"id": text, "text": text} into the file of documents.',
                ) from error


def _checked(name: str, passages: list[Passage], questions: list[Question]) -> RetrievalSet:
    known = {passage.id for passage in passages}
    if len(known) < len(passages):
        raise InputError(f"{name}: two documents have one id.", remedy="give each its own.")
    for question in questions:
        if absent := question.relevant - known:
            raise InputError(
                f"{name}: no document has the id {min(absent)!r}, which answers "
                f"{question.query[:80]!r}.",
                remedy="correct the id, or add the document.",
            )
    if not questions:
        raise InputError(f"{name}: there is no query.", remedy="add some.")
    return RetrievalSet(name=name, passages=tuple(passages), questions=tuple(questions))
