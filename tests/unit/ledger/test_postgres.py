"""What only a server can do: end, hang, refuse, and serve two writers at once."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from calisota import database
from calisota.errors import LedgerUnavailable, PermanentError
from calisota.ledger import Amount, Cap
from calisota.ledger.ledger import Ledger, open_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

OTHERS = """FROM pg_stat_activity WHERE datname = current_database()
    AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
WAITERS = OTHERS + " AND wait_event_type = 'Lock'"

OLD, NOW = "2026-01-01", "2026-02-01"


@pytest.fixture
def url(postgres: Any) -> str:
    return postgres.create()


@pytest.fixture
def ledger(url: str):
    with open_ledger(url) as opened:
        opened.open_account("s", Cap(calls=100))
        yield opened


def reserve(ledger: Ledger, **more: str) -> str:
    return ledger.reserve("s", Amount(tokens=1, calls=1), route="fast", model="m", **more)


@contextmanager
def another(url: str) -> Iterator[Connection]:
    """A connection that is nobody's; its transaction ends with it, undone."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def wait_for_waiters(connection: Connection, many: int) -> None:
    """Until so many others wait for a lock."""
    deadline = time.monotonic() + 20
    while connection.execute(sa.text("SELECT count(*) " + WAITERS)).scalar_one() < many:
        assert time.monotonic() < deadline
        time.sleep(0.02)
        connection.execute(sa.text("SELECT pg_stat_clear_snapshot()"))


def end(url: str, whom: str) -> None:
    with another(url) as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(pid) " + whom))


def lock(connection: Connection, account: str) -> None:
    connection.execute(
        sa.text("SELECT 1 FROM accounts WHERE name = :name FOR UPDATE"), {"name": account}
    ).one()


def test_a_connection_that_was_lost_between_two_calls_is_not_noticed(ledger: Ledger, url: str):
    reserve(ledger)
    end(url, OTHERS)
    reserve(ledger)
    assert ledger.spent("s").calls == 2


def test_a_connection_that_is_lost_within_a_call_is_a_fault_that_may_pass(ledger: Ledger, url: str):
    with another(url) as other, ThreadPoolExecutor(1) as pool:
        lock(other, "solve:s")
        lost = pool.submit(reserve, ledger)
        wait_for_waiters(other, 1)
        end(url, WAITERS)
        with pytest.raises(LedgerUnavailable, match="terminating connection") as caught:
            lost.result(20)
    assert caught.value.retryable
    reserve(ledger)
    assert ledger.spent("s").calls == 1


def test_who_waits_too_long_for_another_is_told_to_try_again(
    url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(database, "WAIT_S", 1)
    with open_ledger(url) as ledger:
        ledger.open_account("s", Cap())
        with another(url) as other:
            lock(other, "solve:s")
            with pytest.raises(LedgerUnavailable, match="lock timeout"):
                reserve(ledger)
        reserve(ledger)


def test_a_process_that_hangs_within_a_transaction_does_not_stop_the_others(
    ledger: Ledger, url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(database, "WAIT_S", 1)

    def hang(hanging: Ledger) -> None:
        with hanging._begun() as connection:  # noqa: SLF001  # a call that stops halfway
            lock(connection, "solve:s")
            reserve(ledger)
            connection.execute(sa.text("SELECT 1"))

    with open_ledger(url) as hanging:
        with pytest.raises(LedgerUnavailable, match="idle-in-transaction"):
            hang(hanging)
        assert hanging.spent("s").calls == 1


def test_an_absent_server_is_a_fault_that_may_pass(tmp_path_factory: pytest.TempPathFactory):
    pytest.importorskip("psycopg")
    absent = f"postgresql+psycopg://user:secret@/base?host={tmp_path_factory.mktemp('no')}"
    with (
        pytest.raises(LedgerUnavailable, match="No such file") as caught,
        open_ledger(absent) as one,
    ):
        one.spent("s")
    assert "secret" not in str(caught.value)


def test_a_server_that_does_not_answer_is_given_up_soon():
    pytest.importorskip("psycopg")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        host = f"127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(LedgerUnavailable, match="timeout"):
            Ledger(f"postgresql+psycopg://user@{host}/base?connect_timeout=2").spent("s")


def test_a_user_without_rights_is_a_fault_of_the_installation(postgres: Any, url: str):
    postgres.execute("DROP ROLE IF EXISTS guest")
    postgres.execute("CREATE ROLE guest LOGIN")
    guest = url.replace("postgres@", "guest@")
    with pytest.raises(PermanentError, match=r"permission denied for schema public.*own"):
        Ledger(guest).spent("s")


def test_another_isolation_level_by_default_changes_nothing(postgres: Any, url: str):
    name = sa.make_url(url).database
    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    with open_ledger(url) as ledger, another(url) as other, ThreadPoolExecutor(1) as pool:
        ledger.open_account("s", Cap())
        reserve(ledger)
        raised = sa.text("UPDATE accounts SET calls = calls + 1")
        other.execution_options(isolation_level="READ COMMITTED").execute(raised)
        waiting = pool.submit(reserve, ledger)
        wait_for_waiters(other, 1)
        other.commit()
        assert waiting.result(20)


def test_an_old_account_that_is_drawn_on_while_old_ones_are_forgotten_stays(url: str):
    with (
        open_ledger(url) as ledger,
        open_ledger(url) as housekeeping,
        another(url) as other,
        ThreadPoolExecutor(2) as pool,
    ):
        ledger.open_account("s", Cap(), day=OLD)
        ledger.open_account("t", Cap(), client="c", client_cap=Cap(), day=NOW)
        lock(other, f"client:c:{NOW}")
        drawn = pool.submit(reserve, ledger, client="c", day=NOW)
        wait_for_waiters(other, 1)
        forgotten = pool.submit(housekeeping.forget, "2026-01-15")
        wait_for_waiters(other, 2)
        other.rollback()
        assert ledger.settle(drawn.result(20), Amount(calls=1))
        assert forgotten.result(20) == 0
        reserve(ledger)
