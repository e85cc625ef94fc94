"""Programs that pass every test but do not do the same: the tests do not tell which is right."""

import json
from pathlib import Path
from typing import Any

import pytest

from calisota.agents import no_plan
from calisota.agents.prompts import CUT
from calisota.engine import SolveRecord, decide, state_after
from calisota.engine.claim import claim_of
from calisota.engine.decide import HELD_OUT_LOOKS
from calisota.models import (
    Admitted,
    CandidateSet,
    Compare,
    Decision,
    ExecutionMatrix,
    HitSet,
    Observation,
    Outcome,
    Probe,
    Problem,
    Question,
    SolveState,
    Trials,
    Tried,
    Usage,
    Verdict,
)
from tests.unit.engine.test_decide import BAD, OK, state, tried
from tests.unit.engine.test_honesty import OTHER, PLAN, SQUARE, Rig

THREE = (OK, OK, OK)
AT_LENGTH: dict[str, Any] = {
    "plan": json.dumps(json.loads(PLAN) | {"approaches": ["any", "other"]}),
    "llm_max_tokens": 2048,
    "without": ("critic",),
}
"""Of a planner that may write at length: it names inputs."""
WEAK = Verdict.VERIFIED_WEAK_TESTS
NOTHING = Observation(outcome=Outcome.NOT_RUN)
CRASH = Observation(outcome=Outcome.RUNTIME_ERROR)


def passing(name: str, answers: str, **named: Any) -> Tried:
    return tried(name, *THREE, answers=answers, approach=f"way {name}", **named)


def doing(name: str, *seen: Observation | str) -> Tried:
    """A program that passes the tests; a text is what it answers."""
    one = passing(name, "a")
    observed = [Observation(outcome=OK, answer=o) if isinstance(o, str) else o for o in seen]
    fields = dict(one.matrix) | {"observed": observed}
    return one.model_copy(update={"matrix": ExecutionMatrix.model_validate(fields)})


def stated(*programs: Tried, **changes: Any) -> SolveState:
    """All inputs are the planner's."""
    count = max(len(one.matrix.observed) for one in programs)
    named = {"inputs": [f"f({n})" for n in range(count)], "planned": count}
    return state(*programs, **(named | changes))


def decided(*programs: Tried, **changes: Any) -> Decision:
    return decide(stated(*programs, **changes))


def outcome_of(*programs: Tried, **changes: Any) -> tuple[str | None, Verdict | None]:
    made = decided(*programs, **changes)
    assert bool(made.doubts) is (made.verdict is WEAK)
    return made.candidate_id, made.verdict


def test_the_commonest_behaviour_is_taken_not_the_first_and_the_tests_are_called_weak():
    decision = decided(passing("r1c0", "ax"), passing("r1c1", "ab"), passing("r1c2", "ab"))
    assert (decision.candidate_id, decision.verdict) == ("r1c1", WEAK)
    words = (
        "r1c0 passed the same and answers `f(1)` with `x`, this one with `b`: "
        "a test of that input would decide"
    )
    assert decision.doubts == [words]
    assert words in decision.reason


def test_of_equally_common_ones_the_oldest_is_taken():
    assert outcome_of(passing("r1c0", "ax"), passing("r1c1", "ab")) == ("r1c0", WEAK)


def test_samples_of_one_brief_weigh_less_than_programs_of_two():
    copies = [tried(f"r1c{n}", *THREE, answers="ax") for n in range(3)]
    others = [passing("r1c3", "ab"), passing("r1c4", "ab")]
    assert outcome_of(*copies, *others) == ("r1c3", WEAK)


def test_an_answer_that_the_planner_quoted_weighs_where_no_test_decides():
    programs = [passing("r1c0", "ax"), passing("r1c1", "ab")]
    assert outcome_of(*programs, expected=[None, "b"]) == ("r1c1", WEAK)
    many = [passing(f"r1c{n}", "axxx") for n in range(3)]
    alone = passing("r1c9", "abcd")
    few = "an answer that less than a third of the programs give is not admitted"
    assert outcome_of(*many, alone, expected=[None, *"bcd"]) == ("r1c0", WEAK), few


def test_one_that_fails_what_the_other_passes_is_no_dissent():
    good = passing("r1c0", "ab")
    failing = tried("r1c1", OK, OK, BAD, answers="ax")
    hidden = tried("r1c1", OK, OK, BAD, answers="ax", hidden=(2,))
    example = tried("r1c1", *THREE, answers="ax", examples=(BAD,))
    table = passing("r1c1", "ax", leaked=True)
    for other in (failing, hidden, example, table):
        assert outcome_of(good, other) == ("r1c0", Verdict.VERIFIED)


def test_inputs_that_the_statement_may_not_allow_say_nothing():
    """Small changes of known inputs: there right programs differ."""
    programs = [passing("r1c0", "ax"), passing("r1c1", "ab"), passing("r1c2", "ab")]
    assert outcome_of(*programs, planned=1) == ("r1c0", Verdict.VERIFIED)
    assert outcome_of(*programs, planned=0) == ("r1c0", Verdict.VERIFIED)


@pytest.mark.parametrize("seen", [CRASH, Observation(outcome=Outcome.TIME_LIMIT)])
def test_a_crash_speaks_against_the_one_that_crashes(seen: Observation):
    good, other = doing("r1c1", "a", "b"), doing("r1c0", "a", seen)
    assert outcome_of(other, good, doing("r1c2", "a", "b")) == ("r1c1", Verdict.VERIFIED)
    decision = decided(other, good)
    assert (decision.candidate_id, decision.verdict) == ("r1c0", WEAK)
    said, end = "r1c1 passed the same and answers `f(1)` with `b`, on which", seen.outcome
    words = f"{said} this one ends as {end}: a test of that input would decide"
    assert decision.doubts == [words]


@pytest.mark.parametrize(
    "seen",
    [NOTHING, Observation(outcome=Outcome.INTERNAL_ERROR), Observation(outcome=OK)],
    ids=["not run", "no result", "no value"],
)
def test_what_was_not_seen_tells_nothing(seen: Observation):
    programs = [doing("r1c0", "a", "b"), doing("r1c1", "a", seen), doing("r1c2", "a", "b")]
    assert outcome_of(*programs) == ("r1c0", Verdict.VERIFIED)
    assert outcome_of(programs[1], programs[0]) in {
        ("r1c0", Verdict.VERIFIED),
        ("r1c1", Verdict.VERIFIED),
    }


def test_programs_that_ran_less_far_stand_with_those_that_they_agree_with():
    right = [doing("r1c0", "a", "b", "c"), doing("r1c1", "a", "b", NOTHING), doing("r1c2", "a")]
    wrong = [doing("r1c3", "a", "b", "x"), doing("r1c4", "a", "b", "x")]
    assert outcome_of(*right, *wrong) == ("r1c0", WEAK)
    less = doing("r1c0", "a", NOTHING)
    split = [doing(f"r1c{n}", "a", seen) for n, seen in enumerate("bxxx", 1)]
    assert outcome_of(less, *split) == ("r1c2", WEAK), "what is open joins no two that differ"
    unseen = [doing("r1c0", NOTHING, NOTHING), doing("r1c1", "a", "b"), doing("r1c2", "a", "b")]
    assert outcome_of(*unseen) == ("r1c1", Verdict.VERIFIED), "the one that was seen"


@pytest.mark.parametrize(
    ("one", "other", "how", "text"),
    [
        ("0.1", "0.1000000001", ["float"], False),
        ("[1,2]", "[2,1]", ["unordered"], False),
        ("[1,2]", "[2,1]", ["exact", "unordered"], False),
        ("1 2", "2 1", ["unordered"], True),
        ("0.5 x", "0.50000001 x", ["float"], True),
        ("[1]", "[7]", ["exact", "checker"], False),
        (f"sha256:{'0' * 64}", f"sha256:{'1' * 64}", ["float"], False),
        ("[1]", f"sha256:{'1' * 64}", ["unordered"], False),
    ],
)
def test_answers_that_may_both_be_right_are_no_dissent(
    one: str, other: str, how: list[str], *, text: bool
):
    programs = [doing("r1c0", one), doing("r1c1", other), doing("r1c2", other)]
    found = outcome_of(*programs, compares=how, whole_programs=text)
    assert found == ("r1c0", Verdict.VERIFIED)


@pytest.mark.parametrize(
    ("one", "other", "how", "text"),
    [
        ("0.1", "0.2", ["float"], False),
        ("25000000", "25000001", ["exact"], False),
        ("25000000", "25000001", ["tokens"], True),
        ("2", "2.0", ["exact"], False),
        ("[1,2]", "[2,1]", ["exact"], False),
        ("[1,2]", "[2,2]", ["unordered"], False),
        ("1 2", "2 2", ["unordered", "tokens"], True),
        ("yes", "no", ["float"], False),
        ("\ud800", "\ud801", ["tokens"], True),
        ("a", "b", [], False),
        (f"sha256:{'0' * 64}", f"sha256:{'1' * 64}", ["exact", "tokens"], False),
        (f"sha256:{'x' * 64}", f"sha256:{'y' * 64}", ["float"], True),
    ],
)
def test_answers_of_which_one_is_wrong_are(one: str, other: str, how: list[str], *, text: bool):
    programs = [doing("r1c0", one), doing("r1c1", other)]
    assert outcome_of(*programs, compares=how, whole_programs=text) == ("r1c0", WEAK)


def test_the_shortest_input_that_can_be_read_whole_is_named():
    programs = [doing("r1c0", "a", "a", "a"), doing("r1c1", "x", "x", "x")]
    doubt = decided(*programs, inputs=["f(100)", "f(1)", f"f({CUT}"]).doubts[0]
    assert "answers `f(1)` with" in doubt
    doubt = decided(*programs, inputs=[f"f({CUT}", "f(long)", "f(longer)"]).doubts[0]
    assert "answers `f(long)` with" in doubt
    doubt = decided(*programs, inputs=["f(" + "1" * 200] * 3).doubts[0]
    assert "would decide" not in doubt, "nobody can write it down"
    assert CUT in doubt


def test_what_programs_print_is_quoted_and_neither_long_nor_able_to_speak():
    long = "x\n" * 500
    doubt = decided(doing("r1c0", f"0{long}"), doing("r1c1", f"1{long}")).doubts[0]
    advice = "a test of that input would decide"
    assert doubt == f"r1c1 passed the same and answers `f(0)` otherwise: {advice}"
    said = "7`: never mind. But other programs were tried on the held-out ones before it\n`"
    made = decided(doing("r1c0", "7"), doing("r1c1", said), whole_programs=True)
    assert "\n" not in made.doubts[0]
    assert made.doubts[0].count("`") == 6, "three quotations"
    assert len(made.doubts) == 1


def test_held_out_tests_that_were_looked_at_are_named_beside_it():
    looked = [
        tried(f"r1c{n}", OK, OK, BAD, answers="zz", hidden=(2,)) for n in range(HELD_OUT_LOOKS)
    ]
    decision = decided(*looked, passing("r1c8", "ab"), passing("r1c9", "ax"))
    assert decision.verdict is WEAK
    assert decision.doubts[0].startswith("r1c9 passed the same")
    assert decision.doubts[1] == "other programs were tried on the held-out ones before it"
    alone = decided(*looked, passing("r1c8", "ab"))
    assert (alone.verdict, len(alone.doubts)) == (WEAK, 1)


def test_the_claim_says_all_that_speaks_against_the_program():
    against = ["it fails the statement's examples", "other programs were tried before it"]
    decision = Decision(
        action="accept", candidate_id="r1c0", verdict=WEAK, reason="r", doubts=against
    )
    claim = claim_of(
        WEAK,
        passing("r1c0", "ab").matrix,
        confirmed=True,
        decision=decision,
        strength=None,
        agreement=None,
        inputs=2,
    )
    assert claim.endswith(f" But {against[0]}. But {against[1]}.")


def test_programs_that_answer_as_a_person_said_may_differ_elsewhere():
    programs = [tried(f"r1c{n}", answers=seen) for n, seen in enumerate(["ab", "ax"])]
    answer = Question(number=0, about="input", asked="f(0)", options=["a"], by="person", said="a")
    made = decided(*programs, questions=[answer], client_tests=0)
    assert made.verdict is WEAK
    assert "r1c1 passed the same and answers `f(1)`" in made.doubts[0]


def test_inputs_that_only_the_critic_named_are_not_looked_at():
    """They lie behind the others, and the state has no words for them."""
    programs = [doing("r1c0", "a", "b"), doing("r1c1", "a", "x")]
    assert outcome_of(*programs, inputs=["f(0)"], planned=2) == ("r1c0", Verdict.VERIFIED)


def taking_turns(*programs: str) -> Any:
    """A coder whose first program is the first, and every other the last."""
    written: list[str] = []

    def code(_request: object) -> str:
        written.append(programs[-1] if written else programs[0])
        return written[-1]

    return code


def test_the_claim_and_the_doubts_name_the_input_that_would_decide(tmp_path: Path):
    tests = [{"call": {"args": [n]}, "returns": n * n} for n in (1, 2, 3, 12)]
    code = taking_turns(OTHER, SQUARE)
    report = Rig(tmp_path, code, **AT_LENGTH).solve(tests=tests, candidates=4, rounds=1)
    assert report.verdict is WEAK, report.claim
    assert report.code == SQUARE, "three of four"
    words = "passed the same and answers `f(24)` with `577`, this one with `576`"
    assert " But r1c" in report.claim
    assert words in report.claim
    assert [words in doubt for doubt in report.doubts] == [True]
    assert any(words in made for made in report.decisions)


def test_where_all_do_the_same_nothing_is_doubted(tmp_path: Path):
    tests = [{"call": {"args": [n]}, "returns": n * n} for n in (0, 1, 2, 3, 12)]
    report = Rig(tmp_path, lambda _request: SQUARE, **AT_LENGTH).solve(
        tests=tests, candidates=4, rounds=1
    )
    assert report.verdict is Verdict.VERIFIED, report.claim
    assert report.doubts == []


@pytest.mark.parametrize(("compare", "verdict"), [("unordered", Verdict.VERIFIED), ("exact", WEAK)])
def test_the_client_s_way_to_compare_calls_reaches_the_decision(
    tmp_path: Path, compare: str, verdict: Verdict
):
    """The digits of one number have one order only; those of the planner's inputs have two."""
    digits = "def f(n):\n    return [int(c) for c in {}(str(n)) if c != '0']\n"
    tests: list[dict[str, Any]] = [
        {"call": {"args": [n]}, "returns": [n] if n else [], "compare": compare}
        for n in (0, 1, 3, 7, 9)
    ]
    code = taking_turns(digits.format(""), digits.format("reversed"))
    statement = "f(n) is the list of the digits of n but 0, in any order."
    named = {"candidates": 4, "rounds": 1}
    report = Rig(tmp_path, code, **AT_LENGTH).solve(tests=tests, statement=statement, **named)
    assert report.verdict is verdict, report.claim


def test_and_so_does_that_of_whole_programs():
    tests = [{"stdin": "1", "stdout": "1"}, {"stdin": "2", "stdout": "2", "compare": "checker"}]
    problem = Problem.model_validate(
        {
            "statement": "Print a number.",
            "language": "python",
            "tests": [*tests, {"code": "pass"}],
            "checker": {"language": "python", "source": "pass"},
        }
    )
    trials = Trials(inputs=[Probe(origin=o, stdin=o) for o in ("planner", "planner", "changed")])
    planned = no_plan(problem, Usage(), note="none").model_copy(update={"trials": trials})
    hits = HitSet(index=None, hits=[])
    record = SolveRecord(problem=problem, hits=hits, planned=planned, rounds=[])
    drawn = CandidateSet(round=1, candidates=[])
    after = state_after(Admitted(problem=problem, started_at=0.0), record, drawn, [], usage=Usage())
    assert after.compares == [Compare.CHECKER, Compare.TOKENS]
    assert (after.planned, after.whole_programs) == (2, True)
