"""The databases that the ledger's tests run against: SQLite, and PostgreSQL where there is one."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterator

DRIVER = "psycopg"
"""What docs/operations.md recommends; the extra `postgres` brings it."""

PATIENCE_S = 30

_numbers = count()


@dataclass(frozen=True)
class Postgres:
    """A server of our own, reached by a Unix socket in its folder."""

    folder: Path

    def url(self, database: str) -> str:
        return f"postgresql+{DRIVER}://postgres@/{database}?host={self.folder}"

    def execute(self, statement: str) -> None:
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()

    def create(self) -> str:
        """The URL of a new database."""
        name = f"ledger_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)


def _binaries() -> Path:
    """Where `initdb` is; skips the test where a server, its driver or `setpriv` is missing."""
    if find_spec(DRIVER) is None:
        pytest.skip(f"no PostgreSQL: its driver {DRIVER} (extra `postgres`) is not installed")
    if shutil.which("setpriv") is None:
        pytest.skip("no PostgreSQL: setpriv (package `util-linux`) is not installed")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL: /usr/lib/postgresql has no initdb (package `postgresql`)")
    return found[-1].parent


def _become_its_user(folder: Path) -> list[str]:
    """A prefix for commands: PostgreSQL does not start as root, and ends when we do."""
    ending = ["setpriv", "--pdeathsig=INT"]
    if os.geteuid() != 0:
        return ending
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("no PostgreSQL: we are root, and there is no user `postgres`")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return [*ending, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


@contextmanager
def _served(binaries: Path, folder: Path) -> Iterator[Postgres]:
    become, data = _become_its_user(folder), folder / "data"
    subprocess.run(
        [*become, binaries / "initdb", "--no-sync", "-A", "trust", "-U", "postgres",
         "-E", "UTF8", "--locale=C.UTF-8", "-D", data],
        check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*become, binaries / "postgres", "-D", data, "-k", folder, "-h", "", "-F",
             "-c", "shared_buffers=16MB"],
            stdout=log, stderr=log, cwd=folder,
        )  # fmt: skip
    try:
        status, deadline = data / "postmaster.pid", time.monotonic() + PATIENCE_S
        while not (status.exists() and "ready" in status.read_text().split()):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "log").read_text())
            time.sleep(0.05)
        yield Postgres(folder)
    finally:
        process.send_signal(signal.SIGINT)  # it ends without waiting for its clients
        process.wait(PATIENCE_S)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    binaries = _binaries()
    # Not in pytest's folder: no other user may enter it, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="calisota-pg-"))
    try:
        with _served(binaries, folder) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.create()
