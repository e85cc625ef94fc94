"""The values of one Solve, from the passages retrieved to the report."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from calisota.models.base import Frozen
from calisota.models.execution import ExecutionMatrix, Outcome, TestResult
from calisota.models.problem import Language, Problem


class Route(StrEnum):
    """A named use of a model."""

    SLOW = "slow"
    FAST = "fast"
    CRITIC = "critic"
    FRONTIER = "frontier"
    """A model that is asked only where the others leave something open; absent unless named."""


class Usage(Frozen):
    """What model calls cost. Unreported tokens are counted by an upper bound and flagged."""

    calls: int = Field(default=0, ge=0)
    prompt_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)
    estimated: bool = False
    """True: an endpoint left out usage, so a part is our upper bound."""

    @property
    def tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            calls=self.calls + other.calls,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            estimated=self.estimated or other.estimated,
        )


class Hit(Frozen):
    """One indexed chunk with its score: its nearness and how its words match; higher is better."""

    chunk_id: str
    path: str
    start_line: int = Field(ge=1)
    end_line: int = Field(ge=1)
    score: float
    similarity: float | None = None
    """Inner product of the unit vectors of query and chunk."""
    language: str
    text: str


class HitSet(Frozen):
    """What retrieval found, and in which index version."""

    index: str | None
    """None: there is no index; the Solve goes on without passages."""
    hits: list[Hit]
    note: str | None = None


class Plan(Frozen):
    """The slow model's output: what to build and how."""

    contract: str
    approaches: list[str]
    corner_cases: list[str]


class Planned(Frozen):
    """A Plan and what it cost."""

    plan: Plan
    usage: Usage
    note: str | None = None
    """Why the plan is a fallback, where it is one."""


class Brief(Frozen):
    """The order for one candidate."""

    number: int = Field(ge=0)
    approach: str | None
    with_passages: bool
    temperature: float = Field(ge=0, le=2)
    repairs: str | None = None
    """The id of the candidate this one repairs; None: written afresh."""
    prompt: str
    """Name and content hash of the prompt file."""


class Candidate(Frozen):
    """One program sampled."""

    id: str = Field(pattern=r"^r\d+c\d+$")
    brief: Brief
    source: str | None
    """None: the model's answer held no program."""
    usage: Usage
    note: str | None = None


class CandidateSet(Frozen):
    """The candidates of one round."""

    round: int = Field(ge=1)
    candidates: list[Candidate]
    stopped: Literal["budget"] | None = None
    """Why no further candidate was sampled."""

    @property
    def usage(self) -> Usage:
        """What sampling them cost."""
        return sum((candidate.usage for candidate in self.candidates), Usage())


class Finding(Frozen):
    """One observation of the critic."""

    severity: Literal["info", "warning", "error"]
    message: str


class Critique(Frozen):
    """The critic model's review; advice only: it never raises a verdict."""

    candidate_id: str
    score: int = Field(ge=0, le=100)
    findings: list[Finding]
    suggestions: list[str]


class Verdict(StrEnum):
    """What is claimed of the whole Solve; the claim says in words what was proven."""

    VERIFIED = "verified"
    VERIFIED_WEAK_TESTS = "verified_weak_tests"
    CONSISTENT = "consistent"
    UNVERIFIED = "unverified"
    FAILED = "failed"
    BUDGET_EXHAUSTED = "budget_exhausted"
    CANCELLED = "cancelled"
    INTERNAL_ERROR = "internal_error"

    @property
    def solved(self) -> bool:
        """Whether the Solve ended with a program that was proven to some extent."""
        return self in {Verdict.VERIFIED, Verdict.VERIFIED_WEAK_TESTS, Verdict.CONSISTENT}


class SolveState(Frozen):
    """All that `decide` may look at."""

    round: int = Field(ge=1)
    max_rounds: int = Field(ge=1)
    has_tests: bool
    matrices: list[ExecutionMatrix]
    """Of every round so far, oldest first."""
    usage: Usage
    tokens_budget: int
    calls_budget: int
    elapsed_s: float = Field(ge=0)
    wall_budget_s: float
    out_of_budget: bool = False
    """True: a model call was refused because it could exceed the budget."""


class Decision(Frozen):
    """What to do after a round, and why in one sentence."""

    action: Literal["accept", "repair", "widen", "stop"]
    candidate_id: str | None
    """The candidate accepted, repaired, or best so far."""
    verdict: Verdict | None
    """Set when the Solve ends here."""
    reason: str


class Admitted(Frozen):
    """A Problem on its way, and when the Solve began (seconds since the epoch)."""

    problem: Problem
    started_at: float


class RoundResult(Frozen):
    """The end of one round: the matrices, the critique, and the decision."""

    round: int = Field(ge=1)
    matrices: list[ExecutionMatrix]
    critique: Critique | None
    decision: Decision
    usage: Usage
    """Of the critic's calls."""


class StepFault(Frozen):
    """Why a step failed for good, and what to do about it."""

    step: str
    message: str


class StepTiming(Frozen):
    """How long one step took."""

    name: str
    round: int | None
    seconds: float = Field(ge=0)


class CandidateSummary(Frozen):
    """One line of the report for each candidate."""

    id: str
    outcome: Outcome
    passed: int
    total: int
    approach: str | None
    repairs: str | None


class SolveReport(Frozen):
    """The end of a Solve: the verdict, what was proven, the program and its matrix."""

    solve_id: str
    state: Literal["succeeded", "failed", "cancelled"]
    verdict: Verdict
    claim: str
    """In words: only what was proven."""
    code: str | None
    language: Language
    tests: list[TestResult]
    """The matrix of the winning program, from a second clean run where there is one."""
    candidates: list[CandidateSummary]
    critique: Critique | None
    citations: list[Hit]
    index: str | None
    usage: Usage
    usage_by_route: dict[Route, Usage]
    cost_usd: float | None = None
    """None: no price is known for the routes used."""
    steps: list[StepTiming]
    prompts: dict[str, str]
    """Prompt file -> content hash."""
    cause: str | None = None
    """Of a Solve that did not run to its end: what failed and the remedy."""
