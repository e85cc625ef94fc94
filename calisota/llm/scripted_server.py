"""A scripted OpenAI-compatible HTTP endpoint: the stand-in for a remote model in tests and benches.

It ships beside the real client so that everything around a model (the DAG, retries, budgets, the
cost of a hop) can be exercised over real HTTP with answers that are known, at once or after a
set delay. Started in a thread of the caller; it serves loopback only.
"""

from __future__ import annotations

import json
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class ScriptedServer:
    """Serves `/v1/chat/completions` and `/v1/models` from a function of the request's JSON.

    The function returns the answer's text, or (status, headers, JSON body) to answer otherwise.
    `seen` keeps every request's JSON in order of arrival.
    """

    def __init__(
        self,
        script: Callable[[dict[str, Any]], str | tuple[int, dict[str, str], dict[str, Any]]],
        *,
        port: int = 0,
        delay_s: float = 0.0,
    ) -> None:
        self.seen: list[dict[str, Any]] = []
        self.script = script
        self._delay_s = delay_s
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

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
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: dict[str, Any]) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Status, headers and body for one chat request."""
        self.seen.append(request)
        time.sleep(self._delay_s)
        scripted = self.script(request)
        if not isinstance(scripted, str):
            return scripted
        return HTTPStatus.OK, {}, _completion(request, scripted)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                models = {"object": "list", "data": [{"id": "scripted", "object": "model"}]}
                self._send(HTTPStatus.OK, {}, models)

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                self._send(*outer.answer(json.loads(self.rfile.read(length))))

            def _send(self, status: int, headers: dict[str, str], body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Silence: the caller looks at `seen`."""

        return Handler


def _completion(request: dict[str, Any], text: str) -> dict[str, Any]:
    asked = sum(len(str(message["content"]).split()) for message in request["messages"])
    answered = len(text.split())
    return {
        "id": "scripted",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request["model"],
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": text},
            }
        ],
        "usage": {
            "prompt_tokens": asked,
            "completion_tokens": answered,
            "total_tokens": asked + answered,
        },
    }
