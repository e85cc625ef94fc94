"""The report of a Solve, put together from what its steps stored. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.engine.behaviour import clusters_of
from calisota.engine.claim import claim_of
from calisota.engine.objections import upheld
from calisota.engine.quoted import known_answers, same_answer
from calisota.engine.standing import in_line, passed
from calisota.engine.state import tried_in
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
    Question,
    RoundResult,
    Route,
    SolveReport,
    StepTiming,
    TestStrength,
    Trials,
    Tried,
    Usage,
    Verdict,
)
from calisota.sandbox.compare import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calisota.models import Decision, ExecutionMatrix


class SolveRecord(Frozen):
    """What the steps of a Solve stored, in the order they ran."""

    problem: Problem
    hits: HitSet
    planned: Planned | None
    rounds: list[tuple[CandidateSet, RoundResult]]
    """Only the rounds that led here; left-overs of an earlier run of the steps are not in it."""

    @property
    def trials(self) -> Trials:
        """What every candidate was run on beside the client's tests."""
        return self.planned.trials if self.planned else Trials()

    @property
    def matrices(self) -> list[ExecutionMatrix]:
        """Of every round, oldest first."""
        return [matrix for _, result in self.rounds for matrix in result.matrices]

    @property
    def tried(self) -> list[Tried]:
        """The candidates of every round with what came of them, oldest first."""
        return [
            one
            for drawn, result in self.rounds
            for one in tried_in(self.problem, drawn, result.matrices)
        ]

    @property
    def questions(self) -> list[Question]:
        """What was asked about inputs in doubt, oldest first."""
        return [question for _, result in self.rounds for question in result.questions]

    @property
    def answers(self) -> list[str]:
        """What was answered for certain, as examples for a prompt."""
        return [f"{q.asked} == {q.said}" for q in self.questions if q.binding]

    @property
    def diagnosis(self) -> str | None:
        """Why programs fail, where the slow model was asked last."""
        found = [result.diagnosis for _, result in self.rounds if result.diagnosis]
        return found[-1] if found else None

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
        written = [c for drawn, _ in self.rounds for c in drawn.candidates]

        def by(route: Route) -> Iterator[Usage]:
            return (c.usage for c in written if c.brief.route is route)

        results = [result for _, result in self.rounds]
        spent = {
            Route.SLOW: sum([*by(Route.SLOW), *(r.slow_usage for r in results)], slow),
            Route.FAST: sum(by(Route.FAST), Usage()),
            Route.CRITIC: sum((r.usage for r in results), Usage()),
        }
        frontier = sum([*by(Route.FRONTIER), *(r.frontier_usage for r in results)], Usage())
        return spent | ({Route.FRONTIER: frontier} if frontier.calls else {})

    @property
    def usage(self) -> Usage:
        """What was spent in all."""
        return sum(self.usage_by_route().values(), Usage())


MUTANTS_LEAST = 3
"""Fewer say nothing about the tests."""
MUTATION_SCORE = 0.7
"""Least share of the mutants that tests must notice to verify a program, and generated inputs for
agreement on them to mean anything."""
ANSWERS_SCORE = 0.5
"""Least share of those told apart that fail what no coder wrote: the statement's examples, and what
the planner quoted. Programs that share a misreading agree; nothing else tells of it.
Both were chosen on one draw of programs with known faults, and hold on another:
docs/evaluation.md."""


def confirmed_verdict(
    decision: Decision,
    first: ExecutionMatrix | None,
    second: ExecutionMatrix | None,
    strength: TestStrength | None,
    *,
    answers: int = 0,
) -> Verdict:
    """The verdict after the second clean run and the mutants: it can only fall.

    `answers`: what is known to be right without tests, and the program gives.
    Raises: ValueError: the decision does not end a Solve.
    """
    verdict = decision.verdict
    if verdict is None:
        raise ValueError(f"a Solve does not end by {decision.action!r}")
    if first is None or second is None:
        return verdict
    if second.refused or second.outcome is Outcome.INTERNAL_ERROR:
        return Verdict.BUDGET_EXHAUSTED if second.refused else Verdict.INTERNAL_ERROR
    if _fell(first, second):
        return Verdict.UNVERIFIED if verdict is Verdict.CONSISTENT else Verdict.FAILED
    weak = _weak(strength, MUTATION_SCORE)
    if verdict is Verdict.VERIFIED and weak:
        return Verdict.VERIFIED_WEAK_TESTS
    if verdict is Verdict.CONSISTENT and (
        weak or unchecked(strength, answers) or _unsteady(first, second)
    ):
        return Verdict.UNVERIFIED
    return verdict


def _fell(first: ExecutionMatrix, second: ExecutionMatrix) -> bool:
    """Whether a test that was passed is not passed again."""
    pairs = zip((*first.tests, *first.examples), (*second.tests, *second.examples), strict=False)
    lost = any(
        one.outcome is Outcome.ACCEPTED and again.outcome is not Outcome.ACCEPTED
        for one, again in pairs
    )
    return lost or (first.outcome is Outcome.ACCEPTED) > (second.outcome is Outcome.ACCEPTED)


def _unsteady(first: ExecutionMatrix, second: ExecutionMatrix) -> bool:
    """Whether the same program answered the same input differently."""
    return any(
        one != again
        for one, again in zip(first.observed, second.observed, strict=False)
        if Outcome.NOT_RUN not in {one.outcome, again.outcome}
    )


def unchecked(strength: TestStrength | None, answers: int) -> bool:
    """Whether too little is known to be right for agreement to be more than the coder's own word.

    Where there are too few mutants to say, one known answer must do.
    """
    if strength is None or strength.told_apart < MUTANTS_LEAST:
        return answers == 0
    return strength.by_answers < ANSWERS_SCORE * strength.told_apart


def _weak(strength: TestStrength | None, least: float) -> bool:
    if strength is None or strength.mutants < MUTANTS_LEAST:
        return False
    return strength.told_apart < least * strength.mutants


def make_report(
    solve_id: str,
    record: SolveRecord,
    *,
    second: ExecutionMatrix | None,
    strength: TestStrength | None,
    steps: list[StepTiming],
    prompts: dict[str, str],
    cost_usd: float | None = None,
) -> SolveReport:
    """The report; `second` is the matrix of the second clean run of an accepted program.

    Raises: ValueError: the last decision does not end the Solve.
    """
    decision = record.last
    if decision is None:
        raise ValueError("a Solve without a round has no report")
    first = next((m for m in record.matrices if m.candidate_id == decision.candidate_id), None)
    answers = known_answers(record.problem, record.trials, second) if second else 0
    verdict = confirmed_verdict(decision, first, second, strength, answers=answers)
    objections = upheld(record, second) if second else []
    if objections and verdict is Verdict.CONSISTENT:
        verdict = Verdict.UNVERIFIED
    refused = second is not None and second.refused
    matrix = first if second is None or refused else second
    inputs = _compared(record, matrix)
    winner = record.candidate(matrix.candidate_id) if matrix else None
    agreement = _agreement(record, matrix)
    claim = claim_of(
        verdict,
        matrix,
        confirmed=second is not None and not refused,
        decision=decision,
        strength=strength,
        agreement=agreement,
        inputs=inputs,
        unchecked=decision.verdict is Verdict.CONSISTENT and unchecked(strength, answers),
    )
    if refused:
        claim += (
            " The budget did not allow the second, clean run, without which nothing is claimed."
        )
    if second is not None and verdict in {Verdict.FAILED, Verdict.INTERNAL_ERROR}:
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
        examples=matrix.examples if matrix else [],
        inputs=inputs,
        agreement=agreement,
        strength=strength,
        questions=record.questions,
        doubts=[
            *record.trials.doubts,
            *(f"The program passed, but {doubt}" for doubt in decision.doubts),
            *objections,
            *_denied_words(record, matrix),
        ],
        decisions=[
            f"round {result.round}: {made.action}: {made.reason}"
            for _, result in record.rounds
            for made in (*result.path, result.decision)
        ],
        candidates=_summaries(record),
        critique=critiques[-1] if critiques else None,
        citations=_citations(record),
        index=record.hits.index,
        usage=record.usage,
        usage_by_route=record.usage_by_route(),
        cost_usd=cost_usd,
        steps=steps,
        prompts=prompts,
    )


def _denied_words(record: SolveRecord, matrix: ExecutionMatrix | None) -> list[str]:
    """Where the program denies what the planner, asked again, still read in the statement."""
    found = []
    as_text = record.problem.entry_point is None
    for question in record.questions:
        if not question.held or matrix is None or question.number >= len(matrix.observed):
            continue
        answer = matrix.observed[question.number].answer
        expects = record.trials.inputs[question.number].expects
        overruled = question.binding and same_answer(question.said, answer, as_text=as_text)
        if overruled or same_answer(answer, expects, as_text=as_text):
            continue
        does = "gives no answer" if answer is None else f"answers {one_line(answer)}"
        found.append(
            f"For {question.asked} the program {does}; the planner, which saw none, reads "
            f"{one_line(expects or '')} in: {one_line(question.quote or '')}"
        )
    return found


def _compared(record: SolveRecord, matrix: ExecutionMatrix | None) -> int:
    """On how many generated inputs the program ran; behind them are those of the critic."""
    observed = matrix.observed[: len(record.trials.inputs)] if matrix else []
    return sum(one.outcome is not Outcome.NOT_RUN for one in observed)


def _agreement(record: SolveRecord, matrix: ExecutionMatrix | None) -> float | None:
    clusters = clusters_of(in_line(record.tried, record.questions))
    if matrix is None or not clusters:
        return None
    return next((c.share for c in clusters if matrix.candidate_id in c.members), 0.0)


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
                    passed=passed(matrix) if matrix else 0,
                    total=len(record.problem.tests) + len(record.trials.examples),
                    approach=candidate.brief.approach,
                    repairs=candidate.brief.repairs,
                    note=candidate.note,
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
