"""The environment of Airflow's processes. What is the same everywhere is in airflow.cfg."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from calisota.paths import root
from calisota.system.credentials import ADMIN, read_secret

if TYPE_CHECKING:
    from pathlib import Path

    from calisota.settings import Settings

MARK = "CALISOTA_SUPERVISED"
"""Set to the data home in every process that the supervisor starts, and so in all it starts."""


def parallelism(settings: Settings) -> int:
    """Airflow tasks at once: twice the cores, since half of a Solve waits for a model."""
    return settings.airflow_parallelism or max(4, 2 * (os.cpu_count() or 1))


def child_env(settings: Settings, engine_url: str) -> dict[str, str]:
    """What every process of ours inherits."""
    return os.environ | {
        "CALISOTA_HOME": str(settings.home),
        "CALISOTA_DOCKER_HOST": engine_url,
        MARK: str(settings.home),
        # setproctitle, which Airflow calls, would otherwise write over the mark in /proc.
        "SPT_NOENV": "1",
        # OpenMP threads that spin while they wait starve small machines (faiss, llama.cpp).
        "OMP_WAIT_POLICY": "PASSIVE",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(min(4, os.cpu_count() or 1))),
        "TOKENIZERS_PARALLELISM": "false",
        # glibc keeps an arena per thread otherwise; with a dozen idle processes that adds up.
        "MALLOC_ARENA_MAX": "2",
        "PYTHONUNBUFFERED": "1",
    }


def airflow_env(settings: Settings, engine_url: str) -> dict[str, str]:
    """The environment of an Airflow process of this installation."""
    home = settings.home / "airflow"
    url = f"http://{settings.host}:{settings.airflow_port}"
    ours = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONFIG": str(root() / "airflow.cfg"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(root() / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(root() / "plugins"),
        "AIRFLOW__CORE__PARALLELISM": str(parallelism(settings)),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__FERNET_KEY": read_secret(settings, "airflow_fernet_key"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(
            settings.secrets / "airflow_passwords.json"
        ),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__HOST": settings.host,
        "AIRFLOW__API__PORT": str(settings.airflow_port),
        "AIRFLOW__API__SECRET_KEY": read_secret(settings, "airflow_api_secret_key"),
        "AIRFLOW__API_AUTH__JWT_SECRET": read_secret(settings, "airflow_jwt_secret"),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(settings.logs / "airflow"),
        "PYTHONPATH": os.pathsep.join([str(root() / "plugins"), str(root())]),
    }
    return _database(home) | child_env(settings, engine_url) | ours


def _database(home: Path) -> dict[str, str]:
    """A SQLite file, unless the environment names a database of your own."""
    if "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" in os.environ:
        return {}
    arguments = "calisota_airflow.database.CONNECT_ARGS"
    return {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS": arguments,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS_ASYNC": arguments,
    }
