"""How Airflow opens its SQLite database; Airflow imports this by name, from its configuration.

Both is about writers at one time, of which SQLite has one: the others are to wait for it.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Self

WAIT_S = 60
"""For so long a writer waits for another one, where Python's default is 5 s."""


class WaitingCursor(sqlite3.Cursor):
    """Takes the right to write before a savepoint that begins a transaction.

    What is read within it is of that moment; should another process write before the first write
    here, SQLite refuses that at once, however long it may wait (SQLITE_BUSY_SNAPSHOT). Airflow
    makes each run of a backfill so. Source: https://www.sqlite.org/rescode.html#busy_snapshot
    """

    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        """As `sqlite3.Cursor.execute`."""
        if sql.startswith("SAVEPOINT") and not self.connection.in_transaction:
            super().execute("BEGIN IMMEDIATE")
        return super().execute(sql, parameters)


class WaitingConnection(sqlite3.Connection):
    """Whose cursors are `WaitingCursor`."""

    def cursor(self, factory: Any = WaitingCursor) -> Any:
        """As `sqlite3.Connection.cursor`."""
        return super().cursor(factory)


CONNECT_ARGS: dict[str, Any] = {"timeout": WAIT_S, "factory": WaitingConnection}
"""What Airflow hands to `sqlite3.connect`."""
