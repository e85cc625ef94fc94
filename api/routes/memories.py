"""`/v1/memories`: what is remembered of your Solves."""

import asyncio

from fastapi import APIRouter

from api.deps import ClientDep, ServicesDep
from api.openapi import errors
from api.schemas import Memories, MemoriesForgotten, RememberedSolve
from calisota.memory.store import MemoryStore

router = APIRouter(prefix="/v1/memories", tags=["memories"])


@router.get("", summary="Read what is remembered of your Solves", responses=errors(401, 503))
async def get_memories(client: ClientDep, services: ServicesDep) -> Memories:
    """The solved Problems that may be shown as an example to your own Solves, last used first.

    Nobody else's Solves see them. There are none where the operator has not switched memory on.
    """
    store = MemoryStore(services.settings.ledger)
    try:
        found = await asyncio.to_thread(store.owned, client)
    finally:
        store.close()
    return Memories(
        memories=[
            RememberedSolve(
                solve_id=one.solve_id,
                language=one.language,
                statement=one.statement,
                verdict=one.verdict,
            )
            for one in found
        ]
    )


@router.delete("", summary="Forget what is remembered of your Solves", responses=errors(401, 503))
async def delete_memories(client: ClientDep, services: ServicesDep) -> MemoriesForgotten:
    """Forget all of them, at once. The Solves themselves stay."""
    store = MemoryStore(services.settings.ledger)
    try:
        return MemoriesForgotten(forgotten=await asyncio.to_thread(store.wipe, client))
    finally:
        store.close()
