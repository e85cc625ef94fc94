"""The coder (route `fast`): one whole program per brief."""

from __future__ import annotations

from pydantic import Field

from calisota.agents.answers import FENCES, extract_program, parses
from calisota.agents.mending import Mended, mended
from calisota.agents.prompts import LANGUAGE_NAMES, examples, render
from calisota.errors import BudgetExhausted, ModelUnavailable
from calisota.llm import ChatModel, ChatRequest, Message
from calisota.models import Brief, Candidate, Frozen, Hit, Language, Plan, Problem, Usage

NO_PROGRAM = "the model's answer held no program"
RESAMPLED = 0.4
"""Least temperature of a second answer: the same one again would not help."""
SAMPLES_EACH_ROUND = 1000
RESAMPLED_FROM = 100
"""Sample numbers of second answers begin here; no round has as many candidates."""


class Repair(Frozen):
    """The program a brief repairs, what it got wrong, and what the critic suggested."""

    source: str
    failures: list[str]
    suggestions: list[str]
    trace: list[str] = Field(default_factory=list)
    """Of the smallest failure, block by block."""
    diagnosis: str | None = None
    """Why it fails, by the slow model."""


class Hints(Frozen):
    """What became known since the plan was made."""

    diagnosis: str | None = None
    """Why earlier programs failed, where the slow model said so."""
    answers: list[str] = Field(default_factory=list)
    """Examples that a person gave when asked."""


async def write_candidate(  # noqa: PLR0913  # all that a prompt is made of
    chat: ChatModel,
    problem: Problem,
    brief: Brief,
    *,
    round_number: int,
    plan: Plan,
    passages: list[Hit],
    shown: frozenset[int],
    repair: Repair | None,
    hints: Hints,
    max_tokens: int,
) -> Candidate:
    """One candidate; its `source` is None when two answers held no program.

    Raises: what `ChatModel.complete` raises.
    """
    prompt = _repair_prompt(problem, repair) if repair else None
    if prompt is None:
        prompt = render(
            "code",
            statement=problem.statement,
            language_name=LANGUAGE_NAMES[problem.language],
            entry_point=problem.entry_point,
            signature=problem.signature,
            approach=brief.approach,
            corner_cases=plan.corner_cases if brief.approach else [],
            functions=plan.functions if brief.approach else [],
            examples=[*examples(problem, shown), *hints.answers],
            files=sorted(problem.files),
            passages=passages if brief.with_passages else [],
            diagnosis=hints.diagnosis,
            fence=FENCES[problem.language],
        )
    request = ChatRequest(
        route=brief.route,
        messages=[Message(role="user", content=prompt)],
        temperature=brief.temperature,
        max_tokens=max_tokens,
        # Else one journal entry would serve every candidate of the same prompt, and a later round
        # that writes afresh would get the programs of an earlier one back.
        sample=round_number * SAMPLES_EACH_ROUND + brief.number,
        # The line that closes the block; prose after it is of no use.
        stop="\n```\n",
    )
    response = await chat.complete(request)
    found = _program(response.text, problem)
    usage = response.usage
    if found is None or not parses(found.source, problem.language):
        # Another sample costs less than a round in which there is nothing to execute.
        other, spent = await _resampled(chat, request, problem)
        usage += spent
        if found is None or (other is not None and parses(other.source, problem.language)):
            found = other or found
    return Candidate(
        id=f"r{round_number}c{brief.number}",
        brief=brief,
        source=found.source if found else None,
        usage=usage,
        note=found.note if found else NO_PROGRAM,
    )


def _program(text: str, problem: Problem) -> Mended | None:
    """The program in an answer, with its small faults of writing mended."""
    source = extract_program(text, problem.language, problem.entry_point)
    if source is None or problem.language is not Language.PYTHON:
        return Mended(source=source) if source else None
    return mended(source, problem.entry_point)


async def _resampled(
    chat: ChatModel, request: ChatRequest, problem: Problem
) -> tuple[Mended | None, Usage]:
    """A second answer's program, and what it cost; neither where the call cannot be made."""
    again = request.model_copy(
        update={
            "temperature": max(request.temperature, RESAMPLED),
            "sample": request.sample + RESAMPLED_FROM,
        }
    )
    try:
        response = await chat.complete(again)
    except (BudgetExhausted, ModelUnavailable):
        return None, Usage()
    return _program(response.text, problem), response.usage


def _repair_prompt(problem: Problem, repair: Repair) -> str:
    return render(
        "repair",
        statement=problem.statement,
        language_name=LANGUAGE_NAMES[problem.language],
        entry_point=problem.entry_point,
        signature=problem.signature,
        source=repair.source,
        failures=repair.failures,
        trace=repair.trace,
        diagnosis=repair.diagnosis,
        suggestions=repair.suggestions,
        fence=FENCES[problem.language],
    )
