from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx
    from fastapi import FastAPI

    from api.fake_airflow import FakeAirflow

GOOD: dict[str, Any] = {"statement": "Print 1.", "language": "python"}
JSON = {"Content-Type": "application/json"}

BAD = [
    ({"language": "cobol"}, "language", "'python', 'rust', 'go', 'c', 'cpp' or 'perl'"),
    ({"statement": "  "}, "statement", "empty"),
    ({"tests": [{"code": "assert ("}]}, "", "tests[0].code does not parse as Python"),
    ({"tests": [{"returns": 1}]}, "tests[0]", "not a test"),
    ({"tests": [{"stdout": 1}]}, "tests[0].stdout", "string"),
    ({"limits": {"wall_s": 1e9}}, "limits.wall_s", "60"),
    ({"files": {"../x": ""}}, "files", "plain relative path"),
    ({"colour": "red"}, "colour", "no such field"),
    ({"statement": None}, "statement", "string"),
]


@pytest.mark.parametrize(("change", "where", "message"), BAD, ids=lambda value: str(value)[:40])
async def test_each_fault_is_named_in_words(
    client: httpx.AsyncClient,
    airflow: FakeAirflow,
    change: dict[str, Any],
    where: str,
    message: str,
) -> None:
    answer = await client.post("/v1/solves", json=GOOD | change)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["code"] == "invalid_input"
    assert body["remedy"]
    (fault,) = body["errors"]
    assert fault["where"] == (where or "body")
    assert message in fault["message"]
    assert "Value error" not in answer.text
    assert not airflow.runs


async def test_the_input_is_not_repeated(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/solves", json=GOOD | {"limits": "hunter2"})
    assert answer.status_code == 422
    assert "hunter2" not in answer.text


@pytest.mark.parametrize(
    "content", [b"{", b"", b"\xff\xfe{}", b"[" * 100_000], ids=["cut", "empty", "bytes", "deep"]
)
async def test_what_is_no_json_is_refused_clearly(
    client: httpx.AsyncClient, content: bytes
) -> None:
    answer = await client.post("/v1/solves", content=content[:60_000], headers=JSON)
    assert answer.status_code in {400, 422}
    assert answer.json()["code"] in {"not_json", "invalid_input"}
    assert "JSON" in answer.text


@pytest.mark.parametrize("body", ["[]", "1", "null", '"x"'])
async def test_json_that_is_no_object_is_refused_clearly(
    client: httpx.AsyncClient, body: str
) -> None:
    answer = await client.post("/v1/solves", content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"where": "body", "message": "send a JSON object, as Content-Type: application/json"}
    ]


async def test_a_body_without_its_type_is_told_the_type(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/solves", content=b'{"statement": "x", "language": "c"}')
    assert answer.status_code == 422
    assert "application/json" in answer.json()["errors"][0]["message"]


async def test_ten_megabytes_are_refused_by_their_length(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/solves", content=b" " * 10_000_000, headers=JSON)
    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"


async def test_ten_megabytes_in_chunks_are_refused_before_they_are_read(
    client: httpx.AsyncClient,
) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 10_000
            yield b" " * 10_000

    answer = await client.post("/v1/solves", content=chunks(), headers=JSON)
    assert "content-length" not in answer.request.headers
    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"
    assert sent < 100_000


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"X-API-Key": "wrong"},
        {"Authorization": "Basic bG9jYWw6bG9jYWw="},
        {"Authorization": "Bearer "},
    ],
    ids=["none", "bearer", "header", "basic", "empty"],
)
async def test_a_request_without_a_good_key_is_unauthorized(
    anonymous: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    for method, path in (
        ("POST", "/v1/solves"),
        ("GET", "/v1/solves"),
        ("GET", "/v1/solves/x"),
        ("GET", "/v1/solves/x/events"),
        ("POST", "/v1/solves/x:cancel"),
        ("POST", "/v1/executions"),
        ("POST", "/v1/executions/batch"),
    ):
        answer = await anonymous.request(method, path, json=GOOD, headers=headers)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["code"] == "unauthorized"
        assert "key" in answer.json()["remedy"]


async def test_the_key_may_come_in_its_own_header(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/v1/solves", headers={"X-API-Key": "local-key"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/v2", 404, "not_found"), ("DELETE", "/v1/solves", 405, "method_not_allowed")],
)
async def test_a_wrong_path_or_method_is_a_problem_document_too(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_unexpected_error_tells_nothing_of_the_inside(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    del app.state.services
    answer = await client.get("/v1/solves")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert "services" not in answer.text
