"""Where memories lie: a table beside the ledger, shared by every process of the installation."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Float, Index, LargeBinary, MetaData, String, Table

from calisota.database import faults_named, open_database
from calisota.errors import TransientError
from calisota.memory.memories import REMEMBERED, Memory, Recalled
from calisota.models import Language, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection, Engine

metadata = MetaData()

memories = Table(
    "memories",
    metadata,
    Column("solve", String, primary_key=True),
    Column("owner", String, nullable=False),
    Column("language", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("statement", String, nullable=False),
    Column("program", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("encoder", String, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    Column("made", Float, nullable=False),
    Column("used", Float, nullable=False),
    Column("uses", BigInteger, nullable=False),
)
Index("memories_by_owner", memories.c.owner, memories.c.language, memories.c.used)

MOST_COMPARED = 2000
"""Of an owner and a language, those used last are compared: 3 MB and milliseconds."""
_TIDIED = ("solve", "owner", "digest", "verdict", "made", "used")
KEPT_EACH = 1000
"""Of an owner; the housekeeping lets the rest go, least recently used first."""


class MemoryUnavailable(TransientError):
    """The database does not answer."""

    code = "memory_unavailable"


class MemoryStore:
    """Memories of one database; safe to share by threads. Opens at the first use."""

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _engine(self) -> Engine:
        return open_database(self._url, metadata)

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        with faults_named("memory", MemoryUnavailable), self._engine.begin() as connection:
            yield connection

    def remember(self, memory: Memory, *, encoder: str, vector: Sequence[float]) -> None:
        """Keep it; a Solve that is reported again takes its own place.

        `vector`: the unit embedding of the statement by `encoder`. Raises: MemoryUnavailable.
        """
        import numpy as np  # noqa: PLC0415  # with the extra that embeds

        now = time.time()
        row = {
            "owner": memory.owner,
            "language": memory.language.value,
            "digest": memory.digest,
            "statement": memory.statement,
            "program": memory.program,
            "verdict": memory.verdict.value,
            "encoder": encoder,
            "vector": np.asarray(vector, dtype=np.float16).tobytes(),
            "used": now,
        }
        with self._begun() as connection:
            known = connection.execute(
                sa.update(memories).where(memories.c.solve == memory.solve_id).values(**row)
            )
            if known.rowcount == 0:
                new = {**row, "solve": memory.solve_id, "made": now, "uses": 0}
                connection.execute(sa.insert(memories).values(**new))

    def recall(
        self,
        *,
        owner: str,
        language: Language,
        encoder: str,
        vector: Sequence[float],
        least: float,
    ) -> Recalled | None:
        """The owner's nearest memory in this language, if it is so near; it counts as used.

        Only what the same `encoder` embedded is compared. Raises: MemoryUnavailable.
        """
        import numpy as np  # noqa: PLC0415  # with the extra that embeds

        wanted = (
            sa.select(memories)
            .where(
                memories.c.owner == owner,
                memories.c.language == language.value,
                memories.c.encoder == encoder,
            )
            .order_by(memories.c.used.desc())
            .limit(MOST_COMPARED)
        )
        asked = np.asarray(vector, dtype=np.float32)
        with self._begun() as connection:
            rows = [
                row for row in connection.execute(wanted).all() if len(row.vector) == 2 * len(asked)
            ]
            if not rows:
                return None
            known = np.stack([np.frombuffer(row.vector, dtype=np.float16) for row in rows])
            near = known.astype(np.float32) @ asked
            best = int(near.argmax())
            if near[best] < least:
                return None
            row = rows[best]
            connection.execute(
                sa.update(memories)
                .where(memories.c.solve == row.solve)
                .values(used=time.time(), uses=memories.c.uses + 1)
            )
        return Recalled(memory=_memory(row), similarity=round(float(near[best]), 4))

    def owned(self, owner: str | None = None) -> list[Memory]:
        """All of `owner`, None: of everybody; last used first. Raises: MemoryUnavailable."""
        wanted = sa.select(memories).order_by(memories.c.used.desc())
        if owner is not None:
            wanted = wanted.where(memories.c.owner == owner)
        with self._begun() as connection:
            return [_memory(row) for row in connection.execute(wanted).all()]

    def wipe(self, owner: str | None) -> int:
        """Forget all of `owner`, None: of everybody; how many. Raises: MemoryUnavailable."""
        gone = sa.delete(memories)
        if owner is not None:
            gone = gone.where(memories.c.owner == owner)
        with self._begun() as connection:
            return connection.execute(gone).rowcount

    def tidy(self, *, unused_since: float | None) -> dict[str, int]:
        """Consolidate and forget; how many of each.

        `repeated`: of one owner's same Problem the best verdict is kept, of equal ones the newest.
        `aged`: not used since that time. `crowded`: beyond 1,000 of an owner, least used last.
        Raises: MemoryUnavailable.
        """
        with self._begun() as connection:
            columns = [memories.c[name] for name in _TIDIED]
            found = connection.execute(sa.select(*columns)).all()
            aged = {r.solve for r in found if unused_since is not None and r.used < unused_since}
            left = [row for row in found if row.solve not in aged]
            best: dict[tuple[str, str], sa.Row[tuple[object, ...]]] = {}
            for row in sorted(left, key=lambda r: (-_rank(r.verdict), r.made)):
                best[row.owner, row.digest] = row
            kept = {row.solve for row in best.values()}
            repeated = {row.solve for row in left} - kept
            places: dict[str, int] = {}
            crowded = set()
            for row in sorted(best.values(), key=lambda r: -r.used):
                places[row.owner] = places.get(row.owner, 0) + 1
                if places[row.owner] > KEPT_EACH:
                    crowded.add(row.solve)
            for solve in aged | repeated | crowded:
                connection.execute(sa.delete(memories).where(memories.c.solve == solve))
        return {"aged": len(aged), "repeated": len(repeated), "crowded": len(crowded)}

    def close(self) -> None:
        """Let go of the connections; twice is fine."""
        if "_engine" in self.__dict__:
            self._engine.dispose()


@contextmanager
def open_memory(url: str) -> Iterator[MemoryStore]:
    """The memory, let go of at the end."""
    store = MemoryStore(url)
    try:
        yield store
    finally:
        store.close()


def _rank(verdict: str) -> int:
    """0: the best."""
    return [one.value for one in REMEMBERED].index(verdict)


def _memory(row: sa.Row[tuple[object, ...]]) -> Memory:
    return Memory(
        solve_id=row.solve,
        owner=row.owner,
        language=Language(row.language),
        digest=row.digest,
        statement=row.statement,
        program=row.program,
        verdict=Verdict(row.verdict),
    )
