"""What was embedded once, by any version: vectors by the hash of their text, and cut documents."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import numpy as np
from pydantic import TypeAdapter

from calisota.rag.documents import Chunk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (
    key BLOB PRIMARY KEY, vector BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cut (key BLOB PRIMARY KEY, chunks BLOB NOT NULL) STRICT, WITHOUT ROWID;
"""
_AT_ONCE = 500
_WAIT_S = 60
_CHUNKS = TypeAdapter(list[Chunk])


def text_key(text: str) -> bytes:
    """What a text's vector is filed under."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()


class EmbeddingCache:
    """One file for one model in one precision and one chunker; processes share it.

    Each `put` is one transaction: a killed build loses at most the batch it was at.
    """

    def __init__(self, path: Path, *, dimension: int) -> None:
        self._path = path
        self._dimension = dimension
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=_WAIT_S)) as connection, connection:
            connection.execute("PRAGMA synchronous = NORMAL")
            yield connection

    def get(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float16]]:
        """The vectors there are, each (d,) float16."""
        found: dict[bytes, NDArray[np.float16]] = {}
        with self._open() as connection:
            for key, data in _select(connection, "SELECT key, vector FROM vectors", keys):
                if len(data) == 2 * self._dimension:
                    found[key] = np.frombuffer(data, dtype=np.float16)
        return found

    def put(self, keys: Sequence[bytes], vectors: NDArray[np.float16]) -> None:
        """Keep `vectors`, (n, d) float16."""
        rows = ((key, row.tobytes()) for key, row in zip(keys, vectors, strict=True))
        with self._open() as connection:
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    def cut(self, keys: Sequence[bytes]) -> dict[bytes, list[Chunk]]:
        """The chunks of each document that was cut before, by the document's key."""
        with self._open() as connection:
            return {
                key: _CHUNKS.validate_json(data)
                for key, data in _select(connection, "SELECT key, chunks FROM cut", keys)
            }

    def put_cut(self, documents: Mapping[bytes, list[Chunk]]) -> None:
        """Keep how documents were cut."""
        rows = ((key, _CHUNKS.dump_json(chunks)) for key, chunks in documents.items())
        with self._open() as connection:
            connection.executemany("INSERT OR REPLACE INTO cut VALUES (?, ?)", rows)


def _select(
    connection: sqlite3.Connection, statement: str, keys: Sequence[bytes]
) -> Iterable[tuple[bytes, bytes]]:
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        marks = ",".join("?" * len(some))
        yield from connection.execute(f"{statement} WHERE key IN ({marks})", some)
