"""Search through the warm service where it answers, in this process where it does not."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol, Self

from calisota.errors import TransientError
from calisota.rag.documents import Query
from calisota.rag.retriever import Retriever

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from calisota.models import HitSet
    from calisota.rag.served import ServedRetriever
    from calisota.settings import Settings

ABSENT_S = 5.0
"""For so long a service that did not answer is not asked again."""


class ServiceAbsent(TransientError):
    """No retriever service answers here."""

    code = "retriever_absent"


class Searcher(Protocol):
    """What answers queries: a `Retriever`, a `LiveRetriever`, a `ServedRetriever`."""

    def search_many(self, queries: Sequence[Query]) -> list[HitSet]:
        """The hits of each query, in order, all from one version."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class EitherRetriever:
    """The service where it answers; else what `open_local` opens, once; safe to share by threads.

    Every answer comes from one of the two, so from one version.
    """

    def __init__(self, socket: Path | None, open_local: Callable[[], Searcher]) -> None:
        self._socket = socket
        self._served: ServedRetriever | None = None
        self._open_local = open_local
        self._local: Searcher | None = None
        self._opening = threading.Lock()
        self._ask_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def search_many(self, queries: Sequence[Query]) -> list[HitSet]:
        """The hits of each query, in order, all from one version.

        Raises: IndexUnusable: there is no index. RetrieverBusy: try again.
        """
        if (served := self._service()) is not None:
            try:
                return served.search_many(queries)
            except ServiceAbsent:
                self._ask_at = time.monotonic() + ABSENT_S
        return self._opened().search_many(queries)

    def search(
        self, query: str, *, k: int, language: str | None = None, with_vector: bool = False
    ) -> HitSet:
        """At most `k` hits, best first; only of `language`, if given.

        Raises: IndexUnusable: there is no index. RetrieverBusy: try again.
        """
        readable = query.encode("utf-8", "replace").decode()  # a lone surrogate is no character
        asked = Query(text=readable, k=k, language=language, with_vector=with_vector)
        return self.search_many([asked])[0]

    def close(self) -> None:
        """Let go of both; twice is fine."""
        with self._opening:
            held, self._served, self._local = (self._served, self._local), None, None
        for one in held:
            if one is not None:
                one.close()

    def _service(self) -> ServedRetriever | None:
        """The client of a service that may answer; httpx is loaded where there is a socket."""
        if self._socket is None or time.monotonic() < self._ask_at or not _is_there(self._socket):
            return None
        with self._opening:
            if self._served is None:
                from calisota.rag.served import ServedRetriever  # noqa: PLC0415

                self._served = ServedRetriever(self._socket)
            return self._served

    def _opened(self) -> Searcher:
        with self._opening:
            if self._local is None:
                self._local = self._open_local()
            return self._local


def open_retriever(
    settings: Settings, open_local: Callable[[], Searcher] | None = None
) -> EitherRetriever:
    """The service of this data home, else the current version in this process.

    Opens nothing before the first query.
    """
    return EitherRetriever(
        settings.retriever_socket, open_local or (lambda: Retriever.open(settings))
    )


def _is_there(socket: Path) -> bool:
    try:
        return socket.is_socket()
    except PermissionError:  # a service of somebody else's
        return False
