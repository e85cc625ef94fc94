"""What the OpenAPI document says beyond the signatures; clients read it at /docs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from api.problems import MEDIA_TYPE, ProblemDetails

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from fastapi.openapi.models import Example

DESCRIPTION = """\
Send a Problem, get a program that was executed, and a verdict that claims only what was proven.

1. `POST /v1/solves` with a Problem starts a Solve and returns its id.
2. `GET /v1/solves/{id}/events` tells each step as it happens; or poll `GET /v1/solves/{id}`.
3. When `verdict` is set, the Solve has ended: `code` is the program, `tests` its results.

`POST /v1/executions` runs a program of yours in the same sandbox, without models.
`POST /v1/search` finds passages in the index that Solves are given passages from.

Every request but the health checks needs a key: `Authorization: Bearer <key>` or `X-API-Key`.
Every error is a problem document (RFC 9457) with `code`, `retryable` and `remedy`.
"""

_MEANINGS = {
    400: "`not_json`: the body does not parse.",
    401: "`unauthorized`: no key, or an unknown one.",
    404: "`unknown_solve`: there is none of this id, or it is another client's.",
    409: "`already_finished`: it ended before.",
    413: "`body_too_large`: more than the server takes.",
    422: "`invalid_input`: `errors` names each fault. `idempotency_key_reused`: the key belongs "
    "to another body.",
    503: "`airflow_unavailable`: try again after `Retry-After`. `misconfigured`: `remedy` says "
    "what the operator must do.",
}

# Where a status means something else than for Solves.
_MEANINGS_EXECUTION = {
    422: "`invalid_input`: `errors`, or `detail`, names each fault.",
    503: "`docker_unavailable`, `sandbox_busy`: try again after `Retry-After`. `image_missing`, "
    "`misconfigured`: `remedy` says what the operator must do.",
}

_MEANINGS_SEARCH = {
    404: "`unknown_index`: there is none of this name.",
    422: "`invalid_input`: `errors` names each fault.",
    503: "`index_unusable`: `remedy` says how to get an index. `retriever_busy`: try again after "
    "`Retry-After`. `misconfigured`: `remedy` says what the operator must do.",
}

PROBLEM_EXAMPLES: dict[str, Example] = {
    "function": {
        "summary": "A function, tested by calls",
        "value": {
            "statement": "Return the n-th Fibonacci number; fib(0) is 0.",
            "language": "python",
            "entry_point": "fib",
            "signature": "def fib(n: int) -> int",
            "tests": [
                {"call": {"args": [10]}, "returns": 55},
                {"code": "assert fib(1) == 1"},
            ],
        },
    },
    "program": {
        "summary": "A whole program, tested by its output",
        "value": {
            "statement": "Read one integer n and print the n-th Fibonacci number.",
            "language": "c",
            "tests": [{"stdin": "7\n", "stdout": "13\n"}],
            "options": {"candidates": 2, "rounds": 2},
        },
    },
}

EXECUTION_EXAMPLES: dict[str, Example] = {
    "program": {
        "summary": "A program, run twice",
        "value": {
            "language": "python",
            "source": "import sys\nprint(int(input()) * int(sys.argv[1]))\n",
            "runs": [{"stdin": "6\n", "argv": ["7"]}, {"name": "zero", "stdin": "0\n"}],
            "limits": {"wall_s": 2, "memory_mb": 64},
        },
    },
    "function": {
        "summary": "A function, and the tests of a Problem",
        "value": {
            "language": "python",
            "source": "def add(a, b):\n    return a + b\n",
            "entry_point": "add",
            "tests": [{"call": {"args": [1, 2]}, "returns": 3}],
        },
    },
    "compiled": {
        "summary": "A C program, compiled and run once without input",
        "value": {
            "language": "c",
            "source": '#include <stdio.h>\nint main(void) { puts("hello"); }\n',
        },
    },
}

BATCH_EXAMPLES: dict[str, Example] = {
    "two": {
        "summary": "Two programs",
        "value": {
            "items": [
                {"language": "python", "source": "print(6 * 7)"},
                {"language": "c", "source": "int main(void) { return 0; }"},
            ]
        },
    }
}


SEARCH_EXAMPLES: dict[str, Example] = {
    "words": {"summary": "A question", "value": {"text": "merge sorted inputs", "k": 3}},
    "bound": {
        "summary": "Only in one language, under one path",
        "value": {"text": "parse a number", "language": "python", "path": "json/"},
    },
}

EVENTS_EXAMPLE = """\
event: step.finished
data: {"task":"round_1.sandbox","round":1,"map_index":0,"label":"r1c0","try_number":1,\
"state":"succeeded","seconds":2.104,"at":"2026-01-01T00:00:09.350000Z"}
id: 01767225609350000-1-round_1.sandbox.0.1

event: solve.finished
data: {"solve_id":"solve_0f5c1d2e3a4b5c6d7e8f901234567890","state":"succeeded",\
"verdict":"verified"}
id: end

"""


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error responses of a route, to document."""
    return {
        status: {"model": ProblemDetails, "description": _MEANINGS[status]} for status in statuses
    }


def evidence_errors() -> dict[int | str, dict[str, Any]]:
    """The error responses of the route to the evidence of a Solve."""
    conflict = "`not_finished`: it has no report yet, or ended without one."
    return errors(401, 404, 503) | {409: {"model": ProblemDetails, "description": conflict}}


def execution_errors() -> dict[int | str, dict[str, Any]]:
    """The error responses of a route that runs programs."""
    meanings = _MEANINGS | _MEANINGS_EXECUTION
    return {
        status: {"model": ProblemDetails, "description": meanings[status]}
        for status in (400, 401, 413, 422, 503)
    }


def search_errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error responses of a route about the index."""
    meanings = _MEANINGS | _MEANINGS_SEARCH
    return {
        status: {"model": ProblemDetails, "description": meanings[status]}
        for status in sorted({401, 503, *statuses})
    }


def document_of(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """What makes the OpenAPI document of `app`, once."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _corrected(
                get_openapi(
                    title=app.title,
                    version=app.version,
                    summary=app.summary,
                    description=app.description,
                    routes=app.routes,
                )
            )
        return app.openapi_schema

    return document


def _corrected(document: dict[str, Any]) -> dict[str, Any]:
    """With the media type of errors, and without FastAPI's own error schemas."""
    for path in document["paths"].values():
        for operation in path.values():
            responses = operation["responses"]
            for response in responses.values():
                _as_problem(response.get("content", {}))
            if "HTTPValidationError" in str(responses.get("422")):
                del responses["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
    return document


def _as_problem(content: dict[str, Any]) -> None:
    ours = {"$ref": "#/components/schemas/ProblemDetails"}
    for media_type in [name for name, kind in content.items() if kind.get("schema") == ours]:
        content[MEDIA_TYPE] = content.pop(media_type)
