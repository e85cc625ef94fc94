"""Small index versions for tests, made with the hash embedder: real files, no model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from calisota.rag import layout
from calisota.rag.chunk_store import ChunkStore, write_chunks
from calisota.rag.documents import Chunk
from calisota.rag.embedder import HashEmbedder
from calisota.rag.lexical import LexicalIndex, write_lexical
from calisota.rag.precision import Precision
from calisota.rag.retriever import Retriever
from calisota.rag.search_way import Search
from calisota.rag.vectors import VectorIndex, write_matrix
from calisota.rag.versions import GateFigures, IndexInputs, Manifest, file_sha256, now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from calisota.rag.versions import IndexVersions

DIMENSION = 128
FILES = (layout.VECTORS, layout.CHUNKS, layout.LEXICAL)


def chunk(number: int, text: str, **fields: object) -> Chunk:
    return Chunk.model_validate(
        {
            "id": f"c{number}",
            "path": "sample.py",
            "start_line": number + 1,
            "end_line": number + 1,
            "language": "python",
            "text": text,
            **fields,
        }
    )


def write_files(folder: Path, chunks: Sequence[Chunk]) -> None:
    texts = [one.text for one in chunks]
    vectors = HashEmbedder(DIMENSION).embed(texts).astype(np.float16)
    write_matrix(folder / layout.VECTORS, [vectors])
    write_chunks(folder / layout.CHUNKS, chunks)
    write_lexical(folder / layout.LEXICAL, texts)


def publish(versions: IndexVersions, chunks: Sequence[Chunk], *, serve: bool = True) -> Manifest:
    created = now()
    with versions.writing(print):
        workspace = versions.workspace(f"{created.timestamp()}")
        write_files(workspace, chunks)
        manifest = Manifest(
            created_at=created,
            as_of=datetime(2026, 3, 2, tzinfo=UTC),
            inputs=IndexInputs(
                corpus="stdlib",
                documents_sha256="0" * 64,
                chunker_version="1",
                model="hash",
                weights_sha256="1" * 64,
                precision=Precision.FLOAT32,
            ),
            dimension=DIMENSION,
            max_tokens=256,
            factory=None,
            search=Search(),
            documents=1,
            chunks=len(chunks),
            gate=GateFigures(recall=1, known_items=1, queries=1),
            files={name: file_sha256(workspace / name) for name in FILES},
        )
        versions.publish(workspace, manifest)
        if serve:
            versions.serve(manifest.version, why="test")
    return manifest


def parts(folder: Path) -> dict[str, object]:
    """What a `Retriever` is made of, from the files of a version."""
    return {
        "embedder": HashEmbedder(DIMENSION),
        "vectors": VectorIndex(folder / layout.VECTORS, dimension=DIMENSION),
        "chunks": ChunkStore(folder / layout.CHUNKS),
        "lexical": LexicalIndex(folder / layout.LEXICAL),
        "encoder": "hash",
    }


def open_folder(folder: Path, version: str = "v1") -> Retriever:
    return Retriever(version, **parts(folder))  # type: ignore[arg-type]
