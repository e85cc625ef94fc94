"""The chunks of one index version in SQLite; a chunk's row is its vector's position."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from calisota.rag.chunker import Chunk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TABLE = """
CREATE TABLE chunks (
    row INTEGER PRIMARY KEY, language TEXT NOT NULL, id TEXT NOT NULL UNIQUE, chunk TEXT NOT NULL
) STRICT
"""


def write_chunks(path: Path, chunks: Sequence[Chunk]) -> None:
    """Write `chunks` as rows 0, 1, ... of a new file."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(_TABLE)
        connection.executemany(
            "INSERT INTO chunks VALUES (?, ?, ?, ?)",
            (
                (row, chunk.language, chunk.id, chunk.model_dump_json())
                for row, chunk in enumerate(chunks)
            ),
        )


class ChunkStore:
    """Reads the chunks of a published version, which never changes; safe to share by threads."""

    def __init__(self, path: Path) -> None:
        # Nobody writes this file again, so SQLite need neither lock it nor look for a journal.
        self._uri = f"{path.as_uri()}?mode=ro&immutable=1"

    def rows(self, language: str) -> list[int]:
        """The rows of all chunks in this language."""
        with closing(sqlite3.connect(self._uri, uri=True)) as connection:
            found = connection.execute("SELECT row FROM chunks WHERE language = ?", (language,))
            return [row for (row,) in found]

    def get(self, rows: Sequence[int]) -> list[Chunk]:
        """The chunks at `rows`, in that order."""
        with closing(sqlite3.connect(self._uri, uri=True)) as connection:
            return [
                Chunk.model_validate_json(
                    connection.execute("SELECT chunk FROM chunks WHERE row = ?", (row,)).fetchone()[
                        0
                    ]
                )
                for row in rows
            ]
