"""Airflow ignores an option that it does not know: one that it dropped would do nothing, unseen."""

import configparser
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from calisota.settings import Settings
from calisota.system.airflow_env import airflow_env
from calisota.system.credentials import ensure_credentials

ROOT = Path(__file__).resolve().parents[3]
OPTIONS = """
import json
from airflow.configuration import conf
known = conf.configuration_description
print(json.dumps({section: sorted(known[section]["options"]) for section in known}))
"""


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    env = os.environ | {"AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow"))}
    done = subprocess.run(
        [sys.executable, "-c", OPTIONS], env=env, capture_output=True, text=True, check=True
    )
    options: dict[str, list[str]] = json.loads(done.stdout)
    return options


def test_airflow_knows_every_option_of_our_file(known: dict[str, list[str]]):
    ours = configparser.ConfigParser(interpolation=None)
    assert ours.read(ROOT / "airflow.cfg")
    unknown = [(s, key) for s in ours.sections() for key in ours[s] if key not in known.get(s, [])]
    assert ours.sections()
    assert unknown == []


def test_airflow_knows_every_option_of_our_environment(known: dict[str, list[str]], tmp_path: Path):
    settings = Settings(home=tmp_path)
    ensure_credentials(settings)
    names = [n for n in airflow_env(settings, "unix:///none") if n.startswith("AIRFLOW__")]
    parts = [name.lower().split("__")[1:] for name in names]
    assert parts
    assert [(s, key) for s, key in parts if key not in known.get(s, [])] == []
