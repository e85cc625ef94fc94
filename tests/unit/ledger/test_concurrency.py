"""Several connections, threads and processes at one ledger."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from calisota.database import open_database
from calisota.errors import BudgetExhausted
from calisota.ledger import Amount, Cap
from calisota.ledger.ledger import Ledger, open_ledger
from calisota.ledger.tables import metadata

DAY = "2026-01-01"
CAP = 400

RESERVES = f"""
import sys
from concurrent.futures import ThreadPoolExecutor
from calisota.errors import BudgetExhausted
from calisota.ledger import Amount
from calisota.ledger.ledger import open_ledger

def spend(ledger):
    spent = 0
    while True:
        try:
            entry = ledger.reserve("s", Amount(tokens=7, calls=1), route="fast", model="m",
                                   client="c", day="{DAY}")
        except BudgetExhausted:
            return spent
        ledger.settle(entry, Amount(tokens=5, calls=1), key=f"k{{spent % 15}}", answer=b"a")
        spent += 5

with open_ledger(sys.argv[1]) as ledger, ThreadPoolExecutor(2) as pool:
    ledger.spent("s")
    print("ready", flush=True)
    sys.stdin.readline()
    print(sum(pool.map(spend, [ledger, ledger])))
"""


def at_once(url: str, act: Callable[[Ledger], object], many: int = 6) -> list[object]:
    """What each of many ledgers, with a connection of its own, returned."""
    with ExitStack() as stack, ThreadPoolExecutor(many) as pool:
        ledgers = [stack.enter_context(open_ledger(url)) for _ in range(many)]
        return list(pool.map(act, ledgers))


@pytest.mark.parametrize(
    ("cap", "client_cap"), [(Cap(tokens=CAP), Cap()), (Cap(), Cap(tokens=CAP))]
)
def test_processes_that_reserve_at_once_spend_a_cap_and_not_more(
    url: str, cap: Cap, client_cap: Cap
):
    with open_ledger(url) as ledger:
        ledger.open_account("s", cap, client="c", client_cap=client_cap, day=DAY)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RESERVES, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    spent = [int(process.communicate(timeout=60)[0]) for process in processes]
    # No more fits when less than a worst case is left; what others hold then they did not spend.
    assert CAP - 7 - 3 * 2 < sum(spent) <= CAP


def test_the_tables_are_made_once_by_many_that_start_at_once(url: str):
    with ThreadPoolExecutor(6) as pool:
        for engine in pool.map(open_database, [url] * 6, [metadata] * 6):
            assert len(sa.inspect(engine).get_table_names()) == 3
            engine.dispose()


def test_an_account_that_many_open_at_once_is_one(url: str):
    at_once(url, lambda ledger: ledger.open_account("s", Cap(calls=2)))

    def reserve(ledger: Ledger) -> bool:
        try:
            return bool(ledger.reserve("s", Amount(calls=1), route="fast", model="m"))
        except BudgetExhausted:
            return False

    assert sum(map(bool, at_once(url, reserve))) == 2


def test_a_reservation_that_many_settle_at_once_counts_once(url: str):
    with open_ledger(url) as ledger:
        ledger.open_account("s", Cap())
        entry = ledger.reserve("s", Amount(tokens=9, calls=1), route="fast", model="m")
        settled = at_once(url, lambda one: one.settle(entry, Amount(tokens=4, calls=1)))
        assert sum(map(bool, settled)) == 1
        assert ledger.spent("s").tokens == 4


def test_an_answer_that_came_to_many_at_once_is_kept_once(url: str):
    with open_ledger(url) as ledger:
        ledger.open_account("s", Cap())

    def answer(one: Ledger) -> bool:
        entry = one.reserve("s", Amount(calls=1), route="fast", model="m")
        return one.settle(entry, Amount(calls=1), key="k", answer=b"answer")

    assert at_once(url, answer) == [True] * 6
    with open_ledger(url) as ledger:
        assert ledger.answered("s", "k") == b"answer"
        assert ledger.twice_answered() == 5
