"""Whether the process lives, whether a Solve could start, and what was measured."""

import asyncio
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple

import httpx
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.airflow_client import DAG_ID, AirflowClient, ComponentHealth, Health
from api.deps import ServicesDep
from api.schemas import Part, PartName, Readiness
from calisota.errors import CalisotaError
from calisota.llm.breaker_file import BreakerFile
from calisota.llm.endpoint import Endpoint
from calisota.llm.endpoints import fallback_endpoint, first_endpoint
from calisota.models import Route
from calisota.settings import Settings

router = APIRouter(tags=["health"])

PROBE_TIMEOUT_S = 5


@router.get("/healthz", summary="Does the process live?")
async def healthz() -> dict[str, str]:
    """Always `ok`: it asks nobody."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="Could a Solve start now?",
    responses={503: {"model": Readiness, "description": "Not ready; each part says what to do."}},
)
async def readyz(services: ServicesDep, response: Response) -> Readiness:
    """Airflow, its scheduler and DAG processor, the DAG `solve` and the model endpoints.

    Of the two endpoints one that answers is enough; that the other does not is `degraded`.
    """
    airflow, dag, models = await asyncio.gather(
        _airflow_parts(services.airflow),
        _dag_part(services.airflow),
        _model_parts(services.http, services.settings),
    )
    ready = (
        all(part.ok for part in (*airflow, dag))
        and any(one.answers for one in models)
        and not any(one.misconfigured for one in models)
    )
    if not ready:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    parts = [*airflow, dag, *(one.part for one in models)]
    return Readiness(ready=ready, degraded=ready and not all(p.ok for p in parts), parts=parts)


@router.get(
    "/metrics",
    summary="Measurements for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(services: ServicesDep) -> Response:
    """Requests by route and status, and their latency."""
    return Response(services.metrics.text(), media_type=CONTENT_TYPE_LATEST)


async def _airflow_parts(airflow: AirflowClient) -> list[Part]:
    try:
        health = await airflow.health()
    except CalisotaError as error:
        return [_broken("airflow", error)]
    return [_database_part(health), *_process_parts(health)]


def _database_part(health: Health) -> Part:
    if health.metadatabase.status == "healthy":
        return Part(name="airflow", ok=True, detail="It answers, and its database too.")
    return Part(
        name="airflow",
        ok=False,
        detail="Its database does not answer.",
        remedy="see the log of Airflow's api-server.",
    )


def _process_parts(health: Health) -> list[Part]:
    parts = []
    processes: dict[PartName, ComponentHealth | None] = {
        "scheduler": health.scheduler,
        "dag_processor": health.dag_processor,
    }
    for name, component in processes.items():
        ok = component is not None and component.status == "healthy"
        detail = "It is alive." if ok else "It gives no sign of life."
        remedy = None if ok else "restart with `calisota up`, and see its log when it stops again."
        parts.append(Part(name=name, ok=ok, detail=detail, remedy=remedy))
    return parts


async def _dag_part(airflow: AirflowClient) -> Part:
    try:
        dag = await airflow.dag()
    except CalisotaError as error:
        return _broken("dag", error)
    remedy: str | None = None
    if dag is None:
        detail = f"Airflow does not have the DAG `{DAG_ID}`."
        remedy = "wait half a minute after a start; then see the DAG processor's log."
    elif dag.has_import_errors:
        detail = f"The DAG `{DAG_ID}` has import errors."
        remedy = "see them on the first page of Airflow's UI."
    elif dag.is_paused:
        detail = f"The DAG `{DAG_ID}` is paused, so no Solve would run."
        remedy = f"run `airflow dags unpause {DAG_ID}`, or use the switch in Airflow's UI."
    else:
        detail = f"The DAG `{DAG_ID}` is there and not paused."
    return Part(name="dag", ok=remedy is None, detail=detail, remedy=remedy)


class _Answering(NamedTuple):
    """One model endpoint: what to say of it, and whether a Solve could use it."""

    part: Part
    answers: bool
    misconfigured: bool = False


async def _model_parts(
    http: httpx.AsyncClient, settings: Settings
) -> tuple[_Answering, _Answering]:
    """The first endpoint and the one that stands in for it."""
    first, second = await asyncio.gather(
        _endpoint_part("model", http, settings, first_endpoint),
        _endpoint_part("fallback", http, settings, fallback_endpoint),
    )
    if not first.part.ok and second.part.ok and second.answers:
        detail = f"{first.part.detail} Degraded: the fallback answers meanwhile."
        first = first._replace(part=first.part.model_copy(update={"detail": detail}))
    return first, second


async def _endpoint_part(
    name: PartName,
    http: httpx.AsyncClient,
    settings: Settings,
    configured: Callable[[Settings], tuple[Endpoint, Mapping[Route, str]] | None],
) -> _Answering:
    try:
        found = configured(settings)
    except CalisotaError as error:  # then no client of ours opens, with either endpoint
        return _Answering(_broken(name, error), answers=False, misconfigured=True)
    if found is None:
        detail = "None is configured (CALISOTA_LLM_FALLBACK_BASE_URL)."
        return _Answering(Part(name=name, ok=True, detail=detail), answers=False)
    endpoint, _ = found
    try:
        base = httpx.URL(endpoint.base_url.get_secret_value())
    except httpx.InvalidURL:
        part = Part(
            name=name,
            ok=False,
            detail=f"{endpoint.settings}_BASE_URL is no URL.",
            remedy="correct it; it usually ends in /v1.",
        )
        return _Answering(part, answers=False, misconfigured=True)
    fault = await _probe(http, endpoint, base)
    if fault is not None:
        remedy = (
            "run `calisota up`, which starts the embedded model, and see its log."
            if name == "model" and settings.llm_is_embedded
            else f"start the endpoint, or correct {endpoint.settings}_BASE_URL."
        )
        part = Part(name=name, ok=False, detail=fault, remedy=remedy)
        return _Answering(part, answers=False)
    breaker, now = BreakerFile(settings.breakers).get(endpoint.shown), time.time()
    told = breaker.told(now)
    spared = breaker.decide(now).kind == "wait"
    detail = "The model endpoint answers."
    if told is not None:
        detail = f"{endpoint.shown} is there, but {told}."
    part = Part(
        name=name,
        ok=not spared,
        detail=detail,
        remedy="see its log or its limits, and wait." if spared else None,
    )
    return _Answering(part, answers=True)


async def _probe(http: httpx.AsyncClient, endpoint: Endpoint, base: httpx.URL) -> str | None:
    """What is wrong with it, in words without a secret; None: it answers, if only to refuse."""
    headers = {"Authorization": f"Bearer {endpoint.key.get_secret_value()}"}
    url = base.copy_with(path=f"{base.path.rstrip('/')}/models")
    try:
        answer = await http.get(url, headers=headers, timeout=PROBE_TIMEOUT_S)
    except httpx.TransportError as error:
        return f"{endpoint.shown} cannot be reached ({type(error).__name__})."
    if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    return f"{endpoint.shown} fails (HTTP {answer.status_code})."


def _broken(name: PartName, error: CalisotaError) -> Part:
    return Part(name=name, ok=False, detail=error.message, remedy=error.remedy)
