"""`make demo`: start, solve one example, print the result, stop what was started."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from calisota.settings import settings
from calisota.system.state import is_running

CALISOTA = str(Path(sys.executable).with_name("calisota"))


def main() -> None:
    """The demo; its exit code is the Solve's."""
    began = time.monotonic()
    was_running = is_running(settings())
    try:
        started = subprocess.run([CALISOTA, "up", "--detach"], check=False).returncode  # noqa: S603
        solved = (
            started
            or subprocess.run(  # noqa: S603
                [CALISOTA, "solve", sys.argv[1], "--watch"], check=False
            ).returncode
        )
    finally:
        if not was_running:
            subprocess.run([CALISOTA, "down"], check=False)  # noqa: S603
    stays = "It still runs." if was_running else "Stopped again; `make up` starts it for use."
    sys.stderr.write(f"{time.monotonic() - began:.0f} s in all. {stays}\n")
    sys.exit(solved)


if __name__ == "__main__":
    main()
