"""From a bare machine to the locked environment: uv, Debian packages, the virtual environment.

    python3 include/bootstrap.py [--dev]

Standard library only: it runs before anything is installed. Everything but Debian packages goes
to CALISOTA_HOME (default ~/.calisota). A second run finds all done and takes a second.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("CALISOTA_HOME") or Path.home() / ".calisota").expanduser().absolute()
UV_VERSION = "0.13.9"
MIN_PYTHON = (3, 11)


def fail(message: str, remedy: str) -> None:
    """End with the exit code for infrastructure."""
    sys.stderr.write(f"error: {message}\nremedy: {remedy}\n")
    sys.exit(3)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say what is done, that it goes on, and how long it took."""
    began = time.monotonic()
    done = threading.Event()

    def beat() -> None:
        while not done.wait(10):
            sys.stderr.write(f"  {name} ... {time.monotonic() - began:.0f} s\n")

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield
    finally:
        done.set()
    sys.stderr.write(f"✓ {name} {time.monotonic() - began:.1f} s\n")


def run(argv: list[str], what: str, remedy: str, env: dict[str, str] | None = None) -> None:
    """Run quietly; show the last words of a command that fails."""
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        fail(f"{what} failed:\n{last}", remedy)


def apt_install(packages: list[str]) -> None:
    """Install Debian packages as root; elsewhere name the command."""
    command = f"apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        fail(
            f"This machine lacks {', '.join(packages)} and has no apt-get.",
            "install them by your system's package manager, then run this again.",
        )
    if os.geteuid() != 0:
        fail(f"This machine lacks {', '.join(packages)}.", f"sudo sh -c '{command}'")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with step(f"Debian packages {' '.join(packages)}"):
        run(["apt-get", "update", "-q"], "apt-get update", "mend apt's sources.", env)
        install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
        run(install, "apt-get install", f"run it yourself: {command}", env)


def missing_packages() -> list[str]:
    """The Debian packages that a machine with an Engine, or one without, still needs."""
    missing = []
    if shutil.which("mmdebstrap") is None:
        missing.append("mmdebstrap")
    if not Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists():
        missing.append("debian-archive-keyring")
    if shutil.which("dockerd") is None and not engine_answers():
        missing.append("docker.io")
    return missing


def engine_answers() -> bool:
    """Whether somebody listens where a Docker Engine would."""
    chosen = os.environ.get("CALISOTA_DOCKER_HOST") or os.environ.get("DOCKER_HOST")
    if chosen and not chosen.startswith("unix://"):
        return True
    path = chosen.removeprefix("unix://") if chosen else "/var/run/docker.sock"
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def find_uv() -> str:
    """The uv to use: the one on PATH, or our own."""
    found = shutil.which("uv")
    own = HOME / "bin" / "uv"
    if found or own.exists():
        return found or str(own)
    with step(f"uv {UV_VERSION}"):
        folder = HOME / "uv"
        create = [sys.executable, "-m", "venv", str(folder)]
        if subprocess.run(create, capture_output=True, check=False).returncode != 0:  # noqa: S603
            apt_install(["python3-venv"])
            run(create, "python3 -m venv", "install your Python's venv module.")
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", f"uv=={UV_VERSION}"]
        run(pip, "pip install uv", "see that PyPI can be reached, or install uv yourself.")
        own.parent.mkdir(parents=True, exist_ok=True)
        own.unlink(missing_ok=True)
        own.symlink_to(folder / "bin" / "uv")
    return str(own)


def sync(uv: str, *, dev: bool) -> None:
    """Install the locked environment; nothing is downloaded twice."""
    env = os.environ | {
        "UV_PROJECT_ENVIRONMENT": str(HOME / "venv"),
        "UV_CACHE_DIR": str(HOME / "cache" / "uv"),
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
        # The system's own certificates, as pip and apt use them (the older uv's name is second).
        "UV_SYSTEM_CERTS": "1",
        "UV_NATIVE_TLS": "1",
    }
    env.pop("VIRTUAL_ENV", None)
    # Exact only with the tools: a plain start does not remove what `make test` installed.
    tools = ["--group", "dev", "--extra", "postgres"]
    groups = tools if dev else ["--no-default-groups", "--inexact"]
    argv = [uv, "sync", "--locked", "--project", str(ROOT), "--extra", "cpu"]
    with step("Python environment"):
        run(
            # A dozen processes start at once: none should compile what the others do, and some
            # environments forbid Python to keep what it compiled.
            [*argv, "--extra", "local-llm", "--extra", "evaluate", "--compile-bytecode", *groups],
            "uv sync",
            "see that PyPI can be reached and that the disk has 15 GB free.",
            env,
        )


def main() -> None:
    """Install what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="also what the tests and checks need")
    parser.add_argument("--no-engine", action="store_true", help="no Debian packages")
    arguments = parser.parse_args()
    if sys.version_info < MIN_PYTHON:
        fail(f"Python {sys.version.split()[0]} is too old.", "use Python 3.11 or later.")
    HOME.mkdir(parents=True, exist_ok=True)
    if not arguments.no_engine and (missing := missing_packages()):
        apt_install(missing)
    sync(find_uv(), dev=arguments.dev)


if __name__ == "__main__":
    main()
