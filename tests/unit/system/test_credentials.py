import hashlib
import json
from pathlib import Path

from calisota.settings import Settings
from calisota.system.airflow_env import MARK, airflow_env
from calisota.system.credentials import ensure_credentials, read_secret


def test_secrets_are_made_once_and_only_their_owner_can_read_them(tmp_path: Path):
    settings = Settings(home=tmp_path)
    ensure_credentials(settings)
    first = {path.name: path.read_text() for path in settings.secrets.iterdir()}
    ensure_credentials(settings)
    assert {path.name: path.read_text() for path in settings.secrets.iterdir()} == first
    assert settings.secrets.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in settings.secrets.iterdir()} == {0o600}
    assert len(set(first.values())) == len(first)


def test_only_the_hash_of_the_api_key_is_in_the_list_of_keys(tmp_path: Path):
    settings = Settings(home=tmp_path)
    ensure_credentials(settings)
    key = read_secret(settings, "api_key")
    listed = (settings.secrets / "api_keys.json").read_text()
    assert key not in listed
    assert json.loads(listed) == [
        {"id": "local", "sha256": hashlib.sha256(key.encode()).hexdigest()}
    ]


def test_two_installations_share_no_secret(tmp_path: Path):
    values = []
    for name in ("a", "b"):
        settings = Settings(home=tmp_path / name)
        ensure_credentials(settings)
        values.append({path.read_text() for path in settings.secrets.iterdir()})
    assert not values[0] & values[1]


def test_airflow_gets_its_ports_secrets_and_mark_from_the_environment(tmp_path: Path):
    settings = Settings(home=tmp_path, airflow_port=12345, airflow_parallelism=7)
    ensure_credentials(settings)
    env = airflow_env(settings, "unix:///x.sock")
    assert env["AIRFLOW__API__PORT"] == "12345"
    assert env["AIRFLOW__CORE__PARALLELISM"] == "7"
    assert env["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert env[MARK] == str(tmp_path)
    assert env["CALISOTA_DOCKER_HOST"] == "unix:///x.sock"
    assert env["AIRFLOW__API_AUTH__JWT_SECRET"] == read_secret(settings, "airflow_jwt_secret")


def test_a_database_of_your_own_wins(tmp_path: Path, monkeypatch):
    settings = Settings(home=tmp_path)
    ensure_credentials(settings)
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://db/airflow")
    env = airflow_env(settings, "unix:///x.sock")
    assert env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == "postgresql://db/airflow"
    assert "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS" not in env
