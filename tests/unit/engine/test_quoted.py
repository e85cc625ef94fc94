"""The planner's quoted answers: they lift no verdict, and agreement against them means nothing."""

from calisota.engine import decide
from calisota.engine.quoted import Dispute, admitted, dispute, same_answer
from calisota.engine.standing import Standing
from calisota.engine.strength import strength_of
from calisota.models import Action, Observation, Outcome, Question, Verdict
from tests.unit.engine.test_decide import OK, agreeing, state, tried
from tests.unit.engine.test_strength import mutant


def again(said: str | None, *, held: bool | None, by: str = "slow", number: int = 0) -> Question:
    return Question.model_validate(
        {"number": number, "about": "input", "asked": f"f({number})", "options": ["a", "z"],
         "by": by, "said": said, "held": held, "quote": "words of the statement"}
    )  # fmt: skip


HELD = again("z", held=True)


def test_agreement_with_what_the_planner_quoted_is_accepted():
    decision = decide(state(*agreeing(), expected=["a", None, "c"]))
    assert (decision.action, decision.verdict) == (Action.ACCEPT, Verdict.CONSISTENT)


def test_the_planner_is_asked_again_before_agreement_against_its_words_counts():
    decision = decide(state(*agreeing(), expected=["a", "z", None, "y"]))
    assert decision.action is Action.DISCRIMINATE
    assert decision.question is not None
    assert (decision.question.number, decision.question.options) == (1, ["b", "z"])


def test_one_that_takes_an_answer_back_speaks_against_nothing():
    for said in ("a", "x", None):
        back = again(said, held=False)
        seen = state(*agreeing(), expected=["z", "y"], questions=[back], asked=True)
        assert decide(seen).verdict is Verdict.CONSISTENT


def test_an_answer_that_nobody_could_read_takes_nothing_back():
    garbled = again(None, held=None)
    seen = state(*agreeing(), expected=["z"], questions=[garbled], asked=True)
    assert decide(seen).verdict is None
    assert decide(seen.model_copy(update={"asked": False})).action is Action.DISCRIMINATE


def test_one_answer_that_stands_is_not_taken_back_by_another_nor_by_silence():
    other = again(None, held=False, number=1)
    for questions in (
        [HELD, other],
        [again(None, held=True, by="person")],
        [again(None, held=True, by="frontier")],
    ):
        seen = state(*agreeing(), expected=["z", "y"], questions=questions, asked=True)
        assert decide(seen.model_copy(update={"max_rounds": 1})).verdict is Verdict.UNVERIFIED


def test_whoever_is_asked_last_overrules_the_planner():
    for by in ("person", "frontier"):
        overruled = again("a", held=True, by=by)
        seen = state(*agreeing(), expected=["z"], questions=[overruled], asked=True)
        assert decide(seen).action is Action.ACCEPT


def test_an_input_that_cannot_be_shown_whole_is_not_asked_about_and_nothing_is_claimed():
    seen = state(*agreeing(), expected=["z"], inputs=["f([1, 1 ..."] + ["f(1)"] * 8)
    assert decide(seen).action is Action.WIDEN
    assert decide(seen.model_copy(update={"max_rounds": 1})).verdict is Verdict.UNVERIFIED


def test_a_program_that_gives_nothing_there_has_no_answer_to_offer():
    silent = [
        tried(f"r1c{n}", answers="abcabcabc", approach=f"way {n}").model_copy() for n in range(3)
    ]
    seen = state(*silent, expected=["z"])
    nothing = Observation(outcome=Outcome.RUNTIME_ERROR)
    matrices = [
        one.matrix.model_copy(update={"observed": [nothing, *one.matrix.observed[1:]]})
        for one in silent
    ]
    crashed = [
        one.model_copy(update={"matrix": matrix})
        for one, matrix in zip(silent, matrices, strict=True)
    ]
    question = decide(seen.model_copy(update={"tried": crashed})).question
    assert question is not None
    assert question.options == ["z"]


def test_one_that_says_it_twice_more_keeps_agreement_from_being_claimed():
    seen = state(*agreeing(), expected=["z"], questions=[HELD], asked=True)
    decision = decide(seen)
    assert (decision.action, decision.verdict) == (Action.WIDEN, None)
    assert "otherwise" in decision.reason
    tired = seen.model_copy(update={"actions": [Action.WIDEN]})
    assert decide(tired).action is Action.ESCALATE
    last = seen.model_copy(update={"max_rounds": 1})
    assert decide(last).verdict is Verdict.UNVERIFIED


def test_a_person_is_asked_what_programs_and_planner_read_differently():
    seen = state(*agreeing(), expected=["z"], questions=[HELD], asked=True)
    decision = decide(seen.model_copy(update={"on_ambiguous": "ask"}))
    assert decision.action is Action.CLARIFY
    assert decision.question == HELD
    assert decide(seen.model_copy(update={"on_ambiguous": "fail"})).verdict == "needs_clarification"


def test_without_calls_to_ask_again_nothing_is_claimed():
    seen = state(*agreeing(), expected=["z"], usage={"calls": 8}, max_rounds=1)
    assert decide(seen).verdict is Verdict.UNVERIFIED


def test_client_tests_decide_whatever_the_planner_expects():
    passing = [tried(f"r1c{n}", "accepted", "accepted", "accepted", answers="a") for n in range(3)]
    assert decide(state(*passing, expected=["z"])).verdict is Verdict.VERIFIED


def test_an_admitted_answer_decides_which_program_is_shown_where_none_is_proven():
    some = [tried(f"r1c{n}", answers="az", approach=f"w{n}") for n in range(2)]
    other = [tried("r1c2", answers="bz", approach="w2")]
    standing = Standing(state(*some, *other, expected=["b", "y"]))
    assert admitted(standing) == {0}
    assert dispute(standing, some[0]) is Dispute.OPEN
    assert standing.best == some[0]
    equal = Standing(state(some[0], *other, expected=["b", None]))
    assert equal.best == other[0]


def test_a_number_in_another_spelling_is_the_same_value_but_another_text():
    assert same_answer("0", "0.0", as_text=False)
    assert not same_answer("0", "0.0", as_text=True)
    assert not same_answer("true", "1", as_text=False)
    assert not same_answer("[" * 99_999, "1", as_text=False)
    assert not same_answer(None, None, as_text=False)


def test_mutants_that_deny_a_quoted_answer_are_told_apart_by_more_than_agreement():
    program = tried("r1c0", answers="abc").matrix
    mutants = [
        (mutant(0), tried("r1c0", answers="xbc").matrix),
        (mutant(1), tried("r1c0", answers="abx").matrix),
        (mutant(2), tried("r1c0", answers="abc").matrix),
    ]
    found = strength_of(program, mutants, expected=["a", "wrong"])
    assert (found.mutants, found.told_apart, found.by_answers) == (3, 2, 1)
    three = program.model_copy(update={"observed": [Observation(outcome=OK, answer="3")]})
    other = three.model_copy(update={"observed": [Observation(outcome=OK, answer="3.0")]})
    assert strength_of(three, [(mutant(0), other)], expected=["3"]).by_answers == 0
    assert strength_of(three, [(mutant(0), other)], expected=["3"], as_text=True).by_answers == 1
