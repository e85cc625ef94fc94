"""The engine on Problems whose truth is known: how often it is right, and how often it says so.

From one Solve come all rows of the table: what its first candidate would have given, what a vote
over texts, what tests, what agreement. They are paired, and no call is paid for twice.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from pydantic import Field

from calisota.engine import Standing
from calisota.engine.behaviour import clusters_of
from calisota.engine.likeness import likeness_of
from calisota.errors import EngineUnavailable
from calisota.local import LocalSolve
from calisota.models import (
    Brief,
    Candidate,
    ExecutionMatrix,
    Frozen,
    Language,
    Outcome,
    Problem,
    SolveState,
    Tried,
    Usage,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from calisota.engine import SolveRecord
    from calisota.evaluation.solve_cases import SolveCase
    from calisota.executions import RunsCandidates
    from calisota.models import Observation, SolveReport
    from calisota.stages import Stages

BY_TEXT = "best of N by text"
MODES = ("direct", BY_TEXT, "+ tests", "+ consensus", "full")
"""Each of the middle ones chooses among all programs that the Solve wrote in its first round."""


class Evaluated(Frozen):
    """One Solve of one case, held against the truth."""

    name: str
    seed: int
    solve_id: str | None = None
    verdict: Verdict
    right: bool
    """Whether the reported program passes the hidden tests."""
    agreement: float | None
    told_apart: float | None
    """Share of the mutants that tests or inputs noticed."""
    checked: float | None = None
    """Of these, the share that failed what no coder wrote."""
    modes: dict[str, bool]
    """What each way to choose would have given."""
    drawn: list[bool] = Field(default_factory=list)
    """Whether each program of the first round passes the hidden tests."""
    tokens: dict[str, int]
    """What each way to choose has to pay for."""
    usage: Usage
    seconds: float
    cost_usd: float | None = None


_PYTHON = '{"language":"python"}'


class RememberingSandbox:
    """A sandbox that runs the same program on the same tests once; safe to share by threads.

    With a `file` it remembers from run to run: for measurements, never for Solves of clients.
    `plain` is what it runs of a program, where differences of text are known to mean nothing.
    """

    def __init__(
        self,
        sandbox: RunsCandidates,
        file: Path | None = None,
        *,
        plain: Callable[[str], str] | None = None,
    ) -> None:
        self._sandbox = sandbox
        self._plain = plain
        self._known: dict[str, ExecutionMatrix] = {}
        self._lock = threading.Lock()
        self._file = file
        if file is not None and file.exists():
            for line in file.read_text().splitlines():
                key, _, text = line.partition(" ")
                with suppress(ValueError):  # a line that a killed run left unfinished
                    self._known[key] = ExecutionMatrix.model_validate_json(text)

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
        """As the sandbox itself; a fault of the sandbox is not remembered."""
        if self._plain is not None and candidate.source is not None:
            candidate = candidate.model_copy(update={"source": self._plain(candidate.source)})
        tests = problem.model_dump_json(include={"tests", "limits", "files", "entry_point"})
        rest = problem.model_dump_json(
            include={"language", "checker", "source_name"}, exclude_defaults=True
        )
        key = _digest(f"{optional} {tests} {candidate.source}{'' if rest == _PYTHON else rest}")
        with self._lock:
            known = self._known.get(key)
            if known is None and while_like:
                key = _digest(f"{key} {[one.model_dump_json() for one in while_like]}")
                known = self._known.get(key)
        if known is None:
            known = self._sandbox.run_candidate(
                problem,
                candidate,
                solve_id=solve_id,
                optional=optional,
                while_like=while_like,
                on_line=on_line,
            )
            if known.outcome is not Outcome.INTERNAL_ERROR:
                self._remember(key, known)
        return known.model_copy(update={"candidate_id": candidate.id})

    def _remember(self, key: str, matrix: ExecutionMatrix) -> None:
        with self._lock:
            self._known[key] = matrix
            if self._file is not None:
                with self._file.open("a") as lines:
                    lines.write(f"{key} {matrix.model_dump_json()}\n")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def is_right(sandbox: RunsCandidates, case: SolveCase, source: str | None) -> bool:
    """Whether a program passes the hidden tests.

    Raises: EngineUnavailable: the sandbox gave no result, which says nothing of the program.
    """
    if source is None:
        return False
    brief = Brief(number=0, approach=None, with_passages=False, temperature=0, prompt="none")
    candidate = Candidate(id="r1c0", brief=brief, source=source, usage=Usage())
    matrix = sandbox.run_candidate(case.hidden, candidate, solve_id="evaluation")
    if matrix.outcome is Outcome.INTERNAL_ERROR:
        raise _no_result(case)
    return matrix.outcome is Outcome.ACCEPTED


def _no_result(case: SolveCase) -> EngineUnavailable:
    return EngineUnavailable(
        f"The sandbox gave no result for {case.name}.",
        remedy="see `calisota doctor --sandbox`, then start again.",
    )


def evaluate_case(  # a case, the parts of an engine, and whose Solve it is
    case: SolveCase,
    stages: Stages,
    sandbox: RunsCandidates,
    *,
    seed: int,
    judge: RunsCandidates | None = None,
    solve_id: str | None = None,
    client: str | None = None,
    generation: int = 0,
) -> Evaluated:
    """The case through the engine, and the truth about what it chose and first wrote.

    Under a `solve_id` that was begun before in this `generation`, calls that were answered are not
    made again. `client` owns the Solve: what it spends, and what is remembered of it. `judge` runs
    the hidden tests, if not `sandbox` too: it may remember, which the sandbox of a Solve must not.
    Raises: EngineUnavailable: the sandbox gave no result; nothing is known of the case.
    """
    began = time.monotonic()
    solve = LocalSolve(stages, sandbox, on_step=lambda _step: None, generation=generation)
    conf = case.problem.model_dump(mode="json") | {"client": client}
    report = solve.run(conf, solve_id)
    seconds = time.monotonic() - began
    if report.verdict is Verdict.INTERNAL_ERROR:
        raise _no_result(case)
    judge = judge or sandbox
    record = stages.record(report.solve_id)
    chosen = choices(record, report)
    drawn = [one.source for one in record.rounds[0][0].candidates] if record.rounds else []
    truth = {source: is_right(judge, case, source) for source in {*chosen.values(), *drawn}}
    share = report.strength
    return Evaluated(
        name=case.name,
        seed=seed,
        solve_id=report.solve_id,
        verdict=report.verdict,
        right=truth[report.code],
        agreement=report.agreement,
        told_apart=share.told_apart / share.mutants if share and share.mutants else None,
        checked=share.by_answers / share.told_apart if share and share.told_apart else None,
        modes={mode: truth[source] for mode, source in chosen.items()},
        drawn=[truth[source] for source in drawn],
        tokens=_tokens(record),
        usage=report.usage,
        seconds=round(seconds, 2),
        cost_usd=report.cost_usd,
    )


def choices(record: SolveRecord, report: SolveReport) -> dict[str, str | None]:
    """The program that each way to choose takes."""
    drawn = record.rounds[0][0].candidates if record.rounds else []
    every = [c for one, _ in record.rounds for c in one.candidates]
    first = [one for one in record.tried if one.round == 1]
    sources = {candidate.id: candidate.source for candidate in drawn}
    standing = Standing(_state(record, first))
    best = standing.best
    return {
        "direct": drawn[0].source if drawn else None,
        BY_TEXT: voted([candidate.source for candidate in every]),
        "+ tests": sources.get(_first_passing(standing, first) or ""),
        "+ consensus": sources.get(_of_largest(standing) or (best.candidate_id if best else "")),
        "full": report.code,
    }


def _state(record: SolveRecord, tried: list[Tried]) -> SolveState:
    budget = record.problem.options.budget
    return SolveState(
        round=1,
        max_rounds=1,
        client_tests=len(record.problem.tests),
        tried=tried,
        usage=Usage(),
        tokens_budget=budget.tokens,
        calls_budget=budget.calls,
        elapsed_s=0,
        wall_budget_s=budget.wall_s,
    )


def _first_passing(standing: Standing, tried: list[Tried]) -> str | None:
    """The first candidate that passes what a model may see, else the first of all."""
    passing = [
        one for one in tried if standing.passes_visible(one) and standing.passes_examples(one)
    ]
    kept = passing or tried
    return kept[0].candidate_id if kept else None


def _of_largest(standing: Standing) -> str | None:
    """The oldest of the largest cluster that passes what a model may see."""
    passing = [
        one
        for one in standing.built
        if standing.passes_visible(one) and standing.passes_examples(one)
    ]
    found = clusters_of(passing)
    return found[0].members[0] if found else None


def voted(sources: list[str | None]) -> str | None:
    """The commonest program but for layout; of equally common ones the first."""
    texts = [(likeness_of(source, Language.PYTHON), source) for source in sources if source]
    if not texts:
        return None
    counts = Counter(likeness for likeness, _ in texts)
    most = max(counts.values())
    return next(source for likeness, source in texts if counts[likeness] == most)


def _tokens(record: SolveRecord) -> dict[str, int]:
    """What each way to choose has to pay for."""
    drawn = record.rounds[0][0].candidates if record.rounds else []
    first = sum(candidate.usage.tokens for candidate in drawn)
    every = sum(c.usage.tokens for one, _ in record.rounds for c in one.candidates)
    return {
        "direct": drawn[0].usage.tokens if drawn else 0,
        BY_TEXT: every,
        "+ tests": first,
        "+ consensus": first,
        "full": record.usage.tokens,
    }
