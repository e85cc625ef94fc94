"""Whether this installation's Engine passed the self-test; one that failed it runs no program."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, ValidationError

from calisota.errors import PermanentError
from calisota.models import Frozen, Language
from calisota.paths import include
from calisota.sandbox.connection import engine_errors
from calisota.sandbox.images import image_tag

if TYPE_CHECKING:
    from pathlib import Path

    import docker

    from calisota.settings import Settings


class Trial(Frozen):
    """What the last self-test came to."""

    subject: str
    """What was tested; see `subject`."""
    failed: tuple[str, ...]
    """The limits that did not hold."""
    at: AwareDatetime


def require_trusted(settings: Settings) -> None:
    """Nothing, unless the last self-test failed.

    Raises: PermanentError: a limit did not hold; its remedy says what to do.
    Not covered: an Engine that never was tested, or changed since. `calisota setup`, and with it
        every start, tests such a one before anything runs on it.
    """
    trial = last_trial(settings)
    if trial is not None and trial.failed:
        raise PermanentError(
            "This Docker Engine does not enforce the sandbox's limits, so no program is run on it:"
            f" {', '.join(trial.failed)}.",
            remedy="`calisota doctor --sandbox` shows what got through and tests again; see "
            "docs/operations.md for what the kernel needs, or set CALISOTA_DOCKER_HOST.",
        )


def last_trial(settings: Settings) -> Trial | None:
    """What is on record; None: nothing, or nothing readable."""
    try:
        return Trial.model_validate_json(_path(settings).read_bytes())
    except (OSError, ValidationError):
        return None


def record_trial(settings: Settings, subject: str, failed: list[str]) -> None:
    """Keep what a self-test came to."""
    trial = Trial(subject=subject, failed=tuple(failed), at=datetime.now(UTC))
    path = _path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(trial.model_dump_json(indent=2) + "\n")
    fresh.replace(path)


def subject(client: docker.APIClient, settings: Settings) -> str:
    """What a self-test holds for: this Engine, its version, kernel, runtime, and our images.

    Raises: EngineUnavailable.
    """
    with engine_errors():
        info = client.info()
    names = ("ID", "ServerVersion", "KernelVersion", "CgroupVersion", "SecurityOptions")
    parts = [str(info.get(name)) for name in names]
    parts.append(settings.sandbox_runtime or str(info.get("DefaultRuntime")))
    parts.append(image_tag(Language.PYTHON, settings))  # holds the runner of all of them
    parts += [include("sandbox", name).read_text() for name in ("seccomp.json", "hostile.py")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _path(settings: Settings) -> Path:
    return settings.home / "run" / "self-test.json"
