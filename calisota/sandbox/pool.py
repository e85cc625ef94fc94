"""Containers that wait, started, for one candidate each: a start is most of a short wait."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple, Self

from calisota.errors import CalisotaError
from calisota.models import Frozen
from calisota.sandbox.cells import BUILD_WALL_S
from calisota.sandbox.container import (
    EXPIRES_LABEL,
    HOME_LABEL,
    POOL_LABEL,
    SOLVE_LABEL,
    START_GRACE_S,
    Container,
    ContainerLimits,
    SandboxFault,
    home_label,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    import docker

    from calisota.settings import Settings

POOL_SOLVE_ID = "pool"
MAX_WORK_S = 900
"""Longest wall time of a candidate that a waiting container is given to."""
RUNNER_GRACE_S = 60
"""How much later than we let a container go its runner ends by itself, should we be gone."""
REPLENISH_DELAY_S = 0.1
"""A start costs the two or three CPUs of a small machine; the request just served goes first."""
CLOSE_S = 30


class Kind(Frozen):
    """What a waiting container must agree on with a candidate; memory can be changed later."""

    image: str
    tmpfs_bytes: int
    exec_needed: bool
    runtime: str | None


class _Waiting(NamedTuple):
    container: Container
    until: float
    """When it is let go, on the monotonic clock."""


class WarmPool:
    """Waiting containers of a long-lived process, at most `settings.sandbox_pool` per image.

    The first candidate of a kind starts cold and has the pool keep one waiting from then on, until
    none came for `settings.sandbox_pool_idle_s`. A container serves one candidate and is removed.
    `take` never blocks: one thread of the pool starts and removes containers. Use it as a context
    manager, or call `close`. Several threads may share it; in a forked child it gives nothing.
    Not covered: memory. A waiting container holds about 10 MB, whatever its limit.
    """

    def __init__(self, client: docker.APIClient, settings: Settings) -> None:
        self._client = client
        self._size = settings.sandbox_pool
        self._idle_s = settings.sandbox_pool_idle_s
        self._home = home_label(settings.home)
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._waiting: dict[Kind, deque[_Waiting]] = {}
        self._wanted: dict[Kind, tuple[ContainerLimits, float]] = {}
        """What to start next, and when."""
        self._discarded: list[Container] = []
        self._closed = False
        self._keeper: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def take(self, image: str, limits: ContainerLimits, *, wall_s: float) -> Container | None:
        """A started container, now the caller's alone, or None where none waits.

        Its memory limit may differ from that of `limits`.
        """
        if self._size == 0 or os.getpid() != self._pid or wall_s > MAX_WORK_S:
            return None
        kind = Kind(
            image=image,
            tmpfs_bytes=limits.tmpfs_bytes,
            exec_needed=limits.exec_needed,
            runtime=limits.runtime,
        )
        now = time.monotonic()
        with self._changed:
            if self._closed:
                return None
            found = self._alive(kind, now)
            self._wanted[kind] = (limits, now + REPLENISH_DELAY_S)
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep, name="sandbox-pool", daemon=True)
                self._keeper.start()
            self._changed.notify()
        return found

    @contextmanager
    def lent(self, container: Container) -> Iterator[Container]:
        """The container that was taken; it is removed, but not waited for, when the block ends."""
        try:
            yield container
        finally:
            with self._changed:
                self._discarded.append(container)
                self._changed.notify()
                left_alone = self._closed
            if left_alone:
                container.remove()

    def _alive(self, kind: Kind, now: float) -> Container | None:
        waiting = self._waiting.get(kind, deque())
        while waiting:
            one = waiting.popleft()
            if now < one.until and one.container.waits():
                return one.container
            self._discarded.append(one.container)
        return None

    def close(self) -> None:
        """Remove every container that waits, and start no more. Idempotent."""
        if os.getpid() != self._pid:
            return
        with self._changed:
            self._closed = True
            self._changed.notify()
            keeper = self._keeper
        if keeper is not None and keeper is not threading.current_thread():
            keeper.join(CLOSE_S)

    def _keep(self) -> None:
        """The keeper's thread: starts what is wanted, removes what is not."""
        while True:
            with self._changed:
                while not (self._closed or self._due(time.monotonic())):
                    self._changed.wait(self._next_look_s(time.monotonic()))
                if self._closed:
                    self._discard_all()
                discarded, self._discarded = self._discarded, []
                start = None if self._closed else self._next_start(time.monotonic())
                closed = self._closed
            for container in discarded:
                container.remove()
            if closed:
                return
            if start is not None:
                self._start(*start)

    def _due(self, now: float) -> bool:
        """Whether there is something to do; sorts out what has waited long enough."""
        for waiting in self._waiting.values():
            while waiting and waiting[0].until <= now:
                self._discarded.append(waiting.popleft().container)
        self._waiting = {kind: waiting for kind, waiting in self._waiting.items() if waiting}
        return bool(self._discarded) or any(at <= now for _, at in self._wanted.values())

    def _next_look_s(self, now: float) -> float | None:
        times = [waiting[0].until for waiting in self._waiting.values()]
        times += [at for _, at in self._wanted.values()]
        return max(min(times) - now, 0) if times else None

    def _discard_all(self) -> None:
        for waiting in self._waiting.values():
            self._discarded += [one.container for one in waiting]
        self._waiting.clear()

    def _next_start(self, now: float) -> tuple[Kind, ContainerLimits] | None:
        """What to start; a kind that has its number is no longer wanted.

        An image's older kinds make room, so that limits which vary do not multiply containers.
        """
        for kind, (limits, at) in sorted(self._wanted.items(), key=lambda item: item[1][1]):
            if at > now:
                continue
            waiting = self._waiting.get(kind, ())
            if len(waiting) >= self._size:
                del self._wanted[kind]
                continue
            others = [
                queue
                for other, queue in self._waiting.items()
                if other != kind and other.image == kind.image and queue
            ]
            if len(waiting) + sum(map(len, others)) >= self._size:
                oldest = min(others, key=lambda queue: queue[0].until)
                self._discarded.append(oldest.popleft().container)
            return kind, limits
        return None

    def _start(self, kind: Kind, limits: ContainerLimits) -> None:
        """Start one; an Engine that refuses is not asked again until the next candidate comes."""
        until = time.monotonic() + self._idle_s
        runner_s = self._idle_s + RUNNER_GRACE_S
        expires = time.time() + runner_s + MAX_WORK_S + BUILD_WALL_S + START_GRACE_S
        container = Container(
            self._client,
            image=kind.image,
            limits=limits,
            labels={
                HOME_LABEL: self._home,
                SOLVE_LABEL: POOL_SOLVE_ID,
                POOL_LABEL: str(self._pid),
                EXPIRES_LABEL: str(int(expires)),
            },
            idle_s=runner_s,
        )
        started = False
        with suppress(CalisotaError, SandboxFault):
            container.start()
            started = True
        with self._changed:
            if started:
                self._waiting.setdefault(kind, deque()).append(_Waiting(container, until))
            else:
                self._wanted.pop(kind, None)
