from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from calisota.models import (
    CandidateSet,
    Language,
    Plan,
    Planned,
    SolveReport,
    Usage,
    Verdict,
)
from calisota.solve_cli import exit_code_of, report_of

if TYPE_CHECKING:
    import httpx

    from api.fake_airflow import FakeAirflow
    from calisota.artifacts import ArtifactStore

ID = "solve_0123456789abcdef0123456789abcdef"
CONF: dict[str, Any] = {"statement": "x", "language": "python", "client": "local"}
OTHER = {"Authorization": "Bearer other-key"}


def report(verdict: Verdict = Verdict.VERIFIED) -> SolveReport:
    return SolveReport(
        solve_id=ID,
        state="succeeded",
        verdict=verdict,
        claim="The program passed all 2 tests.",
        code="print(1)\n",
        language=Language.PYTHON,
        tests=[],
        candidates=[],
        critique=None,
        citations=[],
        index=None,
        usage=Usage(calls=3),
        usage_by_route={},
        steps=[],
        prompts={},
    )


@pytest.fixture
def run(airflow: FakeAirflow) -> str:
    airflow.add_run(ID, CONF)
    return ID


async def test_a_solve_that_waits_is_queued(client: httpx.AsyncClient, run: str) -> None:
    body = (await client.get(f"/v1/solves/{run}")).json()
    assert (body["state"], body["step"], body["steps"]) == ("queued", None, [])
    assert (body["verdict"], body["code"], body["usage"]) == (None, None, None)


async def test_a_running_solve_names_its_steps_and_the_one_that_runs(
    client: httpx.AsyncClient, airflow: FakeAirflow, run: str
) -> None:
    airflow.begin(run, "retrieve", 1)
    airflow.end(run, "retrieve", 3.5)
    airflow.begin(run, "round_1.sandbox", 4, map_index=1)
    body = (await client.get(f"/v1/solves/{run}")).json()
    assert (body["state"], body["step"]) == ("running", "round_1.sandbox")
    assert body["language"] == "python"
    keys = ("name", "round", "map_index", "state", "seconds")
    assert [tuple(step[key] for key in keys) for step in body["steps"]] == [
        ("retrieve", None, None, "succeeded", 2.5),
        ("sandbox", 1, 1, "running", None),
    ]


async def test_a_running_solve_tells_what_it_spent_so_far(
    client: httpx.AsyncClient, store: ArtifactStore, run: str
) -> None:
    plan = Plan(contract="", approaches=[], corner_cases=[])
    store.put(run, "plan", Planned(plan=plan, usage=Usage(calls=1, prompt_tokens=10)))
    store.put(run, "round_1/candidates", CandidateSet(round=1, candidates=[]))
    body = (await client.get(f"/v1/solves/{run}")).json()
    assert (body["usage"]["calls"], body["usage"]["prompt_tokens"]) == (1, 10)


async def test_more_tasks_than_one_page_of_airflow_are_all_there(
    client: httpx.AsyncClient, airflow: FakeAirflow, run: str
) -> None:
    for index in range(230):
        airflow.begin(run, "round_1.sandbox", 1, map_index=index)
    assert len((await client.get(f"/v1/solves/{run}")).json()["steps"]) == 230


async def test_a_finished_solve_is_its_report_and_links(
    client: httpx.AsyncClient, airflow: FakeAirflow, store: ArtifactStore, run: str
) -> None:
    store.put(run, "report", report())
    assert (await client.get(f"/v1/solves/{run}")).json()["verdict"] is None
    airflow.finish(run)
    answer = await client.get(f"/v1/solves/{run}")
    assert report_of(answer.text) == report(), "the CLI reads it"
    body = answer.json()
    assert body.pop("links")["events"].endswith("/events")
    assert SolveReport.model_validate(body) == report()


async def test_a_solve_that_broke_down_claims_nothing_and_names_the_task(
    client: httpx.AsyncClient, airflow: FakeAirflow, run: str
) -> None:
    airflow.begin(run, "plan", 1)
    airflow.end(run, "plan", 2, state="failed")
    airflow.end(run, "report", 3, state="upstream_failed")
    airflow.finish(run, "failed")
    answer = await client.get(f"/v1/solves/{run}")
    assert (report_of(answer.text), exit_code_of(answer.text)) == (None, 3), "the CLI reads it"
    body = answer.json()
    assert (body["state"], body["verdict"]) == ("failed", "internal_error")
    assert body["claim"].startswith("Nothing is claimed:")
    assert "`plan`" in body["cause"]
    assert f"/dags/solve/runs/{run}" in body["cause"]


async def test_a_report_of_an_earlier_try_does_not_stand_for_a_run_that_failed(
    client: httpx.AsyncClient, airflow: FakeAirflow, store: ArtifactStore, run: str
) -> None:
    store.put(run, "report", report())
    airflow.finish(run, "failed")
    body = (await client.get(f"/v1/solves/{run}")).json()
    assert (body["state"], body["verdict"], body["code"]) == ("failed", "internal_error", None)


async def test_a_run_without_its_report_says_so(
    client: httpx.AsyncClient, airflow: FakeAirflow, run: str
) -> None:
    airflow.finish(run)
    body = (await client.get(f"/v1/solves/{run}")).json()
    assert (body["state"], body["verdict"]) == ("failed", "internal_error")
    assert "report is gone" in body["cause"]


@pytest.mark.parametrize("solve_id", ["solve_none", "~", "..", "a b", "%2e%2e", "x" * 300])
async def test_an_unknown_solve_is_not_found(client: httpx.AsyncClient, solve_id: str) -> None:
    answer = await client.get("/v1/solves/" + solve_id.replace("..", "%2e%2e"))
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_solve")


async def test_a_solve_of_another_client_is_invisible(
    client: httpx.AsyncClient, airflow: FakeAirflow, run: str
) -> None:
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", ":cancel")):
        answer = await client.request(method, f"/v1/solves/{run}{path}", headers=OTHER)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_solve")
    assert (await client.get("/v1/solves", headers=OTHER)).json()["items"] == []
    assert airflow.runs[run]["state"] == "queued"


async def test_a_solve_that_a_person_started_in_airflow_is_visible_to_all(
    client: httpx.AsyncClient, airflow: FakeAirflow
) -> None:
    run_id = "manual__2026-01-01T00:00:00+00:00"
    airflow.add_run(run_id, {"statement": "x", "language": "c", "client": None})
    link = (await client.get("/v1/solves", headers=OTHER)).json()["items"][0]["solve_id"]
    assert link == run_id
    body = (await client.get("/v1/solves/manual__2026-01-01T00:00:00%2B00:00")).json()
    assert body["solve_id"] == run_id
    assert (await client.get(body["links"]["solve"])).status_code == 200


async def test_the_list_is_newest_first_and_new_solves_do_not_shift_its_pages(
    client: httpx.AsyncClient, airflow: FakeAirflow
) -> None:
    for number in range(250):
        owner = "local" if number % 2 else "other"
        airflow.add_run(f"solve_{number:03}", {"client": owner})
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "40"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/solves", params=params)).json()
        seen += [item["solve_id"] for item in page["items"]]
        airflow.add_run(f"later_{len(seen)}", {"client": "local"})
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [f"solve_{number:03}" for number in range(249, 0, -2)]


@pytest.mark.parametrize(
    ("params", "where"), [({"limit": "101"}, "limit"), ({"limit": "no"}, "limit")]
)
async def test_a_bad_limit_is_named(
    client: httpx.AsyncClient, params: dict[str, str], where: str
) -> None:
    answer = await client.get("/v1/solves", params=params)
    assert answer.status_code == 422
    assert where in answer.json()["errors"][0]["where"]


@pytest.mark.parametrize("cursor", ["x", "é", "W10=", "WzEsIDJd"])
async def test_a_cursor_that_is_not_ours_is_refused(client: httpx.AsyncClient, cursor: str) -> None:
    answer = await client.get("/v1/solves", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


async def test_a_cancelled_solve_stops_and_claims_nothing(
    client: httpx.AsyncClient, airflow: FakeAirflow, store: ArtifactStore, run: str
) -> None:
    airflow.begin(run, "retrieve", 1)
    for _ in range(2):
        answer = await client.post(f"/v1/solves/{run}:cancel")
        assert answer.status_code == 200
        assert (answer.json()["state"], answer.json()["verdict"]) == ("cancelled", "cancelled")
    assert airflow.runs[run]["state"] == "failed"
    store.put(run, "report", report())
    body = (await client.get(f"/v1/solves/{run}")).json()
    assert (body["state"], body["code"]) == ("cancelled", None)
    assert (await client.get("/v1/solves")).json()["items"][0]["state"] == "cancelled"


@pytest.mark.parametrize("state", ["success", "failed"])
async def test_a_solve_that_ended_cannot_be_cancelled(
    client: httpx.AsyncClient, airflow: FakeAirflow, run: str, state: str
) -> None:
    airflow.finish(run, state)
    answer = await client.post(f"/v1/solves/{run}:cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_finished")
    assert airflow.runs[run]["state"] == state


async def test_a_report_that_is_damaged_names_a_remedy(
    client: httpx.AsyncClient, airflow: FakeAirflow, store: ArtifactStore, run: str
) -> None:
    store.put(run, "report", Usage())
    airflow.finish(run)
    answer = await client.get(f"/v1/solves/{run}")
    assert (answer.status_code, answer.json()["code"]) == (503, "artifact_damaged")
