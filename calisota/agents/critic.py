"""The critic (route `critic`): a review of one program. Advice only; it raises no verdict."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from calisota.agents.answers import AT_LENGTH_TOKENS, parse_json, probes_of
from calisota.agents.prompts import LANGUAGE_NAMES, render
from calisota.llm import ChatModel, ChatRequest, Message
from calisota.models import Candidate, Critique, ExecutionMatrix, Finding, Problem, Route, Usage

CRITIC_TOKENS = 220
CRITIC_TOKENS_AT_LENGTH = 1200


class FindingDraft(BaseModel):
    """One finding, as asked of the model."""

    severity: Literal["info", "warning", "error"]
    message: str = Field(max_length=160)


class CritiqueDraft(BaseModel):
    """The shape asked of the model; bounded, or weak models run on."""

    score: int = Field(ge=0, le=100)
    findings: list[FindingDraft] = Field(max_length=3)
    suggestions: list[Annotated[str, Field(max_length=160)]] = Field(max_length=2)


class QuotingFindingDraft(FindingDraft):
    """A finding and the line of the program that shows it."""

    quote: str | None = None


class CritiqueAtLengthDraft(BaseModel):
    """A critique of a model that may answer at length."""

    score: int = Field(ge=0, le=100)
    findings: list[QuotingFindingDraft] = Field(max_length=3)
    suggestions: list[Annotated[str, Field(max_length=160)]] = Field(max_length=2)
    objections: list[Annotated[str, Field(max_length=1000)]] = Field(
        default_factory=list, max_length=4
    )


async def review(
    chat: ChatModel,
    problem: Problem,
    candidate: Candidate,
    matrix: ExecutionMatrix,
    *,
    failures: list[str],
    max_tokens: int,
) -> tuple[Critique | None, Usage]:
    """The critic's review of `candidate`, None when its answer is unusable; and what it cost.

    `failures` are lines about visible tests only. Raises: what `ChatModel.complete` raises.
    """
    visible = [test for test in matrix.tests if not test.held_out]
    at_length = max_tokens >= AT_LENGTH_TOKENS
    kind: type[CritiqueDraft | CritiqueAtLengthDraft] = (
        CritiqueAtLengthDraft if at_length else CritiqueDraft
    )
    prompt = render(
        "critic",
        statement=problem.statement,
        language_name=LANGUAGE_NAMES[problem.language],
        source=candidate.source or "",
        passed=sum(test.outcome == "accepted" for test in visible),
        total=len(visible),
        failures=failures,
        at_length=at_length,
        entry_point=problem.entry_point,
    )
    response = await chat.complete(
        ChatRequest(
            route=Route.CRITIC,
            messages=[Message(role="user", content=prompt)],
            temperature=0,
            max_tokens=min(CRITIC_TOKENS_AT_LENGTH if at_length else CRITIC_TOKENS, max_tokens),
            answer_schema=kind,
        )
    )
    draft = parse_json(response.text, kind) or parse_json(response.text, CritiqueDraft)
    if draft is None:
        return None, response.usage
    critique = Critique(
        candidate_id=candidate.id,
        score=draft.score,
        findings=[
            Finding(
                severity=found.severity,
                message=found.message,
                line=_line_of(getattr(found, "quote", None) or "", candidate.source or ""),
            )
            for found in draft.findings
        ],
        suggestions=draft.suggestions,
        objections=probes_of(problem, getattr(draft, "objections", [])),
    )
    return critique, response.usage


def _line_of(quote: str, source: str) -> int | None:
    """Where the quoted line stands, from 1; a model that counts lines itself miscounts.

    None: nowhere, or more than one could be meant.
    """
    lines = [line.strip() for line in source.split("\n")]
    wanted = next((line.strip() for line in quote.splitlines() if line.strip()), None)
    if wanted is None:
        return None
    exact = [number for number, line in enumerate(lines, 1) if line == wanted]
    found = exact or [number for number, line in enumerate(lines, 1) if wanted in line]
    return found[0] if len(found) == 1 else None
