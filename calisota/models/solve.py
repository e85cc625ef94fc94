"""The values of one Solve, from the passages retrieved to the report."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from calisota.models.base import Frozen
from calisota.models.execution import ExecutionMatrix, Outcome, TestResult
from calisota.models.problem import Compare, Language, OnAmbiguous, Problem
from calisota.models.trials import Probe, Trials


class Route(StrEnum):
    """A named use of a model."""

    SLOW = "slow"
    FAST = "fast"
    CRITIC = "critic"
    FRONTIER = "frontier"
    """Asked what a statement means before a person is; absent unless named."""


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
    vector: list[float] | None = None
    """The query's embedding, a unit vector, where it was asked for."""
    encoder: str | None = None
    """Which model made it."""


class Plan(Frozen):
    """The slow model's output: what to build and how."""

    contract: str
    approaches: list[str]
    corner_cases: list[str]
    functions: list[str] = Field(default_factory=list)
    """The parts of a large program, one line each; none of one that is small."""


class Planned(Frozen):
    """A Plan and what it cost."""

    plan: Plan
    usage: Usage
    note: str | None = None
    """Why the plan is a fallback, where it is one."""
    inputs: list[Probe] = Field(default_factory=list)
    """That the planner would try; it has seen no program."""
    search: str | None = None
    """What the planner wants to be looked up; done once."""
    trials: Trials = Trials()
    """What every candidate is run on beside the client's tests."""


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
    route: Route = Route.FAST
    """Who writes it: the coder, or after an escalation the slow model."""

    @property
    def family(self) -> tuple[object, ...]:
        """Equal for briefs whose candidates are likely to err alike."""
        return self.prompt, self.route, self.approach, self.with_passages, self.repairs


class Candidate(Frozen):
    """One program sampled."""

    id: str = Field(pattern=r"^r\d+c\d+(m\d+)?$")
    """Of a mutant, which is executed but never shown, with an `m` and its number."""
    brief: Brief
    source: str | None
    """None: the model's answer held no program."""
    usage: Usage
    note: str | None = None
    """That it holds no program, or what was mended in it."""


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
    line: int | None = Field(default=None, ge=1)
    """Of the program, from 1; None: of no one line, or the critic quoted what is not in it."""


class Critique(Frozen):
    """The critic model's review; advice only: it never raises a verdict."""

    candidate_id: str
    score: int = Field(ge=0, le=100)
    findings: list[Finding]
    suggestions: list[str]
    objections: list[Probe] = Field(default_factory=list)
    """Inputs on which the critic expects the program to fail: they are run, not believed."""


class Action(StrEnum):
    """What `decide` can decide, in the order in which it looks."""

    CANCEL = "cancel"
    RETRY_INFRASTRUCTURE = "retry_infrastructure"
    """Execute again what the sandbox gave no result for; no round is spent."""
    ACCEPT = "accept"
    """A candidate, by the tests or by consensus; the verdict says which."""
    CONTRADICTION = "contradiction"
    BUDGET = "budget"
    DISCRIMINATE = "discriminate"
    """Ask the slow model, which sees no code, what is right on one input; no round is spent."""
    CLARIFY = "clarify"
    """Ask the frontier model, then a person, what is right on one input."""
    REPAIR = "repair"
    WIDEN = "widen"
    ESCALATE = "escalate"
    """The slow model explains what goes wrong; it writes, too, and so does the frontier model."""
    STOP = "stop"

    @property
    def next_round(self) -> bool:
        """Whether it is carried out by another round."""
        return self in {Action.REPAIR, Action.WIDEN, Action.ESCALATE}


class Verdict(StrEnum):
    """What is claimed of the whole Solve; the claim says in words what was proven."""

    VERIFIED = "verified"
    VERIFIED_WEAK_TESTS = "verified_weak_tests"
    CONSISTENT = "consistent"
    NEEDS_CLARIFICATION = "needs_clarification"
    CONTRADICTORY_TESTS = "contradictory_tests"
    UNVERIFIED = "unverified"
    FAILED = "failed"
    BUDGET_EXHAUSTED = "budget_exhausted"
    CANCELLED = "cancelled"
    INTERNAL_ERROR = "internal_error"

    @property
    def solved(self) -> bool:
        """Whether the Solve ended with a program that was proven to some extent."""
        return self in {Verdict.VERIFIED, Verdict.VERIFIED_WEAK_TESTS, Verdict.CONSISTENT}


class Tried(Frozen):
    """A candidate and what came of it."""

    candidate_id: str
    round: int = Field(ge=1)
    brief: Brief
    matrix: ExecutionMatrix
    likeness: str = ""
    """The same for programs that differ only in layout and comments."""
    leaked: list[int] = Field(default_factory=list)
    """The visible tests that it seems to answer from a table."""


class Question(Frozen):
    """An input on which programs, or programs and a test, disagree, and what was said about it."""

    number: int = Field(ge=0)
    about: Literal["input", "test"]
    """A generated input, or a test of the client's: `number` counts among these."""
    asked: str
    """The call, or the program's input, as a person reads it."""
    options: list[str]
    """What the programs answer there, the likeliest first; with a `quote` the planner's is last."""
    by: Literal["slow", "frontier", "person"] | None = None
    """Who was asked last; None: nobody yet."""
    said: str | None = None
    """The answer, as `TestResult.answer`; None from someone who was asked: the statement does not
    say."""
    quote: str | None = None
    """What the planner had quoted from the statement for this input, if it had."""
    held: bool | None = None
    """Whether the planner, asked twice more, said what it had quoted; None: it was not asked about
    a quotation, or gave no answer that can be read."""

    @property
    def binding(self) -> bool:
        """Whether the answer is a test from now on: a person gave it, or the frontier model."""
        return self.said is not None and self.by in {"person", "frontier"}


class Circumstances(Frozen):
    """What `decide` looks at that neither the Problem nor the matrices tell."""

    questions: list[Question] = Field(default_factory=list)
    """Asked so far."""
    can_ask: bool = True
    """Whether there is a person who could be asked."""
    can_repair: bool = True
    """Whether failed programs may be mended; else they are written afresh."""
    asked: bool = False
    """Whether a question was asked in this round already."""
    settled: bool = False
    """Whether nothing more can be asked or executed in this round: it must end."""
    infrastructure_retries: int = Field(default=0, ge=0)
    """Of this round."""
    preferred: str | None = None
    """Of the candidates that do the same, the one that the critic prefers in both orders."""
    cancelled: bool = False
    usage: Usage
    elapsed_s: float = Field(ge=0)
    out_of_budget: bool = False
    """True: a model call was refused because it could exceed the budget."""


class SolveState(Circumstances):
    """All that `decide` may look at."""

    round: int = Field(ge=1)
    max_rounds: int = Field(ge=1)
    client_tests: int = Field(ge=0)
    tried: list[Tried]
    """Of every round so far, oldest first."""
    inputs: list[str] = Field(default_factory=list)
    """The generated inputs, each as a person reads it."""
    expected: list[str | None] = Field(default_factory=list)
    """What the planner expects of each, as `TestResult.answer`; None, or too short: nothing."""
    planned: int = Field(default=0, ge=0)
    """So many of them, the first, are the planner's, who says that the statement allows them."""
    whole_programs: bool = False
    """Whether answers are what programs print, to be taken word by word, and no values."""
    compares: list[Compare] = Field(default_factory=list)
    """How the client's tests compare answers; by a checker two that differ may be right."""
    test_inputs: list[str] = Field(default_factory=list)
    """Those of the client's tests."""
    contradictions: list[str] = Field(default_factory=list)
    """Tests that no program can pass together."""
    actions: list[Action] = Field(default_factory=list)
    """Decided in earlier rounds."""
    on_ambiguous: OnAmbiguous = "best_guess"
    tokens_budget: int
    calls_budget: int
    wall_budget_s: float

    @property
    def circumstances(self) -> Circumstances:
        """The part of it that a replay cannot work out anew."""
        return Circumstances(**{name: getattr(self, name) for name in Circumstances.model_fields})


class Decision(Frozen):
    """What to do after a round, and why in one sentence."""

    action: Action
    candidate_id: str | None
    """The candidate accepted, repaired, or best so far."""
    verdict: Verdict | None
    """Set when the Solve ends here."""
    reason: str
    question: Question | None = None
    """What to ask, of `discriminate` and `clarify`."""
    doubts: list[str] = Field(default_factory=list)
    """What speaks against a program that is accepted for its tests."""


class Admitted(Frozen):
    """A Problem on its way, and when the Solve began (seconds since the epoch)."""

    problem: Problem
    started_at: float
    client: str | None = None
    """The key id that asked for it."""


class RoundResult(Frozen):
    """The end of one round: the matrices, the critique, and the decision."""

    round: int = Field(ge=1)
    matrices: list[ExecutionMatrix]
    critique: Critique | None
    decision: Decision
    path: list[Decision] = Field(default_factory=list)
    """Decided and carried out before it, within the round."""
    circumstances: list[Circumstances] = Field(default_factory=list)
    """Of each decision, those of `path` first; what a replay needs to decide again."""
    decided_at: float = 0.0
    """Seconds since the epoch."""
    questions: list[Question] = Field(default_factory=list)
    """Asked in this round."""
    diagnosis: str | None = None
    """Why the candidates fail, by the slow model, after an escalation."""
    usage: Usage
    """Of the critic's calls."""
    slow_usage: Usage = Usage()
    """Of the slow model's, where it was asked."""
    frontier_usage: Usage = Usage()
    """Of the frontier model's, where there is one."""


class TestStrength(Frozen):
    """How well the tests, or the generated inputs, tell the program from programs near it."""

    __test__ = False  # not a pytest class

    mutants: int = Field(ge=0)
    """Small changes of the program that behave differently somewhere."""
    told_apart: int = Field(ge=0)
    """Of these, how many fail a test; without tests, how many differ on a generated input."""
    by_answers: int = Field(default=0, ge=0)
    """Of those told apart, how many fail what no coder wrote: a test, an example of the statement,
    or an answer that the planner quoted and the program gives."""
    not_run: int = Field(default=0, ge=0)
    """Of these, how many the budget did not allow to run: they count as not noticed."""
    survivors: list[str] = Field(default_factory=list)
    """The others, in words: what the tests do not notice."""


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
    note: str | None = None
    """That the answer held no program, or what was mended in it."""


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
    examples: list[TestResult] = Field(default_factory=list)
    """Of the winning program on the examples in the statement."""
    inputs: int = Field(default=0, ge=0)
    """Generated inputs on which programs were compared."""
    agreement: float | None = Field(default=None, ge=0, le=1)
    """Of the programs that pass the statement's examples, the share that answers like the winning
    one to every generated input, correlated ones counted for less; None: nothing was compared."""
    strength: TestStrength | None = None
    """None: no mutant of the program was run."""
    questions: list[Question] = Field(default_factory=list)
    """What was asked about inputs in doubt, and what was said."""
    doubts: list[str] = Field(default_factory=list)
    """What speaks against the program or the tests, in words."""
    decisions: list[str] = Field(default_factory=list)
    """Action and reason, in order."""
    candidates: list[CandidateSummary]
    critique: Critique | None
    citations: list[Hit]
    index: str | None
    usage: Usage
    """Of what led to this report; the ledger holds all that was spent, cleared steps included."""
    usage_by_route: dict[Route, Usage]
    cost_usd: float | None = None
    """None: no price is known for the routes used."""
    steps: list[StepTiming]
    prompts: dict[str, str]
    """Prompt file -> content hash."""
    cause: str | None = None
    """Of a Solve that did not run to its end: what failed and the remedy."""
