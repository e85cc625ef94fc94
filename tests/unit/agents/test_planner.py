"""What is taken of a planner's answer."""

import json

from calisota.agents import make_plan
from calisota.llm import ScriptedChat
from calisota.models import Planned, Problem

PROBLEM = Problem(statement="Return half of n,\nrounded up.", language="python", entry_point="half")
PLAN = {"contract": "half", "approaches": ["divide"], "corner_cases": [], "inputs": ["[4]"]}


def quoted(quote: str, given: str, answer: str) -> dict[str, str]:
    return {"quote": quote, "input": given, "answer": answer}


async def planned(*answers: dict[str, str]) -> Planned:
    chat = ScriptedChat([json.dumps(PLAN | {"answers": list(answers)})])
    return await make_plan(chat, PROBLEM, passages=[], shown=frozenset(), max_tokens=4000)


async def test_an_answer_counts_with_the_words_of_the_statement_that_imply_it():
    found = await planned(quoted("half of n, rounded up", "[5]", " 3 "))
    first, second = found.inputs
    assert first.call is not None
    assert (first.call.args, first.expects, first.quote) == ([5], "3", "half of n, rounded up")
    assert (second.expects, second.quote) == (None, None)


async def test_what_is_not_quoted_not_json_or_no_input_is_left_out():
    found = await planned(
        quoted("rounded down", "[5]", "2"),
        quoted("", "[5]", "2"),
        quoted("rounded up", "[5]", "three, I think"),
        quoted("rounded up", "half(5)", "3"),
    )
    assert [probe.expects for probe in found.inputs] == [None]
    assert found.note is None
