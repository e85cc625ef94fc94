"""A model whose every call is in the ledger: reserved before, settled after, never paid twice."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from calisota.errors import BudgetExhausted, ModelRejected, ModelUnavailable
from calisota.ledger import Amount
from calisota.llm import ChatResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from calisota.ledger import Cap
    from calisota.ledger.ledger import Ledger
    from calisota.ledger.prices import Prices
    from calisota.llm import ChatModel, ChatRequest
    from calisota.models import Route, Usage


class PaidChat:
    """The model of one Solve.

    An answer is stored with its payment before anybody uses it; a step that runs again after a
    crash gets it from there. Not covered: a call that was under way when its process was killed.
    Its reservation stays counted, so the caps hold, but it is made once more. And one that an
    endpoint received, did not answer, and a fallback then did: it is counted at its worst, which
    may be more than the cap had left.
    """

    def __init__(
        self,
        chat: ChatModel,
        ledger: Ledger,
        prices: Prices,
        *,
        solve_id: str,
        client: str | None,
        client_cap: Cap | None = None,
        models: Mapping[Route, str],
        fallback: str | None = None,
        generation: int = 0,
    ) -> None:
        """`client_cap` is what the client may spend in a day; None: it has no quota.

        `fallback` is the model that answers on any route while its own cannot, if there is one.

        `generation` counts how often a person had the step run afresh: then answers are new.
        """
        self._chat = chat
        self._ledger = ledger
        self._prices = prices
        self._solve_id = solve_id
        self._client = client
        self._client_cap = client_cap
        self._models = models
        self._fallback = fallback
        self._generation = generation
        self._under_way = 0
        self._turn = asyncio.Condition()

    def has(self, route: Route) -> bool:
        """Whether a model is behind this route; see `ChatModel.has`."""
        return self._chat.has(route)

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """The model's answer, or the one that was paid for before.

        Raises: BudgetExhausted: the worst case of this call does not fit any more, not even after
        those under way. And what `ChatModel.complete` raises.
        """
        model = self._models.get(request.route, "unknown")
        key = self._key(request.key(model))
        known = await asyncio.to_thread(self._ledger.answered, self._solve_id, key)
        if known is not None:
            return ChatResponse.model_validate_json(known)
        worst = Amount(
            tokens=request.worst_case_tokens(),
            calls=1,
            usd=self._most_usd(model, request),
        )
        async with self._reserved(worst, request.route, model) as entry:
            try:
                response = await self._chat.complete(request)
            except ModelRejected:
                await asyncio.to_thread(self._ledger.release, entry)
                raise
            except ModelUnavailable as error:
                if not error.perhaps_charged:
                    await asyncio.to_thread(self._ledger.release, entry)
                raise
            await asyncio.to_thread(
                self._ledger.settle,
                entry,
                self._amount(response.usage, response.model),
                key=key,
                answer=response.model_dump_json().encode(),
                model=response.model,
                lost=worst if response.perhaps_charged_twice else None,
            )
        return response

    @asynccontextmanager
    async def _reserved(self, worst: Amount, route: Route, model: str) -> AsyncIterator[str]:
        """A reservation; one that does not fit beside our calls under way waits for their end.

        A worst case is several times what a call comes to: without the wait, candidates that are
        sampled at once would be refused what none of them spends.
        """
        async with self._turn:
            while True:
                try:
                    entry = await asyncio.to_thread(
                        self._ledger.reserve,
                        self._solve_id,
                        worst,
                        route=route.value,
                        model=model,
                        client=self._client,
                        client_cap=self._client_cap,
                    )
                    break
                except BudgetExhausted:
                    if not self._under_way:
                        raise
                    await self._turn.wait()
            self._under_way += 1
        try:
            yield entry
        finally:
            async with self._turn:
                self._under_way -= 1
                self._turn.notify_all()

    def _key(self, key: str) -> str:
        if self._generation == 0:
            return key
        return hashlib.sha256(f"{key} {self._generation}".encode()).hexdigest()

    def _most_usd(self, model: str, request: ChatRequest) -> float | None:
        """By the dearer of the models that may answer; None: the price of neither is known."""
        costs = [
            self._prices.cost(
                name, prompt_tokens=request.prompt_bound(), completion_tokens=request.max_tokens
            )
            for name in (model, self._fallback)
            if name is not None
        ]
        return max((cost for cost in costs if cost is not None), default=None)

    def _amount(self, usage: Usage, model: str) -> Amount:
        cost = self._prices.cost(
            model,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
        )
        return Amount(tokens=usage.tokens, calls=usage.calls, usd=cost)
