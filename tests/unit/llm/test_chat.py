"""The values of the seam: the key of a request, what an answer may claim."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from calisota.llm import ChatRequest, ChatResponse, Message, ScriptedChat
from calisota.models import Route, Usage
from tests.unit.llm.asking import ASK, Shape

LONE = chr(0xD800)


class Other(BaseModel):
    value: int


CHANGES = {
    "route": Route.SLOW,
    "messages": [Message(role="system", content="one two three")],
    "temperature": 0.6,
    "max_tokens": 51,
    "stop": None,
    "answer_schema": Other,
    "seed": None,
    "sample": 1,
}


def test_every_field_of_a_request_is_in_its_key():
    assert CHANGES.keys() == ChatRequest.model_fields.keys()
    keys = {ASK.model_copy(update={name: value}).key("m") for name, value in CHANGES.items()}
    keys |= {ASK.key("m"), ASK.key("m2")}
    assert len(keys) == len(CHANGES) + 2


def test_a_key_is_the_same_in_every_process():
    assert ASK.key("m") == "1ef203ca56d38e4b8b38f9952b58b6b9a32763d7696ea494152c2a42d8c29f1c"


@pytest.mark.parametrize("text", ["1,2,3," * 1000, "(a)[b]{c};" * 1000, "\xe9" * 1000])
def test_a_prompt_that_takes_a_token_for_each_byte_is_within_its_bound(text: str):
    request = ASK.model_copy(update={"messages": [Message(role="user", content=text)]})
    sent = text + json.dumps(Shape.model_json_schema())
    assert request.prompt_bound() >= len(sent.encode())


@given(st.text(st.characters(exclude_categories=()), max_size=50), st.text(max_size=20))
def test_a_key_is_64_hexadecimal_digits_of_any_text(content: str, model: str):
    request = ASK.model_copy(update={"messages": [Message(role="user", content=content + LONE)]})
    key = request.key(model)
    assert len(key) == 64
    assert set(key) <= set("0123456789abcdef")
    assert key == request.model_copy().key(model)


@given(st.lists(st.text(max_size=5), min_size=1, max_size=3))
def test_two_conversations_that_read_alike_in_one_row_have_two_keys(words: list[str]):
    def of(contents: list[str]) -> str:
        messages = [Message(role="user", content=content) for content in contents]
        return ASK.model_copy(update={"messages": messages}).key("m")

    assert of(words) != of([*words, ""])
    assert len(words) == 1 or of(words) != of(["".join(words)])


@pytest.mark.parametrize("finish", ["length", "refusal"])
def test_an_answer_that_was_cut_or_refused_cannot_claim_to_be_complete(finish: str):
    with pytest.raises(ValidationError, match="not complete"):
        ChatResponse.model_validate(
            {"text": "", "complete": True, "usage": Usage(), "finish": finish}
        )


async def test_the_stand_in_says_what_it_is_and_has_the_routes_it_was_given():
    chat = ScriptedChat(["a"])
    assert (await chat.complete(ASK)).model == "scripted"
    assert not chat.has(Route.FRONTIER)
    assert ScriptedChat([], routes=set(Route)).has(Route.FRONTIER)
