"""Run a command with what it needs set up, and stop the Docker Engine if it was started for it.

python include/with_engine.py COMMAND [ARGUMENT ...]
"""

from __future__ import annotations

import subprocess
import sys

from rich.console import Console

from calisota.errors import CalisotaError
from calisota.settings import settings
from calisota.system.docker_engine import is_ours, stop_engine
from calisota.system.progress import Progress
from calisota.system.setup import run_setup
from calisota.system.state import is_running


def main() -> None:
    """The command; its exit code is ours."""
    try:
        config = settings()
    except CalisotaError as error:
        sys.exit(f"error: {error.message}\nremedy: {error.remedy}")
    was_running = is_ours(config)
    code = 3
    try:
        run_setup(config, Progress(Console(stderr=True)))
        code = subprocess.run(sys.argv[1:], check=False).returncode  # noqa: S603
    except CalisotaError as error:
        sys.stderr.write(f"error: {error.message}\nremedy: {error.remedy}\n")
    finally:
        if not was_running and not is_running(config):
            stop_engine(config)
    sys.exit(code)


if __name__ == "__main__":
    main()
