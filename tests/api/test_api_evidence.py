from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from calisota.evidence import open_evidence
from calisota.models import (
    Action,
    Admitted,
    CandidateSet,
    Decision,
    HitSet,
    Language,
    Plan,
    Planned,
    Problem,
    RoundResult,
    SolveReport,
    Usage,
    Verdict,
)
from calisota.signing import public_key

if TYPE_CHECKING:
    import httpx

    from api.fake_airflow import FakeAirflow
    from calisota.artifacts import ArtifactStore
    from calisota.settings import Settings

ID = "manual__2026-01-01T00:00:00+00:00"
PATH = f"/v1/solves/{ID.replace('+', '%2B')}/evidence"
OTHER = {"Authorization": "Bearer other-key"}


@pytest.fixture
def run(airflow: FakeAirflow, store: ArtifactStore) -> str:
    """A Solve whose budget allowed no program."""
    airflow.add_run(ID, {"statement": "x", "language": "python", "client": "local"})
    problem = Problem(statement="x", language=Language.PYTHON)
    verdict = Verdict.BUDGET_EXHAUSTED
    decision = Decision(action=Action.BUDGET, candidate_id=None, verdict=verdict, reason="spent")
    result = RoundResult(round=1, matrices=[], critique=None, decision=decision, usage=Usage())
    report = SolveReport(
        solve_id=ID,
        state="succeeded",
        verdict=verdict,
        claim="Not solved.",
        code=None,
        language=Language.PYTHON,
        tests=[],
        candidates=[],
        critique=None,
        citations=[],
        index=None,
        usage=Usage(),
        usage_by_route={},
        steps=[],
        prompts={},
    )
    plan = Plan(contract="", approaches=[], corner_cases=[])
    store.put(ID, "problem", Admitted(problem=problem, started_at=0))
    store.put(ID, "hits", HitSet(index=None, hits=[]))
    store.put(ID, "plan", Planned(plan=plan, usage=Usage()))
    store.put(ID, "round_1/candidates", CandidateSet(round=1, candidates=[], stopped="budget"))
    store.put(ID, "round_1/result", result)
    store.put(ID, "report", report)
    return ID


async def test_the_evidence_of_a_finished_solve_is_a_signed_file(
    client: httpx.AsyncClient, airflow: FakeAirflow, settings: Settings, run: str
) -> None:
    airflow.finish(run)
    link = (await client.get(PATH.removesuffix("/evidence"))).json()["links"]["evidence"]
    answer = await client.get(link)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/gzip"
    name = f"{run}.evidence.tar.gz"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    evidence = open_evidence(answer.content, public_key(settings))
    assert (evidence.about.solve_id, evidence.trusted) == (run, True)
    assert (await client.get(link)).content == answer.content
    assert b"secret" not in answer.content


async def test_a_solve_that_goes_on_has_no_evidence_yet(
    client: httpx.AsyncClient, run: str
) -> None:
    assert run == ID
    answer = await client.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_finished")
    assert answer.json()["remedy"].startswith("wait")


async def test_of_a_cancelled_solve_it_is_said_that_it_was(
    client: httpx.AsyncClient, run: str
) -> None:
    assert run == ID
    assert (await client.post(PATH.replace("/evidence", ":cancel"))).status_code == 200
    answer = await client.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_finished")
    assert "was cancelled" in answer.json()["detail"]


async def test_a_solve_that_ended_without_a_report_has_none(
    client: httpx.AsyncClient, airflow: FakeAirflow, run: str
) -> None:
    airflow.finish(run, "failed")
    answer = await client.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_finished")


async def test_the_evidence_of_another_client_or_of_nothing_is_not_found(
    client: httpx.AsyncClient, airflow: FakeAirflow, run: str
) -> None:
    airflow.finish(run)
    for path, headers in ((PATH, OTHER), ("/v1/solves/solve_none/evidence", {})):
        answer = await client.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_solve")
