"""Search for clients of the API, and the index versions there are."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from api.schemas import IndexSummary, IndexVersion, IndexVersions, SearchResult
from calisota.rag.client import open_retriever
from calisota.rag.serving import LiveRetriever
from calisota.rag.versions import IndexVersions as Versions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from calisota.rag.client import Searcher
    from calisota.rag.documents import Query
    from calisota.settings import Settings

_CORPUS = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")


class Searches:
    """Asks the retriever service; where none answers, this process opens the index and keeps it."""

    def __init__(
        self, settings: Settings, open_local: Callable[[], Searcher] | None = None
    ) -> None:
        self._retriever = open_retriever(
            settings, open_local or (lambda: LiveRetriever.of(settings))
        )

    async def find(self, query: Query) -> SearchResult:
        """The hits of `query`. Raises: IndexUnusable. RetrieverBusy."""
        found = (await asyncio.to_thread(self._retriever.search_many, [query]))[0]
        return SearchResult(index=found.index, hits=found.hits)

    def close(self) -> None:
        """Let go of service and index."""
        self._retriever.close()


def summaries(indexes: Path) -> list[IndexSummary]:
    """Every index under the folder, by name."""
    if not indexes.is_dir():
        return []
    names = sorted(path.name for path in indexes.iterdir() if path.is_dir())
    found = [index_of(indexes, name) for name in names]
    return [
        IndexSummary(corpus=one.corpus, serves=one.serves, versions=one.versions)
        for one in found
        if one is not None
    ]


def index_of(indexes: Path, corpus: str) -> IndexVersions | None:
    """The versions of one index; None: there is none of this name."""
    folder = indexes / corpus
    if not _CORPUS.match(corpus) or not folder.is_dir():
        return None
    stored = Versions(folder)
    serves = stored.alias_text()
    readable = {one.version: one for one in stored.manifests()}
    details = [
        IndexVersion(version=name, serves=name == serves, manifest=readable.get(name))
        for name in reversed(stored.names())
    ]
    return IndexVersions(corpus=corpus, serves=serves, versions=len(details), details=details)
