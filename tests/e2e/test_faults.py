"""Repair, refusal, cancel and crash in a real system, with a model whose answers are known."""

import json
import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bench.rig import System
from bench.scripted_model import problem

from .conftest import Scripted, containers, nothing_left

ENDED = {"succeeded", "failed", "cancelled"}


def post(system: System, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    with system.api() as api:
        answer = api.post("/v1/solves", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    posted: dict[str, Any] = answer.json()
    return posted


def state(system: System, solve_id: str) -> dict[str, Any]:
    with system.api() as api:
        got: dict[str, Any] = api.get(f"/v1/solves/{solve_id}").raise_for_status().json()
    return got


def wait_until(what, timeout_s: float = 180) -> Any:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        value = what()
        if value:
            return value
        time.sleep(0.3)
    pytest.fail(f"nothing within {timeout_s} s")


def ended(system: System, solve_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        got = state(system, solve_id)
        return got if got["state"] in ENDED else None

    return wait_until(look)


def test_a_wrong_first_round_is_repaired_in_the_second(scripted: Scripted):
    solve_id = post(scripted.system, problem("WRONG FIRST"))["solve_id"]
    report = ended(scripted.system, solve_id)
    assert report["verdict"] == "verified"
    assert any(candidate["repairs"] for candidate in report["candidates"])
    states = {
        (task["task_id"], task["map_index"]): task["state"]
        for task in scripted.system.tasks(solve_id)
    }
    assert states[("round_2.critic", -1)] == "success"
    assert states[("round_3.code", -1)] == "skipped"
    assert states[("report", -1)] == "success"


def test_rounds_that_never_pass_are_reported_as_failed_with_exit_code_1(
    scripted: Scripted, tmp_path: Path
):
    file = tmp_path / "problem.json"
    file.write_text(json.dumps(problem("ALWAYS WRONG", rounds=2)))
    done = scripted.system.calisota("solve", str(file), "--json")
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert report["verdict"] == "failed"
    assert len(report["candidates"]) == 4


def test_the_same_key_and_body_is_one_solve_and_another_body_is_refused(scripted: Scripted):
    key = {"Idempotency-Key": "night-7"}
    first = post(scripted.system, problem("one"), **key)
    again = post(scripted.system, problem("one"), **key)
    assert first["solve_id"] == again["solve_id"]
    with scripted.system.api() as api:
        other = api.post("/v1/solves", json=problem("two"), headers=key)
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency_key_reused"
    ended(scripted.system, first["solve_id"])


def test_a_large_problem_travels_by_reference(scripted: Scripted):
    body = problem("large " * 4000)
    solve_id = post(scripted.system, body)["solve_id"]
    assert ended(scripted.system, solve_id)["verdict"] == "verified"
    with scripted.system.airflow() as airflow:
        run = airflow.get(f"/api/v2/dags/solve/dagRuns/{solve_id}").json()
    assert "problem_ref" in run["conf"]
    assert len(json.dumps(run["conf"])) < 2000


def test_events_tell_the_steps_in_order_and_end_with_the_verdict(scripted: Scripted):
    solve_id = post(scripted.system, problem())["solve_id"]
    with (
        scripted.system.api() as api,
        api.stream("GET", f"/v1/solves/{solve_id}/events", timeout=120) as stream,
    ):
        events = [
            line.removeprefix("event: ")
            for line in stream.iter_lines()
            if line.startswith("event: ")
        ]
    assert events[-1] == "solve.finished"
    assert events.count("step.started") == 7
    assert (
        events.count("step.finished") == 7 + 9
    )  # what was skipped: two rounds of four, a question


def test_cancel_ends_the_solve_and_its_container(scripted: Scripted):
    system = scripted.system
    solve_id = post(system, problem("SLEEP", candidates=1))["solve_id"]
    wait_until(lambda: containers(system))
    with system.api() as api:
        assert api.post(f"/v1/solves/{solve_id}:cancel").status_code in {200, 202}
    assert ended(system, solve_id)["state"] == "cancelled"
    wait_until(lambda: not containers(system), timeout_s=60)


def test_a_task_killed_in_the_sandbox_is_retried_and_leaves_no_container(scripted: Scripted):
    system = scripted.system
    solve_id = post(system, problem("SLEEP", candidates=1, rounds=1) | {"tests": [
        {"call": {"args": [1, 2]}, "returns": 3}
    ]})["solve_id"]  # fmt: skip
    wait_until(lambda: containers(system))
    pids = [
        int(task["pid"])
        for task in system.tasks(solve_id)
        if task["task_id"] == "round_1.sandbox" and task["pid"]
    ]
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    report = ended(system, solve_id)
    assert report["verdict"] == "verified_weak_tests"
    tries = [t["try_number"] for t in system.tasks(solve_id) if t["task_id"] == "round_1.sandbox"]
    assert tries == [2]
    wait_until(lambda: not containers(system), timeout_s=120)


def test_a_model_that_is_down_is_tried_again_and_the_solve_goes_on(scripted: Scripted):
    failures = iter([(503, {"Retry-After": "1"}, {"error": {"message": "warming up"}})] * 2)
    real = scripted.model.script

    def flaky(request: dict[str, Any]) -> Any:
        return next(failures, None) or real(request)

    scripted.model.script = flaky
    try:
        solve_id = post(scripted.system, problem())["solve_id"]
        assert ended(scripted.system, solve_id)["verdict"] == "verified"
    finally:
        scripted.model.script = real


def test_a_key_the_model_endpoint_refuses_fails_at_once_with_the_cause(
    scripted: Scripted, tmp_path: Path
):
    real = scripted.model.script
    scripted.model.script = lambda _request: (401, {}, {"error": {"message": "bad key"}})
    file = tmp_path / "problem.json"
    file.write_text(json.dumps(problem()))
    try:
        solve_id = post(scripted.system, problem())["solve_id"]
        report = ended(scripted.system, solve_id)
        done = scripted.system.calisota("solve", str(file))
    finally:
        scripted.model.script = real
    assert (report["state"], report["verdict"]) == ("failed", "internal_error")
    assert report["cause"].startswith("The task `plan` failed: The model endpoint http://127.0.0.1")
    assert "refused the call (401" in report["cause"]
    assert "CALISOTA_LLM_API_KEY" in report["cause"]
    tries = {t["task_id"]: t["try_number"] for t in scripted.system.tasks(solve_id)}
    assert tries["plan"] == 1
    assert done.returncode == 3, done.stderr
    assert "CALISOTA_LLM_API_KEY" in done.stdout


def test_writes_to_airflow_that_come_together_do_not_wait_for_each_other_for_ever(
    scripted: Scripted,
):
    """Airflow's own api-server stands still here within a hundred requests, on SQLite."""
    pool = {"name": "gpu", "slots": 1, "description": "CALISOTA", "include_deferred": False}
    runs = [(scripted.system, problem(f"TOGETHER {n}")) for n in range(2)]

    def write(_: int) -> Counter[int]:
        with scripted.system.airflow() as airflow:
            return Counter(
                airflow.patch("/api/v2/pools/gpu", json=pool, timeout=30).status_code
                for _ in range(150)
            )

    with ThreadPoolExecutor() as threads:
        written = [threads.submit(write, n) for n in range(2)]
        solves = [post(system, body)["solve_id"] for system, body in runs]
        for one in written:
            assert one.result() == {200: 150}
    for solve_id in solves:
        assert ended(scripted.system, solve_id)["verdict"] == "verified"


def test_a_supervisor_that_is_killed_leaves_nothing_that_down_does_not_find(scripted: Scripted):
    """The last test of this file: it takes the system away."""
    system = scripted.system
    post(system, problem("SLEEP", candidates=1))
    wait_until(lambda: containers(system))
    state_file = system.home / "run" / "supervisor.json"
    os.kill(json.loads(state_file.read_text())["pid"], signal.SIGKILL)
    down = system.calisota("down")
    assert down.returncode == 0, down.stderr
    nothing_left(system)
