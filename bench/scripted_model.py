"""What the scripted model answers in benches and end-to-end tests, by words in the prompt."""

from __future__ import annotations

import json
from typing import Any

HALF_DOWN = "def half(n):\n    return n // 2\n"
HALF_UP = "def half(n):\n    return (n + 1) // 2\n"

PLAN = json.dumps(
    {"contract": "adds two numbers", "approaches": ["use the plus operator"], "corner_cases": []}
)
NOT_STATED = json.dumps({"quote": "", "stated": False, "answer": ""})
DIAGNOSIS = json.dumps(
    {"diagnosis": "it subtracts", "approach": "use the plus operator", "corner_cases": []}
)
CRITIQUE = json.dumps({"score": 90, "findings": [], "suggestions": ["mind the sign"]})

RIGHT = "def add(a, b):\n    return a + b\n"
WRONG = "def add(a, b):\n    return a - b\n"
SLOW = "import time\n\n\ndef add(a, b):\n    time.sleep(25)\n    return a + b\n"


def answer(request: dict[str, Any]) -> str:
    """A plan, a critique, or a program: right unless the statement asks for another one."""
    prompt = str(request["messages"][0]["content"])
    if prompt.startswith("You plan"):
        return PLAN
    if prompt.startswith("You review"):
        return CRITIQUE
    if prompt.startswith("You say what"):
        return NOT_STATED
    if prompt.startswith("You explain"):
        return DIAGNOSIS
    if "half(" in prompt:
        return f"```python\n{_half(prompt)}```"
    program = RIGHT
    if ("WRONG FIRST" in prompt and "is wrong" not in prompt) or "ALWAYS WRONG" in prompt:
        program = WRONG
    elif "SLEEP" in prompt:
        program = SLOW
    return f"```python\n{program}```"


def _half(prompt: str) -> str:
    """Half of a number; where programs are to differ, those with an approach round up."""
    up = "DIFFER" in prompt and "Approach:" in prompt
    return HALF_UP if up else HALF_DOWN


def half_problem(words: str = "", **options: Any) -> dict[str, Any]:
    """A Problem without tests, whose examples leave open what is right for an odd number."""
    return {
        "statement": f"Return half of n. {words}\nhalf(4) == 2\nhalf(10) == 5\nhalf(16) == 8",
        "language": "python",
        "entry_point": "half",
        "options": {"candidates": 4, **options},
    }


def problem(words: str = "", **options: Any) -> dict[str, Any]:
    """An addition problem whose statement steers `answer`."""
    return {
        "statement": f"Return the sum of two numbers. {words}",
        "language": "python",
        "entry_point": "add",
        "tests": [{"call": {"args": [n, 2]}, "returns": n + 2} for n in range(4)],
        "limits": {"wall_s": 40},
        "options": {"candidates": 2, **options},
    }
