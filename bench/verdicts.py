"""Solves as a person sees them: Grid of three endings, one of them after an answer in the UI.

    python bench/verdicts.py [--out docs/images]

A system of its own with a scripted model. One Solve is verified after a repair, one runs out of its
budget, and one asks what is right for an input: the answer is typed into Airflow's form under
Required Actions by a real, headless browser (Debian's `chromium`). Writes the pictures.
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.browser import logged_in
from bench.rig import System, running_system
from bench.scripted_model import answer, half_problem, problem
from calisota.llm.scripted_server import ScriptedServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

MOST_S = 240


def main() -> None:
    """Take the pictures. Raises: SystemExit: a Solve did not end as it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    out = parser.parse_args().out
    models = {f"CALISOTA_LLM_MODEL_{route}": "scripted" for route in ("SLOW", "FAST", "CRITIC")}
    with (
        ScriptedServer(answer) as model,
        running_system(CALISOTA_LLM_BASE_URL=model.base_url, **models) as system,
        logged_in(system.settings) as page,
    ):
        asking = _post(system, half_problem("DIFFER", on_ambiguous="ask"))
        repaired = _post(system, problem("WRONG FIRST"))
        spent = _post(system, problem("ALWAYS WRONG", budget={"calls": 6}))
        question = _until(system, asking, "question")["question"]
        number = int(re.findall(r"\d+", question["asked"])[0])
        _answer(system, page, asking, str((number + 1) // 2), out / "question.png")
        for solve_id, verdict, name in (
            (asking, "verified_weak_tests", "answered"),
            (repaired, "verified", "repaired"),
            (spent, "budget_exhausted", "exhausted"),
        ):
            got = _until(system, solve_id, "verdict")
            if got["verdict"] != verdict:
                raise SystemExit(f"{name}: {got['verdict']} instead of {verdict}: {got['claim']}")
            print(name, got["verdict"], got["claim"])
            _grid(system, page, solve_id, out / f"{name}.png")


def _post(system: System, body: dict[str, Any]) -> str:
    with system.api() as api:
        solve_id: str = api.post("/v1/solves", json=body).raise_for_status().json()["solve_id"]
    return solve_id


def _until(system: System, solve_id: str, field: str) -> dict[str, Any]:
    """The Solve as soon as it has this field."""
    deadline = time.monotonic() + MOST_S
    with system.api() as api:
        while time.monotonic() < deadline:
            shown: dict[str, Any] = api.get(f"/v1/solves/{solve_id}").raise_for_status().json()
            if shown.get(field) is not None:
                return shown
            time.sleep(0.5)
    raise SystemExit(f"{solve_id} got no {field} within {MOST_S} s")


def _answer(system: System, page: Page, solve_id: str, value: str, picture: Path) -> None:
    """Type the answer into the form of the waiting task, and send it."""
    run = f"{system.settings.airflow}/dags/solve/runs/{solve_id}"
    page.goto(f"{run}/tasks/round_1.clarify/required_actions")
    page.wait_for_timeout(4000)
    page.locator("input[name=element_answer], textarea, input[type=text]").last.fill(value)
    page.screenshot(path=picture)
    page.get_by_role("button", name="Use my answer").first.click()
    page.wait_for_timeout(2000)


def _grid(system: System, page: Page, solve_id: str, picture: Path) -> None:
    page.goto(f"{system.settings.airflow}/dags/solve/runs/{solve_id}")
    page.wait_for_timeout(4000)
    page.locator("[value=grid]").first.click()
    expand = page.get_by_label("Expand all task groups").first
    if expand.is_enabled():
        expand.click()
    page.wait_for_timeout(3000)
    page.screenshot(path=picture)


if __name__ == "__main__":
    main()
