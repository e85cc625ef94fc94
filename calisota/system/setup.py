"""Everything a start needs and a second start finds done: `calisota setup`."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from calisota.errors import CalisotaError, PermanentError
from calisota.rag import build_index
from calisota.sandbox.engine import connect
from calisota.sandbox.images import build_images
from calisota.sandbox.selftest import ensure_tried
from calisota.system.airflow_env import airflow_env
from calisota.system.credentials import ensure_credentials
from calisota.system.docker_engine import ensure_engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from calisota.settings import Settings
    from calisota.system.progress import Progress


def run_setup(settings: Settings, progress: Progress) -> str:
    """The URL of the Docker Engine, once all that a start needs is there.

    Raises: CalisotaError: what could not be made, and the remedy.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    ensure_credentials(settings)
    with progress.step("Docker Engine") as step:
        url = ensure_engine(settings, step.detail)
        step.result = url
    configured = settings.model_copy(update={"docker_host": url})
    with progress.step("sandbox images") as step:
        client = connect(configured)
        try:
            images = build_images(client, configured, step.detail)
        finally:
            client.close()
        step.result = ", ".join(sorted(images))
    with progress.step("sandbox limits") as step:
        client = connect(configured)
        try:
            step.result = ensure_tried(client, configured)
        finally:
            client.close()
    with progress.step("retrieval index") as step:
        step.result = build_index_apart(step.detail, settings)
    with progress.step("Airflow database"):
        migrate(settings, url)
    return url


def build_index_apart(detail: Callable[[str], None], settings: Settings) -> str:
    """The version of the index, built in a process of its own: torch would stay in our memory.

    Raises: PermanentError: it failed; its last words are in the message.
    """
    process = subprocess.Popen(  # our own argv
        [sys.executable, "-m", "calisota.system.setup"],
        env=os.environ | {"CALISOTA_HOME": str(settings.home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    lines = [""]
    with process as running:
        for line in running.stdout or ():
            lines.append(line.rstrip())
            detail(lines[-1])
    if process.returncode != 0:
        last = " | ".join(lines[-4:])
        raise PermanentError(f"The index was not built: {last}", remedy="mend what it names.")
    return lines[-1]


def migrate(settings: Settings, engine_url: str) -> None:
    """Bring Airflow's database up to date, once per Airflow version.

    Raises: PermanentError: `airflow db migrate` failed; its last words are in the message.
    """
    home = settings.home / "airflow"
    home.mkdir(parents=True, exist_ok=True)
    env = airflow_env(settings, engine_url)
    database = env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    # Hashed: the address of a database holds its password.
    digest = hashlib.sha256(database.encode()).hexdigest()
    target = f"{version('apache-airflow-core')} {digest}"
    stamp = home / "migrated"
    file = Path(database.removeprefix("sqlite:///")) if database.startswith("sqlite:") else None
    there = file is None or file.exists()
    if there and stamp.exists() and stamp.read_text() == target:
        return
    done = subprocess.run(  # our own argv
        [sys.executable, "-m", "airflow", "db", "migrate"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        last = " | ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise PermanentError(
            f"`airflow db migrate` failed: {last}",
            remedy="see that the database answers, or remove a SQLite file that is damaged.",
        )
    stamp.write_text(target)


def _build_index() -> None:
    """Build the index here; the last line printed is its version."""
    from calisota.settings import settings  # noqa: PLC0415  # only as a program of its own

    try:
        manifest = build_index(settings(), lambda line: print(line, flush=True))  # noqa: T201
    except CalisotaError as error:
        sys.exit(str(error))
    print(manifest.version, flush=True)  # noqa: T201


if __name__ == "__main__":
    _build_index()
