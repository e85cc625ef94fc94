"""The orders for one round: how each candidate is to differ from the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.models import Action, Brief, Route

if TYPE_CHECKING:
    from calisota.models import Decision, Plan

PASSAGES_EACH = 4
CAREFUL = 0.0
"""Greedy: the likeliest program, and the same one each time that the Problem is sent."""


def make_briefs(
    *,
    round_number: int,
    candidates: int,
    plan: Plan,
    has_passages: bool,
    last: Decision | None,
    prompts: dict[str, str],
    varied: float = 0.8,
    has_frontier: bool = False,
) -> list[Brief]:
    """`candidates` briefs for this round; `varied` is the temperature of those that are to differ.

    First round: one direct brief, greedy, the others with the plan's approaches in turn, varied.
    The second of each four sees passages: retrievers often miss, and what they bring then costs
    tokens and attention (CodeRAG-Bench, arXiv 2406.14497). After a `repair` decision every second
    brief repairs (at most two: repairs pay for little more), the others are written afresh, varied.
    After an `escalate` the slow model writes the first one, the frontier model, where there is
    one, the second, and the coder the others; where only one is wanted the larger model writes it.
    Source: two repairs hold most of the gain (DDI, arXiv 2506.18403).
    """
    repairs = last.candidate_id if last is not None and last.action is Action.REPAIR else None
    writers = [Route.SLOW, *([Route.FRONTIER] if has_frontier else [])][-candidates:]
    escalated = last is not None and last.action is Action.ESCALATE
    briefs = []
    for number in range(candidates):
        repairing = repairs is not None and number % 2 == 0 and number // 2 < 2  # noqa: PLR2004
        direct = round_number == 1 and number == 0
        afresh = not direct and not repairing
        name = "repair" if repairing else "code"
        briefs.append(
            Brief(
                number=number,
                approach=_approach(plan, round_number, number) if afresh else None,
                with_passages=has_passages and afresh and number % PASSAGES_EACH == 1,
                temperature=CAREFUL if direct or (repairing and number == 0) else varied,
                repairs=repairs if repairing else None,
                prompt=f"{name}@{prompts[name]}",
                route=writers[number] if escalated and number < len(writers) else Route.FAST,
            )
        )
    return briefs


def _approach(plan: Plan, round_number: int, number: int) -> str | None:
    """The approaches in turn; each fourth candidate goes without, in case all are wrong."""
    choices = [*plan.approaches, None]
    return choices[(number - 1 + round_number - 1) % len(choices)]
