"""Airflow's own command line, on the Airflow of this installation."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

from calisota.errors import PermanentError
from calisota.system.airflow_env import MARK, airflow_env
from calisota.system.docker_engine import engine_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from calisota.settings import Settings


def become_airflow(settings: Settings, arguments: Sequence[str]) -> NoReturn:
    """Replace this process by `airflow ARGUMENTS` with our configuration, database and secrets.

    Raises: PermanentError: CALISOTA was never started here; run `calisota up`.
    """
    try:
        env = airflow_env(settings, engine_url(settings))
    except FileNotFoundError:
        raise PermanentError(
            "There is no Airflow here: CALISOTA was never started.", remedy="run `calisota up`."
        ) from None
    del env[MARK]  # `calisota down` ends what `up` started, not what a person runs
    os.execve(sys.executable, [sys.executable, "-m", "airflow", *arguments], env)  # noqa: S606  # our own argv
