from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

    from api.fake_airflow import FakeAirflow
    from calisota.settings import Settings
    from tests.api.conftest import ModelEndpoint


async def parts(client: httpx.AsyncClient, *, status: int) -> dict[str, bool]:
    answer = await client.get("/readyz")
    assert answer.status_code == status
    body = answer.json()
    assert body["ready"] is (status == 200)
    for part in body["parts"]:
        assert part["detail"]
        assert bool(part["remedy"]) is not part["ok"]
    return {part["name"]: part["ok"] for part in body["parts"]}


async def test_the_process_lives_whatever_else_is_down(
    anonymous: httpx.AsyncClient, airflow: FakeAirflow
) -> None:
    airflow.down = True
    assert (await anonymous.get("/healthz")).json() == {"status": "ok"}


async def test_all_parts_well_is_ready_and_needs_no_key(anonymous: httpx.AsyncClient) -> None:
    found = await parts(anonymous, status=200)
    assert set(found) == {"airflow", "scheduler", "dag_processor", "dag", "model", "fallback"}


async def test_airflow_down_is_not_ready(
    anonymous: httpx.AsyncClient, airflow: FakeAirflow
) -> None:
    airflow.down = True
    found = await parts(anonymous, status=503)
    assert [name for name, ok in found.items() if not ok] == ["airflow", "dag"]


@pytest.mark.parametrize("name", ["scheduler", "dag_processor"])
async def test_a_process_of_airflows_that_died_is_named(
    anonymous: httpx.AsyncClient, airflow: FakeAirflow, name: str
) -> None:
    airflow.health[name] = "unhealthy"
    found = await parts(anonymous, status=503)
    assert [part for part, ok in found.items() if not ok] == [name]


async def test_a_paused_dag_is_not_ready(
    anonymous: httpx.AsyncClient, airflow: FakeAirflow
) -> None:
    airflow.paused = True
    assert (await parts(anonymous, status=503))["dag"] is False


async def test_a_missing_dag_is_not_ready(
    anonymous: httpx.AsyncClient, airflow: FakeAirflow
) -> None:
    airflow.has_dag = False
    assert (await parts(anonymous, status=503))["dag"] is False


@pytest.mark.parametrize("status", [None, 500, 503])
async def test_a_model_endpoint_that_is_down_is_not_ready(
    anonymous: httpx.AsyncClient, model: ModelEndpoint, status: int | None
) -> None:
    model.status = status
    found = await parts(anonymous, status=503)
    assert [part for part, ok in found.items() if not ok] == ["model"]


@pytest.mark.parametrize("status", [200, 401, 404])
async def test_a_model_endpoint_that_answers_anything_else_lives(
    anonymous: httpx.AsyncClient, model: ModelEndpoint, status: int
) -> None:
    model.status = status
    await parts(anonymous, status=200)


async def test_missing_credentials_of_airflow_are_not_ready(
    anonymous: httpx.AsyncClient, settings: Settings
) -> None:
    (settings.secrets / "airflow_admin_password").unlink()
    assert (await parts(anonymous, status=503))["dag"] is False


async def test_requests_are_counted_by_route_not_by_path(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await client.get(f"/v1/solves/solve_{number}")
    await client.get("/nowhere")
    text = (await client.get("/metrics")).text
    route = 'route="/v1/solves/{solve_id}",status="404"'
    assert f'calisota_api_requests_total{{method="GET",{route}}} 3.0' in text
    assert 'route="unmatched",status="404"' in text
    assert "calisota_api_request_seconds_bucket" in text
