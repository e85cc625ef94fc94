"""`/v1/memories`: a client sees and forgets what is its own."""

import httpx

from calisota.memory import Memory
from calisota.memory.store import open_memory
from calisota.settings import Settings


def remember(settings: Settings, owner: str) -> None:
    fields = {"solve_id": owner, "owner": owner, "language": "python", "digest": owner}
    one = Memory.model_validate(
        fields | {"statement": f"of {owner}", "program": "pass", "verdict": "verified"}
    )
    with open_memory(settings.ledger) as kept:
        kept.remember(one, encoder="m", vector=[1.0])


async def test_a_client_sees_and_forgets_its_own(client: httpx.AsyncClient, settings: Settings):
    for owner in ("local", "other"):
        remember(settings, owner)
    shown = (await client.get("/v1/memories")).json()
    assert [one["statement"] for one in shown["memories"]] == ["of local"]
    assert (await client.delete("/v1/memories")).json() == {"forgotten": 1}
    assert (await client.get("/v1/memories")).json() == {"memories": []}
    with open_memory(settings.ledger) as kept:
        assert [one.owner for one in kept.owned()] == ["other"]


async def test_without_a_key_nothing_is_seen(client: httpx.AsyncClient):
    for method in ("GET", "DELETE"):
        answer = await client.request(method, "/v1/memories", headers={"Authorization": ""})
        assert answer.status_code == 401
