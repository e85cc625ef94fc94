"""The retriever service: model and index resident, on a Unix domain socket of the owner's alone."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

from fastapi import Body, FastAPI, Response
from pydantic import Field

from api import problems
from api.limits import BodyLimit
from calisota.rag.documents import Query
from calisota.rag.served import ANSWERS
from calisota.rag.serving import LiveRetriever, RetrieverHealth
from calisota.settings import Settings
from calisota.settings import settings as from_environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

MAX_QUERIES = 256

Queries = Annotated[list[Query], Field(min_length=1, max_length=MAX_QUERIES), Body()]


def create_app(
    settings: Settings | None = None, *, open_live: Callable[[], LiveRetriever] | None = None
) -> FastAPI:
    """The service's application; the index is opened when it is started, and not before."""
    chosen = settings or from_environment()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        live = await asyncio.to_thread(open_live or (lambda: LiveRetriever.of(chosen)))
        app.state.live = live
        yield
        await asyncio.to_thread(live.close)

    app = FastAPI(title="CALISOTA retriever", lifespan=lifespan, openapi_url=None)
    problems.install(app)
    app.add_middleware(BodyLimit, max_bytes=chosen.max_body_bytes)

    @app.post("/search")
    async def search(queries: Queries) -> Response:
        live: LiveRetriever = app.state.live
        found = await asyncio.wrap_future(live.submit(queries))
        return Response(ANSWERS.dump_json(found), media_type="application/json")

    @app.get("/health")
    async def health() -> RetrieverHealth:
        live: LiveRetriever = app.state.live
        return live.health()

    return app
