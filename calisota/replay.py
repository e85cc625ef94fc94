"""A finished Solve executed again from its evidence, offline: no model is called.

What the models wrote is in the evidence; everything that was executed is executed anew, everything
that was decided from it is decided anew, and both are compared with what is claimed.
"""

from __future__ import annotations

import os
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import TYPE_CHECKING

from calisota import engine
from calisota.errors import EngineUnavailable, InputError
from calisota.executions import proven, run_trials
from calisota.local import LOCAL_PREFIX
from calisota.models import Action, Frozen, Outcome, RoundResult, SolveReport, Verdict
from calisota.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from calisota.engine import SolveRecord
    from calisota.evidence import Evidence
    from calisota.executions import RunsCandidates
    from calisota.models import (
        Candidate,
        CandidateSet,
        Decision,
        ExecutionMatrix,
        Observation,
        Problem,
        TestResult,
    )

TRIES = 3
"""Of an execution that the sandbox gives no result for."""
MOST_DIFFERENCES = 200
MOST_SHOWN = 100


class Replay(Frozen):
    """What came of executing a Solve again."""

    solve_id: str
    same: bool
    """Whether every decision, the verdict and the words of the claim came out as they are in the
    evidence; its numbers may be others, where an input or a mutant was not reached in time. What
    another version of CALISOTA claims in other words is named, and not compared."""
    verdict: Verdict
    """In the evidence."""
    again: Verdict | None
    """Of the replay; None: a decision differs, and what models would answer then is not known."""
    candidates: int
    """Programs executed again."""
    decisions: int
    """Made again."""
    differences: list[str]
    """In words, the first of them; a test may end otherwise and the verdict stay the same."""
    trusted: bool
    """Whether the evidence is signed by the key that was asked for."""


def replay(
    evidence: Evidence,
    sandbox: RunsCandidates,
    *,
    on_step: Callable[[str], None] = lambda _step: None,
) -> Replay:
    """The Solve of `evidence` executed and decided again in `sandbox`.

    `on_step` is told what begins.
    Raises: InputError: the evidence lacks what `decide` looked at. EngineUnavailable, ImageMissing:
    nothing is said of the evidence; see to the sandbox.
    Not covered: that a program which depends on the clock or on chance does the same twice.
    """
    for _, result in evidence.rounds:
        _check_complete(result)
    patient = _Persistent(sandbox)
    # Its containers are this process's, of no Dag run.
    replay_id = f"{LOCAL_PREFIX}replay_{secrets.token_hex(8)}"
    record = engine.SolveRecord(
        problem=evidence.admitted.problem,
        hits=evidence.hits,
        planned=evidence.planned,
        rounds=[],
    )
    found: list[str] = []
    changed: list[str] = []
    decisions, on_its_way = 0, True
    for drawn, stored in evidence.rounds:
        on_step(f"round {drawn.round}: {len(drawn.candidates)} programs")
        matrices = _execute(patient, record, drawn, stored, replay_id)
        for before, now in zip(stored.matrices, matrices, strict=True):
            found += _matrix_differences(before, now)
        if on_its_way:
            pairs = _decide(evidence, record, drawn, stored, matrices)
            decisions += len(pairs)
            changed += [_decision_difference(drawn.round, *p) for p in pairs if _differ(*p)]
            on_its_way = all(before.action is now.action for before, now in pairs)
            made = [now for _, now in pairs]
            result = stored.model_copy(
                update={"matrices": matrices, "path": made[:-1], "decision": made[-1]}
            )
            record = record.model_copy(update={"rounds": [*record.rounds, (drawn, result)]})
    on_step("second clean run and mutants")
    again = _report(evidence, record, patient, replay_id)
    found += changed + _report_differences(evidence.report, again)
    if not _of_this_version(evidence):
        of = printable(evidence.about.conditions.calisota)
        found.append(f"the claim is of CALISOTA {of}: its words were not compared")
    more = len(found) - MOST_DIFFERENCES
    return Replay(
        solve_id=evidence.report.solve_id,
        same=not changed
        and again is not None
        and again.verdict is evidence.report.verdict
        and not _rewritten(evidence, again),
        verdict=evidence.report.verdict,
        again=again.verdict if again else None,
        candidates=sum(len(drawn.candidates) for drawn, _ in evidence.rounds),
        decisions=decisions,
        differences=[*found[:MOST_DIFFERENCES], f"and {more} more"] if more > 0 else found,
        trusted=evidence.trusted,
    )


class _Persistent:
    """A sandbox that tries again what gave no result through no fault of the program."""

    def __init__(self, sandbox: RunsCandidates) -> None:
        self._sandbox = sandbox

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
        """The first matrix that is a result; where none is, the last."""
        left = TRIES
        while True:
            left -= 1
            matrix = self._sandbox.run_candidate(
                problem,
                candidate,
                solve_id=solve_id,
                optional=optional,
                while_like=while_like,
                on_line=on_line,
            )
            if left == 0 or matrix.outcome is not Outcome.INTERNAL_ERROR:
                return matrix


def _check_complete(result: RoundResult) -> None:
    if len(result.circumstances) != len(result.path) + 1:
        raise InputError(
            f"The evidence does not say what round {result.round} was decided from.",
            remedy="it is of a Solve by an older version; solve the Problem again.",
        )


def _execute(
    sandbox: RunsCandidates,
    record: SolveRecord,
    drawn: CandidateSet,
    stored: RoundResult,
    replay_id: str,
) -> list[ExecutionMatrix]:
    """New matrices, in the order of the stored ones. Raises: EngineUnavailable: no result."""
    by_id = {candidate.id: candidate for candidate in drawn.candidates}

    def run(before: ExecutionMatrix) -> ExecutionMatrix:
        candidate = by_id[before.candidate_id]
        now = run_trials(sandbox, record.problem, record.trials, candidate, replay_id)
        if Outcome.INTERNAL_ERROR is now.outcome is not before.outcome:
            raise _no_result(candidate.id)
        return now

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(run, stored.matrices))


def _no_result(candidate_id: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"The sandbox gave no result for {candidate_id} in {TRIES} tries.",
        remedy="see `calisota doctor --sandbox`, then replay again.",
    )


def _decide(
    evidence: Evidence,
    record: SolveRecord,
    drawn: CandidateSet,
    stored: RoundResult,
    matrices: list[ExecutionMatrix],
) -> list[tuple[Decision, Decision]]:
    """Each decision of the round as stored and as made again, up to the first that parts."""
    pairs: list[tuple[Decision, Decision]] = []
    for before, seen in zip((*stored.path, stored.decision), stored.circumstances, strict=True):
        if before.action is Action.RETRY_INFRASTRUCTURE:
            continue  # what the sandbox owed then, it has given now
        state = engine.state_after(evidence.admitted, record, drawn, matrices, usage=seen.usage)
        now = engine.decide(state.model_copy(update=dict(seen)))
        pairs.append((before, now))
        if now.action is not before.action:
            break
    return pairs or [(stored.decision, stored.decision)]


def _report(
    evidence: Evidence, record: SolveRecord, sandbox: RunsCandidates, replay_id: str
) -> SolveReport | None:
    """The report of what was executed and decided again; None: the decisions end nowhere.

    Raises: EngineUnavailable: the sandbox gave no result.
    """
    decision = record.last
    if decision is None or decision.verdict is None:
        return None
    second, strength = None, None
    winner = record.candidate(decision.candidate_id or "")
    if decision.action is Action.ACCEPT and winner is not None:
        second, strength = proven(
            record,
            winner,
            lambda trials, one, like: run_trials(
                sandbox, record.problem, trials, one, replay_id, while_like=like
            ),
            mutants=evidence.about.conditions.mutants,
        )
        ours = evidence.report.verdict is not Verdict.INTERNAL_ERROR
        if second.outcome is Outcome.INTERNAL_ERROR and ours:
            raise _no_result(winner.id)
    return engine.make_report(
        evidence.report.solve_id, record, second=second, strength=strength, steps=[], prompts={}
    )


def _differ(before: Decision, now: Decision) -> bool:
    """Whether something else would follow; a reason in other words is none."""
    return _meaning(before) != _meaning(now)


def _meaning(decision: Decision) -> tuple[object, ...]:
    asked = decision.question
    question = (asked.about, asked.number) if asked else None
    return decision.action, decision.candidate_id, decision.verdict, question


def _decision_difference(number: int, before: Decision, now: Decision) -> str:
    return printable(
        f"round {number}: decided {_in_words(now)}; it was {_in_words(before)}",
    )


def _in_words(decision: Decision) -> str:
    verdict = f" as {decision.verdict}" if decision.verdict else ""
    return f"{decision.action}{verdict} ({decision.reason})"


def _matrix_differences(before: ExecutionMatrix, now: ExecutionMatrix) -> Iterator[str]:
    """What a candidate did otherwise, test by test."""
    name = before.candidate_id
    if before.outcome is not now.outcome:
        yield f"{name} ends as {now.outcome}; it was {before.outcome}"
    yield from _test_differences(name, before.tests, now.tests)
    yield from _test_differences(f"{name} on an example", before.examples, now.examples)
    pairs = zip(before.observed, now.observed, strict=False)
    for number, (one, other) in enumerate(pairs, 1):
        if one != other:
            words = [printable(f"{o.outcome} with {o.answer}"[:MOST_SHOWN]) for o in (other, one)]
            yield f"{name} on generated input {number}: {words[0]}; it was {words[1]}"
    if len(before.observed) != len(now.observed):
        yield f"{name} ran on {len(now.observed)} generated inputs; it was {len(before.observed)}"


def _test_differences(
    name: str, before: Iterable[TestResult], now: Iterable[TestResult]
) -> Iterator[str]:
    outcomes = [{f"{n} ({t.name})": t.outcome for n, t in enumerate(s, 1)} for s in (before, now)]
    for test in outcomes[0] | outcomes[1]:
        was, came = (o.get(test, Outcome.NOT_RUN) for o in outcomes)
        if was is not came:
            yield f"{name}, test {printable(test)}: {came}; it was {was}"


def _report_differences(before: SolveReport, now: SolveReport | None) -> list[str]:
    """What the report claims otherwise."""
    if now is None:
        return [f"there is no verdict; it was {before.verdict}"]
    found = [
        *_test_differences("the report", before.tests, now.tests),
        *_test_differences("the report on an example", before.examples, now.examples),
    ]
    if before.verdict is not now.verdict:
        found.append(f"the verdict is {now.verdict}; it was {before.verdict}")
    if before.strength != now.strength:
        found.append(f"of mutants, {_told(now)}; it was {_told(before)}")
    if before.code != now.code:
        found.append("the report shows another program")
    if before.claim != now.claim:
        found.append(printable(f"the claim is: {now.claim} It was: {before.claim}"))
    return found


def _rewritten(evidence: Evidence, now: SolveReport) -> bool:
    """Whether the claim is more than its numbers away from what this version would say."""
    return _of_this_version(evidence) and _worded(evidence.report.claim) != _worded(now.claim)


def _of_this_version(evidence: Evidence) -> bool:
    return evidence.about.conditions.calisota == version("calisota")


def _worded(claim: str) -> str:
    """Without its numbers, and without what it quotes of programs that lost."""
    return re.sub(r"\d+(?:\.\d+)?", "#", re.sub(r"`[^`]*`", "`#`", claim))


def _told(report: SolveReport) -> str:
    strength = report.strength
    return f"{strength.told_apart} of {strength.mutants} noticed" if strength else "none was run"
