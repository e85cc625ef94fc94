from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from calisota.models import ArtifactRef, Problem

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from api.fake_airflow import FakeAirflow
    from calisota.artifacts import ArtifactStore
    from calisota.settings import Settings

FIB: dict[str, Any] = {
    "statement": "Return the n-th Fibonacci number.",
    "language": "python",
    "entry_point": "fib",
    "tests": [{"call": {"args": [10]}, "returns": 55}],
}
LARGE = {**FIB, "statement": "Return the n-th Fibonacci number. " * 400}
KEY = {"Idempotency-Key": "order-1"}


def stored(settings: Settings) -> list[Path]:
    return [path for path in (settings.home / "artifacts").rglob("*") if path.is_file()]


async def test_a_problem_starts_a_dag_run_and_says_where_it_is(
    client: httpx.AsyncClient, airflow: FakeAirflow, settings: Settings
) -> None:
    answer = await client.post("/v1/solves", json=FIB)
    body = answer.json()
    assert answer.status_code == 202
    assert body["state"] == "queued"
    assert answer.headers["location"] == body["links"]["solve"] == f"/v1/solves/{body['solve_id']}"
    assert body["links"]["airflow"].endswith(f"/dags/solve/runs/{body['solve_id']}")
    conf = airflow.runs[body["solve_id"]]["conf"]
    assert conf.pop("client") == "local"
    assert Problem.model_validate(conf) == Problem.model_validate(FIB)
    assert not stored(settings)


async def test_without_a_key_each_request_starts_a_solve(
    client: httpx.AsyncClient, airflow: FakeAirflow
) -> None:
    first = await client.post("/v1/solves", json=FIB)
    second = await client.post("/v1/solves", json=FIB)
    assert first.json()["solve_id"] != second.json()["solve_id"]
    assert len(airflow.runs) == 2


async def test_a_large_problem_travels_by_reference(
    client: httpx.AsyncClient, airflow: FakeAirflow, store: ArtifactStore
) -> None:
    solve_id = (await client.post("/v1/solves", json=LARGE)).json()["solve_id"]
    conf = airflow.runs[solve_id]["conf"]
    assert conf["client"] == "local"
    assert "statement" not in conf
    reference = ArtifactRef.model_validate(conf["problem_ref"])
    assert store.get(reference, Problem) == Problem.model_validate(LARGE)


async def test_a_nul_travels_by_reference_because_postgresql_stores_none_in_json(
    client: httpx.AsyncClient, airflow: FakeAirflow
) -> None:
    problem = {**FIB, "tests": [{"call": {"args": ["\0"]}, "returns": None}]}
    solve_id = (await client.post("/v1/solves", json=problem)).json()["solve_id"]
    assert "problem_ref" in airflow.runs[solve_id]["conf"]


@pytest.mark.parametrize("problem", [FIB, LARGE], ids=["inline", "by reference"])
async def test_the_same_request_again_gets_the_first_ones_solve(
    client: httpx.AsyncClient, airflow: FakeAirflow, settings: Settings, problem: dict[str, Any]
) -> None:
    first = await client.post("/v1/solves", json=problem, headers=KEY)
    files = stored(settings)
    second = await client.post("/v1/solves", json=problem, headers=KEY)
    assert second.status_code == first.status_code == 202
    assert second.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert len(airflow.runs) == 1
    assert stored(settings) == files


@pytest.mark.parametrize(
    ("problem", "other"),
    [
        (FIB, {**FIB, "statement": "Another."}),
        (FIB, {**FIB, "tests": [{"call": {"args": [10]}, "returns": True}]}),
        (LARGE, {**LARGE, "entry_point": "other"}),
        (FIB, LARGE),
    ],
    ids=["inline", "only a type differs", "by reference", "both kinds"],
)
async def test_a_key_that_was_used_for_another_body_is_refused(
    client: httpx.AsyncClient, settings: Settings, problem: dict[str, Any], other: dict[str, Any]
) -> None:
    problem = {**problem, "tests": [{"call": {"args": [10]}, "returns": 1}]}
    await client.post("/v1/solves", json=problem, headers=KEY)
    files = {path: path.read_bytes() for path in stored(settings)}
    answer = await client.post("/v1/solves", json=other, headers=KEY)
    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_reused"
    assert {path: path.read_bytes() for path in stored(settings)} == files


async def test_two_clients_may_use_the_same_idempotency_key(
    client: httpx.AsyncClient, airflow: FakeAirflow
) -> None:
    await client.post("/v1/solves", json=FIB, headers=KEY)
    other = {**KEY, "Authorization": "Bearer other-key"}
    answer = await client.post("/v1/solves", json={**FIB, "statement": "Else."}, headers=other)
    assert answer.status_code == 202
    assert len(airflow.runs) == 2


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\there"])
async def test_an_idempotency_key_must_be_printable_and_short(
    client: httpx.AsyncClient, key: str
) -> None:
    answer = await client.post("/v1/solves", json=FIB, headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["errors"][0]["where"]


@pytest.mark.parametrize("failing", [None, 500])
async def test_when_airflow_is_down_nothing_half_done_stays_behind(
    client: httpx.AsyncClient, airflow: FakeAirflow, settings: Settings, failing: int | None
) -> None:
    airflow.down, airflow.failing = failing is None, failing
    answer = await client.post("/v1/solves", json=LARGE, headers=KEY)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    body = answer.json()
    assert body["code"] == "airflow_unavailable"
    assert body["retryable"] is True
    assert "calisota up" in body["remedy"]
    assert not stored(settings)
    airflow.down, airflow.failing = False, None
    assert (await client.post("/v1/solves", json=LARGE, headers=KEY)).status_code == 202


async def test_when_only_the_answer_is_lost_the_run_keeps_its_problem_and_a_retry_finds_it(
    client: httpx.AsyncClient, airflow: FakeAirflow, store: ArtifactStore
) -> None:
    airflow.losing_answers = True
    assert (await client.post("/v1/solves", json=LARGE, headers=KEY)).status_code == 503
    airflow.losing_answers = False
    answer = await client.post("/v1/solves", json=LARGE, headers=KEY)
    assert answer.headers["idempotent-replayed"] == "true"
    (run,) = airflow.runs.values()
    store.get(ArtifactRef.model_validate(run["conf"]["problem_ref"]), Problem)


async def test_a_dag_that_is_not_there_yet_is_worth_a_retry(
    client: httpx.AsyncClient, airflow: FakeAirflow
) -> None:
    airflow.has_dag = False
    answer = await client.post("/v1/solves", json=FIB)
    assert (answer.status_code, answer.json()["code"]) == (503, "airflow_unavailable")


async def test_a_token_that_expired_is_replaced(
    client: httpx.AsyncClient, airflow: FakeAirflow
) -> None:
    await client.post("/v1/solves", json=FIB)
    airflow.expire_tokens()
    assert (await client.post("/v1/solves", json=FIB)).status_code == 202


async def test_one_login_serves_many_requests(
    client: httpx.AsyncClient, airflow: FakeAirflow
) -> None:
    for _ in range(3):
        await client.post("/v1/solves", json=FIB)
    assert [r.url.path for r in airflow.requests].count("/auth/token") == 1


async def test_a_password_that_airflow_refuses_is_ours_to_mend(
    client: httpx.AsyncClient, airflow: FakeAirflow
) -> None:
    airflow.password = "changed"  # noqa: S105
    body = (await client.post("/v1/solves", json=FIB)).json()
    assert (body["status"], body["code"], body["retryable"]) == (503, "misconfigured", False)


@pytest.mark.parametrize("file", ["airflow_admin_password", "api_keys.json"])
async def test_missing_credentials_name_the_command_that_makes_them(
    client: httpx.AsyncClient, settings: Settings, file: str
) -> None:
    (settings.secrets / file).unlink()
    answer = await client.post("/v1/solves", json=FIB)
    assert answer.status_code == 503
    assert "calisota up" in answer.json()["remedy"]


async def test_json_that_cannot_be_stored_is_refused(client: httpx.AsyncClient) -> None:
    for value in ("NaN", "Infinity", '"\\ud800"'):
        text = json.dumps(FIB).replace("55", value)
        headers = {"Content-Type": "application/json"}
        answer = await client.post("/v1/solves", content=text, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), value
