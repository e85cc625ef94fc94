"""Programs on tests: a candidate's matrix, the trace of a failure, and how strong a proof is.

What may be run at all, and what it costs, is decided elsewhere (`calisota.accounts`).
"""

from __future__ import annotations

import os
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from calisota import engine
from calisota.errors import BudgetExhausted
from calisota.models import ExecutionMatrix, Options, Outcome, TestResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from calisota.engine import SolveRecord
    from calisota.models import Candidate, Observation, Problem, TestStrength, Trials

MUTANTS_S = 240.0
"""After so long no further mutant is begun: the step must end within its task's time limit."""
MUTANT_S = 120
"""Of one mutant; tests that it did not reach by then did not notice it."""


class RunsCandidates(Protocol):
    """What executes: `calisota.sandbox.engine.DockerSandbox`."""

    def run_candidate(
        self,
        problem: Problem,
        candidate: Candidate,
        *,
        solve_id: str,
        optional: int = 0,
        while_like: Sequence[Observation] = (),
        on_line: Callable[[str], None] | None = None,
    ) -> ExecutionMatrix:
        """The candidate on every test, in one fresh container; the last few may be left out.

        With `while_like` all after the first that ends in another way may be left out too.
        """
        ...


def run_trials(
    sandbox: RunsCandidates,
    problem: Problem,
    trials: Trials,
    candidate: Candidate,
    solve_id: str,
    *,
    while_like: Sequence[Observation] = (),
    on_line: Callable[[str], None] | None = None,
) -> ExecutionMatrix:
    """The candidate on the client's tests, the examples and the generated inputs."""
    whole = engine.with_trials(problem, trials)
    if while_like:
        whole = whole.model_copy(update={"options": _briefly(problem)})
    matrix = sandbox.run_candidate(
        whole,
        candidate,
        solve_id=solve_id,
        optional=len(trials.inputs),
        while_like=while_like,
        on_line=on_line,
    )
    return engine.mark_held_out(problem, engine.sorted_out(problem, trials, matrix))


def _briefly(problem: Problem) -> Options:
    """The Problem's options with a mutant's share of time."""
    budget = problem.options.budget
    short = budget.model_copy(update={"wall_s": min(budget.wall_s, MUTANT_S)})
    return problem.options.model_copy(update={"budget": short})


def traced(
    run: Callable[[Problem, Candidate], ExecutionMatrix],
    problem: Problem,
    trials: Trials,
    candidate: Candidate,
    matrix: ExecutionMatrix,
) -> list[str]:
    """What a Python function did on the smallest failure that a model may see, block by block.

    In a container of its own: the recorder is no part of the program that is judged. What the
    budget does not allow is not traced.
    """
    smallest = engine.smallest_failure(problem, trials, matrix)
    nonce = secrets.token_hex(8)
    source = engine.traced_program(candidate.source or "", problem.entry_point or "", nonce)
    if smallest is None or source is None:
        return []
    alone = problem.model_copy(update={"tests": [smallest]})
    recorded = candidate.model_copy(update={"source": source})
    try:
        again = run(alone, recorded)
    except BudgetExhausted:
        return []
    return engine.read_trace(again.tests[0].stderr, nonce)


def refused_matrix(problem: Problem, candidate: Candidate, why: str) -> ExecutionMatrix:
    """The matrix of a candidate that the budget does not allow to run."""
    tests = [
        TestResult(name=problem.test_name(number), outcome=Outcome.NOT_RUN, detail=why[:300])
        for number in range(len(problem.tests))
    ]
    return ExecutionMatrix(
        candidate_id=candidate.id,
        outcome=Outcome.NOT_RUN,
        tests=tests,
        image="none",
        wall_s=0,
        refused=True,
    )


def proven(
    record: SolveRecord,
    winner: Candidate,
    run: Callable[[Trials, Candidate, Sequence[Observation]], ExecutionMatrix],
    *,
    mutants: int,
) -> tuple[ExecutionMatrix, TestStrength | None]:
    """The winner's second clean run, and how well its tests tell it from its mutants.

    `run` executes a candidate on trials, while it does what is named; `mutants`: at most so many
    are run.
    """
    # What the critic suspects is run at the end, and told apart again by its place.
    asked = engine.with_objections(record, winner.id)
    second = run(asked, winner, ())
    passed = second.outcome is Outcome.ACCEPTED and winner.source is not None
    if not passed or not (second.tests or second.observed):
        return second, None
    changes = engine.mutants_of(
        winner.source or "",
        record.problem.language,
        limit=mutants,
        entry_point=record.problem.entry_point,
    )

    like = engine.behaviour_of(second)

    until = time.monotonic() + MUTANTS_S

    def changed(mutant: engine.Mutant) -> ExecutionMatrix:
        named = {"id": f"{winner.id}{mutant.id}", "source": mutant.source}
        one = winner.model_copy(update=named)
        if time.monotonic() > until:
            return refused_matrix(record.problem, one, "the time for mutants was over")
        return run(asked, one, like)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        matrices = list(pool.map(changed, changes))
    expected = [probe.expects for probe in record.trials.inputs]
    pairs = zip(changes, matrices, strict=True)
    as_text = record.problem.entry_point is None
    return second, engine.strength_of(second, pairs, expected=expected, as_text=as_text)
