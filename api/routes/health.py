"""Whether the process lives, whether a Solve could start, and what was measured."""

import asyncio
from http import HTTPStatus

import httpx
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.airflow_client import DAG_ID, AirflowClient, ComponentHealth, Health
from api.deps import ServicesDep
from api.schemas import Part, PartName, Readiness
from calisota.errors import CalisotaError
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
    """Airflow, its scheduler and DAG processor, the DAG `solve` and the model endpoint."""
    airflow, dag, model = await asyncio.gather(
        _airflow_parts(services.airflow),
        _dag_part(services.airflow),
        _model_part(services.http, services.settings),
    )
    parts = [*airflow, dag, model]
    ready = all(part.ok for part in parts)
    if not ready:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return Readiness(ready=ready, parts=parts)


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


async def _model_part(http: httpx.AsyncClient, settings: Settings) -> Part:
    key = settings.llm_api_key
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    url = f"{settings.llm.rstrip('/')}/models"
    try:
        answer = await http.get(url, headers=headers, timeout=PROBE_TIMEOUT_S)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        detail = f"{url} cannot be reached ({type(error).__name__})."
    else:
        if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Part(name="model", ok=True, detail="The model endpoint answers.")
        detail = f"{url} fails (HTTP {answer.status_code})."
    remedy = (
        "run `calisota up`, which starts the embedded model, and see its log."
        if settings.llm_is_embedded
        else "start the endpoint, or correct CALISOTA_LLM_BASE_URL."
    )
    return Part(name="model", ok=False, detail=detail, remedy=remedy)


def _broken(name: PartName, error: CalisotaError) -> Part:
    return Part(name=name, ok=False, detail=error.message, remedy=error.remedy)
