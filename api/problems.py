"""Errors as RFC 9457 problem documents: what happened, and what the client can do about it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError
from starlette.exceptions import HTTPException

from calisota.errors import CalisotaError, InputError, PermanentError, TransientError
from calisota.models import Fault, readable_faults

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
CLIENT_CLOSED_REQUEST = 499  # nginx's word for it, for the measurements: nobody reads it

_CORRECT = "correct what `errors` names and send it again."


class Refusal(InputError):
    """A request that cannot be served; `status` is the HTTP status that says so."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    headers: Mapping[str, str] = {}


class UnknownSolve(Refusal):
    """No Solve of this id that this key may see."""

    code = "unknown_solve"
    status = HTTPStatus.NOT_FOUND


class UnknownIndex(Refusal):
    """No index of this name."""

    code = "unknown_index"
    status = HTTPStatus.NOT_FOUND


class Unauthorized(Refusal):
    """No API key, or none that we know."""

    code = "unauthorized"
    status = HTTPStatus.UNAUTHORIZED
    headers: Mapping[str, str] = {"WWW-Authenticate": 'Bearer realm="calisota"'}


class AlreadyFinished(Refusal):
    """The Solve has ended; there is nothing to cancel."""

    code = "already_finished"
    status = HTTPStatus.CONFLICT


class NotFinished(Refusal):
    """The Solve has no report yet, or ended without one."""

    code = "not_finished"
    status = HTTPStatus.CONFLICT


class NothingAsked(Refusal):
    """The Solve waits for no answer."""

    code = "nothing_asked"
    status = HTTPStatus.CONFLICT


class IdempotencyKeyReused(Refusal):
    """The Idempotency-Key belongs to another Problem."""

    code = "idempotency_key_reused"


class InvalidRequest(InputError):
    """A request within another one, such as an item of a batch, that does not fit."""

    def __init__(self, error: ValidationError) -> None:
        self.faults = readable_faults(error)
        super().__init__(_summary(self.faults), remedy=_CORRECT)


class ClientGone(Exception):
    """The client hung up while we worked for it; nobody reads the answer."""


_LANGUAGE_FAULT = "it must be 'python', 'rust', 'go', 'c', 'cpp' or 'perl'"


class ProblemDetails(BaseModel):
    """An error, as RFC 9457 has it, with what the client can do about it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:calisota:problem:invalid_input",
                    "title": "Unprocessable Entity",
                    "status": 422,
                    "detail": f"The request has 1 fault: language: {_LANGUAGE_FAULT}",
                    "instance": "/v1/solves",
                    "code": "invalid_input",
                    "retryable": False,
                    "remedy": "correct what `errors` names and send it again.",
                    "errors": [
                        {
                            "where": "language",
                            "message": _LANGUAGE_FAULT,
                        }
                    ],
                }
            ]
        }
    )

    type: str = Field(description="`urn:calisota:problem:` and the code.")
    title: str = Field(description="The HTTP status in words.")
    status: int
    detail: str = Field(description="What happened, in a sentence.")
    instance: str = Field(description="The path that was asked for.")
    code: str = Field(description="A word for programs to decide by; it does not change.")
    retryable: bool = Field(description="Whether the same request may succeed later.")
    remedy: str = Field(description="What to do about it.")
    errors: list[Fault] | None = Field(
        default=None, description="Each fault of an invalid request: where, and what is wrong."
    )


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""
    app.add_exception_handler(CalisotaError, _on_our_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(ClientGone, _on_client_gone)
    app.add_exception_handler(Exception, _on_unexpected)


def details_of(error: CalisotaError, instance: str) -> ProblemDetails:
    """The problem document of `error`; `instance` says what failed of it."""
    status, _ = _status_of(error)
    return _document(
        instance,
        status,
        code=error.code,
        detail=error.message,
        remedy=error.remedy,
        retryable=error.retryable,
        errors=error.faults if isinstance(error, InvalidRequest) else None,
    )


def _document(
    instance: str,
    status: int,
    *,
    code: str,
    detail: str,
    remedy: str,
    retryable: bool = False,
    errors: list[Fault] | None = None,
) -> ProblemDetails:
    return ProblemDetails(
        type=f"urn:calisota:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=instance,
        code=code,
        retryable=retryable,
        remedy=remedy,
        errors=errors,
    )


def _respond(document: ProblemDetails, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(
        document.model_dump(mode="json", exclude_none=True),
        status_code=document.status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )


async def _on_our_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, CalisotaError)  # noqa: S101  # registered for it
    status, headers = _status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("request_failed", code=error.code, detail=error.message)
    return _respond(details_of(error, request.url.path), headers=headers)


def _status_of(error: CalisotaError) -> tuple[int, Mapping[str, str]]:
    if isinstance(error, Refusal):
        return error.status, error.headers
    if isinstance(error, InputError):
        return HTTPStatus.UNPROCESSABLE_ENTITY, {}
    if isinstance(error, TransientError):
        wait = error.retry_after_s if error.retry_after_s is not None else RETRY_AFTER_S
        return HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": str(max(1, round(wait)))}
    if isinstance(error, PermanentError):
        return HTTPStatus.SERVICE_UNAVAILABLE, {}
    return HTTPStatus.INTERNAL_SERVER_ERROR, {}


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for it
    details = error.errors()
    if any(detail["type"] == "json_invalid" for detail in details):
        where = next(detail for detail in details if detail["type"] == "json_invalid")
        return _not_json(request, f"{where['ctx']['error']} (at character {where['loc'][-1]})")
    faults = _faults(details)
    return _respond(
        _document(
            request.url.path,
            HTTPStatus.UNPROCESSABLE_ENTITY,
            code="invalid_input",
            detail=_summary(faults),
            remedy=_CORRECT,
            errors=faults,
        )
    )


def _summary(faults: list[Fault]) -> str:
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return f"The request has {count}: {'; '.join(map(str, faults[:3]))}"


def _faults(details: Any) -> list[Fault]:
    """The faults in the library's words; a place in the body is named without `body`."""
    error = ValidationError.from_exception_data(
        "request",
        [
            {
                "type": PydanticCustomError(detail["type"], detail["msg"]),
                "loc": tuple(detail["loc"][1:] if detail["loc"][0] == "body" else detail["loc"]),
                "input": None,
            }
            for detail in details
        ],
    )
    return [
        fault
        if fault.where
        else Fault(where="body", message="send a JSON object, as Content-Type: application/json")
        if detail["type"] in {"missing", "model_attributes_type"}
        else Fault(where="body", message=fault.message)
        for fault, detail in zip(readable_faults(error), details, strict=True)
    ]


def _not_json(request: Request, why: str) -> Response:
    return _respond(
        _document(
            request.url.path,
            HTTPStatus.BAD_REQUEST,
            code="not_json",
            detail=f"The body is not JSON: {why}.",
            remedy="send one JSON object in UTF-8.",
        )
    )


_HTTP_ERRORS = {
    404: ("not_found", "see /docs for the paths there are."),
    405: ("method_not_allowed", "see /docs for the methods of this path."),
    413: ("body_too_large", "shorten it, or let the operator raise CALISOTA_MAX_BODY_BYTES."),
}


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for it
    if error.status_code == HTTPStatus.NO_CONTENT:
        return Response(status_code=error.status_code)
    if error.status_code == HTTPStatus.BAD_REQUEST:
        # FastAPI says this of bytes that are no UTF-8 and of JSON that is nested too deep.
        return _not_json(request, "it is not UTF-8, or nested too deep")
    code, remedy = _HTTP_ERRORS.get(error.status_code, ("http_error", "see /docs."))
    detail = f"{error.detail.rstrip('.')}."
    return _respond(
        _document(request.url.path, error.status_code, code=code, detail=detail, remedy=remedy),
        headers=error.headers,
    )


async def _on_client_gone(request: Request, _error: Exception) -> Response:
    log.info("client_gone", path=request.url.path)
    return Response(status_code=CLIENT_CLOSED_REQUEST)


async def _on_unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected_error", path=request.url.path, exc_info=error)
    return _respond(
        _document(
            request.url.path,
            HTTPStatus.INTERNAL_SERVER_ERROR,
            code="internal_error",
            detail="A fault of ours; nothing of it can be mended by changing the request.",
            remedy="look into the log of the API at this time and report what it says.",
        )
    )
