"""`calisota airflow`: Airflow's own commands, with our configuration."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from calisota.settings import Settings
from calisota.system.credentials import ensure_credentials

if TYPE_CHECKING:
    from pathlib import Path


def calisota(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"CALISOTA_HOME": str(home), "COLUMNS": "200"}
    env.pop("AIRFLOW_HOME", None)
    command = [sys.executable, "-m", "calisota.cli", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_it_sees_the_database_and_the_dags_of_the_installation(tmp_path: Path):
    ensure_credentials(Settings(home=tmp_path))
    done = calisota(tmp_path, "airflow", "config", "get-value", "database", "sql_alchemy_conn")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"sqlite:///{tmp_path}/airflow/airflow.db"


def test_help_is_that_of_airflow(tmp_path: Path):
    ensure_credentials(Settings(home=tmp_path))
    done = calisota(tmp_path, "airflow", "backfill", "create", "--help")
    assert done.returncode == 0, done.stderr
    assert "--reprocess-behavior" in done.stdout


def test_before_the_first_start_it_says_what_to_run(tmp_path: Path):
    done = calisota(tmp_path, "airflow", "dags", "list")
    assert done.returncode == 3
    assert "calisota up" in done.stderr
