"""What the steps stored, as the deciders and the coder need it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from calisota.agents.coder import Repair
from calisota.engine.evidence import failures_for_model
from calisota.models import SolveState

if TYPE_CHECKING:
    from calisota.engine.report import SolveRecord
    from calisota.models import Admitted, Brief, CandidateSet, ExecutionMatrix, Usage


def state_after(
    admitted: Admitted,
    record: SolveRecord,
    drawn: CandidateSet,
    matrices: list[ExecutionMatrix],
    usage: Usage,
) -> SolveState:
    """What `decide` looks at after the round of `drawn`; `usage` is all that was spent so far."""
    options = admitted.problem.options
    return SolveState(
        round=drawn.round,
        max_rounds=options.rounds,
        has_tests=bool(admitted.problem.tests),
        matrices=[*record.matrices, *matrices],
        usage=usage,
        tokens_budget=options.budget.tokens,
        calls_budget=options.budget.calls,
        elapsed_s=max(0.0, time.time() - admitted.started_at),
        wall_budget_s=options.budget.wall_s,
        out_of_budget=drawn.stopped == "budget",
    )


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
        for text in critique.suggestions
    ]
    return Repair(
        source=candidate.source,
        failures=failures_for_model(matrix),
        suggestions=suggestions,
    )
