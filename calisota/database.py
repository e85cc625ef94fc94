"""The databases of ours: SQLite for one machine, PostgreSQL for several.

Both keep what we rely on: a conditional UPDATE that waits for another writer of the same row, then
looks at the row again as that one left it. PostgreSQL does so at READ COMMITTED; SQLite has one
writer at a time.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc

from calisota.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL, Engine

    from calisota.errors import TransientError

WAIT_S = 60
"""How long a writer waits for another: one that hangs, or whose machine is gone, ends by then."""

CONNECT_S = 10
"""How long a server may take to answer at all, unless the URL says `connect_timeout`."""

NOTICES = {
    "connect_timeout": str(CONNECT_S),
    "tcp_user_timeout": str(WAIT_S * 1000),
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
}
"""What libpq needs to notice a server that went away without a word: it may take hours else."""

MAKES_TABLES = 0x63616C69
"""The advisory lock under which PostgreSQL's tables are made: of two at once, one would fail."""

REMEDY = (
    "see to the database behind CALISOTA_LEDGER_URL, and try again; unset, it is a file that "
    "`calisota up` makes."
)

PASSING = (exc.OperationalError, exc.InterfaceError, exc.InternalError)
"""What lies with the database, not with a statement."""


def open_database(url: str, metadata: sa.MetaData) -> Engine:
    """An engine for `url`, as SQLAlchemy names it, with the tables of `metadata` in its database.

    Raises: PermanentError: the URL names nothing that we can use.
    """
    engine = _engine(_understood(url))
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MAKES_TABLES)))
            metadata.create_all(connection)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def faults_named(what: str, unavailable: type[TransientError]) -> Iterator[None]:
    """The complaints of the database of `what` as our errors.

    Raises: `unavailable`: it does not answer, or not in time. PermanentError: it does not let us
    do what we need.
    """
    try:
        yield
    except exc.TimeoutError as error:  # every connection of the pool is taken
        raise unavailable(f"The {what} is too busy: {error}.", remedy=REMEDY) from None
    except exc.ProgrammingError as error:
        raise PermanentError(
            f"The {what}'s database refuses: {_first_line(error)}.",
            remedy="let the user in CALISOTA_LEDGER_URL own the database, or at least its tables.",
        ) from error.orig
    except exc.DataError as error:
        raise PermanentError(
            f"The {what}'s database does not take a value: {_first_line(error)}.",
            remedy="see whether the Problem holds a character that no text can, as U+0000.",
        ) from error.orig
    except exc.DBAPIError as error:
        if not (error.connection_invalidated or isinstance(error, PASSING)):
            raise
        raise unavailable(
            f"The {what} does not answer: {_first_line(error)}.", remedy=REMEDY
        ) from error.orig


def _first_line(error: exc.DBAPIError) -> str:
    """What the driver says; never a password, statement or value."""
    lines = str(error.orig).splitlines()
    return lines[0].rstrip(".") if lines else type(error.orig).__name__


def _understood(url: str) -> URL:
    try:
        read = sa.make_url(url)
        driver = f"{read.get_backend_name()}+{read.get_driver_name()}"
    except (exc.ArgumentError, exc.NoSuchModuleError, ValueError):
        # What these say may be a part of a password.
        raise PermanentError(
            "CALISOTA_LEDGER_URL cannot be read.",
            remedy="write it as postgresql+psycopg://user:password@host/database.",
        ) from None
    if driver not in ("sqlite+pysqlite", "postgresql+psycopg", "postgresql+psycopg2"):
        raise PermanentError(
            f"CALISOTA_LEDGER_URL names {driver}, with which nothing was ever tried.",
            remedy="use postgresql+psycopg.",
        )
    return read


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url, connect_args={"timeout": WAIT_S})
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_immediate)
        return engine
    patient = url.update_query_dict(NOTICES | dict(url.query))
    try:
        # Its level is named: a server may have another one by default.
        engine = sa.create_engine(patient, pool_pre_ping=True, isolation_level="READ COMMITTED")
    except ImportError as error:
        raise PermanentError(
            f"The database's driver is missing: {error}.",
            remedy="install the extra `postgres` (docs/operations.md).",
        ) from None
    sa.event.listen(engine, "connect", _prepare_postgres)
    return engine


def _prepare_postgres(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"SET lock_timeout = '{WAIT_S}s'")
    cursor.execute(f"SET idle_in_transaction_session_timeout = '{WAIT_S}s'")
    cursor.close()
    connection.commit()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # SQLAlchemy begins the transactions, not the driver.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # With WAL a crash of the process loses nothing; of the machine the last moment at most, and
    # what was reserved then had not been sent.
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    # A reader that turns into a writer is refused at once where another one has written.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
