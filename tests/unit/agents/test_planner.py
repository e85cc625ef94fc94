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


async def test_odd_answers_cost_neither_the_others_nor_the_inputs():
    good = quoted("rounded up", "[5]", "3")
    odd = [good | {"answer": 3}, good | {"input": [5]}, {"quote": "x"}, good | {"quote": "r" * 301}]
    found = await planned(*odd, good, *[quoted("rounded up", f"[{n}]", "9") for n in range(10, 19)])
    assert [probe.expects for probe in found.inputs] == ["3", *["9"] * 7, None]


async def test_an_input_that_is_answered_in_two_ways_is_answered_in_none():
    two = [quoted("rounded up", "[5]", answer) for answer in ("3", "2")]
    found = await planned(*two, quoted("e", "[7]", "4"))
    assert [probe.expects for probe in found.inputs] == [None]


async def test_an_answer_that_grows_when_it_is_escaped_is_left_out():
    problem = Problem(statement="Print it.", language="python")
    strange = quoted("Print it", "x", "\u200b" * 170)
    chat = ScriptedChat([json.dumps(PLAN | {"answers": [strange, quoted("Print it", "y", "")]})])
    found = await make_plan(chat, problem, passages=[], shown=frozenset(), max_tokens=4000)
    assert Planned.model_validate_json(found.model_dump_json()) == found
    assert [probe.expects for probe in found.inputs] == [None]
