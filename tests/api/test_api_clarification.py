"""`/v1/solves/{id}/clarification`: a question of a Solve, and its answer."""

import json

import httpx
import pytest

from api.fake_airflow import FakeAirflow
from calisota.artifacts import ArtifactStore
from calisota.models import Action, Decision, Question, RoundResult, Usage

QUESTION = Question(number=3, about="input", asked="half(3)", options=["1", "2"], by="slow")


@pytest.fixture
def asking(airflow: FakeAirflow, store: ArtifactStore) -> str:
    airflow.add_run("solve_a", {"client": "local"})
    airflow.begin("solve_a", "round_1.clarify", 5)
    airflow.instances["solve_a"][0]["state"] = "awaiting_input"
    decision = Decision(
        action=Action.CLARIFY, candidate_id="r1c0", verdict=None, reason="r", question=QUESTION
    )
    result = RoundResult(
        round=1, matrices=[], critique=None, decision=decision, usage=Usage(), questions=[QUESTION]
    )
    store.put("solve_a", "round_1/result", result)
    return "/v1/solves/solve_a"


async def test_a_solve_that_waits_says_what_it_asks(client: httpx.AsyncClient, asking: str):
    shown = (await client.get(asking)).json()
    assert shown["state"] == "running"
    assert (shown["question"]["asked"], shown["question"]["options"]) == ("half(3)", ["1", "2"])


@pytest.mark.parametrize(
    ("body", "option", "text"),
    [
        ({"answer": 2}, "Use my answer", "2"),
        ({"answer": None}, "Use my answer", "null"),
        ({"answer": ["a", True]}, "Use my answer", '["a", true]'),
        ({"likeliest": True}, "Go on with the likeliest", None),
    ],
)
async def test_an_answer_goes_to_the_task_that_waits_once(
    client: httpx.AsyncClient, asking: str, airflow: FakeAirflow, body, option, text
):
    answered = await client.post(f"{asking}/clarification", json=body)
    assert answered.status_code == 200, answered.text
    sent = airflow.answered["solve_a"]
    assert (sent["chosen_options"], sent["params_input"]) == ([option], {"answer": text})
    again = await client.post(f"{asking}/clarification", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "nothing_asked")


@pytest.mark.parametrize("body", [{}, {"answer": 1, "likeliest": True}, {"other": 1}, [1]])
async def test_what_is_no_answer_is_refused(
    client: httpx.AsyncClient, asking: str, airflow: FakeAirflow, body
):
    refused = await client.post(f"{asking}/clarification", content=json.dumps(body))
    assert refused.status_code in {400, 422}, refused.text
    assert refused.json()["remedy"]
    assert airflow.answered == {}


async def test_a_stranger_cannot_answer(client: httpx.AsyncClient, asking: str):
    headers = {"Authorization": "Bearer other-key"}
    refused = await client.post(f"{asking}/clarification", json={"answer": 1}, headers=headers)
    assert refused.status_code == 404
