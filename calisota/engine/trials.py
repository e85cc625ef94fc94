"""What candidates run on beside the client's tests, and whose result is whose. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from calisota.engine.examples import examples_of
from calisota.engine.inputs import inputs_for
from calisota.models import (
    CallTest,
    Compare,
    ExecutionMatrix,
    Language,
    Observation,
    Outcome,
    Probe,
    StdioTest,
    Trials,
)
from calisota.models.execution import worst
from calisota.sandbox.compare import one_line, same_output, same_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from calisota.models import Problem, Test

_GENERIC = {Language.PYTHON, Language.PERL}
"""A call needs no glue that reads the function's head: it cannot fail to build."""


def trials_for(problem: Problem, planned: Iterable[Probe] = ()) -> Trials:
    """The statement's examples that no test repeats or denies, and the generated inputs."""
    tested = {_call_key(test): test for test in problem.tests if isinstance(test, CallTest)}
    examples: list[CallTest | StdioTest] = []
    doubts: list[str] = []
    for example in examples_of(problem):
        test = tested.get(_call_key(example))
        if test is None:
            examples.append(example)
        elif not same_value(test.returns, example.returns, test.compare):
            doubts.append(
                f"The statement says that {_shown(problem, example)} is "
                f"{one_line(json.dumps(example.returns))}, a test says "
                f"{one_line(json.dumps(test.returns))}: the test was followed."
            )
    callable_here = problem.language in _GENERIC or bool(tested)
    if problem.entry_point is not None and not callable_here:
        # The head may hold types that no JSON value can become; the program would not build.
        return Trials(contradictions=contradictions_of(problem), doubts=doubts)
    return Trials(
        examples=examples,
        inputs=inputs_for(problem, examples, planned),
        contradictions=contradictions_of(problem),
        doubts=doubts,
    )


def contradictions_of(problem: Problem) -> list[str]:
    """Pairs of the client's tests that no program can pass both, in words."""
    found = []
    seen: dict[str, tuple[int, Test]] = {}
    for number, test in enumerate(problem.tests):
        key = _input_key(test)
        if key is None:
            continue
        earlier = seen.setdefault(key, (number, test))
        if earlier[0] != number and not _agree(earlier[1], test):
            names = " and ".join(one_line(problem.test_name(n)) for n in (earlier[0], number))
            found.append(f"{names} want different answers to the same input.")
    return found


def _call_key(test: CallTest) -> str:
    return json.dumps(test.call.model_dump(), sort_keys=True)


def _input_key(test: Test) -> str | None:
    if isinstance(test, CallTest):
        return _call_key(test)
    if isinstance(test, StdioTest) and test.compare is not Compare.CHECKER:
        return json.dumps([test.stdin, test.argv])
    return None


def _agree(one: Test, other: Test) -> bool:
    """Whether one answer can satisfy both, by the laxer of the two ways to compare."""
    if isinstance(one, CallTest) and isinstance(other, CallTest):
        return any(same_value(one.returns, other.returns, t.compare) for t in (one, other))
    if isinstance(one, StdioTest) and isinstance(other, StdioTest):
        first, second = one.stdout.encode(), other.stdout.encode()
        return any(same_output(first, second, test.compare) for test in (one, other))
    return True


def _shown(problem: Problem, test: CallTest) -> str:
    return one_line(f"{problem.entry_point}({', '.join(map(repr, test.call.args))})")


def with_trials(problem: Problem, trials: Trials) -> Problem:
    """The Problem whose tests are the client's, the examples and, last, the generated inputs."""
    return problem.model_copy(
        update={
            "tests": [
                *problem.tests,
                *trials.examples,
                *(probe.as_test() for probe in trials.inputs),
            ]
        }
    )


def sorted_out(problem: Problem, trials: Trials, matrix: ExecutionMatrix) -> ExecutionMatrix:
    """The matrix of `with_trials`, its results where they belong; only the binding ones decide."""
    client, binding = len(problem.tests), len(problem.tests) + len(trials.examples)
    tests, examples = matrix.tests[:client], matrix.tests[client:binding]
    observed = [Observation.of(result) for result in matrix.tests[binding:]]
    outcomes = [result.outcome for result in (*tests, *examples)]
    return matrix.model_copy(
        update={
            "tests": tests,
            "examples": examples,
            "observed": observed,
            "outcome": worst(outcomes) if outcomes else _runs(matrix, observed),
        }
    )


def _runs(matrix: ExecutionMatrix, observed: Sequence[Observation]) -> Outcome:
    """Without binding tests: whether it builds and does not fail on every input."""
    outcomes = [one.outcome for one in observed]
    if not outcomes:
        return matrix.outcome
    return Outcome.ACCEPTED if Outcome.ACCEPTED in outcomes else worst(outcomes)
