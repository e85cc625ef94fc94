"""The report of a Solve, put together from what its steps stored. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.engine.claim import claim_of
from calisota.engine.decide import best_candidate
from calisota.models import (
    Candidate,
    CandidateSet,
    CandidateSummary,
    Frozen,
    Hit,
    HitSet,
    Outcome,
    Planned,
    Problem,
    RoundResult,
    Route,
    SolveReport,
    StepTiming,
    Usage,
    Verdict,
)

if TYPE_CHECKING:
    from calisota.models import Decision, ExecutionMatrix


class SolveRecord(Frozen):
    """What the steps of a Solve stored, in the order they ran."""

    problem: Problem
    hits: HitSet
    planned: Planned | None
    rounds: list[tuple[CandidateSet, RoundResult]]
    """Only the rounds that led here; left-overs of an earlier run of the steps are not in it."""

    @property
    def matrices(self) -> list[ExecutionMatrix]:
        """Of every round, oldest first."""
        return [matrix for _, result in self.rounds for matrix in result.matrices]

    @property
    def last(self) -> Decision | None:
        """The latest decision."""
        return self.rounds[-1][1].decision if self.rounds else None

    def candidate(self, candidate_id: str) -> Candidate | None:
        """The candidate of this id."""
        for candidates, _ in self.rounds:
            for candidate in candidates.candidates:
                if candidate.id == candidate_id:
                    return candidate
        return None

    def usage_by_route(self) -> dict[Route, Usage]:
        """What was spent, by route."""
        slow = self.planned.usage if self.planned else Usage()
        fast = sum((candidates.usage for candidates, _ in self.rounds), Usage())
        critic = sum((result.usage for _, result in self.rounds), Usage())
        return {Route.SLOW: slow, Route.FAST: fast, Route.CRITIC: critic}

    @property
    def usage(self) -> Usage:
        """What was spent in all."""
        return sum(self.usage_by_route().values(), Usage())


def confirmed_verdict(decision: Decision, second: ExecutionMatrix | None) -> Verdict:
    """The verdict after the second clean run: it can only fall.

    Raises: ValueError: the decision does not end a Solve.
    """
    if decision.verdict is None:
        raise ValueError(f"a Solve does not end by {decision.action!r}")
    if second is not None and second.outcome is not Outcome.ACCEPTED:
        broken = second.outcome is Outcome.INTERNAL_ERROR
        return Verdict.INTERNAL_ERROR if broken else Verdict.FAILED
    return decision.verdict


def make_report(
    solve_id: str,
    record: SolveRecord,
    *,
    second: ExecutionMatrix | None,
    steps: list[StepTiming],
    prompts: dict[str, str],
) -> SolveReport:
    """The report; `second` is the matrix of the second clean run of an accepted program.

    Raises: ValueError: the last decision does not end the Solve.
    """
    decision = record.last
    if decision is None:
        raise ValueError("a Solve without a round has no report")
    verdict = confirmed_verdict(decision, second)
    first = best_candidate(record.matrices)
    matrix = second or first
    winner = record.candidate(matrix.candidate_id) if matrix else None
    claim = claim_of(verdict, matrix, confirmed=second is not None)
    if second is not None and not verdict.solved and decision.action == "accept":
        claim += f" It passed once, but not in the second, clean run ({second.outcome})."
    critiques = [result.critique for _, result in record.rounds if result.critique]
    return SolveReport(
        solve_id=solve_id,
        state="failed" if verdict is Verdict.INTERNAL_ERROR else "succeeded",
        verdict=verdict,
        claim=claim,
        code=winner.source if winner else None,
        language=record.problem.language,
        tests=matrix.tests if matrix else [],
        candidates=_summaries(record),
        critique=critiques[-1] if critiques else None,
        citations=_citations(record),
        index=record.hits.index,
        usage=record.usage,
        usage_by_route=record.usage_by_route(),
        steps=steps,
        prompts=prompts,
    )


def _summaries(record: SolveRecord) -> list[CandidateSummary]:
    summaries = []
    for candidates, result in record.rounds:
        by_id = {matrix.candidate_id: matrix for matrix in result.matrices}
        for candidate in candidates.candidates:
            matrix = by_id.get(candidate.id)
            summaries.append(
                CandidateSummary(
                    id=candidate.id,
                    outcome=matrix.outcome if matrix else Outcome.NOT_RUN,
                    passed=matrix.passed() if matrix else 0,
                    total=len(record.problem.tests),
                    approach=candidate.brief.approach,
                    repairs=candidate.brief.repairs,
                )
            )
    return summaries


def _citations(record: SolveRecord) -> list[Hit]:
    shown = any(
        candidate.brief.with_passages
        for candidates, _ in record.rounds
        for candidate in candidates.candidates
    )
    return record.hits.hits if shown else []
