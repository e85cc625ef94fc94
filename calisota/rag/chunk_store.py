"""The chunks of one index version in SQLite; a chunk's row is its vector's position."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from calisota.rag.documents import Chunk

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from calisota.rag.documents import Query

_TABLE = """
CREATE TABLE chunks (
    row INTEGER PRIMARY KEY, id TEXT NOT NULL, language TEXT NOT NULL, label TEXT NOT NULL,
    path TEXT NOT NULL, chunk TEXT NOT NULL
) STRICT
"""
_FILTERS_KEPT = 32


def write_chunks(path: Path, chunks: Iterable[Chunk]) -> None:
    """Write `chunks` as rows 0, 1, ... of a new file."""
    with closing(sqlite3.connect(path)) as connection, connection:
        # The file has its name only when it is whole.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute(_TABLE)
        connection.executemany(
            "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?)",
            (
                (row, chunk.id, chunk.language, chunk.label, chunk.path, chunk.model_dump_json())
                for row, chunk in enumerate(chunks)
            ),
        )


class ChunkStore:
    """Reads the chunks of a published version, which never changes; safe to share by threads."""

    def __init__(self, path: Path) -> None:
        # Nobody writes this file again, so SQLite need neither lock it nor look for a journal. It
        # stays open: retention may remove the version while it is read.
        uri = f"{path.as_uri()}?mode=ro&immutable=1"
        self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        self._reading = Lock()
        self._allowed = lru_cache(_FILTERS_KEPT)(self._read_allowed)

    def allowed(self, query: Query) -> NDArray[np.bool_] | None:
        """Which rows the query's filters leave, (n,); None: all. Not to be changed."""
        labels = None if query.labels is None else tuple(sorted(set(query.labels)))
        if query.language is None and query.path is None and labels is None:
            return None
        return self._allowed(query.language, query.path, labels)

    def _read_allowed(
        self, language: str | None, path: str | None, labels: tuple[str, ...] | None
    ) -> NDArray[np.bool_]:
        wanted: list[tuple[str, list[str]]] = []
        if language is not None:
            wanted.append(("language = ?", [language]))
        if path is not None:
            wanted.append(("substr(path, 1, length(?)) = ?", [path, path]))
        if labels is not None:
            marks = ", ".join("?" * len(labels))
            wanted.append((f"label IN ({marks})", list(labels)))
        where = " AND ".join(clause for clause, _ in wanted)
        values = [value for _, some in wanted for value in some]
        with self._reading:
            (count,) = self._connection.execute("SELECT count(*) FROM chunks").fetchone()
            rows = self._connection.execute(f"SELECT row FROM chunks WHERE {where}", values)  # noqa: S608  # clauses of ours
            allowed = np.zeros(count, dtype=np.bool_)
            allowed[np.fromiter((row for (row,) in rows), dtype=np.int64)] = True
        return allowed

    def get(self, rows: Sequence[int]) -> list[Chunk]:
        """The chunks at `rows`, in that order."""
        statement = "SELECT chunk FROM chunks WHERE row = ?"
        with self._reading:
            found = [self._connection.execute(statement, (row,)).fetchone()[0] for row in rows]
        return [Chunk.model_validate_json(data) for data in found]

    def ids(self) -> list[tuple[str, str]]:
        """Path and id of every chunk, by row."""
        with self._reading:
            return self._connection.execute("SELECT path, id FROM chunks ORDER BY row").fetchall()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
