"""`calisota doctor`: what works on this machine, what does not, and what mends it."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

import httpx
from rich.table import Table
from rich.text import Text

from calisota.errors import CalisotaError
from calisota.llm import ChatRequest, Message
from calisota.llm.openai_chat import open_chat
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

    import docker

    from calisota.settings import Settings

MIN_FREE_BYTES = 2 * 1024**3


class Check(Frozen):
    """One thing looked at."""

    name: str
    ok: bool
    detail: str
    remedy: str | None = None
    """What to do; None where nothing is to be done."""


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
    yield _try("model", lambda: _model(settings))
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


def as_table(checks: list[Check]) -> Table:
    """The checks and, where one failed, what to do."""
    table = Table("", "check", "result")
    for check in checks:
        mark = Text("✓", style="green") if check.ok else Text("✗", style="red")
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


def _model(settings: Settings) -> str:
    async def ask() -> str:
        async with open_chat(settings) as chat:
            answer = await chat.complete(
                ChatRequest(
                    route=Route.FAST,
                    messages=[Message(role="user", content="Say hello.")],
                    temperature=0,
                    max_tokens=16,
                )
            )
        return f"{settings.llm} answered {answer.usage.completion_tokens} tokens"

    return asyncio.run(ask())


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
