"""`/v1/usage`: what your Solves spent."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.deps import ClientDep, ServicesDep
from api.openapi import errors
from api.schemas import UsageReport
from calisota.ledger.ledger import Ledger

router = APIRouter(prefix="/v1/usage", tags=["usage"])


@router.get("", summary="Read what you spent", responses=errors(401, 422, 503))
async def get_usage(
    client: ClientDep,
    services: ServicesDep,
    by: Annotated[
        Literal["day", "solve", "route", "model"], Query(description="One line for each.")
    ] = "day",
) -> UsageReport:
    """Tokens, calls, money and executions of your key, reservations that are open included.

    Days are UTC. Calls of models without a known price are counted in `unpriced`, not in `usd`.
    """
    ledger = Ledger(services.settings.ledger)
    try:
        lines = await asyncio.to_thread(ledger.report, by, client=client)
    finally:
        ledger.close()
    return UsageReport(by=by, lines=lines)
