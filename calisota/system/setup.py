"""Everything a start needs and a second start finds done: `calisota setup`."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

from calisota.errors import PermanentError
from calisota.rag import build_index
from calisota.sandbox.engine import connect
from calisota.sandbox.images import build_images
from calisota.system.airflow_env import airflow_env
from calisota.system.credentials import ensure_credentials
from calisota.system.docker_engine import ensure_engine

if TYPE_CHECKING:
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
    with progress.step("retrieval index") as step:
        step.result = build_index(settings, step.detail).version
    with progress.step("Airflow database"):
        migrate(settings, url)
    return url


def migrate(settings: Settings, engine_url: str) -> None:
    """Bring Airflow's database up to date, once per Airflow version.

    Raises: PermanentError: `airflow db migrate` failed; its last words are in the message.
    """
    home = settings.home / "airflow"
    home.mkdir(parents=True, exist_ok=True)
    env = airflow_env(settings, engine_url)
    target = f"{version('apache-airflow-core')} {env['AIRFLOW__DATABASE__SQL_ALCHEMY_CONN']}"
    stamp = home / "migrated"
    if stamp.exists() and stamp.read_text() == target:
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
