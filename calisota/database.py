"""Opening the databases of ours, the same for each."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

WAIT_S = 30.0
"""How long a writer waits for another one."""


def open_engine(url: str, metadata: sa.MetaData) -> sa.Engine:
    """The engine of `url`, as SQLAlchemy names it, with the tables of `metadata` in it."""
    if not url.startswith("sqlite"):
        engine = sa.create_engine(url, pool_pre_ping=True)
    else:
        engine = sa.create_engine(url, connect_args={"timeout": WAIT_S})
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_immediate)
    with engine.begin() as connection:
        metadata.create_all(connection)
    return engine


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
