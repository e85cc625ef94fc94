"""What Prometheus scrapes: requests by route and status, and how long they took."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Metrics:
    """The measurements of one application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "calisota_api_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "calisota_api_request_seconds",
            "Time to the first byte of the answer.",
            ["method", "route"],
            registry=self._registry,
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Take one request into account."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self) -> bytes:
        """All of it in the Prometheus text format."""
        return generate_latest(self._registry)


class Measured:
    """Counts every request by its route's template, so that ids make no new series."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve `scope` and measure it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        first_byte: tuple[int, float] | None = None

        async def watched(message: Message) -> None:
            nonlocal first_byte
            if message["type"] == "http.response.start":
                first_byte = message["status"], time.monotonic()
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            # Without a first byte an error is on its way out, which becomes a 500.
            status, at = first_byte or (500, time.monotonic())
            route = getattr(scope.get("route"), "path", "unmatched")
            self._metrics.count(_known(scope["method"]), route, status, at - began)


def _known(method: str) -> str:
    return method if method in {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"} else "?"
