import asyncio

import pytest

from calisota.engine import BudgetedChat
from calisota.errors import BudgetExhausted
from calisota.llm import ChatRequest, Message, ScriptedChat
from calisota.models import Budget, Route, Usage

ASK = ChatRequest(
    route=Route.FAST,
    messages=[Message(role="user", content="x" * 200)],
    temperature=0,
    max_tokens=100,
)


async def test_a_call_that_could_exceed_the_tokens_is_not_made():
    model = ScriptedChat(["never"])
    worst = ASK.worst_case_tokens()
    chat = BudgetedChat(model, Budget(tokens=worst + 9), Usage(prompt_tokens=10))
    with pytest.raises(BudgetExhausted, match=r"raise options\.budget"):
        await chat.complete(ASK)
    assert model.seen == []


async def test_concurrent_calls_cannot_share_the_same_remainder():
    model = ScriptedChat(lambda _request: "ok")
    chat = BudgetedChat(model, Budget(tokens=10_000, calls=3), Usage(calls=1))
    results = await asyncio.gather(*(chat.complete(ASK) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, BudgetExhausted) for result in results) == 3
    assert chat.spent.calls == 3


async def test_what_a_call_did_not_use_is_free_again():
    model = ScriptedChat(lambda _request: "ok")
    chat = BudgetedChat(model, Budget(tokens=ASK.worst_case_tokens() + 10), Usage())
    await chat.complete(ASK)
    await chat.complete(ASK)
    assert chat.spent == Usage(calls=2, prompt_tokens=2, completion_tokens=2)
