import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calisota.models import Execution, Outcome, Problem
from calisota.sandbox.judge import CandidateRun, judge, judge_test, no_program, shown

CALL = {"call": {"args": [1]}, "returns": 2}
STDIO = {"stdin": "", "stdout": "2\n"}
CODE = {"code": "assert f(1) == 2"}


def problem(*tests, entry_point="f", **limits):
    if any("stdout" in test for test in tests):
        entry_point = None
    return Problem(
        statement="x", language="python", entry_point=entry_point, tests=tests, limits=limits
    )


def ran(**fields):
    defaults = {
        "exit_code": 0,
        "signal": None,
        "cpu_s": 0.1,
        "wall_s": 0.2,
        "peak_bytes": 1,
        "stdout": b"",
        "stderr": b"",
    }
    return Execution(**{**defaults, **fields})


def returned(value):
    return ran(value=json.dumps({"value": value}).encode())


def matrix_of(one, **run):
    return judge(
        one,
        CandidateRun(**{"cells_planned": len(one.tests), **run}),
        candidate_id="r1c0",
        image="image",
        wall_s=1,
    )


def test_the_cpu_time_is_that_of_everything_that_ran():
    build, check = ran(cpu_s=1.0), ran(cpu_s=0.25, exit_code=1)
    cells = [returned(2), ran(cpu_s=2.0), ran(cpu_s=4.0)]
    one = problem(CALL, CALL, CALL)
    assert matrix_of(one, build=build, cells=cells, checks={0: check}).cpu_s == 7.35
    # A checker that did not build was built once.
    assert matrix_of(one, cells=[], checks={0: check, 1: check}).cpu_s == 0.25
    failed = matrix_of(one, build=ran(cpu_s=3.0, exit_code=1))
    assert failed.cpu_s == 3.0


def test_the_right_value_is_accepted_and_an_equal_one_of_another_type_is_not():
    assert judge_test(problem(CALL), 0, returned(2)).outcome is Outcome.ACCEPTED
    wrong = judge_test(problem(CALL), 0, returned(2.0))
    assert (wrong.outcome, wrong.detail) == (Outcome.WRONG_ANSWER, "expected 2, got 2.0")


@pytest.mark.parametrize(
    "value",
    [
        b'{"value": 2, "value": 2}',
        b'{"value": 2}{"value": 2}',
        b'{"value": 2, "passed": true}',
        b'{"completed": true}',
        b'{"unsupported": "set"}',
        b"2",
        b"true",
        b"[]",
        b'{"value": NaN}',
        b'{"value": ' + b"9" * 5000 + b"}",
        b'{"value": ' + b"[" * 50_000,
        b'{"value": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b"\xff",
        b"\x1b]0;owned\x07",
    ],
)
def test_a_forged_or_broken_value_is_a_wrong_answer_with_a_printable_detail(value):
    result = judge_test(problem(CALL), 0, ran(value=value))
    assert result.outcome is Outcome.WRONG_ANSWER
    assert result.detail
    assert result.detail.isprintable()


@given(st.binary(max_size=200))
def test_no_value_makes_the_judge_raise(value):
    for test in (CALL, CODE):
        judge_test(problem(test), 0, ran(value=value or None))


def test_ending_early_with_exit_code_0_passes_neither_a_call_nor_a_code_test():
    for test in (CALL, CODE):
        assert judge_test(problem(test), 0, ran()).outcome is Outcome.RUNTIME_ERROR


def test_a_code_test_passes_by_its_completion_record_and_is_marked_cooperative():
    result = judge_test(problem(CODE), 0, ran(value=b'{"completed": true}'))
    assert (result.outcome, result.cooperative) == (Outcome.ACCEPTED, True)
    assert not judge_test(problem(CALL), 0, returned(2)).cooperative


def test_output_is_compared_as_the_test_says():
    assert judge_test(problem(STDIO), 0, ran(stdout=b" 2")).outcome is Outcome.ACCEPTED
    exact = problem({**STDIO, "compare": "exact"})
    assert judge_test(exact, 0, ran(stdout=b" 2")).outcome is Outcome.WRONG_ANSWER


@pytest.mark.parametrize(
    ("fields", "outcome", "detail"),
    [
        ({"output_exceeded": True, "timed_out": True}, Outcome.OUTPUT_LIMIT, "more than 64 kB"),
        (
            {"output_exceeded": True, "value": b"[" * 1024 * 1024},
            Outcome.OUTPUT_LIMIT,
            "returned more than 1 MB",
        ),
        ({"timed_out": True, "out_of_memory": True}, Outcome.TIME_LIMIT, "longer than 10 s"),
        ({"cpu_s": 5.1}, Outcome.TIME_LIMIT, "more than 5 s of CPU"),
        ({"signal": 24}, Outcome.TIME_LIMIT, "of CPU"),
        ({"signal": 9, "out_of_memory": True}, Outcome.MEMORY_LIMIT, "more than 256 MB"),
        ({"signal": 9}, Outcome.RUNTIME_ERROR, "killed by SIGKILL"),
        ({"signal": 11}, Outcome.RUNTIME_ERROR, "killed by SIGSEGV"),
        ({"signal": 64}, Outcome.RUNTIME_ERROR, "killed by"),
        ({"exit_code": 1, "stderr": b"a\nE: \x1b"}, Outcome.RUNTIME_ERROR, "code 1: E: \\x1b"),
        ({"exit_code": 137}, Outcome.RUNTIME_ERROR, "exit code 137"),
    ],
)
def test_a_broken_limit_decides_before_the_answer_does(fields, outcome, detail):
    if "signal" in fields:
        fields = {"exit_code": None, **fields}
    result = judge_test(problem(STDIO), 0, ran(stdout=b"2\n", **fields))
    assert result.outcome is outcome
    assert detail in result.detail


def test_memory_that_ran_out_in_a_child_only_is_no_memory_limit():
    result = judge_test(problem(STDIO), 0, ran(stdout=b"2\n", out_of_memory=True))
    assert result.outcome is Outcome.ACCEPTED


def test_a_failed_build_is_a_compile_error_of_every_test():
    stderr = b"solution.c: In function main:\nsolution.c:1:1: error: expected ';'\n"
    matrix = matrix_of(problem(STDIO, STDIO), build=ran(exit_code=1, stderr=stderr))
    assert matrix.outcome is Outcome.COMPILE_ERROR
    assert [test.outcome for test in matrix.tests] == [Outcome.COMPILE_ERROR] * 2
    assert matrix.tests[0].detail == "solution.c:1:1: error: expected ';'"
    assert "expected ';'" in matrix.build_stderr


def test_a_build_that_never_ended_says_so():
    matrix = matrix_of(problem(STDIO), build=ran(exit_code=None, signal=9, timed_out=True))
    assert (matrix.outcome, matrix.build_stderr) == (
        Outcome.COMPILE_ERROR,
        "the build took too long",
    )


def test_a_missing_result_is_never_a_pass():
    matrix = matrix_of(
        problem(CALL, CALL, CALL), build=ran(), cells=[returned(2)], fault="the container ended"
    )
    outcomes = [test.outcome for test in matrix.tests]
    assert outcomes == [Outcome.ACCEPTED, Outcome.INTERNAL_ERROR, Outcome.NOT_RUN]
    assert matrix.outcome is Outcome.INTERNAL_ERROR


def test_tests_left_when_the_time_ran_out_are_not_run():
    matrix = matrix_of(problem(CALL, CALL), build=ran(), cells=[returned(2)], out_of_time=True)
    assert matrix.outcome is Outcome.NOT_RUN
    assert "time" in matrix.tests[1].detail


def test_without_tests_the_matrix_says_whether_the_candidate_loads():
    loads = ran(value=b'{"completed": true}')
    fails = ran(exit_code=1, stderr=b"NameError: name 'g' is not defined\n")
    none = problem()
    assert matrix_of(none, build=ran(), cells_planned=0).outcome is Outcome.ACCEPTED
    assert matrix_of(none, build=ran(), cells=[loads], cells_planned=1).outcome is Outcome.ACCEPTED
    failed = matrix_of(none, build=ran(), cells=[fails], cells_planned=1)
    assert (failed.outcome, failed.tests) == (Outcome.RUNTIME_ERROR, [])
    assert "NameError" in failed.build_stderr
    broken = matrix_of(none, build=ran(), cells_planned=1, fault="gone")
    assert broken.outcome is Outcome.INTERNAL_ERROR


def test_an_answer_without_a_program_is_a_compile_error():
    matrix = no_program(problem(CALL), "there is none", candidate_id="r1c0", image="image")
    assert matrix.outcome is Outcome.COMPILE_ERROR
    assert matrix.tests[0].detail == "there is none"


@given(st.binary(max_size=10_000))
def test_shown_output_is_short_and_cannot_steer_a_terminal(output):
    text = shown(output)
    assert len(text) <= 2000
    assert not any(
        unicodedata.category(one) in {"Cc", "Cf", "Cs"} for one in text if one not in "\n\t"
    )


def test_of_a_long_output_the_end_is_shown_too():
    assert shown(b"x" * 50_000 + b"\nValueError: here").endswith("ValueError: here")
