"""What the scripted model answers in benches and end-to-end tests, by words in the prompt."""

from __future__ import annotations

import json
from typing import Any

PLAN = json.dumps(
    {"contract": "adds two numbers", "approaches": ["use the plus operator"], "corner_cases": []}
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
    program = RIGHT
    if ("WRONG FIRST" in prompt and "is wrong" not in prompt) or "ALWAYS WRONG" in prompt:
        program = WRONG
    elif "SLEEP" in prompt:
        program = SLOW
    return f"```python\n{program}```"


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
