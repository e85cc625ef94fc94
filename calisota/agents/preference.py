"""The critic asked which of two programs that do the same is the better one to hand out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field

from calisota.agents.answers import parse_json
from calisota.agents.prompts import LANGUAGE_NAMES, render
from calisota.errors import CalisotaError
from calisota.llm import ChatRequest, Message
from calisota.models import Route, Usage

if TYPE_CHECKING:
    from calisota.llm import ChatModel
    from calisota.models import Problem

PREFER_TOKENS = 120


class PreferenceDraft(BaseModel):
    """Which of two programs; bounded, or weak models run on."""

    why: str = Field(max_length=160)
    better: Literal["first", "second", "neither"]


async def prefers_second(
    chat: ChatModel, problem: Problem, first: str, second: str, *, max_tokens: int
) -> tuple[bool, Usage]:
    """Whether the critic prefers the second program whichever it is shown first; what it cost.

    A judge of pairs leans to a place, so one that changes its mind with the order has no view.
    Source: Zheng et al., arXiv 2306.05685, section 3.4. Both are asked at once; a call that cannot
    be made is no view.
    """

    async def ask(*shown: str) -> tuple[str | None, Usage]:
        prompt = render(
            "prefer",
            statement=problem.statement,
            language_name=LANGUAGE_NAMES[problem.language],
            programs=shown,
        )
        try:
            response = await chat.complete(
                ChatRequest(
                    route=Route.CRITIC,
                    messages=[Message(role="user", content=prompt)],
                    temperature=0,
                    max_tokens=min(PREFER_TOKENS, max_tokens),
                    answer_schema=PreferenceDraft,
                )
            )
        except CalisotaError:  # advice only: what is decided is not held up for want of it
            return None, Usage()
        draft = parse_json(response.text, PreferenceDraft)
        return (draft.better if draft else None), response.usage

    (one, spent), (other, more) = await asyncio.gather(ask(first, second), ask(second, first))
    return (one, other) == ("second", "first"), spent + more
