"""`options: {mode: fast}`: the same Solve, in the DAG of one task."""

import httpx

from api.fake_airflow import FakeAirflow

PROBLEM = {"statement": "Add.", "language": "python", "options": {"mode": "fast"}}


async def test_a_fast_solve_is_a_run_of_the_other_dag(
    client: httpx.AsyncClient, airflow: FakeAirflow
):
    posted = (await client.post("/v1/solves", json=PROBLEM)).json()
    assert posted["solve_id"].startswith("fast_")
    assert "/dags/solve_fast/runs/" in posted["links"]["airflow"]
    triggered = [r.url.path for r in airflow.requests if r.method == "POST"]
    assert "/api/v2/dags/solve_fast/dagRuns" in triggered
    assert (await client.get(posted["links"]["solve"])).json()["state"] == "queued"


async def test_both_kinds_are_listed_newest_first(client: httpx.AsyncClient):
    ids = []
    for mode in ("fast", "dag", "fast"):
        body = PROBLEM | {"options": {"mode": mode}}
        ids.append((await client.post("/v1/solves", json=body)).json()["solve_id"])
    listed = (await client.get("/v1/solves", params={"limit": 2})).json()
    assert len(listed["items"]) == 2
    rest = (await client.get("/v1/solves", params={"cursor": listed["next"]})).json()
    found = [item["solve_id"] for page in (listed, rest) for item in page["items"]]
    assert sorted(found) == sorted(ids)


async def test_a_key_of_one_kind_is_not_used_for_the_other(client: httpx.AsyncClient):
    headers = {"Idempotency-Key": "k"}
    first = await client.post("/v1/solves", json=PROBLEM, headers=headers)
    assert first.status_code == 202
    other = PROBLEM | {"options": {"mode": "dag"}}
    refused = await client.post("/v1/solves", json=other, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
