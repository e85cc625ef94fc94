"""Every call in the ledger, and none paid twice."""

import asyncio
from pathlib import Path

import pytest

from calisota.errors import BudgetExhausted, InputError, ModelRejected, ModelUnavailable
from calisota.ledger import Cap
from calisota.ledger.ledger import Ledger
from calisota.ledger.prices import Prices
from calisota.llm import ChatModel, ChatRequest, ChatResponse, Message, ScriptedChat
from calisota.llm.fallback import FallbackChat
from calisota.models import Budget, Route
from calisota.paid_chat import PaidChat
from calisota.paths import include

ASK = ChatRequest(
    route=Route.FAST,
    messages=[Message(role="user", content="x" * 200)],
    temperature=0,
    max_tokens=100,
)
PRICES = Prices.load(include("prices.yaml"))


class Rig:
    def __init__(self, tmp_path: Path, cap: Cap, model: str = "gpt-4.1") -> None:
        self.ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
        self.ledger.open_account("s", cap)
        self.model = model

    def chat(self, chat: ChatModel, generation: int = 0, fallback: str | None = None) -> PaidChat:
        return PaidChat(
            chat,
            self.ledger,
            PRICES,
            solve_id="s",
            client=None,
            models={Route.FAST: self.model},
            fallback=fallback,
            generation=generation,
        )


async def test_a_call_that_could_exceed_the_tokens_is_not_made(tmp_path: Path):
    model = ScriptedChat(["never"])
    rig = Rig(tmp_path, Cap(tokens=ASK.worst_case_tokens() - 1))
    with pytest.raises(BudgetExhausted, match=r"raise options\.budget"):
        await rig.chat(model).complete(ASK)
    assert model.seen == []


async def test_concurrent_calls_cannot_share_the_same_remainder(tmp_path: Path):
    model = ScriptedChat(lambda _request: "ok")
    chat = Rig(tmp_path, Cap(calls=2)).chat(model)
    asks = [ASK.model_copy(update={"sample": n}) for n in range(5)]
    results = await asyncio.gather(*map(chat.complete, asks), return_exceptions=True)
    assert sum(isinstance(result, BudgetExhausted) for result in results) == 3


class SlowChat(ScriptedChat):
    async def complete(self, request: ChatRequest) -> ChatResponse:
        await asyncio.sleep(0.05)
        return await super().complete(request)


async def test_the_default_budget_admits_many_candidates_at_once(tmp_path: Path):
    # Of 8 kB and 4,096 tokens each: four worst cases fit, and all eight calls do.
    prompt = Message(role="user", content="word and " * 900)
    ask = ASK.model_copy(update={"messages": [prompt], "max_tokens": 4096})
    rig = Rig(tmp_path, Cap(tokens=Budget().tokens))
    assert 8 * ask.worst_case_tokens() > Budget().tokens
    chat = rig.chat(SlowChat(lambda _request: "word " * 500))
    asks = [ask.model_copy(update={"sample": n}) for n in range(8)]
    assert len(await asyncio.gather(*map(chat.complete, asks))) == 8


async def test_a_call_that_failed_frees_its_place_for_one_that_waits(tmp_path: Path):
    failed = []

    def answer(request: ChatRequest) -> str:
        if not failed:
            failed.append(request)
            raise ModelUnavailable("429", remedy="r")
        return "ok"

    chat = Rig(tmp_path, Cap(calls=1)).chat(SlowChat(answer))
    asks = [ASK.model_copy(update={"sample": n}) for n in range(3)]
    results = await asyncio.gather(*map(chat.complete, asks), return_exceptions=True)
    assert {type(result) for result in results} == {ModelUnavailable, ChatResponse, BudgetExhausted}


async def test_an_answer_that_was_paid_for_is_not_asked_again_unless_a_person_wants_it(
    tmp_path: Path,
):
    rig = Rig(tmp_path, Cap())
    first = await rig.chat(ScriptedChat(["one"])).complete(ASK)
    again = await rig.chat(ScriptedChat([])).complete(ASK)
    assert again == first
    fresh = await rig.chat(ScriptedChat(["two"]), generation=1).complete(ASK)
    assert fresh.text == "two"
    other = await rig.chat(ScriptedChat(["three"])).complete(ASK.model_copy(update={"sample": 1}))
    assert other.text == "three"
    assert rig.ledger.spent("s").calls == 3


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (ModelRejected("401", remedy="r"), 0),
        (ModelUnavailable("429", remedy="r"), 0),
        (ModelUnavailable("cut", remedy="r", perhaps_charged=True), 1),
    ],
)
async def test_a_call_without_an_answer_is_free_only_if_it_was_certainly_not_made(
    tmp_path: Path, error: Exception, counted: int
):
    def fails(_request: ChatRequest) -> str:
        raise error

    rig = Rig(tmp_path, Cap())
    with pytest.raises(type(error)):
        await rig.chat(ScriptedChat(fails)).complete(ASK)
    assert rig.ledger.spent("s").calls == counted


async def test_money_is_counted_where_the_price_is_known(tmp_path: Path):
    rig = Rig(tmp_path, Cap())
    chat = ScriptedChat(["one two three"], model="gpt-4.1")
    await rig.chat(chat).complete(ASK)
    assert rig.ledger.spent("s").usd == pytest.approx((1 * 2.0 + 3 * 8.0) / 1e6)
    (tmp_path / "other").mkdir()
    unknown = Rig(tmp_path / "other", Cap(usd=0.0), model="some-model")
    await unknown.chat(ScriptedChat(["x"], model="some-model")).complete(
        ASK.model_copy(update={"sample": 7})
    )
    assert unknown.ledger.spent("s").unpriced == 1


@pytest.mark.parametrize(
    ("model", "fallback"),
    [
        ("smollm2-135m-instruct", "gpt-4.1"),
        ("some-model", "gpt-4.1"),
        ("gpt-4.1", "gpt-4.1-nano"),
        ("gpt-4.1", "some-model"),
    ],
)
async def test_the_dearer_of_a_model_and_its_fallback_must_fit(
    tmp_path: Path, model: str, fallback: str
):
    chat = ScriptedChat(["never"], model="gpt-4.1")
    rig = Rig(tmp_path, Cap(usd=0.001), model)
    with pytest.raises(BudgetExhausted):
        await rig.chat(chat, fallback=fallback).complete(ASK)
    assert chat.seen == []


async def test_the_model_that_answered_is_paid(tmp_path: Path):
    rig = Rig(tmp_path, Cap(usd=0.01), "smollm2-135m-instruct")
    free = ScriptedChat(["one two three"], model="smollm2-135m-instruct")
    await rig.chat(free, fallback="gpt-4.1").complete(ASK)
    assert rig.ledger.spent("s").usd == 0
    dear = ScriptedChat(["one two three"], model="gpt-4.1")
    await rig.chat(dear, generation=1, fallback="gpt-4.1").complete(ASK)
    assert rig.ledger.spent("s").usd == pytest.approx((1 * 2.0 + 3 * 8.0) / 1e6)


class Silent(ScriptedChat):
    """An endpoint that takes the request, and whose answer does not come."""

    def __init__(self, *, arrived: bool) -> None:
        super().__init__([])
        self._arrived = arrived

    async def complete(self, request: ChatRequest) -> ChatResponse:
        del request
        raise ModelUnavailable("nothing", remedy="r", perhaps_charged=self._arrived)


@pytest.mark.parametrize(("arrived", "calls"), [(True, 2), (False, 1)])
async def test_a_call_that_a_fallback_took_over_stays_counted_if_it_arrived(
    tmp_path: Path, *, arrived: bool, calls: int
):
    rig = Rig(tmp_path, Cap())
    both = FallbackChat(Silent(arrived=arrived), ScriptedChat(["one"]))
    assert (await rig.chat(both).complete(ASK)).text == "one"
    spent = rig.ledger.spent("s")
    assert spent.calls == calls
    assert (spent.tokens > ASK.worst_case_tokens()) == arrived
    await rig.chat(both).complete(ASK)
    assert rig.ledger.spent("s").calls == calls, "the answer that is kept costs nothing"


async def test_a_lost_call_is_counted_even_where_the_cap_has_no_room_for_it(tmp_path: Path):
    worst = ASK.worst_case_tokens()
    rig = Rig(tmp_path, Cap(tokens=worst + 1))
    both = FallbackChat(Silent(arrived=True), ScriptedChat(["one"]))
    await rig.chat(both).complete(ASK)
    assert rig.ledger.spent("s").tokens > worst
    short = ASK.model_copy(update={"max_tokens": 1, "messages": [Message(role="user", content="")]})
    with pytest.raises(BudgetExhausted):
        await rig.chat(ScriptedChat(["never"])).complete(short)


async def test_a_fallback_that_fell_silent_too_may_have_charged(tmp_path: Path):
    rig = Rig(tmp_path, Cap())
    both = FallbackChat(Silent(arrived=False), Silent(arrived=True))
    with pytest.raises(ModelUnavailable):
        await rig.chat(both).complete(ASK)
    assert rig.ledger.spent("s").calls == 1


def test_a_price_without_a_source_or_date_is_refused(tmp_path: Path):
    file = tmp_path / "prices.yaml"
    file.write_text("gpt-x: {prompt: 1.0, completion: 2.0}\n")
    with pytest.raises(InputError, match=r"price of gpt-x.*date: this field is required"):
        Prices.load(file)
    file.write_text("gpt-x: {prompt: 1.0, date: 2026-01-01, source: s}\n")
    with pytest.raises(InputError, match="give both"):
        Prices.load(file)


def test_the_longest_pattern_gives_the_price(tmp_path: Path):
    file = tmp_path / "prices.yaml"
    known = "date: 2026-01-01, source: s"
    file.write_text(
        f'"gpt-*": {{prompt: 1, completion: 0, {known}}}\n'
        f'"gpt-9*": {{prompt: 2, completion: 0, {known}}}\n'
        f"free: {{free: true, {known}}}\n"
    )
    prices = Prices.load(file)
    costs = [
        prices.cost(model, prompt_tokens=10**6, completion_tokens=0)
        for model in ("gpt-1", "gpt-9x", "free", "unknown")
    ]
    assert costs == [1, 2, 0, None]
