"""The budget of one Solve: reserved before a call, settled after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.errors import BudgetExhausted
from calisota.models import Budget, Route, Usage

if TYPE_CHECKING:
    from calisota.llm import ChatModel, ChatRequest, ChatResponse


class BudgetedChat:
    """A model that refuses a call which could exceed the Solve's budget.

    Calls of one step run concurrently in one event loop and share this object; `spent` is what
    earlier steps used. Not covered: two steps of one Solve at the same time, and
    what an endpoint charges for calls of a try that failed.
    """

    def __init__(self, chat: ChatModel, budget: Budget, spent: Usage) -> None:
        self._chat = chat
        self._budget = budget
        self._spent = spent
        self._reserved_tokens = 0
        self._reserved_calls = 0
        self.by_route: dict[Route, Usage] = {}

    @property
    def spent(self) -> Usage:
        """What was used so far, earlier steps included."""
        return self._spent

    def has(self, route: Route) -> bool:
        """Whether a model is behind this route; see `ChatModel.has`."""
        return self._chat.has(route)

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """The model's answer.

        Raises: BudgetExhausted: the worst case of this call does not fit any more.
        """
        worst = request.worst_case_tokens()
        tokens = self._spent.tokens + self._reserved_tokens + worst
        calls = self._spent.calls + self._reserved_calls + 1
        if tokens > self._budget.tokens or calls > self._budget.calls:
            raise BudgetExhausted(
                f"A call of up to {worst} tokens does not fit: {self._spent.tokens} of "
                f"{self._budget.tokens} tokens and {self._spent.calls} of {self._budget.calls} "
                "calls are used.",
                remedy="raise options.budget of the Problem.",
            )
        self._reserved_tokens += worst
        self._reserved_calls += 1
        try:
            response = await self._chat.complete(request)
        finally:
            self._reserved_tokens -= worst
            self._reserved_calls -= 1
        self._spent += response.usage
        self.by_route[request.route] = self.by_route.get(request.route, Usage()) + response.usage
        return response
