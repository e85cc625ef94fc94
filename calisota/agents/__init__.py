"""The model-driven roles: planner, coder and critic. They propose; execution decides."""

from calisota.agents.analyst import Expected, as_offered, diagnose, expected_answer
from calisota.agents.answers import AT_LENGTH_TOKENS, answer_from_text
from calisota.agents.coder import Hints, Repair, write_candidate
from calisota.agents.critic import review
from calisota.agents.planner import make_plan, no_plan
from calisota.agents.preference import prefers_second
from calisota.agents.prompts import prompt_hashes

__all__ = [
    "AT_LENGTH_TOKENS",
    "Expected",
    "Hints",
    "Repair",
    "answer_from_text",
    "as_offered",
    "diagnose",
    "expected_answer",
    "make_plan",
    "no_plan",
    "prefers_second",
    "prompt_hashes",
    "review",
    "write_candidate",
]
