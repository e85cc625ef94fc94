"""Search: the query embedded without torch, compared with every chunk of the current version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.errors import IndexUnusable
from calisota.models import Hit, HitSet
from calisota.rag import layout
from calisota.rag.chunk_store import ChunkStore
from calisota.rag.versions import IndexVersions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from calisota.rag.embedder import Embedder
    from calisota.rag.vectors import VectorIndex
    from calisota.settings import Settings


class Retriever:
    """One index version, opened for reading; a newer version is seen by opening again."""

    def __init__(
        self, version: str, *, embedder: Embedder, vectors: VectorIndex, chunks: ChunkStore
    ) -> None:
        self._version = version
        self._embedder = embedder
        self._vectors = vectors
        self._chunks = chunks

    @classmethod
    def open(cls, settings: Settings) -> Retriever:
        """The current version, its files verified.

        Raises: IndexUnusable: it is absent or damaged, or the packages that read it are not
            installed; the remedy says which.
        """
        folder, manifest = IndexVersions(settings.indexes / layout.CORPUS).current()
        try:
            from calisota.rag.vectors import VectorIndex  # noqa: PLC0415

            return cls(
                manifest.version,
                embedder=layout.open_embedder(folder),
                vectors=VectorIndex(folder / layout.VECTORS),
                chunks=ChunkStore(folder / layout.CHUNKS),
            )
        except (ImportError, RuntimeError) as error:  # RuntimeError: faiss-gpu without CUDA
            raise IndexUnusable(
                f"The retrieval index cannot be read: {error}.",
                remedy="pip install 'calisota[cpu]', or [gpu] on a machine with an NVIDIA GPU.",
            ) from error

    def search(self, query: str, *, k: int, language: str | None = None) -> HitSet:
        """At most `k` hits, best first, however low they score; only of `language`, if given.

        The encoder reads the first 256 tokens of `query`.
        """
        rows: Sequence[int] | None = None
        if language is not None:
            rows = self._chunks.rows(language)
            if not rows:
                return HitSet(index=self._version, hits=[])
        readable = query.encode("utf-8", "replace").decode()  # a lone surrogate is no character
        found = self._vectors.search(self._embedder.embed([readable])[0], k=k, rows=rows)
        chunks = self._chunks.get([row for row, _ in found])
        hits = [
            Hit(
                chunk_id=chunk.id,
                path=chunk.path,
                start_line=chunk.start_line,
                end_line=chunk.end_line,
                score=score,
                language=chunk.language,
                text=chunk.text,
            )
            for chunk, (_, score) in zip(chunks, found, strict=True)
        ]
        return HitSet(index=self._version, hits=hits)
