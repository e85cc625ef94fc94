"""The planner (route `slow`): contract, approaches, corner cases. It never sees code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from calisota.agents.answers import parse_json
from calisota.agents.prompts import examples, render
from calisota.llm import ChatModel, ChatRequest, Message
from calisota.models import Plan, Planned, Problem, Route, Usage

if TYPE_CHECKING:
    from calisota.models import Hit

PLAN_TOKENS = 300


class PlanDraft(BaseModel):
    """The shape asked of the model; every string and list is bounded, or weak models run on."""

    contract: str = Field(max_length=300)
    approaches: list[Annotated[str, Field(max_length=200)]] = Field(min_length=1, max_length=3)
    corner_cases: list[Annotated[str, Field(max_length=120)]] = Field(max_length=4)


async def make_plan(
    chat: ChatModel,
    problem: Problem,
    *,
    passages: list[Hit],
    shown: frozenset[int],
    max_tokens: int,
) -> Planned:
    """A Plan for `problem`; an unusable answer gives the plan that a plan-less coder would use.

    `shown` are the tests a prompt may quote. Raises: what `ChatModel.complete` raises.
    """
    request = ChatRequest(
        route=Route.SLOW,
        messages=[
            Message(
                role="user",
                content=render(
                    "plan",
                    statement=problem.statement,
                    language=problem.language,
                    entry_point=problem.entry_point,
                    signature=problem.signature,
                    examples=examples(problem, shown),
                    passages=passages,
                ),
            )
        ],
        temperature=0,
        max_tokens=min(PLAN_TOKENS, max_tokens),
        answer_schema=PlanDraft,
    )
    response = await chat.complete(request)
    draft = parse_json(response.text, PlanDraft)
    if draft is None:
        return no_plan(problem, response.usage, note="the planner's answer was no plan")
    return Planned(
        plan=Plan(
            contract=draft.contract,
            approaches=_distinct(draft.approaches),
            corner_cases=_distinct(draft.corner_cases),
        ),
        usage=response.usage,
    )


def no_plan(problem: Problem, usage: Usage, *, note: str) -> Planned:
    """The plan of a coder who has none: the statement itself."""
    plan = Plan(contract=problem.statement.strip()[:300], approaches=[], corner_cases=[])
    return Planned(plan=plan, usage=usage, note=note)


def _distinct(lines: list[str]) -> list[str]:
    """Without blanks and repetitions, in order."""
    return list(dict.fromkeys(line.strip() for line in lines if line.strip()))
