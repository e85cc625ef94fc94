"""A whole running system in a data home of its own, for benches and end-to-end tests.

The Docker Engine, the sandbox images and the retrieval index of the installation are shared; the
database, logs, artifacts, credentials and ports are the rig's own.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from calisota.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
CALISOTA = str(Path(sys.executable).with_name("calisota"))


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


class System:
    """A running system: its settings, its command line, and a client of its API."""

    def __init__(self, home: Path, env: dict[str, str]) -> None:
        self.home = home
        self.env = env
        self.settings = Settings.model_validate(
            {name.removeprefix("CALISOTA_").lower(): value for name, value in env.items()
             if name.startswith("CALISOTA_")}
        )  # fmt: skip

    def calisota(self, *arguments: str, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
        """The finished command; its output is captured."""
        return subprocess.run(
            [CALISOTA, *arguments],
            env=self.env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def api(self) -> httpx.Client:
        """A client of our API that carries the installation's key."""
        key = (self.settings.secrets / "api_key").read_text().strip()
        return httpx.Client(
            base_url=self.settings.api, headers={"Authorization": f"Bearer {key}"}, timeout=60
        )

    @contextmanager
    def airflow(self) -> Iterator[httpx.Client]:
        """A client of Airflow's REST API, logged in."""
        password = (self.settings.secrets / "airflow_admin_password").read_text().strip()
        login = {"username": "admin", "password": password}
        with httpx.Client(base_url=self.settings.airflow, timeout=60) as client:
            answer = client.post("/auth/token", json=login).raise_for_status()
            client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            yield client

    def tasks(self, solve_id: str) -> list[dict[str, Any]]:
        """The task instances of a Solve."""
        with self.airflow() as airflow:
            answer = airflow.get(f"/api/v2/dags/solve/dagRuns/{solve_id}/taskInstances")
        tasks: list[dict[str, Any]] = answer.raise_for_status().json()["task_instances"]
        return tasks


def main_home() -> Path:
    """The data home of the installation whose engine, images and index are shared."""
    return Settings().home


@contextmanager
def running_system(**settings: str) -> Iterator[System]:
    """A system that is up; down again, with its data home deleted, when the block ends."""
    # A unix socket's path is limited to about 100 characters: a short folder.
    home = Path(tempfile.mkdtemp(prefix="cali-", dir="/tmp"))
    api, airflow, llm = free_ports(3)
    engine = Settings().docker_host or os.environ.get("DOCKER_HOST")
    own = main_home() / "engine" / "docker.sock"
    if engine is None and own.exists():
        engine = f"unix://{own}"
    env = os.environ | {
        "CALISOTA_HOME": str(home),
        "CALISOTA_API_PORT": str(api),
        "CALISOTA_AIRFLOW_PORT": str(airflow),
        "CALISOTA_LLM_PORT": str(llm),
        **({"CALISOTA_DOCKER_HOST": engine} if engine else {}),
        **settings,
    }
    for folder in ("indexes", "cache/embeddings", "cache/models"):
        if (main_home() / folder).is_dir():
            shutil.copytree(main_home() / folder, home / folder)
    system = System(home, env)
    try:
        up = system.calisota("up", "--detach")
        if up.returncode != 0:
            raise RuntimeError(f"`calisota up` failed:\n{up.stdout}\n{up.stderr}\n{_logs(home)}")
        yield system
    finally:
        down = system.calisota("down")
        if down.returncode != 0:
            print(f"`calisota down` failed:\n{down.stdout}\n{down.stderr}", file=sys.stderr)
        shutil.rmtree(home, ignore_errors=True)


def _logs(home: Path) -> str:
    """The ends of the logs, for the message of a failed start."""
    parts = []
    for path in sorted((home / "logs").glob("*.log")):
        parts += [f"== {path.name}", path.read_text(errors="replace")[-1500:]]
    return "\n".join(parts)


def write_result(name: str, result: dict[str, Any]) -> None:
    """Keep a bench's figures as JSON under bench/out/."""
    out = ROOT / "bench" / "out"
    out.mkdir(exist_ok=True)
    (out / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
