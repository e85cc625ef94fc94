"""The engine in a real system: three hosts that decide alike, and what each verdict takes."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.scripted_model import answer, half_problem, problem
from tests.e2e.conftest import Scripted


def start(scripted: Scripted, body: dict[str, Any]) -> str:
    with scripted.system.api() as api:
        solve_id: str = api.post("/v1/solves", json=body).raise_for_status().json()["solve_id"]
    return solve_id


def follow(scripted: Scripted, solve_id: str, until: str = "verdict") -> dict[str, Any]:
    """The Solve as the API shows it, as soon as the field `until` is not null."""
    deadline = time.monotonic() + 300
    with scripted.system.api() as api:
        while time.monotonic() < deadline:
            shown: dict[str, Any] = api.get(f"/v1/solves/{solve_id}").raise_for_status().json()
            if shown.get(until) is not None:
                return shown
            time.sleep(0.5)
    raise AssertionError(shown)


def local(scripted: Scripted, body: dict[str, Any], folder: Path) -> dict[str, Any]:
    file = folder / "problem.yaml"
    file.write_text(yaml.safe_dump(body))
    done = scripted.system.calisota("solve", str(file), "--local", "--json")
    assert done.returncode in {0, 1}, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


SAME = {
    "repair": problem("WRONG FIRST"),
    "differ": half_problem("DIFFER"),
    "agree": half_problem(),
}
VERDICTS = {
    "verified": problem(),
    "verified_weak_tests": problem() | {"tests": [{"call": {"args": [0, 0]}, "returns": 0}]},
    "needs_clarification": half_problem("DIFFER", on_ambiguous="fail"),
    "contradictory_tests": problem()
    | {"tests": [{"call": {"args": [1, 1]}, "returns": n} for n in (2, 3)]},
    "failed": problem("ALWAYS WRONG", rounds=2),
    "budget_exhausted": problem("ALWAYS WRONG", budget={"calls": 5}),
}


@pytest.fixture(scope="module")
def started(scripted: Scripted) -> dict[str, str]:
    """All Solves of this module at once: one after the other they would take minutes."""
    fast = {f"{name} fast": in_one_task(body) for name, body in SAME.items()}
    asking = {
        name: half_problem("DIFFER", on_ambiguous="ask") for name in ("api", "command", "nobody")
    }
    every = SAME | fast | VERDICTS | asking
    return {name: start(scripted, body) for name, body in every.items()}


def in_one_task(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"options": body["options"] | {"mode": "fast"}}


@pytest.mark.parametrize("name", SAME)
def test_three_hosts_take_the_same_decisions(
    scripted: Scripted, started: dict[str, str], tmp_path: Path, name: str
):
    steps = follow(scripted, started[name])
    fast = follow(scripted, started[f"{name} fast"])
    here = local(scripted, SAME[name], tmp_path)
    assert steps["decisions"] == fast["decisions"] == here["decisions"]
    assert steps["verdict"] == fast["verdict"] == here["verdict"]
    assert steps["code"] == fast["code"] == here["code"]
    assert "/dags/solve/" in steps["links"]["airflow"]
    assert "/dags/solve_fast/" in fast["links"]["airflow"]


@pytest.mark.parametrize("verdict", VERDICTS)
def test_each_verdict_comes_out_of_the_dag(
    scripted: Scripted, started: dict[str, str], verdict: str
):
    report = follow(scripted, started[verdict])
    assert (report["verdict"], report["state"]) == (verdict, "succeeded"), report["claim"]
    assert report["claim"]


def test_without_tests_agreement_is_consistent_and_a_tie_is_unverified(
    scripted: Scripted, started: dict[str, str]
):
    assert follow(scripted, started["agree"])["verdict"] == "consistent"
    assert follow(scripted, started["differ"])["verdict"] == "unverified"


@pytest.mark.parametrize("by", ["api", "command"])
def test_a_question_waits_for_a_person_whose_answer_binds(
    scripted: Scripted, started: dict[str, str], by: str
):
    solve_id = started[by]
    asking = follow(scripted, solve_id, until="question")
    assert asking["question"]["asked"].startswith("half(")
    assert asking["state"] == "running"
    number = int(asking["question"]["asked"][len("half(") : -1])
    right = (number + 1) // 2
    if by == "api":
        with scripted.system.api() as api:
            answered = api.post(f"/v1/solves/{solve_id}/clarification", json={"answer": right})
            assert answered.status_code == 200, answered.text
            again = api.post(f"/v1/solves/{solve_id}/clarification", json={"answer": right})
            assert again.status_code == 409
    else:
        done = scripted.system.calisota("answer", solve_id, str(right))
        assert done.returncode == 0, done.stderr
    report = follow(scripted, solve_id)
    assert report["verdict"] == "verified_weak_tests", report["claim"]
    assert "n + 1" in report["code"]
    assert report["questions"][-1]["by"] == "person"


def test_nobody_knows_and_the_likeliest_is_taken(scripted: Scripted, started: dict[str, str]):
    follow(scripted, started["nobody"], until="question")
    done = scripted.system.calisota("answer", started["nobody"])
    assert done.returncode == 0, done.stderr
    report = follow(scripted, started["nobody"])
    assert report["verdict"] == "unverified"
    assert [q["by"] for q in report["questions"]].count("person") == 1


def evaluation(scripted: Scripted, suite: Path) -> dict[str, Any]:
    """The Dag run of `evaluate` on `suite`, when it has ended, with its states by task."""
    with scripted.system.airflow() as airflow:
        conf = {"suite": str(suite), "seeds": 1}
        body = {"logical_date": None, "conf": conf}
        begun = airflow.post("/api/v2/dags/evaluate/dagRuns", json=body).raise_for_status().json()
        path = f"/api/v2/dags/evaluate/dagRuns/{begun['dag_run_id']}"
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            run: dict[str, Any] = airflow.get(path).raise_for_status().json()
            if run["state"] in {"success", "failed"}:
                tasks = airflow.get(f"{path}/taskInstances").raise_for_status().json()
                states = {one["task_id"]: one["state"] for one in tasks["task_instances"]}
                return run | {"tasks": states}
            time.sleep(0.5)
    raise AssertionError(run)


def write_suite(path: Path) -> None:
    hidden = [{"call": {"args": [n, 3]}, "returns": n + 3} for n in range(3)]
    posted = problem(rounds=1) | {"tests": []}
    lines = [{"name": f"sum {n}", "problem": posted, "hidden_tests": hidden} for n in range(5)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_an_evaluation_that_finds_the_engine_worse_fails_its_dag_run(
    scripted: Scripted, started: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    del started  # their tasks are done, or hold no worker
    suite = tmp_path / "sums.jsonl"
    write_suite(suite)
    good = evaluation(scripted, suite)
    assert good["state"] == "success", good

    def worse(request: dict[str, Any]) -> str:
        return answer(request).replace("a + b", "a - b")

    monkeypatch.setattr(scripted.model, "script", worse)
    bad = evaluation(scripted, suite)
    assert bad["state"] == "failed", bad
    assert bad["tasks"]["report"] == "failed"
    assert bad["tasks"]["solve"] == "success"
    listed = scripted.system.calisota("evaluate", "list", "--json")
    versions = [one["version"] for one in json.loads(listed.stdout)]
    assert len(versions) == 2, listed.stdout + listed.stderr
    page = tmp_path / "page.html"
    version = versions[0]
    shown = scripted.system.calisota("evaluate", "show", version, "--html", str(page))
    assert "worse: full: 1.000 became 0.000" in shown.stdout, shown.stdout + shown.stderr
    assert "Worse: full" in page.read_text()
