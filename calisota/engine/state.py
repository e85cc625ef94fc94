"""What the steps stored, as the deciders and the coder need it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from calisota.agents.coder import Repair
from calisota.agents.prompts import asked_text, test_input
from calisota.engine.evidence import failures_for_model, shown_tests
from calisota.engine.likeness import likeness_of
from calisota.engine.literal_leak import leaked_tests
from calisota.engine.standing import passed
from calisota.models import CallTest, SolveState, StdioTest, Tried

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from calisota.engine.report import SolveRecord
    from calisota.models import (
        Admitted,
        Brief,
        CandidateSet,
        Critique,
        ExecutionMatrix,
        Problem,
        Question,
        Usage,
    )


def tried_in(
    problem: Problem, drawn: CandidateSet, matrices: Iterable[ExecutionMatrix]
) -> list[Tried]:
    """The candidates of one round with what came of them; one that did not run is left out."""
    by_id = {matrix.candidate_id: matrix for matrix in matrices}
    return [
        Tried(
            candidate_id=candidate.id,
            round=drawn.round,
            brief=candidate.brief,
            matrix=by_id[candidate.id],
            likeness=likeness_of(candidate.source or "", problem.language),
            leaked=leaked_tests(candidate.source or "", problem, shown_tests(problem)),
        )
        for candidate in drawn.candidates
        if candidate.id in by_id
    ]


def state_after(  # noqa: PLR0913  # all that a decision may look at
    admitted: Admitted,
    record: SolveRecord,
    drawn: CandidateSet,
    matrices: Sequence[ExecutionMatrix],
    *,
    usage: Usage,
    questions: Sequence[Question] = (),
    asked: bool = False,
    settled: bool = False,
    infrastructure_retries: int = 0,
    can_ask: bool = True,
    can_repair: bool = True,
    preferred: str | None = None,
    cancelled: bool = False,
) -> SolveState:
    """What `decide` looks at after the round of `drawn`; `usage` is all that was spent so far.

    `record` holds the rounds before, `questions` those of this one.
    """
    problem = admitted.problem
    options = problem.options
    trials = record.trials
    return SolveState(
        round=drawn.round,
        max_rounds=options.rounds,
        client_tests=len(problem.tests),
        tried=[*record.tried, *tried_in(problem, drawn, matrices)],
        inputs=[asked_text(problem, probe) for probe in trials.inputs],
        expected=[probe.expects for probe in trials.inputs],
        planned=sum(probe.origin == "planner" for probe in trials.inputs),
        whole_programs=problem.entry_point is None,
        compares=sorted({t.compare for t in problem.tests if isinstance(t, CallTest | StdioTest)}),
        test_inputs=[test_input(problem, number) for number in range(len(problem.tests))],
        contradictions=trials.contradictions,
        questions=[*record.questions, *questions],
        actions=[result.decision.action for _, result in record.rounds],
        on_ambiguous=options.on_ambiguous,
        asked=asked,
        settled=settled,
        infrastructure_retries=infrastructure_retries,
        can_ask=can_ask,
        can_repair=can_repair,
        preferred=preferred,
        cancelled=cancelled,
        usage=usage,
        tokens_budget=options.budget.tokens,
        calls_budget=options.budget.calls,
        elapsed_s=max(0.0, time.time() - admitted.started_at),
        wall_budget_s=options.budget.wall_s,
        out_of_budget=drawn.stopped == "budget" or any(m.refused for m in matrices),
    )


def failing(
    record: SolveRecord, drawn: CandidateSet, matrices: Sequence[ExecutionMatrix]
) -> list[Repair]:
    """The programs of the Solve so far that fail something a model may see, the best first."""
    sources = {
        candidate.id: candidate.source
        for one in (*(drawn for drawn, _ in record.rounds), drawn)
        for candidate in one.candidates
    }
    found = [
        (passed(matrix), Repair(source=source, failures=failures_for_model(matrix), suggestions=[]))
        for matrix in (*record.matrices, *matrices)
        if (source := sources.get(matrix.candidate_id))
    ]
    found.sort(key=lambda pair: -pair[0])
    return [repair for _, repair in found if repair.failures]


def _located(critique: Critique, source: str) -> list[str]:
    """What the critic found wrong in a line of the program, with that line."""
    lines = source.split("\n")
    return [
        f"`{lines[found.line - 1].strip()}`: {found.message}"
        for found in critique.findings
        if found.line is not None and found.severity == "error"
    ]


def repair_of(record: SolveRecord, brief: Brief) -> Repair | None:
    """What a repairing brief needs: the program, its failures, the critic's suggestions on it."""
    if brief.repairs is None:
        return None
    candidate = record.candidate(brief.repairs)
    matrix = next((m for m in record.matrices if m.candidate_id == brief.repairs), None)
    if candidate is None or candidate.source is None or matrix is None:
        return None
    critiques = [result.critique for _, result in record.rounds if result.critique]
    suggestions = [
        text
        for critique in critiques
        if critique.candidate_id == brief.repairs
        for text in (*_located(critique, candidate.source), *critique.suggestions)
    ]
    return Repair(
        source=candidate.source,
        failures=failures_for_model(matrix),
        suggestions=suggestions,
        trace=matrix.trace,
        diagnosis=record.diagnosis,
    )
