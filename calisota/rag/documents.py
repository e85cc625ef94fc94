"""What a corpus is made of, and what is made of it."""

from __future__ import annotations

from pydantic import Field

from calisota.models.base import Frozen

PUBLIC = "public"


class Document(Frozen):
    """One text of a corpus."""

    path: str
    """Its name, unique in the corpus: relative, with `/`."""
    text: str
    language: str
    """`python`, `rust`, `go`, `c`, `cpp`, `perl`, `javascript`, `typescript`, `java`, `markdown`,
    or `text`."""
    label: str = PUBLIC
    """Owner or visibility; a query may be bound to some labels."""


class Chunk(Frozen):
    """What is indexed: a piece of one document, under a header that says where it belongs."""

    id: str
    """Hash of the path and the text: it stays when the lines move."""
    path: str
    start_line: int = Field(ge=1)
    end_line: int = Field(ge=1)
    language: str
    label: str = PUBLIC
    symbol: str | None = None
    """Dotted name of the definition, as `Class.method`; None where there is none, as in prose."""
    text: str


class Query(Frozen):
    """One search."""

    text: str = Field(min_length=1, max_length=20_000)
    k: int = Field(default=10, ge=1, le=100)
    language: str | None = None
    path: str | None = None
    """Only documents whose path begins so."""
    labels: tuple[str, ...] | None = None
    """Only documents with one of these labels; None: all."""
    with_vector: bool = False
    """Whether the answer tells the query's embedding."""
