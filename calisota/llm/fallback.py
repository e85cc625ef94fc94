"""Around an endpoint that may fail: a breaker that spares it, a second one that stands in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from calisota.errors import ModelRejected, ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from calisota.llm.breaker import Admission, Breaker
    from calisota.llm.breaker_file import BreakerFile
    from calisota.llm.chat import ChatModel, ChatRequest, ChatResponse
    from calisota.models import Route


class GuardedChat:
    """A model that is not asked while its endpoint is known to be down.

    Any answer, a refused key among them, shows that the endpoint is up.
    """

    def __init__(
        self, chat: ChatModel, breakers: BreakerFile, *, endpoint: str, longest_call_s: float
    ) -> None:
        self._chat = chat
        self._breakers = breakers
        self._endpoint = endpoint
        self._longest_call_s = longest_call_s

    def has(self, route: Route) -> bool:
        """Whether a model is behind this route."""
        return self._chat.has(route)

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """The model's answer; see `ChatModel.complete`.

        Raises: ModelUnavailable: at once while the breaker is open, with the seconds that remain.
        """
        admission = self._admit()
        if admission.kind == "wait":
            raise ModelUnavailable(
                f"The model endpoint {self._endpoint} was not asked: it failed of late, or asked "
                f"to wait. It is asked again in {admission.wait_s:.0f} s.",
                remedy="see that it runs, and wait.",
                retry_after_s=admission.wait_s,
            )
        settled = False
        try:
            response = await self._chat.complete(request)
            settled = True
            self._change(lambda breaker: breaker.answered(time.time()))
        except ModelUnavailable as error:
            settled = True
            asked = error.retry_after_s
            self._change(lambda breaker: breaker.failed(time.time(), retry_after_s=asked))
            raise
        except ModelRejected:
            settled = True
            self._change(lambda breaker: breaker.answered(time.time()))
            raise
        finally:
            if not settled and admission.kind == "probe":
                self._change(lambda breaker: breaker.given_up())
        return response

    def _admit(self) -> Admission:
        now = time.time()

        def take(breaker: Breaker) -> Breaker:
            if breaker.decide(now).kind == "probe":
                return breaker.probing(now, longest_s=self._longest_call_s)
            return breaker

        # Healthy endpoints cost a look; only a probe is taken under the lock.
        admission = self._breakers.get(self._endpoint).decide(now)
        return self._change(take).decide(now) if admission.kind == "probe" else admission

    def _change(self, by: Callable[[Breaker], Breaker]) -> Breaker:
        return self._breakers.change(self._endpoint, by)


class FallbackChat:
    """A model whose place a second one takes while it is unavailable.

    A call that the first rejects is not passed on: a wrong key or name stays wrong until someone
    corrects it, and no one would, were every call quietly answered (and charged) elsewhere.
    """

    def __init__(self, primary: ChatModel, secondary: ChatModel) -> None:
        self._primary = primary
        self._secondary = secondary

    def has(self, route: Route) -> bool:
        """Whether the first has a model behind this route: the second stands in for it only."""
        return self._primary.has(route)

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """The answer of the first, or else of the second; the response names which.

        Raises: ModelUnavailable: neither answered; it says when the first of the two may.
        ModelRejected: the first refused the call.
        """
        try:
            return await self._primary.complete(request)
        except ModelUnavailable as error:
            first = error
        try:
            answer = await self._secondary.complete(request)
        except ModelUnavailable as error:
            second, waits = error.message, [first.retry_after_s, error.retry_after_s]
            charged = error.perhaps_charged or first.perhaps_charged
        except ModelRejected as error:
            # The outage will pass: that the stand-in is misconfigured must not end the Solve.
            second, waits = str(error), [first.retry_after_s]
            charged = first.perhaps_charged
        else:
            return answer.model_copy(update={"perhaps_charged_twice": first.perhaps_charged})
        raise ModelUnavailable(
            f"{first.message} Nor did the fallback: {second}",
            remedy=first.remedy,
            retry_after_s=min((wait for wait in waits if wait is not None), default=None),
            perhaps_charged=charged,
        )
