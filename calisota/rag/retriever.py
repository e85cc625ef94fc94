"""Search: by meaning and by words, fused; the query is embedded without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.errors import IndexUnusable
from calisota.models import Hit, HitSet
from calisota.rag import layout
from calisota.rag.documents import Query
from calisota.rag.fusion import fuse, weight_of
from calisota.rag.versions import IndexVersions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from calisota.rag.chunk_store import ChunkStore
    from calisota.rag.embedder import Embedder
    from calisota.rag.lexical import LexicalIndex
    from calisota.rag.vectors import VectorIndex
    from calisota.rag.versions import Manifest
    from calisota.settings import Settings

_FUSED_OF_EACH = 100
"""Hits of each kind that are fused, at least."""


class Retriever:
    """One index version, opened for reading; a newer version is seen by opening again."""

    def __init__(
        self,
        version: str,
        *,
        embedder: Embedder,
        vectors: VectorIndex,
        chunks: ChunkStore,
        lexical: LexicalIndex,
        encoder: str,
    ) -> None:
        self.version = version
        self._encoder = encoder
        self._embedder = embedder
        self._vectors = vectors
        self._chunks = chunks
        self._lexical = lexical

    @classmethod
    def open(cls, settings: Settings) -> Retriever:
        """The version of the corpus of searches that serves, its files verified.

        Where that is damaged, the last good one. Raises: IndexUnusable: there is none, or the
            packages that read it are not installed; the remedy says which.
        """
        return cls.open_version(*IndexVersions(settings.indexes / settings.index_corpus).usable())

    @classmethod
    def open_version(cls, folder: Path, manifest: Manifest) -> Retriever:
        """A version whose files were verified. Raises: IndexUnusable: a package is missing."""
        try:
            from calisota.rag.chunk_store import ChunkStore  # noqa: PLC0415
            from calisota.rag.lexical import LexicalIndex  # noqa: PLC0415
            from calisota.rag.vectors import VectorIndex  # noqa: PLC0415

            return cls(
                manifest.version,
                embedder=layout.open_embedder(folder, max_tokens=manifest.max_tokens),
                vectors=VectorIndex(
                    folder / layout.VECTORS,
                    dimension=manifest.dimension,
                    ann=folder / layout.ANN if manifest.factory else None,
                    search=manifest.search,
                ),
                chunks=ChunkStore(folder / layout.CHUNKS),
                lexical=LexicalIndex(folder / layout.LEXICAL),
                encoder=manifest.inputs.model,
            )
        except (ImportError, RuntimeError) as error:  # RuntimeError: faiss-gpu without CUDA
            raise IndexUnusable(
                f"The retrieval index cannot be read: {error}.",
                remedy="pip install 'calisota[cpu]', or [gpu] on a machine with an NVIDIA GPU.",
            ) from error

    def close(self) -> None:
        """Let go of model, vectors and chunks; it answers no more."""
        self._chunks.close()
        del self._embedder, self._vectors, self._chunks, self._lexical

    def search(self, query: str, *, k: int, language: str | None = None) -> HitSet:
        """At most `k` hits, best first, however low they score; only of `language`, if given."""
        return self.search_many([Query.model_construct(text=query, k=k, language=language)])[0]

    def search_many(self, queries: Sequence[Query]) -> list[HitSet]:
        """The hits of each query, in order. The encoder reads the first few hundred tokens."""
        if not queries:
            return []
        return self.search_embedded(queries, self.embed([query.text for query in queries]))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, d) float32 unit rows."""
        # A lone surrogate is no character.
        return self._embedder.embed([text.encode("utf-8", "replace").decode() for text in texts])

    def search_embedded(
        self, queries: Sequence[Query], vectors: NDArray[np.float32]
    ) -> list[HitSet]:
        """The hits of queries that `embed` has embedded, (n, d)."""
        return [self._search(*pair) for pair in zip(queries, vectors, strict=True)]

    def _search(self, query: Query, vector: NDArray[np.float32]) -> HitSet:
        allowed = self._chunks.allowed(query)
        wide = max(_FUSED_OF_EACH, query.k)
        dense = self._vectors.search(vector, k=wide, allowed=allowed)
        lexical = self._lexical.search(query.text, k=wide, allowed=allowed)
        near = dict(dense)
        near.update(self._vectors.score(vector, [row for row, _ in lexical if row not in near]))
        best = fuse(list(near.items()), lexical, weight=weight_of(query.text), k=query.k)
        chunks = self._chunks.get([row for row, _ in best])
        hits = [
            Hit(
                chunk_id=chunk.id,
                path=chunk.path,
                start_line=chunk.start_line,
                end_line=chunk.end_line,
                score=score,
                similarity=near[row],
                language=chunk.language,
                text=chunk.text,
            )
            for chunk, (row, score) in zip(chunks, best, strict=True)
        ]
        if not query.with_vector:
            return HitSet(index=self.version, hits=hits)
        return HitSet(index=self.version, hits=hits, vector=vector.tolist(), encoder=self._encoder)
