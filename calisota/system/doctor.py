"""`calisota doctor`: what works on this machine, what does not, and what mends it."""

from __future__ import annotations

import asyncio
import shutil
import time
from typing import TYPE_CHECKING

import httpx
from rich.table import Table
from rich.text import Text

from calisota.errors import CalisotaError, ModelRejected, ModelUnavailable
from calisota.llm import ChatRequest, Message
from calisota.llm.breaker_file import BreakerFile
from calisota.llm.endpoints import fallback_endpoint, first_endpoint
from calisota.llm.openai_chat import open_one
from calisota.models import Frozen, Language, Route
from calisota.rag import Retriever
from calisota.sandbox.engine import connect
from calisota.sandbox.images import require_image
from calisota.sandbox.selftest import try_engine
from calisota.system.health import waiting_for
from calisota.system.state import read_state
from calisota.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    import docker

    from calisota.llm import ChatModel
    from calisota.llm.endpoint import Endpoint
    from calisota.settings import Settings

MIN_FREE_BYTES = 2 * 1024**3


class Check(Frozen):
    """One thing looked at."""

    name: str
    ok: bool
    detail: str
    remedy: str | None = None
    """What to do; None where nothing is to be done."""
    degraded: bool = False
    """It is not well, but a Solve can do without: the system is ready."""


def examine(
    settings: Settings, on_check: Callable[[Check], None], *, sandbox_only: bool = False
) -> list[Check]:
    """Every check, told to `on_check` as soon as it is known; or only those of the sandbox."""
    checks = []
    for check in _sandbox_checks(settings) if sandbox_only else _all_checks(settings):
        checks.append(check)
        on_check(check)
    return checks


def _all_checks(settings: Settings) -> Iterator[Check]:
    yield _disk(settings)
    yield from _sandbox_checks(settings)
    yield _try("retrieval index", lambda: _index(settings))
    yield from models(settings)
    yield _system(settings)


def _sandbox_checks(settings: Settings) -> Iterator[Check]:
    try:
        client = connect(settings)
    except CalisotaError as error:
        yield _bad("Docker Engine", error)
    else:
        try:
            yield from _engine_checks(settings, client)
        finally:
            client.close()


def mark_of(check: Check) -> tuple[str, str]:
    """A sign for what was found, and its colour."""
    if check.ok:
        return "✓", "green"
    return ("!", "yellow") if check.degraded else ("✗", "red")


def as_table(checks: list[Check]) -> Table:
    """The checks and, where one failed, what to do."""
    table = Table("", "check", "result")
    for check in checks:
        sign, style = mark_of(check)
        mark = Text(sign, style=style)
        remedy = f"\nremedy: {check.remedy}" if check.remedy else ""
        table.add_row(mark, Text(check.name), Text(printable(check.detail + remedy)))
    return table


def _disk(settings: Settings) -> Check:
    there = settings.home if settings.home.exists() else settings.home.parent
    free = shutil.disk_usage(there).free
    return Check(
        name="disk",
        ok=free >= MIN_FREE_BYTES,
        detail=f"{free / 1e9:.1f} GB free at {settings.home}",
        remedy="free some space, or set CALISOTA_HOME to a larger disk."
        if free < MIN_FREE_BYTES
        else None,
    )


def _engine_checks(settings: Settings, client: docker.APIClient) -> Iterator[Check]:
    version = client.version()
    yield Check(name="Docker Engine", ok=True, detail=f"version {version['Version']}")
    for language in Language:
        yield _try(f"image {language}", lambda one=language: require_image(client, one, settings))  # type: ignore[misc]
    try:
        limits = try_engine(client, settings)
    except CalisotaError as error:
        yield _bad("limits", error)
        return
    for one in limits:
        yield Check(
            name=f"limit: {one.name}",
            ok=one.held,
            detail=one.detail,
            remedy=None if one.held else one.remedy,
        )


def _index(settings: Settings) -> str:
    found = Retriever.open(settings).search("merge sorted inputs", k=1)
    return f"version {found.index}, best hit {found.hits[0].path if found.hits else 'none'}"


def models(settings: Settings) -> list[Check]:
    """The first endpoint and the one that stands in for it, each asked alone.

    While one of the two answers the other's outage is `degraded`. A key or name that the first
    refuses is not: such a call is never passed on. Nor are settings that no client accepts.
    """
    first = _endpoint("model", settings, lambda: first_endpoint(settings))
    second = _endpoint("fallback model", settings, lambda: fallback_endpoint(settings))
    stands_in = second.ok and settings.llm_fallback_base_url is not None
    if first.degraded and stands_in:
        detail = f"{first.detail} Degraded: the fallback answers meanwhile."
        return [first.model_copy(update={"detail": detail}), second]
    second = second.model_copy(update={"degraded": second.degraded and first.ok})
    return [first.model_copy(update={"degraded": False}), second]


def _endpoint(
    name: str,
    settings: Settings,
    configured: Callable[[], tuple[Endpoint, dict[Route, str]] | None],
) -> Check:
    """What one endpoint answers; `degraded` where the other one may stand in for it."""
    try:
        found = configured()
        if found is None:
            none = "none is configured (CALISOTA_LLM_FALLBACK_BASE_URL)"
            return Check(name=name, ok=True, detail=none)
        endpoint, models = found
        chat = open_one(settings, endpoint, models)
    except CalisotaError as error:  # then no client of ours opens, with either endpoint
        return _bad(name, error)
    told = BreakerFile(settings.breakers).get(endpoint.shown).told(time.time())
    try:
        tokens = asyncio.run(_tokens_of(chat))
    except (ModelUnavailable, ModelRejected) as error:
        bearable = isinstance(error, ModelUnavailable) or endpoint.settings != "CALISOTA_LLM"
        return _bad(name, error).model_copy(update={"degraded": bearable})
    before = "" if told is None else f"; before that, {told}"
    return Check(name=name, ok=True, detail=f"{endpoint.shown} answered {tokens} tokens{before}")


async def _tokens_of(opened: AbstractAsyncContextManager[ChatModel]) -> int:
    """How long an answer was."""
    async with opened as chat:
        answer = await chat.complete(
            ChatRequest(
                route=Route.FAST,
                messages=[Message(role="user", content="Say hello.")],
                temperature=0,
                max_tokens=16,
            )
        )
    return answer.usage.completion_tokens


def _system(settings: Settings) -> Check:
    state = read_state(settings)
    if state is None:
        return Check(
            name="system", ok=False, detail="nothing runs", remedy="start it with `calisota up`."
        )
    with httpx.Client(timeout=10) as http:
        missing = waiting_for(settings, http)
    return Check(
        name="system",
        ok=not missing,
        detail=f"not ready: {', '.join(missing)}" if missing else f"ready, pid {state.pid}",
        remedy=f"read the logs in {settings.logs}." if missing else None,
    )


def _try(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name=name, ok=True, detail=look())
    except CalisotaError as error:
        return _bad(name, error)


def _bad(name: str, error: CalisotaError) -> Check:
    return Check(name=name, ok=False, detail=error.message, remedy=error.remedy)
