"""The ledger's tables.

PostgreSQL, unlike SQLite, means the bounds of a type: a sum of tokens outgrows 32 bits, and the
name of a client or a model has any length.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

metadata = MetaData()


def _counters() -> list[Column[float] | Column[int]]:
    """What is spent and reserved together: one number to hold against a cap."""
    return [
        Column("tokens", BigInteger, nullable=False, default=0),
        Column("calls", BigInteger, nullable=False, default=0),
        Column("usd", Float, nullable=False, default=0.0),
        Column("executions", BigInteger, nullable=False, default=0),
        Column("cpu_s", Float, nullable=False, default=0.0),
        Column("unpriced", BigInteger, nullable=False, default=0),
    ]


def _caps() -> list[Column[float] | Column[int]]:
    return [
        Column("cap_tokens", BigInteger),
        Column("cap_calls", BigInteger),
        Column("cap_usd", Float),
        Column("cap_cpu_s", Float),
    ]


accounts = Table(
    "accounts",
    metadata,
    Column("name", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("day", String, nullable=False),
    *_counters(),
    *_caps(),
)
"""A Solve (`solve:<id>`), or a client on one day (`client:<id>:<day>`)."""

entries = Table(
    "entries",
    metadata,
    Column("id", String, primary_key=True),
    Column("solve", String, nullable=False),
    Column("client", String, nullable=False),
    Column("day", String, nullable=False),
    Column("route", String, nullable=False),
    Column("model", String, nullable=False),
    Column("state", String, nullable=False),
    *_counters(),
)
"""A reservation, later what became of it."""

answers = Table(
    "answers",
    metadata,
    Column("solve", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("day", String, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("times", Integer, nullable=False),
)
"""What was answered, before anybody used it."""

Index("entries_by_solve", entries.c.solve)
Index("entries_by_day", entries.c.day)
Index("answers_by_day", answers.c.day)
