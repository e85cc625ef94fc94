"""Programs that pass every test but do not do the same: the tests do not tell which is right."""

from pathlib import Path
from typing import Any

import pytest

from calisota.engine import decide
from calisota.engine.decide import HELD_OUT_LOOKS
from calisota.models import ExecutionMatrix, Observation, Outcome, Tried, Verdict
from tests.unit.engine.test_decide import BAD, OK, state, tried
from tests.unit.engine.test_honesty import OTHER, SQUARE, Rig

THREE = (OK, OK, OK)
DIGITS = "def f(n):\n    return [int(c) for c in str(n) if c != '0']\n"
DIGITS_BACK = "def f(n):\n    return [int(c) for c in reversed(str(n)) if c != '0']\n"


def passing(name: str, answers: str, **named: Any) -> Tried:
    return tried(name, *THREE, answers=answers, approach=f"way {name}", **named)


def doing(one: Tried, *observed: Observation) -> Tried:
    fields = dict(one.matrix) | {"observed": list(observed)}
    return one.model_copy(update={"matrix": ExecutionMatrix.model_validate(fields)})


def test_the_commonest_behaviour_is_taken_not_the_first_and_the_tests_are_called_weak():
    decision = decide(state(passing("r1c0", "ax"), passing("r1c1", "ab"), passing("r1c2", "ab")))
    assert (decision.candidate_id, decision.verdict) == ("r1c1", Verdict.VERIFIED_WEAK_TESTS)
    assert decision.doubt == (
        "r1c0 passed them too and answers f(1) with x, this one with b: "
        "a test of that input would decide"
    )
    assert decision.doubt in decision.reason


def test_of_equally_common_ones_the_oldest_is_taken():
    decision = decide(state(passing("r1c0", "ax"), passing("r1c1", "ab")))
    assert (decision.candidate_id, decision.verdict) == ("r1c0", Verdict.VERIFIED_WEAK_TESTS)


def test_an_answer_that_the_planner_quoted_weighs_where_no_test_decides():
    programs = [passing("r1c0", "ax"), passing("r1c1", "ab")]
    assert decide(state(*programs, expected=[None, "b"])).candidate_id == "r1c1"
    assert decide(state(*programs, expected=[None, "b"])).verdict is Verdict.VERIFIED_WEAK_TESTS


def test_one_that_fails_what_the_other_passes_is_no_dissent():
    good = passing("r1c0", "ab")
    failing = tried("r1c1", OK, OK, BAD, answers="ax")
    hidden = tried("r1c1", OK, OK, BAD, answers="ax", hidden=(2,))
    example = tried("r1c1", *THREE, answers="ax", examples=(BAD,))
    table = passing("r1c1", "ax", leaked=True)
    for other in (failing, hidden, example, table):
        decision = decide(state(good, other))
        assert (decision.candidate_id, decision.verdict) == ("r1c0", Verdict.VERIFIED)
        assert decision.doubt is None


@pytest.mark.parametrize(
    "seen",
    [
        Observation(outcome=Outcome.RUNTIME_ERROR),
        Observation(outcome=Outcome.TIME_LIMIT),
        Observation(outcome=Outcome.NOT_RUN),
    ],
    ids=lambda seen: seen.outcome.value,
)
def test_a_program_without_an_answer_there_says_nothing_of_the_tests(seen: Observation):
    """What the statement does not allow may end in an error in one, and in anything in another."""
    other = doing(passing("r1c1", "ab"), Observation(outcome=OK, answer="a"), seen)
    decision = decide(state(passing("r1c0", "ab"), passing("r1c2", "ab"), other))
    assert (decision.candidate_id, decision.verdict) == ("r1c0", Verdict.VERIFIED)


def answering(*answers: str) -> list[Tried]:
    return [
        doing(passing(f"r1c{n}", "a"), Observation(outcome=OK, answer=answer))
        for n, answer in enumerate(answers)
    ]


@pytest.mark.parametrize(
    ("one", "other", "how", "text"),
    [
        ("0.1", "0.1000000001", [], False),
        ("2", "2.0", ["exact"], False),
        ("[1,2]", "[2,1]", ["unordered"], False),
        ("1 2", "2 1", ["unordered"], True),
        ("0.5 x", "0.50000001 x", ["tokens"], True),
        ("[1]", "[7]", ["exact", "checker"], False),
        (f"sha256:{'0' * 64}", f"sha256:{'1' * 64}", ["exact"], False),
    ],
)
def test_answers_that_may_both_be_right_are_no_dissent(
    one: str, other: str, how: list[str], *, text: bool
):
    decision = decide(state(*answering(one, other), compares=how, whole_programs=text))
    assert (decision.verdict, decision.doubt) == (Verdict.VERIFIED, None)


@pytest.mark.parametrize(
    ("one", "other", "how", "text"),
    [
        ("0.1", "0.2", ["float"], False),
        ("[1,2]", "[2,1]", ["exact"], False),
        ("[1,2]", "[2,2]", ["unordered"], False),
        ("1 2", "2 2", ["unordered", "tokens"], True),
        ("yes", "no", ["exact"], False),
        ("true", "1", ["exact"], False),
    ],
)
def test_answers_of_which_one_is_wrong_are(one: str, other: str, how: list[str], *, text: bool):
    decision = decide(state(*answering(one, other), compares=how, whole_programs=text))
    assert decision.verdict is Verdict.VERIFIED_WEAK_TESTS
    assert decision.doubt is not None


def test_what_is_said_of_it_is_one_short_line():
    long = "x\n" * 500
    programs = answering(f"0{long}", f"1{long}")
    doubt = decide(state(*programs, inputs=[f"f({long})"])).doubt
    assert doubt is not None
    assert "\n" not in doubt
    assert len(doubt) < 600


def test_held_out_tests_that_were_looked_at_are_still_named_beside_it():
    looked = [
        tried(f"r1c{n}", OK, OK, BAD, answers="zz", hidden=(2,)) for n in range(HELD_OUT_LOOKS)
    ]
    decision = decide(state(*looked, passing("r1c8", "ab"), passing("r1c9", "ax")))
    assert decision.verdict is Verdict.VERIFIED_WEAK_TESTS
    assert "looked at before" in decision.reason
    assert decision.doubt is not None


def test_the_claim_and_the_doubts_name_the_input_that_would_decide(tmp_path: Path):
    written: list[str] = []

    def code(_request: object) -> str:
        written.append(SQUARE if written else OTHER)
        return written[-1]

    tests = [{"call": {"args": [n]}, "returns": n * n} for n in (1, 2, 3, 12)]
    report = Rig(tmp_path, code).solve(tests=tests, candidates=4, rounds=1)
    assert report.verdict is Verdict.VERIFIED_WEAK_TESTS, report.claim
    assert report.code == SQUARE, "three of four"
    words = "passed them too and answers f(21) with 442, this one with 441"
    assert words in report.claim
    assert any(words in doubt for doubt in report.doubts)
    assert any(words in made for made in report.decisions)


def test_a_problem_with_many_right_answers_is_not_called_weakly_tested(tmp_path: Path):
    """The state that is decided on knows how the client's tests compare."""
    written: list[str] = []

    def code(_request: object) -> str:
        written.append(DIGITS_BACK if written else DIGITS)
        return written[-1]

    cases = ((0, []), (1, [1]), (3, [3]), (7, [7]), (9, [9]))
    tests: list[dict[str, Any]] = [
        {"call": {"args": [n]}, "returns": digits, "compare": "unordered"} for n, digits in cases
    ]
    named = {"candidates": 4, "rounds": 1}
    statement = "f(n) is the list of the digits of n but 0, in any order."
    report = Rig(tmp_path, code).solve(tests=tests, statement=statement, **named)
    assert report.verdict is Verdict.VERIFIED, report.claim
    written.clear()
    exact = [test | {"compare": "exact"} for test in tests]
    report = Rig(tmp_path / "exact", code).solve(tests=exact, statement=statement, **named)
    assert report.verdict is Verdict.VERIFIED_WEAK_TESTS, report.claim


def test_where_all_do_the_same_nothing_is_doubted(tmp_path: Path):
    tests = [{"call": {"args": [n]}, "returns": n * n} for n in (0, 1, 2, 3, 12)]
    report = Rig(tmp_path, lambda _request: SQUARE).solve(tests=tests, candidates=4, rounds=1)
    assert report.verdict is Verdict.VERIFIED, report.claim
    assert report.doubts == []
