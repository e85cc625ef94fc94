import pytest
from pydantic import ValidationError

from calisota.errors import InputError
from calisota.models import ExecutionRequest, Outcome
from calisota.sandbox.executions import admit, run_execution
from calisota.sandbox.fake import ended_well
from calisota.sandbox.judge import CandidateRun
from calisota.settings import Settings

SETTINGS = Settings()


def request(**fields):
    return ExecutionRequest.model_validate({"language": "python", "source": "pass", **fields})


class Scripted:
    """A sandbox that comes to this."""

    def __init__(self, run):
        self.run = run

    def execute(self, plan, **_options):
        self.plan = plan
        return self.run

    def remove(self, solve_id, candidate_id=None):
        raise NotImplementedError


def result_of(one, *cells, **run):
    fields = {"build": ended_well(), "cells": list(cells), "cells_planned": len(cells), **run}
    sandbox = Scripted(CandidateRun(**fields))
    return run_execution(one, sandbox, execution_id="exec_1", settings=SETTINGS, wall_s=10)


def test_a_plain_run_is_accepted_whatever_it_prints():
    (test,) = result_of(request(), ended_well(b"anything\n")).tests
    assert (test.outcome, test.detail, test.stdout) == (Outcome.ACCEPTED, None, "anything\n")


@pytest.mark.parametrize(
    ("fields", "outcome", "detail"),
    [
        ({"exit_code": 3, "stderr": b"no\n"}, Outcome.RUNTIME_ERROR, "exit code 3: no"),
        ({"exit_code": None, "signal": 11}, Outcome.RUNTIME_ERROR, "killed by SIGSEGV"),
        ({"timed_out": True, "wall_s": 10}, Outcome.TIME_LIMIT, "ran longer than 10 s"),
        ({"output_exceeded": True}, Outcome.OUTPUT_LIMIT, "wrote more than 64 kB"),
    ],
)
def test_a_plain_run_that_does_not_end_well_is_judged_as_a_test_is(fields, outcome, detail):
    (test,) = result_of(request(), ended_well(**fields)).tests
    assert (test.outcome, test.detail) == (outcome, detail)


def test_the_worst_run_decides():
    one = request(runs=[{}, {"name": "b"}])
    result = result_of(one, ended_well(), ended_well(exit_code=1))
    assert result.outcome is Outcome.RUNTIME_ERROR
    assert [test.name for test in result.tests] == ["run_1", "b"]


def test_output_is_whole_and_undecodable_bytes_are_escaped():
    output = b"\xff\x00\x1b" + b"x" * 60_000
    (test,) = result_of(request(), ended_well(output, stderr=output)).tests
    assert test.stdout == test.stderr == "\\xff\x00\x1b" + "x" * 60_000


def test_a_failed_build_tells_all_that_the_compiler_said():
    words = b"solution.c:1:1: error: no\n" * 1000
    result = result_of(request(), build=ended_well(exit_code=1, stderr=words), cells_planned=1)
    assert (result.outcome, result.build_stderr) == (Outcome.COMPILE_ERROR, words.decode())
    assert result.tests[0].detail == "solution.c:1:1: error: no"


def test_what_was_not_run_says_why_and_is_no_pass():
    one = request(runs=[{}, {}, {}])
    late = result_of(one, ended_well(), cells_planned=3, out_of_time=True)
    assert [test.outcome.value for test in late.tests] == ["accepted", "not_run", "not_run"]
    assert late.tests[1].detail == "the time for the whole execution ran out"
    broken = result_of(one, ended_well(), cells_planned=3, fault="the container ended")
    assert [test.outcome.value for test in broken.tests] == [
        "accepted",
        "internal_error",
        "not_run",
    ]
    assert broken.outcome is Outcome.INTERNAL_ERROR


def test_no_expected_answer_enters_the_container():
    one = request(tests=[{"stdin": "1", "stdout": "SECRET"}])
    sandbox = Scripted(CandidateRun(build=ended_well(), cells=[ended_well()], cells_planned=1))
    run_execution(one, sandbox, execution_id="exec_1", settings=SETTINGS, wall_s=10)
    assert "SECRET" not in repr(sandbox.plan)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"source": "#" * 5_000_000}, "the source holds 5000000 bytes; at most 524288"),
        ({"source": "\n"}, "empty"),
        ({"runs": [{}] * 10_000}, "at most 500"),
        ({"tests": [{"stdout": ""}] * 10_000}, "at most 500"),
        ({"files": {"a/../../b": ""}}, "plain relative path"),
        ({"files": {"x\0y": ""}}, "plain relative path"),
        ({"files": {"a": "", "a/b": ""}}, "a file and a folder"),
        ({"language": "PYTHON"}, "language"),
        ({"limits": {"cpu_s": 0}}, "greater than 0"),
        ({"limits": {"output_kb": 0}}, "greater than or equal to 1"),
        ({"tests": [{"stdin": "", "stdout": "", "compare": "checker"}]}, "there is none"),
        ({"source_name": "../x.py"}, "plain relative path"),
    ],
)
def test_a_request_that_cannot_be_run_is_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        request(**fields)


def test_the_operators_limits_bind_what_is_asked_for_and_lower_what_is_not(tmp_path):
    strict = Settings(home=tmp_path, sandbox_max_wall_s=2, sandbox_max_output_kb=16)
    assert admit(request(), strict).limits.model_dump() == {
        "wall_s": 2,
        "cpu_s": 5,
        "memory_mb": 256,
        "output_kb": 16,
    }
    with pytest.raises(InputError, match=r"limits\.wall_s: 3 is more than the 2 allowed here"):
        admit(request(limits={"wall_s": 3}), strict)


def test_more_output_than_memory_is_refused_before_anything_runs(tmp_path):
    many = request(runs=[{}] * 500, limits={"output_kb": 128})
    with pytest.raises(InputError, match="125 MiB"):
        admit(many, Settings(home=tmp_path))
    admit(request(runs=[{}] * 500), Settings(home=tmp_path))
