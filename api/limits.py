"""A bound on request bodies, kept while they arrive."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import HTTPException
from starlette.datastructures import Headers

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Refuses a body of more than `max_bytes`: by its Content-Length, else as soon as it passes.

    The refusal is raised where the body is read, so that it becomes a problem document.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve `scope` with a counting `receive`."""
        if scope["type"] == "http":
            declared = Headers(scope=scope).get("content-length", "0")
            receive = self._counting(receive, int(declared) if declared.isdigit() else 0)
        await self._app(scope, receive, send)

    def _counting(self, receive: Receive, declared: int) -> Receive:
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            self._check(declared)
            message = await receive()
            seen += len(message.get("body", b""))
            self._check(seen)
            return message

        return counted

    def _check(self, size: int) -> None:
        if size > self._max_bytes:
            raise HTTPException(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The body holds more than {self._max_bytes} bytes",
            )
