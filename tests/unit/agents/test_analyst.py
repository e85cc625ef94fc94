"""Asking the slow model about one point."""

import json

import pytest

from calisota.agents import answer_from_text, expected_answer
from calisota.llm import ChatRequest, ScriptedChat
from calisota.models import Problem, Route

PROBLEM = Problem(statement="Return half of n, rounded up.", language="python", entry_point="half")


def said(answer: str, *, quote: str = "rounded up", stated: bool = True) -> str:
    return json.dumps({"quote": quote, "stated": stated, "answer": answer})


async def ask(*script: str) -> tuple[str | None, ScriptedChat]:
    chat = ScriptedChat(script)
    found = await expected_answer(
        chat, PROBLEM, "half(5)", route=Route.SLOW, shown=frozenset(), max_tokens=500
    )
    return found.answer, chat


async def test_an_answer_counts_when_it_is_given_twice_with_words_of_the_statement():
    answer, chat = await ask(said("3"), said(" 3 "))
    assert answer == "3"
    assert "half(5)" in chat.seen[0].messages[0].content
    assert len({request.key("m") for request in chat.seen}) == 2


@pytest.mark.parametrize(
    "script",
    [
        (said("3"), said("2")),
        (said("3", stated=False), said("3", stated=False)),
        (said("3", quote="rounded to even"), said("3", quote="rounded to even")),
        (said("3", quote=""), said("3", quote="")),
        ("I think 3.", "3"),
        (said("three"), said("three")),
    ],
)
async def test_anything_else_means_that_the_statement_does_not_say(script: tuple[str, str]):
    assert (await ask(*script))[0] is None


@pytest.mark.parametrize(
    ("language", "text", "answer"),
    [
        ("python", '{"b": 1, "a": [true, 1.0]}', '{"a": [true, 1.0], "b": 1}'),
        ("perl", "1", '"1"'),
        ("python", "NaN", None),
        ("python", "x", None),
    ],
)
def test_what_a_person_types_is_read_as_a_programs_answer_is(
    language: str, text: str, answer: str | None
):
    problem = PROBLEM.model_copy(update={"language": language})
    assert answer_from_text(text, problem) == answer


def test_a_whole_programs_answer_is_its_words():
    problem = Problem(statement="s", language="python")
    assert answer_from_text('"a  b\\n"', problem) == "a b"
    assert answer_from_text("a b", problem) == "a b"


async def test_no_prompt_of_the_analyst_holds_a_program():
    def answer(request: ChatRequest) -> str:
        assert "def " not in request.messages[0].content
        return said("3")

    await expected_answer(
        ScriptedChat(answer), PROBLEM, "half(5)", route=Route.SLOW, shown=frozenset(), max_tokens=9
    )


@pytest.mark.parametrize(
    ("script", "readable"),
    [
        ((said("3"), said("3")), True),
        ((said("3"), said("2")), True),
        ((said("", quote="", stated=False), said("", quote="", stated=False)), True),
        ((said("3"), '{"quote": "rounded up", "sta'), False),
        ((said("3"), said("three, I think")), False),
        ((said("3", quote="no words of it"), said("3")), False),
    ],
)
async def test_an_answer_that_cannot_be_read_is_told_from_one_that_says_nothing(
    script: tuple[str, str], *, readable: bool
):
    found = await expected_answer(
        ScriptedChat(script), PROBLEM, "half(5)", route=Route.SLOW, shown=frozenset(), max_tokens=9
    )
    assert found.readable is readable
