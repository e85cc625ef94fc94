"""A step that waits for models, in the triggerer: hundreds of them need no worker."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

from airflow.triggers.base import BaseTrigger, TriggerEvent

from calisota.errors import CalisotaError, ModelUnavailable, TransientError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Step = Literal["plan", "code"]


class ModelTrigger(BaseTrigger):
    """Runs a step of a Solve to its end; the result is in the artifact store, as ever.

    A triggerer that dies starts it again elsewhere: answers that were paid for are not paid again.
    Which of the steps that died with it was the cause nobody knows: each of them goes on in a
    worker of its own, so that the one takes no other along a second time.
    """

    def __init__(self, *, step: Step, solve_id: str, round_number: int, generation: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.step = step
        self.solve_id = solve_id
        self.round_number = round_number
        self.generation = generation

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What makes it anew in the triggerer."""
        return (
            "calisota_airflow.triggers.ModelTrigger",
            {
                "step": self.step,
                "solve_id": self.solve_id,
                "round_number": self.round_number,
                "generation": self.generation,
            },
        )

    def deaths(self) -> int:
        """How often the step died with its process."""
        from calisota_airflow.operators import open_stages  # noqa: PLC0415  # they import this

        step = "plan" if self.step == "plan" else f"round_{self.round_number}.code"
        return open_stages().deaths(self.solve_id, step, generation=self.generation)

    async def carry_out(self) -> None:
        """The step itself."""
        from calisota_airflow.operators import open_stages  # noqa: PLC0415  # they import this

        stages = open_stages()
        if self.step == "plan":
            await stages.plan(self.solve_id, generation=self.generation)
        else:
            await stages.code(self.solve_id, self.round_number, generation=self.generation)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One event: the step has ended, or our error that ended it."""
        try:
            if await asyncio.to_thread(self.deaths):
                raise TransientError(
                    "The triggerer died while it ran this step.",
                    remedy="none is needed: a worker of its own runs it.",
                    retry_after_s=0,
                )
            await self.carry_out()
        except CalisotaError as error:
            yield TriggerEvent(  # type: ignore[no-untyped-call]
                {
                    "message": error.message,
                    "remedy": error.remedy,
                    "retryable": isinstance(error, TransientError),
                    "retry_after_s": getattr(error, "retry_after_s", None),
                }
            )
        else:
            yield TriggerEvent({})  # type: ignore[no-untyped-call]


def raise_fault(event: dict[str, Any]) -> None:
    """Raise the error that an event tells of; the retry policy sees it as if it came from here."""
    if "message" not in event:
        return
    if event["retryable"]:
        raise ModelUnavailable(
            event["message"], remedy=event["remedy"], retry_after_s=event["retry_after_s"]
        )
    raise CalisotaError(event["message"], remedy=event["remedy"])
