"""The coder (route `fast`): one whole program per brief."""

from __future__ import annotations

from calisota.agents.answers import FENCES, extract_program
from calisota.agents.prompts import LANGUAGE_NAMES, examples, render
from calisota.llm import ChatModel, ChatRequest, Message
from calisota.models import Brief, Candidate, Frozen, Hit, Plan, Problem, Route


class Repair(Frozen):
    """The program a brief repairs, what it got wrong, and what the critic suggested."""

    source: str
    failures: list[str]
    suggestions: list[str]


async def write_candidate(
    chat: ChatModel,
    problem: Problem,
    brief: Brief,
    *,
    round_number: int,
    plan: Plan,
    passages: list[Hit],
    shown: frozenset[int],
    repair: Repair | None,
    max_tokens: int,
) -> Candidate:
    """One candidate; its `source` is None when the answer held no program.

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
            examples=examples(problem, shown),
            files=sorted(problem.files),
            passages=passages if brief.with_passages else [],
            fence=FENCES[problem.language],
        )
    response = await chat.complete(
        ChatRequest(
            route=Route.FAST,
            messages=[Message(role="user", content=prompt)],
            temperature=brief.temperature,
            max_tokens=max_tokens,
            # The line that closes the block; prose after it is of no use.
            stop="\n```\n",
        )
    )
    source = extract_program(response.text, problem.language, problem.entry_point)
    return Candidate(
        id=f"r{round_number}c{brief.number}",
        brief=brief,
        source=source,
        usage=response.usage,
        note=None if source else "the model's answer held no program",
    )


def _repair_prompt(problem: Problem, repair: Repair) -> str:
    return render(
        "repair",
        statement=problem.statement,
        language_name=LANGUAGE_NAMES[problem.language],
        entry_point=problem.entry_point,
        signature=problem.signature,
        source=repair.source,
        failures=repair.failures,
        suggestions=repair.suggestions,
        fence=FENCES[problem.language],
    )
