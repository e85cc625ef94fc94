"""`calisota solve` against an API that fails on the way: a scripted one, over real HTTP."""

from __future__ import annotations

import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from calisota import solve_cli
from calisota.errors import AirflowUnavailable, InputError, TransientError
from calisota.models import Problem
from calisota.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROBLEM = Problem(statement="Add two numbers.", language="python")
BUSY = {"detail": "Airflow did not answer.", "remedy": "try again.", "retryable": True}
REFUSED = {"detail": "No such language.", "remedy": "name one.", "retryable": False}
STARTED = {"solve_id": "solve_1", "links": {"airflow": "http://127.0.0.1/run"}}
REPORT = {"solve_id": "solve_1", "verdict": "verified"}


class Api:
    """Answers each POST by the next of `answers`; a Solve that was started has ended."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.keys: list[str | None] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                api.keys.append(self.headers["Idempotency-Key"])
                self.rfile.read(int(self.headers["Content-Length"]))
                self.say(*api.answers.pop(0))

            def do_GET(self) -> None:
                if self.path.endswith("/events"):
                    event = b"event: solve.finished\nid: 1\ndata: {}\n\n"
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(event)
                else:
                    self.say(200, REPORT)

            def say(self, status: int, body: dict[str, Any]) -> None:
                if status == 0:  # the connection ends without an answer
                    return
                self.send_response(status)
                self.send_header("Content-Type", "application/problem+json")
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                """Be quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture
def api() -> Iterator[Api]:
    scripted = Api()
    thread = threading.Thread(target=scripted.server.serve_forever)
    thread.start()
    yield scripted
    scripted.server.shutdown()
    scripted.server.server_close()
    thread.join()


@pytest.fixture
def settings(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(solve_cli, "RECONNECT_S", 0.01)
    settings = Settings(home=tmp_path, api_port=api.server.server_address[1])
    settings.secrets.mkdir(parents=True)
    (settings.secrets / "api_key").write_text("key")
    return settings


def solve(settings: Settings) -> dict[str, Any]:
    text = solve_cli.solve_remote(PROBLEM, settings, Console(quiet=True), watch=False)
    answer: dict[str, Any] = json.loads(text)
    return answer


def test_a_busy_api_is_asked_again_for_the_same_solve(api: Api, settings: Settings):
    api.answers = [(503, BUSY), (0, {}), (201, STARTED)]
    assert solve(settings) == REPORT
    assert len(api.keys) == 3
    assert len(set(api.keys)) == 1
    assert api.keys[0]


def test_two_solves_of_one_problem_are_two(api: Api, settings: Settings):
    api.answers = [(201, STARTED)] * 2
    solve(settings)
    solve(settings)
    assert len(set(api.keys)) == 2


def test_an_api_that_stays_busy_is_given_up(api: Api, settings: Settings):
    api.answers = [(503, BUSY)] * 9
    with pytest.raises(TransientError, match="did not answer") as caught:
        solve(settings)
    assert len(api.keys) == solve_cli.RECONNECTS
    assert caught.value.remedy == "try again."


def test_a_refusal_is_not_sent_again(api: Api, settings: Settings):
    api.answers = [(422, REFUSED)] * 2
    with pytest.raises(InputError, match="No such language"):
        solve(settings)
    assert len(api.keys) == 1


def test_where_nothing_listens_the_error_comes_at_once(api: Api, settings: Settings):
    settings = settings.model_copy(update={"api_port": 1})
    with pytest.raises(AirflowUnavailable, match="ConnectError"):
        solve(settings)
    assert api.keys == []


def test_who_stops_waiting_is_told_that_the_solve_goes_on(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(*_: object) -> Iterator[tuple[str, dict[str, Any]]]:
        raise KeyboardInterrupt

    monkeypatch.setattr(solve_cli, "_events", interrupted)
    api.answers = [(201, STARTED)]
    out = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        solve_cli.solve_remote(PROBLEM, settings, Console(file=out, width=40), watch=False)
    assert f"GET {settings.api}/v1/solves/solve_1 tells its end" in out.getvalue()
    assert "/v1/solves/solve_1:cancel ends it" in out.getvalue()


@pytest.mark.parametrize(
    "text", ["a: " + "9" * 5000, "[" * 5000, "a: [", "\x00"], ids=["long", "deep", "open", "NUL"]
)
def test_a_file_that_is_no_problem_is_refused_with_a_remedy(tmp_path: Path, text: str):
    file = tmp_path / "problem.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match="YAML"):
        solve_cli.read_problem(str(file))
