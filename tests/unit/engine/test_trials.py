"""What candidates run on beside the client's tests."""

from calisota.engine.trials import contradictions_of, sorted_out, trials_for, with_trials
from calisota.models import ExecutionMatrix, Outcome, Problem, TestResult

OK, BAD, TIME = Outcome.ACCEPTED, Outcome.WRONG_ANSWER, Outcome.TIME_LIMIT


def problem(tests: list[dict[str, object]], **fields: object) -> Problem:
    body = {
        "statement": "f(1) == 1\nf(2) == 4\nf(3) == 9",
        "language": "python",
        "entry_point": "f",
        "tests": tests,
    }
    return Problem.model_validate(body | fields)


def call(argument: object, returns: object, **more: object) -> dict[str, object]:
    return {"call": {"args": [argument]}, "returns": returns, **more}


def test_an_example_that_a_test_repeats_or_denies_is_not_run_and_the_denial_is_named():
    trials = trials_for(problem([call(1, 1), call(2, 5)]))
    assert [test.call.args for test in trials.examples] == [[3]]
    (doubt,) = trials.doubts
    assert "f(2) is 4, a test says 5" in doubt


def test_tests_that_no_answer_can_satisfy_contradict_each_other():
    assert contradictions_of(problem([call(1, 1), call(1, 2)]))
    assert not contradictions_of(problem([call(1, 1), call(1, 1)]))
    assert not contradictions_of(problem([call(1, 1.0), call(1, 1.0000001, compare="float")]))
    programs = [{"stdin": "1", "stdout": "a b"}, {"stdin": "1", "stdout": "a  b\n"}]
    assert not contradictions_of(problem(programs, entry_point=None))
    programs[1]["stdout"] = "b"
    assert contradictions_of(problem(programs, entry_point=None))


def test_a_language_that_needs_glue_gets_examples_only_where_calls_are_tested_anyway():
    tests = [{"code": "assert(f(1) == 1);"}]
    assert trials_for(problem(tests, language="rust")).examples == []
    assert trials_for(problem([call(1, 1)], language="rust")).examples


def test_results_are_sorted_to_where_they_belong_and_only_binding_ones_decide():
    asked = problem([call(1, 1)])
    trials = trials_for(asked)
    whole = with_trials(asked, trials)
    outcomes = [OK] * (1 + len(trials.examples)) + [BAD] * len(trials.inputs)
    outcomes[-1] = TIME
    matrix = ExecutionMatrix(
        candidate_id="r1c0",
        outcome=BAD,
        tests=[
            TestResult(name=whole.test_name(n), outcome=one, answer="7" if one is BAD else None)
            for n, one in enumerate(outcomes)
        ],
        image="i",
        wall_s=0,
    )
    found = sorted_out(asked, trials, matrix)
    assert (len(found.tests), len(found.examples)) == (1, 2)
    assert len(found.observed) == len(trials.inputs) > 8
    assert found.outcome is OK
    assert (found.observed[0].outcome, found.observed[0].answer) == (OK, "7")
    assert (found.observed[-1].outcome, found.observed[-1].answer) == (TIME, None)
