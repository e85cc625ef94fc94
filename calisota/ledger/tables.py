"""The ledger's tables, for any database that SQLAlchemy speaks to."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, MetaData, String, Table

metadata = MetaData()

ID_CHARS = 260
"""A Dag run's id has at most 250."""


def _counters() -> list[Column[float] | Column[int]]:
    """What is spent and reserved together: one number to hold against a cap."""
    return [
        Column("tokens", Integer, nullable=False, default=0),
        Column("calls", Integer, nullable=False, default=0),
        Column("usd", Float, nullable=False, default=0.0),
        Column("executions", Integer, nullable=False, default=0),
        Column("cpu_s", Float, nullable=False, default=0.0),
        Column("unpriced", Integer, nullable=False, default=0),
    ]


def _caps() -> list[Column[float] | Column[int]]:
    return [
        Column("cap_tokens", Integer),
        Column("cap_calls", Integer),
        Column("cap_usd", Float),
        Column("cap_cpu_s", Float),
    ]


accounts = Table(
    "accounts",
    metadata,
    Column("name", String(ID_CHARS), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("day", String(10), nullable=False),
    *_counters(),
    *_caps(),
)
"""A Solve (`solve:<id>`), or a client on one day (`client:<id>:<day>`)."""

entries = Table(
    "entries",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("solve", String(ID_CHARS), nullable=False),
    Column("client", String(ID_CHARS), nullable=False),
    Column("day", String(10), nullable=False),
    Column("route", String(32), nullable=False),
    Column("model", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    *_counters(),
)
"""A reservation, later what became of it."""

answers = Table(
    "answers",
    metadata,
    Column("solve", String(ID_CHARS), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("day", String(10), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("times", Integer, nullable=False),
)
"""What was answered, before anybody used it."""

Index("entries_by_solve", entries.c.solve)
Index("entries_by_day", entries.c.day)
Index("answers_by_day", answers.c.day)
