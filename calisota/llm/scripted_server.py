"""A scripted OpenAI-compatible HTTP endpoint: the stand-in for a remote model in tests and benches.

It ships beside the real client so that everything around a model (the DAG, retries, budgets, the
cost of a hop) can be exercised over real HTTP with answers that are known, at once or after a
set delay, and with every way in which an endpoint misbehaves. Started in a thread of the caller;
it serves loopback only.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

FOREVER_S = 3600.0
POLL_S = 0.02


@dataclass(frozen=True)
class Raw:
    """An answer byte by byte: whatever a real server, or what is between it and us, may send."""

    chunks: Iterable[bytes] = ()
    """Sent one by one until they end or the client has gone; without end is allowed."""
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    content_length: int | None = None
    """What is claimed; None: the body ends with the connection. More than comes: a cut."""
    first_pause_s: float = 0.0
    """Before the status line; `FOREVER_S` hangs."""
    pause_s: float = 0.0
    """Before each chunk; a drip."""


Answer = str | tuple[int, dict[str, str], dict[str, Any]] | Raw
"""The text of an answer; or status, headers and JSON body; or every byte."""


class ScriptedServer:
    """Serves `/v1/chat/completions` and `/v1/models` from a function of the request's JSON.

    `seen` keeps every request's JSON in order of arrival. A pause ends when the server does.
    """

    def __init__(
        self, script: Callable[[dict[str, Any]], Answer], *, port: int = 0, delay_s: float = 0.0
    ) -> None:
        self.seen: list[dict[str, Any]] = []
        self.script = script
        self._delay_s = delay_s
        self._ending = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        # It looks this often whether it is to end; half a second, by default, is most of a test.
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_S,), daemon=True
        )

    @property
    def base_url(self) -> str:
        """What CALISOTA_LLM_BASE_URL is to be set to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: dict[str, Any]) -> Raw:
        """The answer to one chat request."""
        self.seen.append(request)
        self.pause(self._delay_s)
        scripted = self.script(request)
        if isinstance(scripted, Raw):
            return scripted
        if isinstance(scripted, str):
            return _json(HTTPStatus.OK, {}, completion(scripted, request))
        return _json(*scripted)

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than this server lives."""
        self._ending.wait(seconds)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                models = {"object": "list", "data": [{"id": "scripted", "object": "model"}]}
                self._send(_json(HTTPStatus.OK, {}, models))

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                self._send(outer.answer(json.loads(self.rfile.read(length))))

            def _send(self, answer: Raw) -> None:
                try:
                    outer.pause(answer.first_pause_s)
                    self.send_response(answer.status)
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    if answer.content_length is not None:
                        self.send_header("Content-Length", str(answer.content_length))
                    self.end_headers()
                    for chunk in answer.chunks:
                        outer.pause(answer.pause_s)
                        self.wfile.write(chunk)
                except ConnectionError:
                    self.close_connection = True  # the client has gone, as it may

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Silence: the caller looks at `seen`."""

        return Handler


def completion(text: str, request: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The body of an answer: a word counts as a token. `changes` replace parts of its choice."""
    asked = sum(len(str(message["content"]).split()) for message in request["messages"])
    answered = len(text.split())
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return {
        "id": "scripted",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request["model"],
        "choices": [choice | changes],
        "usage": {
            "prompt_tokens": asked,
            "completion_tokens": answered,
            "total_tokens": asked + answered,
        },
    }


def _json(status: int, headers: Mapping[str, str], body: Mapping[str, Any]) -> Raw:
    data = json.dumps(body).encode()
    typed = {**headers, "Content-Type": "application/json"}
    return Raw([data], status=status, headers=typed, content_length=len(data))
