"""What changed between two versions of an index."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from calisota.models.base import Frozen
from calisota.rag import layout
from calisota.rag.chunk_store import ChunkStore

if TYPE_CHECKING:
    from pathlib import Path


class VersionsDiff(Frozen):
    """Documents by path."""

    added: list[str]
    removed: list[str]
    changed: list[str]
    """Their chunks differ."""
    chunks_kept: int


def compare(old: Path, new: Path) -> VersionsDiff:
    """What came and went from the version in the folder `old` to the one in `new`."""
    before, after = _chunks_by_path(old), _chunks_by_path(new)
    both = before.keys() & after.keys()
    return VersionsDiff(
        added=sorted(after.keys() - before.keys()),
        removed=sorted(before.keys() - after.keys()),
        changed=sorted(path for path in both if before[path] != after[path]),
        chunks_kept=sum(len(before[path] & after[path]) for path in both),
    )


def _chunks_by_path(folder: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    with closing(ChunkStore(folder / layout.CHUNKS)) as store:
        ids = store.ids()
    for path, chunk_id in ids:
        found.setdefault(path, set()).add(chunk_id)
    return found
