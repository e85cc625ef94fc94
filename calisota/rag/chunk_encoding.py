"""From documents to chunks with their vectors, taking from the cache whatever was made before."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from calisota.rag.chunking import CHUNKER_VERSION, chunk_document
from calisota.rag.embedding_cache import EmbeddingCache, text_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from calisota.rag.documents import Chunk, Document
    from calisota.rag.embedder import Embedder
    from calisota.rag.layout import CountTokens

    Progress = Callable[[str], None]

_CUT_AT_ONCE = 200
_EMBEDDED_AT_ONCE = 512
"""Texts of one transaction of the cache, and of one line of progress at most."""
_PROGRESS_EVERY_S = 2.0


def cut_documents(
    documents: Sequence[Document], cache: EmbeddingCache, count: CountTokens, *, max_tokens: int
) -> list[Chunk]:
    """The chunks of `documents`, in their order."""
    chunks: list[Chunk] = []
    for start in range(0, len(documents), _CUT_AT_ONCE):
        some = documents[start : start + _CUT_AT_ONCE]
        keys = [_document_key(document, max_tokens) for document in some]
        known = cache.cut(keys)
        fresh = {
            key: chunk_document(document, count, max_tokens=max_tokens)
            for key, document in zip(keys, some, strict=True)
            if key not in known
        }
        if fresh:
            cache.put_cut(fresh)
        for key in keys:
            chunks += known[key] if key in known else fresh[key]
    return chunks


def _document_key(document: Document, max_tokens: int) -> bytes:
    return text_key(f"{CHUNKER_VERSION}\0{max_tokens}\0{document.model_dump_json()}")


def embed_texts(
    texts: Sequence[str],
    cache: EmbeddingCache,
    open_embedder: Callable[[], Embedder],
    progress: Progress,
) -> tuple[NDArray[np.float16], int]:
    """A row for each text, (n, d) float16, and how many texts had to be embedded.

    The longest come first, so that the estimate errs on the long side. The embedder is opened only
    when a text is new.
    """
    keys = [text_key(text) for text in texts]
    found = cache.get(list(dict.fromkeys(keys)))
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
    order = sorted(missing, key=lambda key: -len(missing[key]))
    if order:
        embedder = open_embedder()
        for group in _told(order, missing, progress):
            vectors = embedder.embed([missing[key] for key in group]).astype(np.float16)
            cache.put(group, vectors)
            found.update(zip(group, vectors, strict=True))
    rows = [found[key] for key in keys]
    return (np.stack(rows) if rows else np.empty((0, 0), dtype=np.float16)), len(order)


def _told(
    order: Sequence[bytes], texts: dict[bytes, str], progress: Progress
) -> Iterable[list[bytes]]:
    """`order` in groups; between them, how fast it goes and how long it will take."""
    characters, done = sum(map(len, texts.values())), 0
    began = told = time.monotonic()
    for start in range(0, len(order), _EMBEDDED_AT_ONCE):
        group = list(order[start : start + _EMBEDDED_AT_ONCE])
        yield group
        done += sum(len(texts[key]) for key in group)
        if time.monotonic() - told >= _PROGRESS_EVERY_S:
            told = time.monotonic()
            count, spent = start + len(group), told - began
            left = spent * (characters - done) / max(1, done)
            progress(
                f"{count} of {len(order)} chunks embedded, {count / spent:.0f}/s, "
                f"{left:.0f} s left."
            )
