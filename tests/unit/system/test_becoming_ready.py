"""The start of a system whose Airflow is slow or fails at first: scripted, over real HTTP."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from calisota.errors import PermanentError
from calisota.settings import Settings
from calisota.system import supervisor
from calisota.system.credentials import ensure_credentials
from calisota.system.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PARTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")
POOLS = ["gpu", "llm_slow", "llm_fast", "sandbox", "evaluate"]


class Airflow(ThreadingHTTPServer):
    """Healthy, and our API too; pools are made only after `refusals` tries."""

    def __init__(self, refusals: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.refusals = refusals
        self.pools: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Airflow

    def do_GET(self) -> None:
        self.say(200, {part: {"status": "healthy"} for part in PARTS})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.startswith("/auth"):
            self.say(201, {"access_token": "token"})
        elif self.server.refusals:
            self.server.refusals -= 1
            self.say(500, {})
        else:
            self.server.pools.append(body["name"])
            self.say(201, {})

    def say(self, status: int, body: dict[str, object]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def airflow(request: pytest.FixtureRequest) -> Iterator[Airflow]:
    server = Airflow(request.param)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def become_ready(airflow: Airflow, home: Path) -> None:
    port = airflow.server_address[1]
    settings = Settings(home=home, airflow_port=port, api_port=port)
    ensure_credentials(settings)
    progress = Progress(Console(quiet=True))
    supervisor.become_ready(settings, supervisor.Supervisor(settings, []), progress)


@pytest.mark.parametrize("airflow", [3], indirect=True)
def test_pools_that_could_not_be_made_at_once_are_tried_again(airflow: Airflow, tmp_path: Path):
    become_ready(airflow, tmp_path)
    assert airflow.refusals == 0
    assert airflow.pools == POOLS


@pytest.mark.parametrize("airflow", [10**6], indirect=True)
def test_what_was_missing_at_the_end_is_named(
    airflow: Airflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(supervisor, "READY_S", 1)
    with pytest.raises(PermanentError, match="pools could not be made"):
        become_ready(airflow, tmp_path)
