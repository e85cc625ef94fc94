"""What `calisota doctor` says of the two model endpoints, over real HTTP."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from calisota.llm.breaker import FAILURES, Breaker
from calisota.llm.breaker_file import BreakerFile
from calisota.llm.scripted_server import Answer, ScriptedServer
from calisota.settings import Settings
from calisota.system import doctor
from calisota.system.doctor import Check, mark_of

KEYS = ("sk-first-4711", "sk-second-0815")
DOWN: Answer = (503, {}, {"error": {"message": "overloaded, KEY"}})
REFUSED: Answer = (401, {}, {"error": {"message": "Incorrect API key: KEY"}})


def echoed(answer: Answer, key: str) -> Answer:
    """An endpoint that shows whatever key it was sent."""
    if not isinstance(answer, tuple):
        return answer
    status, headers, body = answer
    return status, headers, json.loads(json.dumps(body).replace("KEY", key))


def looked_at(
    tmp_path: Path, first: Answer, second: Answer | None = None, **changes: Any
) -> tuple[Check, Check]:
    """The checks of the endpoints that answer so; None: no second one is configured."""
    with (
        ScriptedServer(lambda _request: echoed(first, KEYS[0])) as one,
        ScriptedServer(lambda _request: echoed(second or "", KEYS[1])) as other,
    ):
        values: dict[str, Any] = {f"llm_model_{r}": "m" for r in ("slow", "fast", "critic")}
        values |= {"home": tmp_path, "llm_base_url": one.base_url, "llm_api_key": KEYS[0]}
        if second is not None:
            values |= {"llm_fallback_base_url": other.base_url, "llm_fallback_model": "m2"}
            values |= {"llm_fallback_api_key": KEYS[1]}
        settings = Settings.model_validate(values | changes)
        if breaker := changes.get("breaker"):
            BreakerFile(settings.breakers).change(one.base_url, lambda _: breaker)
        model, fallback = doctor.models(settings)
    for check in (model, fallback):
        assert not any(key in check.model_dump_json() for key in KEYS)
        assert check.ok or check.remedy
    return model, fallback


def test_one_endpoint_that_answers(tmp_path: Path):
    model, fallback = looked_at(tmp_path, "hello")
    assert model.ok
    assert "answered 1 tokens" in model.detail
    assert fallback.ok
    assert "none is configured" in fallback.detail


def test_one_endpoint_that_is_down_is_a_fault(tmp_path: Path):
    model, _ = looked_at(tmp_path, DOWN)
    assert (model.ok, model.degraded) == (False, False)
    assert mark_of(model) == ("✗", "red")


def test_the_first_down_and_the_second_up_is_degraded_with_a_remedy(tmp_path: Path):
    model, fallback = looked_at(tmp_path, DOWN, "hello")
    assert (model.ok, model.degraded) == (False, True)
    assert mark_of(model) == ("!", "yellow")
    assert "the fallback answers meanwhile" in model.detail
    assert "CALISOTA_LLM_BASE_URL" in (model.remedy or "")
    assert fallback.ok


@pytest.mark.parametrize("bad", [DOWN, REFUSED])
def test_a_second_that_could_not_stand_in_is_degraded_while_the_first_answers(
    tmp_path: Path, bad: Answer
):
    model, fallback = looked_at(tmp_path, "hello", bad)
    assert model.ok
    assert (fallback.ok, fallback.degraded) == (False, True)
    assert "CALISOTA_LLM_FALLBACK_" in (fallback.remedy or "")


def test_both_down_are_two_faults(tmp_path: Path):
    for check in looked_at(tmp_path, DOWN, DOWN):
        assert (check.ok, check.degraded) == (False, False)


def test_a_key_that_the_first_refuses_is_a_fault_though_the_second_answers(tmp_path: Path):
    model, fallback = looked_at(tmp_path, REFUSED, "hello")
    assert (model.ok, model.degraded) == (False, False)
    assert "CALISOTA_LLM_API_KEY" in (model.remedy or "")
    assert fallback.ok


def test_an_endpoint_that_is_spared_is_not_asked_and_says_for_how_long(tmp_path: Path):
    spared = Breaker(failures=FAILURES, open_until=time.time() + 60)
    model, fallback = looked_at(tmp_path, "hello", "hello", breaker=spared)
    assert (model.ok, model.degraded) == (False, True)
    assert "asked again in" in model.detail
    assert fallback.ok


def test_what_failed_before_an_answer_is_told(tmp_path: Path):
    model, _ = looked_at(tmp_path, "hello", breaker=Breaker(failures=FAILURES, open_until=1))
    assert model.ok
    assert "before that, its last 5 calls failed" in model.detail


def test_a_second_endpoint_without_a_model_is_a_fault(tmp_path: Path):
    model, fallback = looked_at(tmp_path, "hello", "hello", llm_fallback_model=None)
    assert model.ok
    assert (fallback.ok, fallback.degraded) == (False, False)
    assert "CALISOTA_LLM_FALLBACK_MODEL" in fallback.detail
