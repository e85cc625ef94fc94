"""What the API answers."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  # pydantic reads it
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue

from api.problems import ProblemDetails  # noqa: TC001  # pydantic reads it
from calisota.ledger import Line  # noqa: TC001  # pydantic reads it
from calisota.models import (
    CandidateSummary,
    Critique,
    ExecutionRequest,
    ExecutionResult,
    Frozen,
    Hit,
    Language,
    Question,
    Route,
    SolveReport,
    TestResult,
    TestStrength,
    Usage,
    Verdict,
)
from calisota.rag.versions import Manifest  # noqa: TC001  # pydantic reads it

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema


class State(StrEnum):
    """Where a Solve is on its way; what was proven is the verdict's business."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepState(StrEnum):
    """Where a step is. `waiting`: not begun, or to be tried again; `skipped`: not needed."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


class Links(Frozen):
    """Where to go from here."""

    solve: str = Field(description="This Solve; poll it, or follow `events`.")
    events: str = Field(description="Its progress as server-sent events.")
    cancel: str = Field(description="POST here to cancel it.")
    evidence: str = Field(description="Once it has ended: all that its verdict rests on.")
    airflow: str = Field(description="Its Dag run in Airflow's UI, for a person.")


class Submitted(Frozen):
    """A Solve that was taken in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "solve_id": "solve_0f5c1d2e3a4b5c6d7e8f901234567890",
                    "state": "queued",
                    "links": {
                        "solve": "/v1/solves/solve_0f5c1d2e3a4b5c6d7e8f901234567890",
                        "events": "/v1/solves/solve_0f5c1d2e3a4b5c6d7e8f901234567890/events",
                        "cancel": "/v1/solves/solve_0f5c1d2e3a4b5c6d7e8f901234567890:cancel",
                        "evidence": "/v1/solves/solve_0f5c1d2e3a4b5c6d7e8f901234567890/evidence",
                        "airflow": "http://127.0.0.1:8080/dags/solve/runs/"
                        "solve_0f5c1d2e3a4b5c6d7e8f901234567890",
                    },
                }
            ]
        }
    )

    solve_id: str
    state: State
    links: Links


class Step(Frozen):
    """One step; of a step that runs once for each candidate, one of its runs."""

    name: str = Field(examples=["sandbox"])
    round: int | None = Field(description="null: the step is in no round.")
    map_index: int | None = Field(description="Which of several; null: there is only one.")
    label: str | None = Field(default=None, description="The candidate, where there is one.")
    state: StepState
    seconds: float | None = Field(description="null: not ended.")


class Answer(Frozen):
    """What a person says to a Solve's question."""

    answer: JsonValue = Field(
        default=None, description="The right value, as JSON; of a whole program, its output."
    )
    likeliest: bool = Field(
        default=False, description="true: you do not know; the likeliest behaviour is taken."
    )


class FinishedSolve(SolveReport):
    """A Solve that ran to its end: its report, and links."""

    links: Links


class SolveProgress(Frozen):
    """A Solve that has no report: not yet, or because it was cancelled or broke down.

    The fields are a report's; what is not known is null or empty.
    """

    solve_id: str
    state: State
    step: str | None = Field(description="The task that runs now.", examples=["round_1.sandbox"])
    steps: list[Step]
    verdict: Literal[Verdict.CANCELLED, Verdict.INTERNAL_ERROR] | None = None
    claim: str | None = None
    code: str | None = None
    language: Language | None = None
    question: Question | None = Field(
        default=None, description="What it waits for you to answer; POST to `/clarification`."
    )
    tests: tuple[TestResult, ...] = ()
    examples: tuple[TestResult, ...] = ()
    inputs: int = 0
    agreement: float | None = None
    strength: TestStrength | None = None
    questions: tuple[Question, ...] = ()
    doubts: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()
    candidates: tuple[CandidateSummary, ...] = ()
    critique: Critique | None = None
    citations: tuple[Hit, ...] = ()
    index: str | None = None
    usage: Usage | None = Field(default=None, description="Spent so far; null: nothing is known.")
    usage_by_route: dict[Route, Usage] = Field(default_factory=dict)
    cost_usd: float | None = None
    prompts: dict[str, str] = Field(default_factory=dict)
    cause: str | None = Field(default=None, description="What failed, and where to look.")
    links: Links


class SolveSummary(Frozen):
    """One line of the list; the state is the Dag run's, so open the Solve for its verdict."""

    solve_id: str
    state: State
    started: datetime | None = Field(description="null: it waits for its turn.")


class SolveList(Frozen):
    """One page, newest first."""

    items: list[SolveSummary]
    next: str | None = Field(
        description="Give it as `cursor` for the next page, which may hold fewer; null: the end."
    )


class StepEvent(Frozen):
    """The data of `step.started` and `step.finished`."""

    task: str = Field(examples=["round_1.sandbox"])
    round: int | None
    map_index: int | None
    label: str | None
    try_number: int
    state: StepState
    seconds: float | None
    at: datetime


class SolveEvent(Frozen):
    """The data of `solve.finished`, the last event."""

    solve_id: str
    state: State
    verdict: Verdict | None


class _SeenAsRequest:
    """In the documentation an item is an ExecutionRequest; it is checked one by one."""

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(ExecutionRequest.__pydantic_core_schema__)


class ExecutionBatch(Frozen):
    """Programs to run, each on its own: one that does not fit leaves the others alone."""

    items: list[Annotated[JsonValue, _SeenAsRequest()]] = Field(min_length=1, max_length=100)


class ExecutionBatchResult(Frozen):
    """The answers in the order of the items: a result, or a problem document (RFC 9457)."""

    items: list[ExecutionResult | ProblemDetails]


class SearchResult(Frozen):
    """Passages for a query, nearest first, all of one index version."""

    index: str = Field(description="The version that every hit comes from.")
    hits: list[Hit]


class IndexSummary(Frozen):
    """The index of one corpus."""

    corpus: str
    serves: str | None = Field(description="The version that answers; null: none was published.")
    versions: int = Field(description="How many there are on disk.")


class IndexVersion(Frozen):
    """One version of an index, as its manifest has it."""

    version: str
    serves: bool = Field(description="Whether searches are answered from it.")
    manifest: Manifest | None = Field(description="Null: it cannot be read, and is not served.")


class IndexVersions(IndexSummary):
    """The index of one corpus and its versions, newest first."""

    details: list[IndexVersion]


class UsageReport(Frozen):
    """What was spent, a line for each heading."""

    by: str
    lines: list[Line]


class RememberedSolve(Frozen):
    """A solved Problem that your Solves may be shown."""

    solve_id: str
    language: Language
    statement: str
    """Its first 1,000 characters."""
    verdict: Verdict


class Memories(Frozen):
    """All that is remembered of your Solves."""

    memories: list[RememberedSolve]


class MemoriesForgotten(Frozen):
    """How many are gone."""

    forgotten: int


PartName = Literal["airflow", "scheduler", "dag_processor", "dag", "model", "fallback"]


class Part(Frozen):
    """One thing that must work."""

    name: PartName
    ok: bool
    detail: str
    remedy: str | None = None


class Readiness(Frozen):
    """Whether a Solve could be started now, part by part."""

    ready: bool
    degraded: bool
    """Ready, but a part is not well; what to do is in its remedy."""
    parts: list[Part]
