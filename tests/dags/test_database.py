"""Two writers of one SQLite file, as Airflow's processes are."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import sqlalchemy
from sqlalchemy.exc import OperationalError

from calisota_airflow.database import CONNECT_ARGS

if TYPE_CHECKING:
    from pathlib import Path


def written_beside(file: Path, arguments: dict[str, object]) -> int:
    """Rows after a savepoint that reads, then writes, while another connection writes."""
    engine = sqlalchemy.create_engine(f"sqlite:///{file}", connect_args=arguments)
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.exec_driver_sql("CREATE TABLE runs (number INTEGER)")
    insert = sqlalchemy.text("INSERT INTO runs VALUES (1)")

    def other() -> None:
        with engine.begin() as connection:
            connection.execute(insert)

    writer = threading.Thread(target=other)
    try:
        with engine.connect() as connection:
            with connection.begin_nested():
                connection.exec_driver_sql("SELECT count(*) FROM runs").scalar()
                writer.start()
                writer.join(1)  # it writes now, or waits for this transaction
                connection.execute(insert)
            connection.commit()
        writer.join()
        with engine.connect() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM runs").scalar_one())
    finally:
        writer.join()
        engine.dispose()


def test_a_savepoint_that_reads_before_it_writes_keeps_its_turn(tmp_path: Path):
    assert written_beside(tmp_path / "ours.db", dict(CONNECT_ARGS)) == 2


def test_without_that_sqlite_refuses_at_once(tmp_path: Path):
    with pytest.raises(OperationalError, match="locked"):
        written_beside(tmp_path / "plain.db", {"timeout": 60})
