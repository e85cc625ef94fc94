"""The ledger's arithmetic, one process, on each database."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calisota.errors import (
    ArtifactDamaged,
    BudgetExhausted,
    LedgerUnavailable,
    PermanentError,
)
from calisota.ledger import Amount, Cap
from calisota.ledger.ledger import Ledger, open_ledger

CALL = Amount(tokens=100, calls=1, usd=0.01)


@pytest.fixture
def ledger(url: str):
    opened = Ledger(url)
    yield opened
    opened.close()


def reserve(ledger: Ledger, worst: Amount = CALL, solve: str = "s", **more: Any) -> str:
    return ledger.reserve(solve, worst, route="fast", model="m", **more)


def test_what_could_exceed_a_cap_is_refused_before_it_is_made(ledger: Ledger):
    ledger.open_account("s", Cap(tokens=250))
    reserve(ledger)
    reserve(ledger)
    with pytest.raises(BudgetExhausted, match=r"200 of 250 tokens.*raise options\.budget"):
        reserve(ledger)


@pytest.mark.parametrize("cap", [Cap(calls=1), Cap(usd=0.015), Cap(tokens=100), Cap(cpu_s=1.5)])
def test_each_cap_holds_by_itself(ledger: Ledger, cap: Cap):
    ledger.open_account("s", cap)
    worst = CALL.model_copy(update={"cpu_s": 1.0})
    reserve(ledger, worst)
    with pytest.raises(BudgetExhausted):
        reserve(ledger, worst)


def test_what_was_not_used_is_free_again_and_what_was_more_counts(ledger: Ledger):
    ledger.open_account("s", Cap(tokens=200))
    ledger.settle(reserve(ledger), Amount(tokens=10, calls=1))
    ledger.settle(reserve(ledger), Amount(tokens=150, calls=1))
    assert ledger.spent("s").tokens == 160
    with pytest.raises(BudgetExhausted):
        reserve(ledger)


def test_a_second_delivery_changes_nothing(ledger: Ledger):
    ledger.open_account("s", Cap(tokens=200))
    entry = reserve(ledger)
    assert ledger.settle(entry, Amount(tokens=10, calls=1))
    assert not ledger.settle(entry, Amount(tokens=10, calls=1))
    assert not ledger.release(entry)
    assert ledger.spent("s").tokens == 10


def test_a_reservation_of_a_process_that_died_stays_counted(ledger: Ledger, url: str):
    ledger.open_account("s", Cap(tokens=150))
    reserve(ledger)
    other = Ledger(url)
    other.open_account("s", Cap(tokens=150))
    with pytest.raises(BudgetExhausted):
        reserve(other)
    line = other.spent("s")
    other.close()
    assert (line.tokens, line.open) == (100, 1)


def test_an_unknown_price_leaves_the_other_caps_in_force(ledger: Ledger):
    ledger.open_account("s", Cap(tokens=150, usd=0.001))
    free = CALL.model_copy(update={"usd": None})
    entry = reserve(ledger, free)
    with pytest.raises(BudgetExhausted):
        reserve(ledger, free)
    ledger.settle(entry, Amount(tokens=10, calls=1, usd=None))
    assert (ledger.spent("s").usd, ledger.spent("s").unpriced) == (0, 1)


def test_a_client_shares_its_day_among_its_solves(ledger: Ledger):
    for solve in ("a", "b"):
        ledger.open_account(
            solve, Cap(tokens=1000), client="c", client_cap=Cap(tokens=150), day="2026-01-01"
        )
    reserve(ledger, solve="a", client="c", day="2026-01-01")
    with pytest.raises(BudgetExhausted, match="by this client today"):
        reserve(ledger, solve="b", client="c", day="2026-01-01")
    assert ledger.spent("b") is None
    reserve(ledger, solve="b", client="c", day="2026-01-02")


def test_a_solve_that_goes_on_after_midnight_spends_the_quota_of_the_new_day(ledger: Ledger):
    quota = Cap(tokens=250)
    ledger.open_account("a", Cap(), client="c", client_cap=quota, day="2026-01-01")
    of_day = {"client": "c", "client_cap": quota, "day": "2026-01-02"}
    reserve(ledger, solve="a", **of_day)
    ledger.open_account("b", Cap(), client="c", client_cap=quota, day="2026-01-02")
    reserve(ledger, solve="b", **of_day)
    for solve in ("a", "b"):
        with pytest.raises(BudgetExhausted, match=r"200 of 250 tokens.*by this client today"):
            reserve(ledger, solve=solve, **of_day)


def test_a_call_above_the_new_days_whole_quota_is_refused(ledger: Ledger):
    ledger.open_account("a", Cap(), day="2026-01-01")
    with pytest.raises(BudgetExhausted, match="by this client today"):
        reserve(ledger, solve="a", client_cap=Cap(tokens=99), day="2026-01-02")
    assert ledger.spent("a") is None


def test_a_quota_that_comes_during_the_day_counts_what_the_day_spent(ledger: Ledger):
    ledger.open_account("a", Cap(), client="c", day="2026-01-01")
    entry = reserve(ledger, solve="a", client="c", day="2026-01-01")
    ledger.open_account("b", Cap(), client="c", client_cap=Cap(tokens=150), day="2026-01-01")
    with pytest.raises(BudgetExhausted, match="100 of 150"):
        reserve(ledger, solve="b", client="c", day="2026-01-01")
    ledger.settle(entry, Amount(tokens=10, calls=1))
    reserve(ledger, solve="b", client="c", day="2026-01-01")


def test_two_that_open_the_same_day_at_once_share_it(ledger: Ledger, url: str):
    ledger.open_account("s", Cap(), day="2026-01-01")
    others = [Ledger(url) for _ in range(4)]

    def spend(one: Ledger) -> bool:
        try:
            reserve(one, client="c", client_cap=Cap(tokens=250), day="2026-01-02")
        except BudgetExhausted:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(spend, others)) == 2
    for one in others:
        one.close()


def test_an_answer_is_kept_with_the_payment(ledger: Ledger):
    ledger.open_account("s", Cap())
    assert ledger.answered("s", "k") is None
    ledger.settle(reserve(ledger), Amount(tokens=1, calls=1), key="k", answer=b"\0\xff")
    assert ledger.answered("s", "k") == b"\0\xff"
    assert ledger.answered("other", "k") is None


def test_old_days_are_forgotten_and_young_ones_stay(ledger: Ledger):
    for solve, day in (("old", "2026-01-01"), ("young", "2026-02-01")):
        ledger.open_account(solve, Cap(), client="c", client_cap=Cap(), day=day)
        entry = reserve(ledger, solve=solve, client="c", day=day)
        ledger.settle(entry, CALL, key="k", answer=b"x")
    assert ledger.forget("2026-01-15") == 1
    assert ledger.answered("old", "k") is None
    assert ledger.answered("young", "k") == b"x"
    assert [line.name for line in ledger.report("solve")] == ["young"]
    reserve(ledger, solve="young")
    with pytest.raises(ArtifactDamaged, match=r"RETENTION_DAYS.*start it again"):
        reserve(ledger, solve="old")


def test_an_account_that_has_spent_nothing_yet_is_not_forgotten(ledger: Ledger):
    ledger.open_account("s", Cap())
    ledger.forget("2026-01-15")
    reserve(ledger)


def test_a_solve_that_goes_on_over_days_keeps_its_account(ledger: Ledger):
    ledger.open_account("s", Cap(calls=2), day="2026-01-01")
    reserve(ledger, day="2026-01-01")
    reserve(ledger, day="2026-02-01")
    ledger.forget("2026-01-15")
    with pytest.raises(BudgetExhausted):
        reserve(ledger)


def test_a_database_that_does_not_answer_is_a_fault_that_may_pass(tmp_path: Path):
    with pytest.raises(LedgerUnavailable, match="CALISOTA_LEDGER_URL"):
        Ledger(f"sqlite:///{tmp_path}/absent/ledger.db").spent("s")


def test_reports_add_up_by_every_heading(ledger: Ledger):
    for solve in ("a", "b"):
        ledger.open_account(solve, Cap())
        ledger.settle(reserve(ledger, solve=solve, client=f"of {solve}"), CALL)
    for by, names in (
        ("solve", ["a", "b"]), ("client", ["of a", "of b"]), ("route", ["fast"]), ("model", ["m"]),
    ):  # fmt: skip
        lines = ledger.report(by)
        assert [line.name for line in lines] == names
        assert sum(line.tokens for line in lines) == 200


def test_numbers_and_names_may_be_large(ledger: Ledger):
    billions, long = Amount(tokens=3 * 10**9, calls=1), "n" * 1000
    ledger.open_account("s", Cap(tokens=10**10), client=long, client_cap=Cap(tokens=10**11))
    for _ in range(2):
        ledger.settle(reserve(ledger, billions, client=long), billions, model=long)
    (line,) = ledger.report("client")
    assert (line.name, line.tokens) == (long, 6 * 10**9)
    assert ledger.report("model")[0].name == long


def test_a_ledger_that_was_never_reached_is_closed_without_a_word(tmp_path: Path):
    with pytest.raises(LedgerUnavailable), open_ledger(f"sqlite:///{tmp_path}/absent/a.db") as one:
        one.spent("s")


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("postgres://host/base", "cannot be read.*postgresql\\+psycopg://"),
        ("no url", "cannot be read"),
        ("postgresql+psycopg://user:half@:secret@host/base", "cannot be read"),
        ("postgresql+asyncpg://host/base", "ever tried.*use postgresql"),
        ("mysql+pymysql://host/base", "ever tried"),
    ],
)
def test_a_database_that_cannot_serve_is_named_with_what_to_write(url: str, complaint: str):
    with pytest.raises(PermanentError, match=complaint) as caught:
        Ledger(url).spent("s")
    assert "secret" not in str(caught.value)


amounts = st.builds(
    Amount,
    tokens=st.integers(0, 50),
    calls=st.integers(0, 1),
    usd=st.sampled_from([None, 0.0, 0.5]),
)


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["reserve", "settle", "release"]), amounts, st.integers(0, 9)),
        max_size=25,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_any_order_the_books_balance_and_the_cap_holds(
    ledger: Ledger, steps: list[tuple[str, Amount, int]]
):
    solve = secrets.token_hex()  # each example has its own account
    ledger.open_account(solve, Cap(tokens=120, calls=6, usd=2.0))
    entries: list[str] = []
    overdraft = 0
    for action, amount, which in steps:
        if action == "reserve":
            try:
                entries.append(reserve(ledger, amount, solve))
            except BudgetExhausted:
                continue
        elif entries:
            entry = entries[which % len(entries)]
            settled = action == "settle" and ledger.settle(entry, amount)
            overdraft += amount.tokens if settled else 0
            if action == "release":
                ledger.release(entry)
    line = ledger.spent(solve)
    if line is not None:
        assert min(line.tokens, line.calls, line.unpriced, line.open) >= 0
        assert line.tokens <= 120 + overdraft
