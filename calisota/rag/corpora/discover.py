"""Reads a corpus: what can be indexed, in order, and what was left out and why."""

from __future__ import annotations

import hashlib
import io
import re
import tokenize
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from pathspec import GitIgnoreSpec

from calisota.errors import PermanentError
from calisota.rag.corpora.secrets import find_secret
from calisota.rag.corpora.sources import find
from calisota.rag.documents import Document
from calisota.rag.languages import language_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from calisota.rag.corpora.config import Corpus
    from calisota.rag.corpora.sources import Found

_LICENCE = re.compile(r"SPDX-License-Identifier:\s*([^\s*]+)")
_LICENCE_LINES = 20
_GENERATED_LINE = 300
"""Characters of an average line above which a text was written by a program."""
_EXAMPLES = 3


class Discovered(NamedTuple):
    """The documents of a corpus by path, and the names of what was left out by reason."""

    documents: list[Document]
    skipped: Mapping[str, list[str]]


class _LeftOut(Exception):  # no error: it is counted
    """Why a document is not indexed."""


def discover(
    corpus: Corpus, *, progress: Callable[[str], None], as_of: datetime | None = None
) -> Discovered:
    """What there is to index, as it was at `as_of` where the source keeps its history.

    Raises: PermanentError: the source is gone, or nothing of it can be indexed; the reasons are
        told by `progress`.
    """
    kept: dict[str, Document] = {}
    skipped: dict[str, list[str]] = defaultdict(list)
    include = GitIgnoreSpec.from_lines(corpus.include or ["*"])
    exclude = GitIgnoreSpec.from_lines(corpus.exclude)
    labels = [(GitIgnoreSpec.from_lines([rule.glob]), rule.label) for rule in corpus.labels]
    for found in find(corpus, progress, as_of):
        if not include.match_file(found.path) or exclude.match_file(found.path):
            continue
        try:
            text, language = _text(found, corpus)
        except _LeftOut as left_out:
            skipped[str(left_out)].append(found.path)
            continue
        fitting = [label for spec, label in labels if spec.match_file(found.path)]
        label = found.label or (fitting[-1] if fitting else corpus.label)
        kept[found.path] = Document(path=found.path, text=text, language=language, label=label)
    for reason, paths in sorted(skipped.items()):
        shown = ", ".join(paths[:_EXAMPLES]) + (", …" if len(paths) > _EXAMPLES else "")
        progress(f"Left out, {reason}: {len(paths)} ({shown}).")
    if not kept:
        raise PermanentError(
            "The corpus holds no document that can be indexed.",
            remedy="see above what was left out and why; correct the corpora file.",
        )
    return Discovered([kept[path] for path in sorted(kept)], dict(skipped))


def digest_of(documents: Iterable[Document]) -> str:
    """The hex sha256 of documents in order: path, label, language and text."""
    digest = hashlib.sha256()
    for document in documents:
        digest.update(document.model_dump_json().encode())
        digest.update(b"\n")
    return digest.hexdigest()


def _text(found: Found, corpus: Corpus) -> tuple[str, str]:
    """The text and its language. Raises: _LeftOut."""
    if found.size > corpus.max_file_kb * 1024:
        raise _LeftOut("too large")
    if found.language is None and language_of(found.path) is None:
        raise _LeftOut("not a known language")
    try:
        data = found.read()
    except FileNotFoundError:
        raise _LeftOut("gone while it was read") from None
    except OSError:
        raise _LeftOut("unreadable") from None
    if b"\0" in data:
        raise _LeftOut("binary")
    text = _decoded(data, python=found.path.endswith(".py"))
    language = found.language or language_of(found.path, text) or ""
    _refuse(text, language, corpus)
    return text, language


def _refuse(text: str, language: str, corpus: Corpus) -> None:
    """Nothing. Raises: _LeftOut: the text is not one to index."""
    if corpus.languages and language not in corpus.languages:
        raise _LeftOut("another language")
    if not text.strip():
        raise _LeftOut("empty")
    if len(text) / (text.count("\n") + 1) > _GENERATED_LINE and language not in {
        "markdown",
        "text",
    }:
        raise _LeftOut("generated")
    licence = _LICENCE.search("\n".join(text.split("\n", _LICENCE_LINES)[:_LICENCE_LINES]))
    if corpus.licences and licence and licence.group(1) not in corpus.licences:
        raise _LeftOut("its licence")
    secret = find_secret(text)
    if secret is not None:
        raise _LeftOut(f"a secret in it ({secret})")


def _decoded(data: bytes, *, python: bool) -> str:
    encoding = "utf-8-sig"
    if python:
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        except SyntaxError:
            raise _LeftOut("its encoding") from None
    try:
        text = data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        raise _LeftOut("its encoding") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
