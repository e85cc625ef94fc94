"""The slow model asked about one point: what a statement requires, why programs fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from calisota.agents.answers import answer_from_text, is_quoted, number_in, parse_json
from calisota.agents.prompts import LANGUAGE_NAMES, examples, render
from calisota.llm import ChatRequest, Message
from calisota.models import Frozen, Language, Route, Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from calisota.agents.coder import Repair
    from calisota.llm import ChatModel
    from calisota.models import Problem

EXPECT_TOKENS = 400
DIAGNOSE_TOKENS = 400
ASKED_TWICE = 2


class ExpectDraft(BaseModel):
    """What a specification requires on one input; bounded, or weak models run on."""

    quote: str = Field(max_length=300)
    stated: bool
    answer: str = Field(max_length=500)


class Expected(Frozen):
    """What the statement requires on one input, as a model reads it, and what asking cost."""

    answer: str | None
    """As `TestResult.answer`; None: it does not say, or not twice the same."""
    readable: bool
    """Whether each of its answers could be read: a cut or garbled one says nothing."""
    usage: Usage


class DiagnosisDraft(BaseModel):
    """Why programs fail."""

    diagnosis: str = Field(max_length=600)
    approach: str = Field(max_length=200)
    corner_cases: list[Annotated[str, Field(max_length=120)]] = Field(max_length=4)


class Diagnosis(Frozen):
    """Why programs fail, how to do it instead, and what it cost to hear it."""

    text: str | None
    """None: the answer was unusable."""
    approach: str | None
    corner_cases: list[str]
    usage: Usage


async def expected_answer(
    chat: ChatModel,
    problem: Problem,
    asked: str,
    *,
    route: Route,
    shown: frozenset[int],
    max_tokens: int,
) -> Expected:
    """What the statement requires for `asked`.

    The model sees no program. It is asked twice; two different answers are none, and so is one
    whose quotation is not in the statement. Raises: what `ChatModel.complete` raises.
    """
    prompt = render(
        "expect",
        statement=problem.statement,
        entry_point=problem.entry_point,
        asked=asked,
        # A test that is in doubt must not answer for itself.
        examples=[line for line in examples(problem, shown) if not line.startswith(asked)],
    )
    usage = Usage()
    said: list[str | None] = []
    readable = True
    for sample in range(ASKED_TWICE):
        response = await chat.complete(
            ChatRequest(
                route=route,
                messages=[Message(role="user", content=prompt)],
                temperature=0.0 if sample == 0 else 0.5,
                max_tokens=min(EXPECT_TOKENS, max_tokens),
                answer_schema=ExpectDraft,
                sample=sample,
            )
        )
        usage += response.usage
        draft = parse_json(response.text, ExpectDraft)
        said.append(_said(draft, problem) if draft else None)
        readable = readable and draft is not None and (said[-1] is not None or not draft.stated)
    answer = said[0] if len(set(said)) == 1 else None
    return Expected(answer=answer, readable=readable, usage=usage)


def _said(draft: ExpectDraft, problem: Problem) -> str | None:
    if not draft.stated or not is_quoted(draft.quote, problem):
        return None
    return answer_from_text(draft.answer, problem)


def as_offered(said: str, options: Sequence[str]) -> str:
    """The option that is the same number in another spelling, else what was said.

    A person who types 0 where the programs answer 0.0 means the same.
    """
    number = number_in(said)
    if number is None:
        return said
    return next((option for option in options if number_in(option) == number), said)


async def diagnose(
    chat: ChatModel, problem: Problem, failed: Sequence[Repair], *, max_tokens: int
) -> Diagnosis:
    """Why the programs fail. Raises: what `ChatModel.complete` raises."""
    response = await chat.complete(
        ChatRequest(
            route=Route.SLOW,
            messages=[
                Message(
                    role="user",
                    content=render(
                        "diagnose",
                        statement=problem.statement,
                        language_name=LANGUAGE_NAMES[Language(problem.language)],
                        programs=failed,
                    ),
                )
            ],
            temperature=0,
            max_tokens=min(DIAGNOSE_TOKENS, max_tokens),
            answer_schema=DiagnosisDraft,
        )
    )
    draft = parse_json(response.text, DiagnosisDraft)
    return Diagnosis(
        text=draft.diagnosis if draft else None,
        approach=draft.approach if draft else None,
        corner_cases=draft.corner_cases if draft else [],
        usage=response.usage,
    )
