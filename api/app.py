"""The composition root of the REST API."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

import httpx
from fastapi_offline import FastAPIOffline

from api import openapi, problems
from api.airflow_client import AirflowClient
from api.auth import KeyRing
from api.deps import Services
from api.executions import Executions
from api.limits import BodyLimit
from api.metrics import Measured, Metrics
from api.routes import executions, health, memories, search, solves, usage
from api.search import Searches
from calisota.artifacts import ArtifactStore
from calisota.sandbox.engine import DockerSandbox, connect
from calisota.sandbox.pool import WarmPool
from calisota.settings import Settings
from calisota.settings import settings as from_environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fastapi import FastAPI

    from calisota.rag.client import Searcher
    from calisota.sandbox.executions import RunsPlans

AIRFLOW_USER = "admin"
TIMEOUT_S = 15


def create_app(
    settings: Settings | None = None,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    open_sandbox: Callable[[], RunsPlans] | None = None,
    open_index: Callable[[], Searcher] | None = None,
) -> FastAPI:
    """The application; it opens its connections when it is started, and not before.

    For tests, `transport`: what carries requests to Airflow and the model; `open_sandbox`: what
    runs programs, opened when the first is to run; `open_index`: what searches in this process.
    """
    chosen = settings or from_environment()

    def on_our_engine() -> RunsPlans:
        client = connect(chosen)
        return DockerSandbox(client, chosen, pool=WarmPool(client, chosen))

    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Airflow is a part of ours: a proxy in the environment is not for it.
        async with httpx.AsyncClient(
            transport=transport, mounts={chosen.airflow: transport}, timeout=TIMEOUT_S
        ) as http:
            sandbox = Executions(chosen, open_sandbox or on_our_engine)
            searches = Searches(chosen, open_index)
            app.state.services = _services(chosen, http, metrics, sandbox, searches)
            yield
            await asyncio.to_thread(searches.close)
            await asyncio.to_thread(sandbox.close)

    # The documentation's own scripts come with it: it works on a machine without the internet.
    app: FastAPI = FastAPIOffline(
        title="CALISOTA",
        summary="An AI coding engine: models propose, execution decides.",
        description=openapi.DESCRIPTION,
        version=version("calisota"),
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
    )
    problems.install(app)
    app.add_middleware(BodyLimit, max_bytes=chosen.max_body_bytes)
    app.add_middleware(Measured, metrics=metrics)
    app.include_router(solves.router)
    app.include_router(executions.router)
    app.include_router(search.router)
    app.include_router(usage.router)
    app.include_router(memories.router)
    app.include_router(health.router)
    app.openapi = openapi.document_of(app)  # type: ignore[method-assign]  # FastAPI's own way
    return app


def _services(
    settings: Settings,
    http: httpx.AsyncClient,
    metrics: Metrics,
    executions: Executions,
    searches: Searches,
) -> Services:
    return Services(
        settings=settings,
        http=http,
        airflow=AirflowClient(
            http,
            base_url=settings.airflow,
            user=AIRFLOW_USER,
            password_file=settings.secrets / "airflow_admin_password",
        ),
        store=ArtifactStore(settings.artifacts),
        keys=KeyRing(settings.secrets / "api_keys.json"),
        metrics=metrics,
        executions=executions,
        searches=searches,
    )
