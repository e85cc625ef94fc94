import pytest

from calisota.engine import make_briefs
from calisota.models import Decision, Plan, Route

PLAN = Plan(contract="c", approaches=["sort", "heap"], corner_cases=[])
PROMPTS = {"code": "aaa", "repair": "bbb"}


def briefs(
    round_number: int = 1, count: int = 4, last: Decision | None = None, *, frontier: bool = False
):
    return make_briefs(
        round_number=round_number,
        candidates=count,
        plan=PLAN,
        has_passages=True,
        last=last,
        prompts=PROMPTS,
        has_frontier=frontier,
    )


def test_the_first_candidate_is_direct_and_the_others_differ():
    first, *others = briefs()
    assert (first.approach, first.with_passages, first.temperature) == (None, False, 0)
    assert [brief.approach for brief in others] == ["sort", "heap", None]
    assert any(brief.with_passages for brief in others)
    assert {brief.temperature for brief in others} == {0.8}


def test_a_repair_decision_makes_at_most_two_repairs():
    decision = Decision(action="repair", candidate_id="r1c2", verdict=None, reason="")
    made = briefs(round_number=2, count=8, last=decision)
    assert [brief.repairs for brief in made].count("r1c2") == 2
    assert made[0].prompt == "repair@bbb"
    assert made[1].prompt == "code@aaa"


def test_one_candidate_repairs_when_there_is_something_to_repair():
    decision = Decision(action="repair", candidate_id="r1c0", verdict=None, reason="")
    assert briefs(round_number=2, count=1, last=decision)[0].repairs == "r1c0"


@pytest.mark.parametrize("count", [1, 4])
def test_after_an_escalation_the_larger_models_write_beside_the_coder(count: int):
    decision = Decision(action="escalate", candidate_id="r2c0", verdict=None, reason="")
    slow, fast, frontier = Route.SLOW, Route.FAST, Route.FRONTIER
    made = briefs(round_number=3, count=count, last=decision, frontier=True)
    assert [brief.route for brief in made] == (
        [frontier] if count == 1 else [slow, frontier, fast, fast]
    )
    made = briefs(round_number=3, count=count, last=decision)
    assert [brief.route for brief in made] == [slow, fast, fast, fast][:count]
