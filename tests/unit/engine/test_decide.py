from hypothesis import given
from hypothesis import strategies as st

from calisota.engine import decide
from calisota.models import ExecutionMatrix, Outcome, SolveState, TestResult, Usage, Verdict
from calisota.models.execution import worst

outcomes = st.sampled_from(list(Outcome))


def matrix(candidate_id: str, *cells: Outcome, cooperative: bool = False) -> ExecutionMatrix:
    return ExecutionMatrix(
        candidate_id=candidate_id,
        outcome=worst(list(cells)) if cells else Outcome.ACCEPTED,
        tests=[
            TestResult(name=f"t{n}", outcome=cell, cooperative=cooperative)
            for n, cell in enumerate(cells)
        ],
        image="i",
        wall_s=0.1,
    )


def state(*matrices: ExecutionMatrix, **changes: object) -> SolveState:
    values: dict[str, object] = {
        "round": 1,
        "max_rounds": 3,
        "has_tests": True,
        "matrices": list(matrices),
        "usage": Usage(calls=1, prompt_tokens=10),
        "tokens_budget": 1000,
        "calls_budget": 10,
        "elapsed_s": 1.0,
        "wall_budget_s": 100.0,
    }
    return SolveState.model_validate(values | changes)


OK, BAD = Outcome.ACCEPTED, Outcome.WRONG_ANSWER


def test_a_candidate_that_passes_all_tests_is_accepted():
    decision = decide(state(matrix("r1c0", BAD, OK, OK), matrix("r1c1", OK, OK, OK)))
    assert (decision.action, decision.candidate_id) == ("accept", "r1c1")
    assert decision.verdict is Verdict.VERIFIED


def test_few_tests_verify_weakly():
    assert decide(state(matrix("r1c0", OK, OK))).verdict is Verdict.VERIFIED_WEAK_TESTS


def test_tests_that_could_be_forged_verify_weakly():
    accepted = matrix("r1c0", OK, OK, OK, cooperative=True)
    assert decide(state(accepted)).verdict is Verdict.VERIFIED_WEAK_TESTS


def test_without_tests_nothing_is_verified():
    decision = decide(state(matrix("r1c0"), has_tests=False))
    assert (decision.action, decision.verdict) == ("accept", Verdict.UNVERIFIED)


def test_the_best_of_the_failures_is_repaired():
    decision = decide(state(matrix("r1c0", BAD, BAD), matrix("r1c1", OK, BAD)))
    assert (decision.action, decision.candidate_id) == ("repair", "r1c1")


def test_a_failure_of_a_held_out_test_alone_shows_nothing_to_repair():
    failed = matrix("r1c0", OK, BAD)
    hidden = failed.tests[1].model_copy(update={"held_out": True})
    failed = failed.model_copy(update={"tests": [failed.tests[0], hidden]})
    assert decide(state(failed)).action == "widen"


def test_the_last_round_ends_in_failed_with_the_best_so_far():
    decision = decide(state(matrix("r1c0", BAD), matrix("r3c0", OK, BAD), round=3))
    assert (decision.verdict, decision.candidate_id) == (Verdict.FAILED, "r3c0")


def test_a_refused_call_or_a_spent_budget_ends_in_budget_exhausted():
    failed = matrix("r1c0", BAD)
    for change in (
        {"out_of_budget": True},
        {"tokens_budget": 10},
        {"calls_budget": 1},
        {"wall_budget_s": 1.0},
    ):
        assert decide(state(failed, **change)).verdict is Verdict.BUDGET_EXHAUSTED


def test_a_sandbox_without_any_result_is_our_fault_not_a_wrong_answer():
    broken = matrix("r1c0", Outcome.INTERNAL_ERROR)
    assert decide(state(broken, broken)).verdict is Verdict.INTERNAL_ERROR


def test_no_candidate_at_all_out_of_budget():
    assert decide(state(out_of_budget=True)).verdict is Verdict.BUDGET_EXHAUSTED


@given(
    cells=st.lists(st.lists(outcomes, min_size=1, max_size=5), max_size=6),
    round_number=st.integers(1, 3),
    spent=st.integers(0, 2000),
    out=st.booleans(),
    has_tests=st.booleans(),
)
def test_every_state_has_a_decision_and_no_false_acceptance(
    cells: list[list[Outcome]], round_number: int, spent: int, *, out: bool, has_tests: bool
):
    matrices = [matrix(f"r1c{n}", *row) for n, row in enumerate(cells)]
    usage = Usage(calls=1, prompt_tokens=spent)
    values = state(
        *matrices, round=round_number, out_of_budget=out, usage=usage, has_tests=has_tests
    )
    decision = decide(values)
    assert decision == decide(values)
    assert (decision.verdict is None) == (decision.action in {"repair", "widen"})
    by_id = {m.candidate_id: m for m in matrices}
    if decision.verdict is not None and decision.verdict.solved:
        assert decision.candidate_id is not None
        assert {t.outcome for t in by_id[decision.candidate_id].tests} == {OK}
    if decision.action in {"repair", "widen"}:
        assert round_number < 3
        assert not out
