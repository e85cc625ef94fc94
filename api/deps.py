"""What a request needs, as types to ask for."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials

from api.airflow_client import AirflowClient, DagRun
from api.auth import KeyRing, bearer_scheme, header_scheme
from api.executions import Executions
from api.metrics import Metrics
from api.problems import Unauthorized, UnknownSolve
from api.search import Searches
from calisota.artifacts import ArtifactStore
from calisota.settings import Settings

_SOLVE_ID = re.compile(r"^(?!\.)[A-Za-z0-9_.~:+-]{1,250}$")


@dataclass(frozen=True)
class Services:
    """What one application works with."""

    settings: Settings
    http: httpx.AsyncClient
    airflow: AirflowClient
    store: ArtifactStore
    keys: KeyRing
    metrics: Metrics
    executions: Executions
    searches: Searches


def _services(request: Request) -> Services:
    services: Any = request.app.state.services
    assert isinstance(services, Services)  # noqa: S101  # the lifespan put it there
    return services


ServicesDep = Annotated[Services, Depends(_services)]


def _client(
    services: ServicesDep,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)],
    header: Annotated[str | None, Depends(header_scheme)],
) -> str:
    key = bearer.credentials if bearer else header
    if key is None:
        raise Unauthorized(
            "This request carries no API key.",
            remedy="send `Authorization: Bearer <key>`; `calisota up` says where your key is.",
        )
    owner = services.keys.owner(key)
    if owner is None:
        raise Unauthorized(
            "This API key is not known here.",
            remedy="compare it with the key that `calisota up` points at.",
        )
    return owner


ClientDep = Annotated[str, Depends(_client)]


async def _own_run(
    solve_id: Annotated[str, Path(description="The id that POST /v1/solves returned.")],
    client: ClientDep,
    services: ServicesDep,
) -> DagRun:
    run = await services.airflow.dag_run(solve_id) if _SOLVE_ID.match(solve_id) else None
    if run is None or not visible(run, client):
        raise UnknownSolve(
            "There is no Solve of this id.",
            remedy="use the id that POST /v1/solves returned, with the key that it was sent with.",
        )
    return run


OwnRunDep = Annotated[DagRun, Depends(_own_run)]


def visible(run: DagRun, client: str) -> bool:
    """Whether this client may see the run: its own, or one that a person started in Airflow."""
    return run.client in {None, client}
