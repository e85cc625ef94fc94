"""The planner (route `slow`): contract, approaches, corner cases. It never sees code."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from calisota.agents.answers import (
    AT_LENGTH_TOKENS,
    answer_from_text,
    is_quoted,
    parse_json,
    probes_of,
)
from calisota.agents.prompts import examples, render
from calisota.llm import ChatModel, ChatRequest, Message
from calisota.models import Plan, Planned, Probe, Problem, Route, Usage

if TYPE_CHECKING:
    from calisota.models import Hit

PLAN_TOKENS = 300
PLAN_TOKENS_WITH_INPUTS = 3500
MOST_ANSWERS = 8
MOST_FUNCTIONS = 8
MOST_OF_A_FUNCTION = 200
"""Cut, not refused: a long line must not cost the plan its inputs."""


class PlanDraft(BaseModel):
    """The shape asked of the model; every string and list is bounded, or weak models run on."""

    contract: str = Field(max_length=300)
    approaches: list[Annotated[str, Field(max_length=200)]] = Field(min_length=1, max_length=3)
    corner_cases: list[Annotated[str, Field(max_length=120)]] = Field(max_length=4)


class QuotedDraft(BaseModel):
    """An input whose answer the statement implies, and the words that imply it."""

    quote: str = Field(max_length=300)
    input: str = Field(max_length=1000)
    answer: str = Field(max_length=500)


def _that_fit(given: object) -> list[QuotedDraft]:
    """Those of what a model gave that are of the shape: an odd one must not cost the plan."""
    fitting = []
    for one in given if isinstance(given, list) else []:
        with suppress(ValidationError):
            fitting.append(QuotedDraft.model_validate(one))
    return fitting[:MOST_ANSWERS]


class PlanWithInputsDraft(PlanDraft):
    """A plan of a model that may answer at length."""

    approaches: list[Annotated[str, Field(max_length=200)]] = Field(min_length=1, max_length=4)
    inputs: list[Annotated[str, Field(max_length=1000)]] = Field(max_length=20)
    answers: Annotated[list[QuotedDraft], BeforeValidator(_that_fit)] = Field(
        default_factory=list, max_length=MOST_ANSWERS
    )
    functions: list[str] = Field(default_factory=list)
    search: str = Field(default="", max_length=200)


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
    ask_inputs = max_tokens >= AT_LENGTH_TOKENS
    kind = PlanWithInputsDraft if ask_inputs else PlanDraft
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
                    ask_inputs=ask_inputs,
                ),
            )
        ],
        temperature=0,
        max_tokens=min(PLAN_TOKENS_WITH_INPUTS if ask_inputs else PLAN_TOKENS, max_tokens),
        answer_schema=kind,
    )
    response = await chat.complete(request)
    # Inputs are a gift: a plan without them is still a plan.
    draft = parse_json(response.text, kind) or parse_json(response.text, PlanDraft)
    if draft is None:
        return no_plan(problem, response.usage, note="the planner's answer was no plan")
    return Planned(
        plan=Plan(
            contract=draft.contract,
            approaches=_distinct(draft.approaches),
            corner_cases=_distinct(draft.corner_cases),
            functions=[
                line[:MOST_OF_A_FUNCTION]
                for line in _distinct(getattr(draft, "functions", []))[:MOST_FUNCTIONS]
            ],
        ),
        usage=response.usage,
        inputs=[
            *_expecting(problem, getattr(draft, "answers", [])),
            *probes_of(problem, getattr(draft, "inputs", [])),
        ],
        search=draft.search.strip() or None if isinstance(draft, PlanWithInputsDraft) else None,
    )


def _expecting(problem: Problem, drafts: list[QuotedDraft]) -> list[Probe]:
    """The inputs whose answer is quoted from the statement.

    What quotes nothing is left out, and an input for which there are two answers.
    """
    found: dict[str, list[Probe]] = {}
    for draft in drafts:
        said = answer_from_text(draft.answer, problem)
        if not said or not is_quoted(draft.quote, problem):
            continue
        for probe in probes_of(problem, [draft.input]):
            known = probe.model_dump() | {"quote": draft.quote, "expects": said}
            with suppress(ValidationError):  # escaped, an odd answer is longer than it was
                found.setdefault(probe.model_dump_json(), []).append(Probe.model_validate(known))
    return [same[0] for same in found.values() if len({probe.expects for probe in same}) == 1]


def no_plan(problem: Problem, usage: Usage, *, note: str) -> Planned:
    """The plan of a coder who has none: the statement itself."""
    plan = Plan(contract=problem.statement.strip()[:300], approaches=[], corner_cases=[])
    return Planned(plan=plan, usage=usage, note=note)


def _distinct(lines: list[str]) -> list[str]:
    """Without blanks and repetitions, in order."""
    return list(dict.fromkeys(line.strip() for line in lines if line.strip()))
