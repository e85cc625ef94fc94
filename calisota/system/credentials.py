"""The secrets of one installation: generated once, kept in a folder only its owner can read."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from calisota.settings import Settings

ADMIN = "admin"


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


GENERATED: dict[str, Callable[[], str]] = {
    "airflow_admin_password": lambda: secrets.token_urlsafe(18),
    "airflow_jwt_secret": lambda: secrets.token_hex(32),
    "airflow_api_secret_key": lambda: secrets.token_hex(32),
    "airflow_fernet_key": _fernet_key,
    "api_key": lambda: f"cal_{secrets.token_urlsafe(32)}",
    "llm_api_key": lambda: secrets.token_hex(24),
}


def ensure_credentials(settings: Settings) -> None:
    """Make what is missing; nothing that is there changes."""
    folder = settings.secrets
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name, make in GENERATED.items():
        if not (folder / name).exists():
            _write(folder / name, make())
    _list_own_key(settings)
    # In the form SimpleAuthManager reads; it prints a password only where it has to make one.
    passwords = {ADMIN: read_secret(settings, "airflow_admin_password")}
    _write(folder / "airflow_passwords.json", json.dumps(passwords))


def _list_own_key(settings: Settings) -> None:
    """Have our own key in the list of keys, with the hash it has now; other entries stay."""
    path = settings.secrets / "api_keys.json"
    listed = json.loads(path.read_text()) if path.exists() else []
    digest = hashlib.sha256(read_secret(settings, "api_key").encode()).hexdigest()
    wanted = [{"id": "local", "sha256": digest}, *(k for k in listed if k.get("id") != "local")]
    if wanted != listed:
        _write(path, json.dumps(wanted))


def read_secret(settings: Settings, name: str) -> str:
    """The secret `name`; `ensure_credentials` has made it."""
    return (settings.secrets / name).read_text().strip()


def _write(path: Path, text: str) -> None:
    """Write so that no moment exists at which another user could read, or half of it be read."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    partial.replace(path)
