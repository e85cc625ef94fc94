"""Programs in the sandbox for clients of the API: as many at once as there are places, and fair."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from api.problems import ClientGone
from calisota.errors import CalisotaError, EngineUnavailable, SandboxBusy
from calisota.models import ExecutionResult
from calisota.sandbox.executions import admit, run_execution
from calisota.sandbox.slots import places

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from calisota.models import ExecutionRequest
    from calisota.sandbox.executions import RunsPlans
    from calisota.settings import Settings

POLL_S = 0.2
PREFIX = "exec_"
"""Of every label of a container that a client of the API waits for."""

T = TypeVar("T")
Answer = ExecutionResult | CalisotaError


class Executions:
    """Runs requests in threads of its own.

    Waiting is first come, first served over all requests; a batch stands in the line with as many
    items as there are places, so a single request never waits for the whole of it.
    """

    def __init__(self, settings: Settings, open_sandbox: Callable[[], RunsPlans]) -> None:
        self._settings = settings
        self._open = open_sandbox
        self._opening = threading.Lock()
        self._sandbox: RunsPlans | None = None
        self._width = places(settings)
        self._place = asyncio.Semaphore(self._width)
        self._threads = ThreadPoolExecutor(self._width, thread_name_prefix="sandbox")

    def close(self) -> None:
        """Let the threads end, which are not waited for, and the containers that wait."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._sandbox is not None:
            self._sandbox.close()

    async def run(
        self, request: ExecutionRequest, *, gone: Callable[[], Awaitable[bool]]
    ) -> ExecutionResult:
        """What came of `request`; `gone` tells whether its client has hung up.

        Raises: InputError. SandboxBusy: no place became free in time. EngineUnavailable.
            ImageMissing. ClientGone: its container is removed.
        """
        admitted = admit(request, self._settings)
        until = time.monotonic() + self._settings.api_execution_wall_s
        return await _while_wanted(self._run(admitted, wait_until=until), gone)

    async def run_batch(
        self,
        requests: Sequence[ExecutionRequest | CalisotaError],
        *,
        gone: Callable[[], Awaitable[bool]],
    ) -> list[Answer]:
        """What came of each request, or the error that kept it from running, in order.

        An error in the place of a request is handed through.
        Raises: EngineUnavailable: no item could run for it. ClientGone: nothing runs any more.
        """
        until = time.monotonic() + self._settings.api_batch_wall_s
        line = asyncio.Semaphore(self._width)

        async def one(request: ExecutionRequest | CalisotaError) -> Answer:
            if isinstance(request, CalisotaError):
                return request
            async with line:
                try:
                    return await self._run(admit(request, self._settings), wait_until=until)
                except CalisotaError as error:
                    return error

        answers = await _while_wanted(_all([one(request) for request in requests]), gone)
        downs = [answer for answer in answers if isinstance(answer, EngineUnavailable)]
        if downs and not any(isinstance(answer, ExecutionResult) for answer in answers):
            raise downs[0]
        return answers

    async def _run(self, request: ExecutionRequest, *, wait_until: float) -> ExecutionResult:
        """Cancel it, and its container is gone when it has ended."""
        try:
            async with asyncio.timeout(wait_until - time.monotonic()):
                await self._place.acquire()
        except TimeoutError:
            raise _busy() from None
        try:
            return await self._in_thread(request, wait_until)
        finally:
            self._place.release()

    async def _in_thread(self, request: ExecutionRequest, wait_until: float) -> ExecutionResult:
        execution_id = f"{PREFIX}{secrets.token_hex(16)}"
        unwanted = threading.Event()

        def patience() -> None:
            if unwanted.is_set() or time.monotonic() > wait_until:
                raise _busy()

        work = asyncio.get_running_loop().run_in_executor(
            self._threads, partial(self._work, request, execution_id, patience)
        )
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            unwanted.set()
            await self._make_an_end(work, execution_id)
            raise

    def _work(
        self, request: ExecutionRequest, execution_id: str, patience: Callable[[], None]
    ) -> ExecutionResult:
        patience()
        return run_execution(
            request,
            self._opened(),
            execution_id=execution_id,
            settings=self._settings,
            wall_s=self._settings.api_execution_wall_s,
            while_waiting=patience,
        )

    def _opened(self) -> RunsPlans:
        with self._opening:
            if self._sandbox is None:
                self._sandbox = self._open()
            return self._sandbox

    async def _make_an_end(self, work: asyncio.Future[ExecutionResult], execution_id: str) -> None:
        """Remove the container until its thread ends: it may just be about to start one."""
        while not work.done():
            if self._sandbox is not None:
                with suppress(CalisotaError):
                    await asyncio.to_thread(self._sandbox.remove, execution_id)
            await asyncio.wait([work], timeout=POLL_S)
        with suppress(CalisotaError):
            work.result()  # what became of it interests nobody


async def _all(works: Sequence[Coroutine[None, None, T]]) -> list[T]:
    """Each result, in order. Cancelled, it ends when all of them have ended."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in works]
    return [task.result() for task in tasks]


async def _while_wanted(work: Coroutine[None, None, T], gone: Callable[[], Awaitable[bool]]) -> T:
    """The result of `work`; cancelled and at an end where its client went away.

    Raises: ClientGone.
    """
    task = asyncio.create_task(work)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=POLL_S)
            if not task.done() and await gone():
                raise ClientGone
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
    return task.result()


def _busy() -> SandboxBusy:
    return SandboxBusy(
        "Every place of the sandbox was taken for too long.",
        remedy="send it again later; CALISOTA_SANDBOX_CONCURRENCY says how many places there are.",
    )
