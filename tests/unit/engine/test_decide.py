"""Every action of `decide`, in its order, and what must hold of any state at all."""

from hypothesis import given
from hypothesis import strategies as st

from calisota.agents.coder import NO_PROGRAM
from calisota.engine import decide, rivals
from calisota.models import (
    Action,
    Brief,
    Compare,
    ExecutionMatrix,
    Observation,
    Outcome,
    Question,
    SolveState,
    TestResult,
    Tried,
    Usage,
    Verdict,
)
from calisota.models.execution import worst

OK, BAD, BROKEN = Outcome.ACCEPTED, Outcome.WRONG_ANSWER, Outcome.INTERNAL_ERROR
outcomes = st.sampled_from(list(Outcome))


def brief(approach: str | None = None, repairs: str | None = None) -> Brief:
    return Brief(
        number=0,
        approach=approach,
        with_passages=False,
        temperature=0.8,
        repairs=repairs,
        prompt="code@1",
    )


def tried(
    candidate_id: str,
    *cells: Outcome,
    answers: str = "",
    examples: tuple[Outcome, ...] = (),
    hidden: tuple[int, ...] = (),
    cooperative: bool = False,
    approach: str | None = None,
    repairs: str | None = None,
    build: str | None = None,
    leaked: bool = False,
) -> Tried:
    """A candidate; each letter of `answers` is what it does on one generated input."""
    results = [
        TestResult(
            name=f"t{n}",
            outcome=cell,
            held_out=n in hidden,
            cooperative=cooperative,
            detail=None if cell is OK else f"wrong {n}",
            answer="1" if cell in {OK, BAD} else None,
        )
        for n, cell in enumerate(cells)
    ]
    binding = [*cells, *examples]
    return Tried(
        candidate_id=candidate_id,
        round=int(candidate_id[1]),
        brief=brief(approach, repairs),
        leaked=[0] if leaked else [],
        matrix=ExecutionMatrix(
            candidate_id=candidate_id,
            outcome=Outcome.COMPILE_ERROR if build else worst(binding) if binding else OK,
            build_stderr=build,
            tests=results,
            examples=[TestResult(name="e", outcome=cell) for cell in examples],
            observed=[Observation(outcome=OK, answer=letter) for letter in answers],
            image="i",
            wall_s=0.1,
        ),
    )


def state(*candidates: Tried, **changes: object) -> SolveState:
    count = len(candidates[0].matrix.tests) if candidates else 3
    inputs = len(candidates[0].matrix.observed) if candidates else 0
    values: dict[str, object] = {
        "round": max([one.round for one in candidates], default=1),
        "max_rounds": 3,
        "client_tests": count,
        "tried": list(candidates),
        "inputs": [f"f({n})" for n in range(inputs)],
        "test_inputs": [f"t({n})" for n in range(count)],
        "usage": Usage(calls=1, prompt_tokens=10),
        "tokens_budget": 1000,
        "calls_budget": 10,
        "elapsed_s": 1.0,
        "wall_budget_s": 100.0,
    }
    return SolveState.model_validate(values | changes)


def asked(said: str | None, by: str = "slow", about: str = "input", number: int = 0) -> Question:
    options = ["1", "2"]
    return Question.model_validate(
        {"number": number, "about": about, "asked": "f(0)", "options": options, "by": by,
         "said": said}
    )  # fmt: skip


def agreeing(answers: str = "abcabcabc", count: int = 3) -> list[Tried]:
    return [tried(f"r1c{n}", answers=answers, approach=f"way {n}") for n in range(count)]


# cancel


def test_a_cancelled_solve_ends_even_with_a_program_that_passes():
    decision = decide(state(tried("r1c0", OK, OK, OK), cancelled=True))
    assert (decision.action, decision.verdict) == (Action.CANCEL, Verdict.CANCELLED)


# infrastructure


def test_candidates_without_a_result_are_executed_again_before_anything_else():
    good, broken = tried("r1c0", OK, OK, OK), tried("r1c1", BROKEN)
    assert decide(state(good, broken)).action is Action.RETRY_INFRASTRUCTURE
    assert decide(state(good, broken, infrastructure_retries=2)).action is Action.ACCEPT


def test_a_sandbox_without_any_result_is_our_fault_not_a_wrong_answer():
    broken = [tried("r1c0", BROKEN), tried("r1c1", BROKEN)]
    decision = decide(state(*broken, infrastructure_retries=2))
    assert (decision.action, decision.verdict) == (Action.STOP, Verdict.INTERNAL_ERROR)


# accept on tests


def test_a_candidate_that_passes_all_tests_is_accepted():
    decision = decide(state(tried("r1c0", BAD, OK, OK), tried("r1c1", OK, OK, OK)))
    assert (decision.action, decision.candidate_id) == (Action.ACCEPT, "r1c1")
    assert decision.verdict is Verdict.VERIFIED


def test_few_or_forgeable_tests_verify_weakly():
    assert decide(state(tried("r1c0", OK, OK))).verdict is Verdict.VERIFIED_WEAK_TESTS
    forgeable = tried("r1c0", OK, OK, OK, cooperative=True)
    assert decide(state(forgeable)).verdict is Verdict.VERIFIED_WEAK_TESTS


def test_a_held_out_test_decides_between_two_that_pass_what_they_saw():
    lucky = tried("r1c0", OK, OK, BAD, hidden=(2,))
    right = tried("r1c1", OK, OK, OK, hidden=(2,))
    decision = decide(state(lucky, right))
    assert (decision.candidate_id, decision.verdict) == ("r1c1", Verdict.VERIFIED)


def test_held_out_tests_that_were_looked_at_twice_prove_less():
    lucky = [tried(f"r1c{n}", OK, OK, OK, BAD, hidden=(3,)) for n in range(2)]
    right = tried("r2c0", OK, OK, OK, OK, hidden=(3,))
    assert decide(state(*lucky, right)).verdict is Verdict.VERIFIED_WEAK_TESTS


def test_a_program_that_answers_from_a_table_is_passed_over_while_others_may_come():
    table = tried("r1c0", OK, OK, OK, leaked=True)
    assert decide(state(table)).action is Action.WIDEN
    decision = decide(state(table, round=3))
    assert decision.verdict is Verdict.VERIFIED_WEAK_TESTS
    assert "from a table" in decision.reason


def test_a_program_that_fails_an_example_of_the_statement_is_not_accepted_at_once():
    one = tried("r1c0", OK, OK, OK, examples=(OK, BAD))
    assert decide(state(one)).action is Action.REPAIR
    at_last = decide(state(one, round=3))
    assert at_last.verdict is Verdict.VERIFIED_WEAK_TESTS
    assert "examples" in at_last.reason


# accept on consensus


def test_without_tests_independent_programs_that_agree_are_consistent():
    decision = decide(state(*agreeing()))
    assert (decision.action, decision.verdict) == (Action.ACCEPT, Verdict.CONSISTENT)
    assert decision.candidate_id == "r1c0"


def test_agreement_means_nothing_between_samples_of_one_brief_or_on_inputs_that_tell_nothing():
    same_brief = [tried(f"r1c{n}", answers="abcabcabc") for n in range(3)]
    assert decide(state(*same_brief)).action is Action.WIDEN
    assert decide(state(*agreeing("aaaaaaaaa"))).action is Action.WIDEN
    assert decide(state(*agreeing("abc"))).action is Action.WIDEN
    assert decide(state(*agreeing(count=2))).action is Action.WIDEN


def test_a_preference_chooses_among_those_that_do_the_same_and_only_there():
    same = [one.model_copy(update={"likeness": one.candidate_id}) for one in agreeing()]
    other = tried("r1c9", answers="xbcabcabc").model_copy(update={"likeness": "other"})
    assert rivals(state(*same)) == ("r1c0", "r1c1")
    assert decide(state(*same, preferred="r1c1")).candidate_id == "r1c1"
    assert decide(state(*same, preferred="r1c9")).candidate_id == "r1c0"
    assert rivals(state(*agreeing())) is None, "the same program thrice"
    assert rivals(state(*same, other)) is None, "nothing is accepted"

    passing = [
        tried(f"r1c{n}", OK, OK, OK, answers=answers).model_copy(update={"likeness": str(n)})
        for n, answers in enumerate(["ab", "ax", "ab"])
    ]
    assert rivals(state(*passing)) == ("r1c0", "r1c2")
    assert decide(state(*passing, preferred="r1c2")).candidate_id == "r1c2"
    assert decide(state(*passing, preferred="r1c1")).candidate_id == "r1c0"


def test_one_who_disagrees_in_the_first_round_is_enough_to_go_on():
    other = tried("r1c3", answers="abcabcabd", approach="other")
    assert decide(state(*agreeing(), other)).action is not Action.ACCEPT
    later = [tried(f"r2c{n}", answers="abcabcabc", approach=f"new {n}") for n in range(2)]
    assert decide(state(*agreeing(), other, *later)).verdict is Verdict.CONSISTENT


def test_a_program_that_fails_an_example_has_no_voice():
    wrong = [
        tried(f"r1c{n}", answers="zzzabcabc", approach=f"x{n}", examples=(BAD,)) for n in range(3)
    ]
    right = [
        tried(f"r1c{n + 3}", answers="abcabcabc", approach=f"w{n}", examples=(OK,))
        for n in range(3)
    ]
    assert decide(state(*wrong, *right)).candidate_id == "r1c3"


def test_without_a_test_or_an_input_a_program_that_builds_is_all_there_can_be():
    decision = decide(state(tried("r1c0")))
    assert (decision.action, decision.verdict) == (Action.ACCEPT, Verdict.UNVERIFIED)


def test_without_tests_nothing_is_ever_verified():
    decision = decide(state(*agreeing("abd"), round=3))
    assert decision.verdict is Verdict.UNVERIFIED


# contradiction


def test_tests_that_contradict_each_other_end_the_solve():
    failed = tried("r1c0", OK, BAD)
    decision = decide(state(failed, contradictions=["t0 and t1 want different answers."]))
    assert decision.action is Action.CONTRADICTION
    assert decision.verdict is Verdict.CONTRADICTORY_TESTS


def test_a_test_that_every_program_and_the_blind_planner_deny_is_contradictory():
    all_against = [tried(f"r1c{n}", OK, OK, BAD, approach=f"w{n}") for n in range(3)]
    first = decide(state(*all_against))
    assert first.action is Action.DISCRIMINATE
    assert first.question is not None
    assert (first.question.about, first.question.number) == ("test", 2)
    denied = asked("1", about="test", number=2)
    assert decide(state(*all_against, questions=[denied])).action is Action.CONTRADICTION
    upheld = asked("7", about="test", number=2)
    assert decide(state(*all_against, questions=[upheld])).action is Action.REPAIR


# budget


def test_a_refused_call_or_a_spent_budget_ends_in_budget_exhausted():
    failed = tried("r1c0", BAD)
    for change in (
        {"out_of_budget": True},
        {"tokens_budget": 10},
        {"calls_budget": 1},
        {"wall_budget_s": 1.0},
    ):
        decision = decide(state(failed, **change))
        assert (decision.action, decision.verdict) == (Action.BUDGET, Verdict.BUDGET_EXHAUSTED)


def test_no_candidate_at_all_out_of_budget():
    assert decide(state(out_of_budget=True)).verdict is Verdict.BUDGET_EXHAUSTED


# discriminate and clarify


def split() -> list[Tried]:
    return [
        tried(f"r1c{n}", answers=answers, approach=f"w{n}")
        for n, answers in enumerate(["abcd", "abcd", "abxd", "abxd"])
    ]


def test_a_tie_is_put_to_the_planner_by_an_input_on_which_the_sides_differ():
    decision = decide(state(*split()))
    assert decision.action is Action.DISCRIMINATE
    assert decision.question is not None
    assert (decision.question.asked, decision.question.options) == ("f(2)", ["c", "x"])


def test_where_the_statement_does_not_say_the_policy_decides_who_is_asked():
    silent = [asked(None, number=2)]
    ask = decide(state(*split(), questions=silent, on_ambiguous="ask"))
    assert (ask.action, ask.verdict) == (Action.CLARIFY, None)
    for change in ({"on_ambiguous": "fail"}, {"on_ambiguous": "ask", "can_ask": False}):
        ended = decide(state(*split(), questions=silent, **change))
        assert ended.verdict is Verdict.NEEDS_CLARIFICATION
    assert decide(state(*split(), questions=silent)).action is Action.WIDEN


def test_an_answer_of_a_person_chooses_and_silence_goes_on():
    answered = asked("x", by="person", number=2)
    decision = decide(state(*split(), questions=[answered], on_ambiguous="ask"))
    assert (decision.candidate_id, decision.verdict) == ("r1c2", Verdict.VERIFIED_WEAK_TESTS)
    silence = asked(None, by="person", number=2)
    assert decide(state(*split(), questions=[silence], on_ambiguous="ask")).action is Action.WIDEN


# repair, widen, escalate, stop


def test_the_best_of_the_failures_is_repaired():
    decision = decide(state(tried("r1c0", BAD, BAD), tried("r1c1", OK, BAD)))
    assert (decision.action, decision.candidate_id) == (Action.REPAIR, "r1c1")


def test_a_program_is_not_repaired_twice_nor_when_a_repair_changed_nothing():
    first = tried("r1c0", OK, BAD)
    same = tried("r2c0", OK, BAD, repairs="r1c0")
    assert decide(state(first, same, actions=["repair"])).action is Action.ESCALATE
    better = tried("r2c0", BAD, OK, repairs="r1c0")
    decision = decide(state(first, better, actions=["repair"]))
    assert (decision.action, decision.candidate_id) == (Action.REPAIR, "r2c0")


def test_a_failure_of_a_held_out_test_alone_shows_nothing_to_repair():
    assert decide(state(tried("r1c0", OK, BAD, hidden=(1,)))).action is Action.WIDEN


def test_an_answer_without_a_program_is_nothing_to_repair_but_a_compiler_error_is():
    assert decide(state(tried("r1c0", BAD, build=NO_PROGRAM))).action is Action.WIDEN
    assert decide(state(tried("r1c0", BAD, build="error: ;"))).action is Action.REPAIR


def test_the_slow_model_takes_over_once_where_writing_more_did_not_help():
    hopeless = [tried("r1c0", BAD, build=NO_PROGRAM), tried("r2c0", BAD, build=NO_PROGRAM)]
    assert decide(state(*hopeless, actions=["widen"])).action is Action.ESCALATE


def test_the_last_round_ends_in_failed_with_the_best_so_far():
    decision = decide(state(tried("r1c0", BAD, BAD), tried("r3c0", OK, BAD)))
    assert (decision.action, decision.verdict) == (Action.STOP, Verdict.FAILED)
    assert decision.candidate_id == "r3c0"


# of any state


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    """What a program did on an input: mostly it answers."""
    outcome = draw(st.one_of(st.just(OK), outcomes))
    answers = st.sampled_from(["a", "b", "1", "1.0", "[1,2]", "\ud800", f"sha256:{'0' * 64}"])
    return Observation(outcome=outcome, answer=draw(answers) if outcome is OK else None)


def observing(seen: list[Observation], one: Tried) -> Tried:
    matrix = one.matrix.model_copy(update={"observed": seen})
    return one.model_copy(update={"matrix": matrix})


@st.composite
def states(draw: st.DrawFn) -> SolveState:
    some = st.sampled_from
    tests = draw(st.integers(0, 4))
    inputs = draw(st.integers(0, 10))
    rounds = draw(st.integers(1, 3))
    hidden = draw(st.sampled_from([(), (0,)]))
    found = []
    for number in range(draw(st.integers(0, 7))):
        earlier = [one.candidate_id for one in found]
        size = draw(some([inputs, inputs, inputs // 2]))
        anew = st.lists(observations(), min_size=size, max_size=size)
        seen = draw(
            st.one_of(anew, some([one.matrix.observed for one in found])) if found else anew
        )
        found.append(
            observing(seen, tried(
                f"r{min(1 + number // 3, rounds)}c{number}",
                *draw(st.lists(outcomes, min_size=tests, max_size=tests)),
                examples=tuple(draw(st.lists(st.sampled_from([OK, BAD]), max_size=1))),
                hidden=hidden,
                approach=draw(st.sampled_from([None, "a", "b"])),
                repairs=draw(st.sampled_from([None, *earlier])),
                build=draw(st.sampled_from([None, None, "error", NO_PROGRAM])),
                leaked=draw(st.booleans()) and tests > 0,
            ))
        )  # fmt: skip
    questions = draw(
        st.lists(
            st.builds(
                asked,
                st.sampled_from([None, "a", "b"]),
                by=st.sampled_from(["slow", "frontier", "person"]),
                about=st.sampled_from(["input", "test"]),
                number=st.integers(0, 9),
            ),
            max_size=3,
        )
    )
    return state(
        *found,
        round=rounds,
        planned=draw(st.integers(0, 12)),
        compares=draw(st.lists(some(list(Compare)), max_size=2, unique=True)),
        whole_programs=draw(st.booleans()),
        expected=draw(st.lists(some([None, "a", "b"]), max_size=inputs + 1)),
        client_tests=tests,
        inputs=[f"f({n})" for n in range(draw(some([inputs, inputs // 2])))],
        test_inputs=[f"t({n})" for n in range(draw(some([tests, tests // 2])))],
        questions=questions,
        actions=draw(st.lists(st.sampled_from([*Action]), max_size=2)),
        on_ambiguous=draw(st.sampled_from(["ask", "best_guess", "fail"])),
        can_ask=draw(st.booleans()),
        cancelled=draw(st.sampled_from([False, False, True])),
        out_of_budget=draw(st.booleans()),
        preferred=draw(st.sampled_from([None, *(one.candidate_id for one in found)])),
        infrastructure_retries=draw(st.integers(0, 2)),
        usage=Usage(calls=draw(st.integers(0, 12)), prompt_tokens=draw(st.integers(0, 2000))),
    )


@given(states())
def test_every_state_has_one_decision(given_state: SolveState):
    decision = decide(given_state)
    assert decision == decide(given_state)
    goes_on = decision.action.next_round or decision.action in {
        Action.RETRY_INFRASTRUCTURE,
        Action.DISCRIMINATE,
        Action.CLARIFY,
    }
    assert (decision.verdict is None) == goes_on
    known = {one.candidate_id for one in given_state.tried}
    assert decision.candidate_id is None or decision.candidate_id in known
    if decision.action.next_round:
        assert given_state.round < given_state.max_rounds
        assert not given_state.out_of_budget
    if decision.action in {Action.DISCRIMINATE, Action.CLARIFY}:
        assert decision.question is not None


@given(states())
def test_a_preference_changes_the_program_and_nothing_that_is_claimed(given_state: SolveState):
    without = decide(given_state.model_copy(update={"preferred": None}))
    assert decide(given_state).action is without.action
    assert decide(given_state).verdict is without.verdict


@given(states())
def test_nothing_is_claimed_that_was_not_seen(given_state: SolveState):
    decision = decide(given_state)
    if decision.verdict is None or not decision.verdict.solved:
        return
    one = next(o for o in given_state.tried if o.candidate_id == decision.candidate_id)
    assert {test.outcome for test in one.matrix.tests} <= {OK}
    if decision.verdict is Verdict.CONSISTENT:
        assert given_state.client_tests == 0
        assert {test.outcome for test in one.matrix.examples} <= {OK}
    else:
        answered = [q for q in given_state.questions if q.binding]
        assert one.matrix.tests or answered
    if decision.verdict is Verdict.VERIFIED:
        assert not one.leaked
        assert len(one.matrix.tests) >= 3


@given(states())
def test_a_solve_that_goes_on_comes_to_an_end(given_state: SolveState):
    """What spends no round can be decided only so often."""
    current = given_state
    for _ in range(12):
        decision = decide(current)
        if decision.action is Action.RETRY_INFRASTRUCTURE:
            retries = current.infrastructure_retries + 1
            current = current.model_copy(update={"infrastructure_retries": retries})
        elif decision.action is Action.DISCRIMINATE and decision.question:
            known = decision.question.model_copy(update={"by": "slow"})
            current = current.model_copy(update={"questions": [*current.questions, known]})
        elif decision.action is Action.CLARIFY and decision.question:
            known = decision.question.model_copy(update={"by": "person"})
            rest = [q for q in current.questions if q.number != known.number]
            current = current.model_copy(update={"questions": [*rest, known]})
        else:
            return
    raise AssertionError(decision)
