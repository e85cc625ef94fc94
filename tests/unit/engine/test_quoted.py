"""The planner's quoted answers: they lift no verdict, and agreement against them means nothing."""

from calisota.engine import decide
from calisota.engine.quoted import Dispute, admitted, dispute, same_answer
from calisota.engine.standing import Standing
from calisota.engine.strength import strength_of
from calisota.models import Action, Question, Verdict
from tests.unit.engine.test_decide import agreeing, state, tried
from tests.unit.engine.test_strength import mutant


def again(said: str | None, by: str = "slow", number: int = 0) -> Question:
    return Question.model_validate(
        {"number": number, "about": "input", "asked": f"f({number})", "options": ["a", "z"],
         "by": by, "said": said}
    )  # fmt: skip


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
        seen = state(*agreeing(), expected=["z", "y"], questions=[again(said)], asked=True)
        assert decide(seen).verdict is Verdict.CONSISTENT


def test_one_that_says_it_twice_more_keeps_agreement_from_being_claimed():
    seen = state(*agreeing(), expected=["z"], questions=[again("z")], asked=True)
    decision = decide(seen)
    assert (decision.action, decision.verdict) == (Action.WIDEN, None)
    assert "otherwise" in decision.reason
    tired = seen.model_copy(update={"actions": [Action.WIDEN]})
    assert decide(tired).action is Action.ESCALATE
    last = seen.model_copy(update={"max_rounds": 1})
    assert decide(last).verdict is Verdict.UNVERIFIED


def test_a_person_is_asked_what_programs_and_planner_read_differently():
    seen = state(*agreeing(), expected=["z"], questions=[again("z")], asked=True)
    decision = decide(seen.model_copy(update={"on_ambiguous": "ask"}))
    assert decision.action is Action.CLARIFY
    assert decision.question == again("z")
    assert decide(seen.model_copy(update={"on_ambiguous": "fail"})).verdict == "needs_clarification"


def test_without_calls_to_ask_again_nothing_is_claimed():
    seen = state(*agreeing(), expected=["z"], usage={"calls": 8}, max_rounds=1)
    assert decide(seen).verdict is Verdict.UNVERIFIED


def test_client_tests_decide_whatever_the_planner_expects():
    passing = [tried(f"r1c{n}", "accepted", "accepted", "accepted", answers="a") for n in range(3)]
    assert decide(state(*passing, expected=["z"])).verdict is Verdict.VERIFIED


def test_an_answer_is_admitted_when_a_third_of_the_programs_give_it():
    some = [tried(f"r1c{n}", answers="az", approach=f"w{n}") for n in range(2)]
    other = [tried("r1c2", answers="bz", approach="w2")]
    standing = Standing(state(*some, *other, expected=["b", "y"]))
    assert admitted(standing) == {0}
    assert dispute(standing, some[0]) is Dispute.OPEN


def test_a_number_in_another_spelling_is_the_same_answer():
    assert same_answer("0", "0.0")
    assert not same_answer("true", "1")
    assert not same_answer(None, None)


def test_mutants_that_deny_a_quoted_answer_are_told_apart_by_more_than_agreement():
    program = tried("r1c0", answers="abc").matrix
    mutants = [
        (mutant(0), tried("r1c0", answers="xbc").matrix),
        (mutant(1), tried("r1c0", answers="abx").matrix),
        (mutant(2), tried("r1c0", answers="abc").matrix),
    ]
    found = strength_of(program, mutants, expected=["a", "wrong"])
    assert (found.mutants, found.told_apart, found.by_answers) == (3, 2, 1)
