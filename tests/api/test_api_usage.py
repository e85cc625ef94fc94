"""`/v1/usage`: a client sees what it spent, and nothing of others."""

import httpx

from calisota.ledger import Amount, Cap
from calisota.ledger.ledger import open_ledger
from calisota.settings import Settings


async def test_a_client_sees_its_own_spending(client: httpx.AsyncClient, settings: Settings):
    with open_ledger(settings.ledger) as ledger:
        for owner, tokens in (("local", 100), ("other", 7)):
            ledger.open_account(owner, Cap())
            entry = ledger.reserve(
                owner, Amount(tokens=500, calls=1), route="fast", model="m", client=owner
            )
            ledger.settle(entry, Amount(tokens=tokens, calls=1, usd=0.5))
    for by, name in (("solve", "local"), ("route", "fast"), ("model", "m")):
        answer = await client.get("/v1/usage", params={"by": by})
        assert answer.status_code == 200, answer.text
        (line,) = answer.json()["lines"]
        assert (line["name"], line["tokens"], line["usd"]) == (name, 100, 0.5)


async def test_before_anything_was_spent_there_is_no_line(client: httpx.AsyncClient):
    answer = await client.get("/v1/usage")
    assert answer.json() == {"by": "day", "lines": []}


async def test_an_unknown_heading_and_a_missing_key_are_refused(client: httpx.AsyncClient):
    assert (await client.get("/v1/usage", params={"by": "client"})).status_code == 422
    assert (await client.get("/v1/usage", headers={"Authorization": ""})).status_code == 401
