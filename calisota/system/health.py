"""Is each part ready? Asked over HTTP, as a client would."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx

from calisota.errors import AirflowUnavailable
from calisota.system.credentials import ADMIN, read_secret

if TYPE_CHECKING:
    from calisota.settings import Settings

# One task at a time may use the GPU; LLM calls wait on the network, containers on the cores.
GPU_SLOTS = 1


def waiting_for(settings: Settings, http: httpx.Client) -> list[str]:
    """The parts that are not ready yet, in words; empty when a Solve can be posted."""
    missing = []
    try:
        health = http.get(f"{settings.airflow}/api/v2/monitor/health").json()
        missing += [
            f"airflow {part.replace('_', '-')}"
            for part in ("metadatabase", "scheduler", "dag_processor", "triggerer")
            if (health.get(part) or {}).get("status") != "healthy"
        ]
    except (httpx.HTTPError, ValueError):
        missing.append("airflow api-server")
    try:
        answer = http.get(f"{settings.api}/readyz")
        if answer.status_code != HTTPStatus.OK:
            missing.append("API, model or DAG")
    except httpx.HTTPError:
        missing.append("API")
    return missing


def ensure_pools(settings: Settings, http: httpx.Client, *, sandbox: int, llm: int) -> None:
    """Make Airflow's pools as the settings size them.

    Raises: AirflowUnavailable: Airflow refused; its log says why.
    """
    login = {"username": ADMIN, "password": read_secret(settings, "airflow_admin_password")}
    base = f"{settings.airflow}/api/v2/pools"
    try:
        token = http.post(f"{settings.airflow}/auth/token", json=login).raise_for_status().json()
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        sizes = {"gpu": GPU_SLOTS, "llm_slow": llm, "llm_fast": llm, "sandbox": sandbox}
        # An evaluation holds its places for hours; those of clients' Solves are not for it.
        sizes["evaluate"] = max(1, sandbox // 2)
        for name, slots in sizes.items():
            body = {
                "name": name,
                "slots": slots,
                "description": "CALISOTA",
                "include_deferred": False,
            }
            answer = http.post(base, json=body, headers=headers)
            if answer.status_code == HTTPStatus.CONFLICT:
                answer = http.patch(f"{base}/{name}", json=body, headers=headers)
            answer.raise_for_status()
    except httpx.HTTPError as error:
        raise AirflowUnavailable(
            f"Airflow's pools could not be made: {error}.",
            remedy=f"see {settings.logs / 'airflow-api-server.log'}.",
        ) from error
