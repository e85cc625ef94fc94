"""The account of a Solve: models and sandbox behind its caps of tokens, calls, USD, CPU time."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from calisota.conditions import models_of
from calisota.ledger import Amount, Cap
from calisota.ledger.ledger import Ledger
from calisota.ledger.prices import Prices
from calisota.paid_chat import PaidChat
from calisota.paths import include
from calisota.sandbox.cells import BUILD_CPU_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from calisota.llm import ChatModel
    from calisota.models import Admitted, ExecutionMatrix
    from calisota.settings import Settings


class Accounts:
    """What Solves spend, in the ledger of one installation."""

    def __init__(
        self, settings: Settings, open_chat: Callable[[], AbstractAsyncContextManager[ChatModel]]
    ) -> None:
        self._settings = settings
        self._ledger = Ledger(settings.ledger)
        self._open_chat = open_chat

    def open(self, solve_id: str, admitted: Admitted, *, anew: bool) -> None:
        """Set the Solve's caps; `anew`: above what it spent before a person had it start over."""
        budget = admitted.problem.options.budget
        cap = Cap(tokens=budget.tokens, calls=budget.calls, usd=budget.usd, cpu_s=budget.cpu_s)
        spent = self._ledger.spent(solve_id) if anew else None
        self._ledger.open_account(
            solve_id,
            cap.above(spent) if spent else cap,
            client=admitted.client,
            client_cap=self._daily,
        )

    @property
    def _daily(self) -> Cap | None:
        """What one client may spend in a day; None: it has no quota."""
        config = self._settings
        daily = Cap(tokens=config.client_daily_tokens, usd=config.client_daily_usd)
        return None if daily == Cap() else daily

    @asynccontextmanager
    async def paid(
        self, solve_id: str, admitted: Admitted, generation: int
    ) -> AsyncIterator[ChatModel]:
        """The models, each call within what the Solve and its client may still spend.

        `generation`: how often a person had the step run afresh; within one, no call is paid twice.
        """
        config = self._settings
        async with self._open_chat() as chat:
            yield PaidChat(
                chat,
                self._ledger,
                self._prices,
                solve_id=solve_id,
                client=admitted.client,
                client_cap=self._daily,
                models=models_of(config),
                fallback=config.llm_fallback_model if config.llm_fallback_base_url else None,
                generation=generation,
            )

    @asynccontextmanager
    async def paid_beside(self, account: str, *, client: str | None) -> AsyncIterator[ChatModel]:
        """Models whose calls are counted in an account of their own: beside a Solve, not of it."""
        self._ledger.open_account(account, Cap(), client=client)
        async with self._open_chat() as chat:
            yield PaidChat(
                chat,
                self._ledger,
                self._prices,
                solve_id=account,
                client=client,
                models=models_of(self._settings),
            )

    @cached_property
    def _prices(self) -> Prices:
        return Prices.load(self._settings.prices or include("prices.yaml"))

    def charged(
        self,
        solve_id: str,
        admitted: Admitted,
        run: Callable[[], ExecutionMatrix],
        *,
        tests: int,
        more_s: float = 0,
    ) -> ExecutionMatrix:
        """What `run` came to; the CPU time of its tests is reserved before and settled after.

        Raises: BudgetExhausted: it does not fit, and was not run.
        """
        problem = admitted.problem
        once_s = tests * problem.limits.cpu_s + BUILD_CPU_S
        checked_s = once_s if problem.checker is not None else 0
        entry = self._ledger.reserve(
            solve_id,
            Amount(executions=1, cpu_s=once_s + checked_s + more_s),
            route="sandbox",
            model="",
            client=admitted.client,
            client_cap=self._daily,
        )
        try:
            matrix = run()
        except BaseException:  # no result: it is not held against the Solve
            self._ledger.release(entry)
            raise
        used = matrix.cpu_s
        if used is None:
            used = sum(test.cpu_s or 0.0 for test in (*matrix.tests, *matrix.examples))
        self._ledger.settle(entry, Amount(executions=1, cpu_s=used))
        return matrix

    def cost(self, solve_id: str) -> float | None:
        """What the Solve cost in USD; None: the price of one of its models is not known."""
        spent = self._ledger.spent(solve_id)
        return None if spent is None or spent.unpriced else round(spent.usd, 6)
