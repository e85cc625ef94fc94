"""A retriever that stays: it follows the alias, answers in batches, and never mixes versions.

One thread answers, and it alone holds the version that serves, so a version changes only between
two batches and is closed when nothing is left that it owes an answer. A second thread watches the
alias and opens what it names.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import OrderedDict
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from calisota.errors import CalisotaError, IndexUnusable, RetrieverBusy
from calisota.models import Frozen, HitSet
from calisota.rag.retriever import Retriever
from calisota.rag.versions import IndexVersions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from calisota.rag.documents import Query
    from calisota.settings import Settings

log = logging.getLogger(__name__)

WATCH_S = 1.0
RETRY_S = 60.0
"""A version that could not be opened is tried again so often; its fault may have been a passing
one, such as too little memory."""
WINDOW_S = 0.003
MAX_BATCH = 32
"""Queries that are embedded together; beyond that a batch only delays its first."""
MAX_WAITING = 512
"""Requests that may wait; one more is told to try again."""
CACHED = 512
"""Answers that are remembered, of the version that serves."""


class OpenVersion(Protocol):
    """One index version: `calisota.rag.Retriever`."""

    @property
    def version(self) -> str:
        """Its name."""
        ...

    def search_many(self, queries: Sequence[Query]) -> list[HitSet]:
        """The hits of each query, in order."""
        ...

    def close(self) -> None:
        """Let go of its files."""
        ...


class RetrieverHealth(Frozen):
    """What serves, and what does not."""

    version: str | None
    """None: no version could be opened yet."""
    fault: str | None
    """Why the version that CURRENT names is not the one that serves."""
    waiting: int
    queries: int
    batches: int
    cached: int
    """Queries answered from memory."""
    swaps: int


class _Job(NamedTuple):
    queries: tuple[Query, ...]
    answer: Future[list[HitSet]]


class LiveRetriever:
    """Answers from the current version, whichever that is; safe to share by threads.

    A new version is opened while the old one serves. One that cannot be opened changes nothing but
    `health()`.
    """

    def __init__(
        self,
        open_current: Callable[[], OpenVersion],
        alias: Path,
        *,
        watch_s: float = WATCH_S,
        window_s: float = WINDOW_S,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._open = open_current
        self._alias = alias
        self._watch_s = watch_s
        self._window_s = window_s
        self._jobs: queue.Queue[_Job | None] = queue.Queue(max_waiting)
        self._submitting = threading.Lock()
        self._closing = threading.Event()
        self._watching = threading.Lock()
        self._next: OpenVersion | None = None
        self._seen: str | None = None
        self._retry_at = 0.0
        self._fault: CalisotaError | None = _OPENING
        self._current: OpenVersion | None = None
        self._version: str | None = None
        self._cache: OrderedDict[Query, HitSet] = OrderedDict()
        self._queries = self._batches = self._cached = self._swaps = 0
        self._look()
        self._swap()
        self._watcher = threading.Thread(target=self._watch, name="retriever-watch", daemon=True)
        self._server = threading.Thread(target=self._serve, name="retriever-serve", daemon=True)
        self._watcher.start()
        self._server.start()

    @classmethod
    def of(cls, settings: Settings) -> LiveRetriever:
        """The index of `settings`, opened now; without one it waits for the first."""
        versions = IndexVersions(settings.indexes / settings.index_corpus)
        opened: list[str] = []

        def open_current() -> Retriever:
            # At the start the last good version is better than none; later, the one that serves.
            find = versions.current if opened else versions.usable
            found = Retriever.open_version(*find())
            opened.append(found.version)
            return found

        return cls(open_current, versions.alias)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, queries: Sequence[Query]) -> Future[list[HitSet]]:
        """The hits of each query, in order, all from one version.

        Raises: RetrieverBusy: too many wait, or it is closed. The future raises IndexUnusable.
        """
        job = _Job(tuple(queries), Future())
        with self._submitting:
            if self._closing.is_set():
                raise _busy("The retriever is ending")
            try:
                self._jobs.put_nowait(job)
            except queue.Full:
                raise _busy(f"{self._jobs.maxsize} requests wait for the retriever") from None
        return job.answer

    def search_many(self, queries: Sequence[Query]) -> list[HitSet]:
        """The hits of each query, in order, all from one version.

        Raises: RetrieverBusy: too many wait, or it is closed. IndexUnusable: there is no version.
        """
        return self.submit(queries).result()

    def health(self) -> RetrieverHealth:
        """What serves now, and why nothing newer does, where that is so."""
        fault = self._fault
        return RetrieverHealth(
            version=self._version,
            fault=str(fault) if fault else None,
            waiting=self._jobs.qsize(),
            queries=self._queries,
            batches=self._batches,
            cached=self._cached,
            swaps=self._swaps,
        )

    def close(self) -> None:
        """Answer what waits, then let go of everything; twice is fine."""
        with self._submitting:
            first = not self._closing.is_set()
            self._closing.set()
        self._watcher.join()  # what it is just opening is closed with the rest
        if first:
            self._jobs.put(None)  # waits for a place, and nobody else may take one
        self._server.join()

    def _watch(self) -> None:
        while not self._closing.wait(self._watch_s):
            self._look()

    def _look(self) -> None:
        """Open what the alias names, where that is news; the serving thread takes it from there."""
        named = self._named()
        due = self._fault is not None and time.monotonic() >= self._retry_at
        if named == self._seen and not due:
            return
        self._seen = named
        with self._watching:
            ahead = self._next or self._current
            if ahead is not None and ahead.version == named:
                self._fault = None
                return
        try:
            opened = self._open()
        except CalisotaError as error:
            self._failed(error)
        except Exception as error:  # noqa: BLE001  # the watch must outlive whatever a file holds
            self._failed(
                IndexUnusable(
                    f"The index {named} cannot be opened: {type(error).__name__}: {error}.",
                    remedy="run `calisota setup` to build it.",
                )
            )
        else:
            with self._watching:
                unserved, self._next = self._next, opened
                self._fault = None
            if unserved is not None:
                unserved.close()

    def _named(self) -> str | None:
        try:
            return self._alias.read_text(errors="replace").strip()
        except OSError:
            return None

    def _failed(self, error: CalisotaError) -> None:
        if str(error) != str(self._fault):
            log.warning("the index %s is not served: %s", self._seen, error)
        self._retry_at = time.monotonic() + RETRY_S
        self._fault = error

    def _serve(self) -> None:
        ended = False
        while not ended:
            try:
                job = self._jobs.get(timeout=self._watch_s)
            except queue.Empty:
                self._swap()
                continue
            jobs, ended = self._gather(job)
            self._swap()
            self._answer(jobs)
        with self._watching:
            left = [one for one in (self._next, self._current) if one is not None]
            self._next = self._current = None
        for one in left:
            one.close()

    def _gather(self, job: _Job | None) -> tuple[list[_Job], bool]:
        """What arrives within the window of the first, and whether it was the last ever."""
        jobs: list[_Job] = []
        until = time.monotonic() + self._window_s
        size = 0
        while job is not None:
            if job.answer.set_running_or_notify_cancel():
                jobs.append(job)
                size += len(job.queries)
            if size >= MAX_BATCH:
                return jobs, False
            try:
                job = self._jobs.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return jobs, False
        return jobs, True

    def _swap(self) -> None:
        with self._watching:
            opened, self._next = self._next, None
            if opened is None:
                return
            old, self._current = self._current, opened
        self._version = opened.version
        self._cache.clear()
        if old is not None:
            self._swaps += 1
            old.close()
            log.info("the index %s serves now", opened.version)

    def _answer(self, jobs: list[_Job]) -> None:
        try:
            found = self._find([query for job in jobs for query in job.queries])
        except Exception as error:  # noqa: BLE001  # the thread must outlive any one query
            if len(jobs) == 1:
                _settle(jobs[0], error)
            else:  # a query that breaks the encoder is the trouble of its sender alone
                for job in jobs:
                    self._answer([job])
        else:
            for job in jobs:
                _settle(job, [found[query] for query in job.queries])

    def _find(self, queries: Sequence[Query]) -> dict[Query, HitSet]:
        """The answer of each query, from memory or from the version that serves."""
        if self._current is None:
            fault = self._fault or _OPENING
            # Each sender gets an error of its own: a raised one carries its way through the stack.
            raise type(fault)(fault.message, remedy=fault.remedy)
        found = {query: self._cache[query] for query in queries if query in self._cache}
        self._cached += len(found)
        new = [query for query in dict.fromkeys(queries) if query not in found]
        for start in range(0, len(new), MAX_BATCH):
            part = new[start : start + MAX_BATCH]
            self._batches += 1
            found.update(zip(part, self._current.search_many(part), strict=True))
        self._queries += len(queries)
        self._cache.update(found)
        for query in found:
            self._cache.move_to_end(query)
        while len(self._cache) > CACHED:
            self._cache.popitem(last=False)
        return found


def _settle(job: _Job, outcome: list[HitSet] | Exception) -> None:
    if isinstance(outcome, Exception):
        job.answer.set_exception(outcome)
    else:
        job.answer.set_result(outcome)


def _busy(why: str) -> RetrieverBusy:
    return RetrieverBusy(f"{why}.", remedy="try again in a moment.", retry_after_s=1)


_OPENING = _busy("The index is being opened")
