"""The way to the Docker Engine, and its failures in our words."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.utils import kwargs_from_env
from requests.exceptions import RequestException

from calisota.errors import EngineUnavailable, ImageMissing, PermanentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calisota.settings import Settings

TIMEOUT_S = 60
UNIX = "unix://"
DEFAULT = f"{UNIX}/var/run/docker.sock"


@contextmanager
def engine_errors() -> Iterator[None]:
    """Raises what the Docker SDK raises in our words; `NotFound` passes, for those who expect it.

    Raises: EngineUnavailable: no answer, or a server error; start Docker. ImageMissing.
        PermanentError: the Engine refused the request.
    """
    try:
        yield
    except ImageNotFound as error:
        raise ImageMissing(_said(error), remedy="run `calisota setup`.") from error
    except NotFound:
        raise
    except APIError as error:
        if error.is_server_error():
            raise _unavailable(error) from error
        raise PermanentError(
            f"The Docker Engine refused a request: {_said(error)}.",
            remedy="run `calisota doctor`; it says which limits this Engine can enforce.",
        ) from error
    except (DockerException, RequestException, OSError) as error:
        raise _unavailable(error) from error


def _said(error: Exception) -> str:
    return str(getattr(error, "explanation", None) or error)[:300]


def _unavailable(error: Exception) -> EngineUnavailable:
    return EngineUnavailable(
        f"The Docker Engine does not answer: {_said(error)}.",
        remedy="run `calisota up`, or start Docker; CALISOTA_DOCKER_HOST names another Engine.",
    )


def connect(settings: Settings) -> docker.APIClient:
    """A client of the Engine that is configured, or else found: DOCKER_HOST, ours, the default one.

    Raises: EngineUnavailable: it does not answer; run `calisota up` or start Docker.
    """
    options = kwargs_from_env()
    ours = settings.home / "engine" / "docker.sock"
    if settings.docker_host is not None:
        options["base_url"] = settings.docker_host
    elif "base_url" not in options and ours.exists():
        options["base_url"] = f"{UNIX}{ours}"
    with engine_errors():
        _knock(options.setdefault("base_url", DEFAULT))
        return docker.APIClient(version="auto", timeout=TIMEOUT_S, **options)


def _knock(url: str) -> None:
    """Connects to a Unix socket and hangs up: the SDK leaks its own socket where nobody answers."""
    if url.startswith(UNIX):
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(TIMEOUT_S)
            one.connect(url.removeprefix(UNIX))
