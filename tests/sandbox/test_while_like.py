"""A program that is run only while it does what another one did."""

import pytest

from calisota.models import Observation, Outcome, Problem

from .conftest import SOLVE_ID, candidate

pytestmark = pytest.mark.docker

DOUBLE = "def double(n):\n    return n + n\n"
TESTS = [{"call": {"args": [n]}, "returns": 2 * n} for n in (0, 2, 3, 4)]
PROBLEM = Problem(statement="Twice n.", language="python", entry_point="double", tests=TESTS)


@pytest.fixture
def run(sandbox):
    def one(source, *, optional=0, while_like=()):
        matrix = sandbox.run_candidate(
            PROBLEM,
            candidate(source),
            solve_id=SOLVE_ID,
            optional=optional,
            while_like=while_like,
        )
        return matrix, [test.outcome for test in matrix.tests]

    return one


def test_the_first_test_that_ends_otherwise_is_the_last_that_runs(run):
    like = [Observation(outcome=Outcome.ACCEPTED)] * 4
    matrix, outcomes = run("def double(n):\n    return n ** 2\n", while_like=like)
    assert outcomes == ["accepted", "accepted", "wrong_answer", "not_run"]
    assert matrix.outcome is Outcome.WRONG_ANSWER
    assert matrix.tests[3].detail == "an earlier test told enough"


def test_an_optional_test_is_compared_by_its_answer(run):
    matrix, _ = run(DOUBLE, optional=4)
    like = [Observation.of(test) for test in matrix.tests]
    assert run(DOUBLE, optional=4, while_like=like)[1] == ["accepted"] * 4
    _, outcomes = run("def double(n):\n    return n * 2 + (n == 2)\n", optional=4, while_like=like)
    assert outcomes == ["accepted", "wrong_answer", "not_run", "not_run"]


def test_a_program_that_hangs_hangs_once(run):
    like = [Observation(outcome=Outcome.ACCEPTED)] * 4
    matrix, outcomes = run(
        "def double(n):\n    while n:\n        pass\n    return 0\n", while_like=like
    )
    assert outcomes == ["accepted", "time_limit", "not_run", "not_run"]
    assert matrix.wall_s < 2 * PROBLEM.limits.wall_s
