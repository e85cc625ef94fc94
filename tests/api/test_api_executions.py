"""`/v1/executions` on a fake sandbox, and once on a real one."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api.app import create_app
from calisota.errors import EngineUnavailable, ImageMissing
from calisota.models import Language
from calisota.sandbox.engine import DockerSandbox, connect
from calisota.sandbox.images import require_image
from calisota.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi import FastAPI

    from calisota.sandbox.fake import FakeSandbox

URL = "/v1/executions"
PYTHON: dict[str, Any] = {"language": "python", "source": "print(input())"}
DOWN = EngineUnavailable("The Docker Engine does not answer.", remedy="run `calisota up`.")


async def post(client: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    return await client.post(URL, json=PYTHON | fields)


async def test_each_run_is_answered_in_order(client: httpx.AsyncClient) -> None:
    answer = await post(client, runs=[{"name": "one", "stdin": "1"}, {"stdin": "2"}])
    assert answer.status_code == 200
    body = answer.json()
    assert (body["outcome"], body["language"]) == ("accepted", "python")
    assert [(test["name"], test["stdout"]) for test in body["tests"]] == [
        ("one", "1"),
        ("run_2", "2"),
    ]
    assert body["image"].startswith("calisota/sandbox-python:")


async def test_without_runs_and_tests_it_runs_once_without_input(
    client: httpx.AsyncClient, sandbox: FakeSandbox
) -> None:
    answer = await post(client)
    assert len(answer.json()["tests"]) == 1
    assert [job.stdin for job in sandbox.plans[0].cells] == [b""]


async def test_tests_of_a_problem_are_judged(client: httpx.AsyncClient) -> None:
    tests = [{"stdin": "7", "stdout": "7"}, {"stdin": "7", "stdout": "8"}]
    body = (await post(client, tests=tests)).json()
    assert [test["outcome"] for test in body["tests"]] == ["accepted", "wrong_answer"]
    assert (body["outcome"], body["tests"][1]["detail"]) == (
        "wrong_answer",
        'word 1: expected "8", got "7"',
    )


BAD = [
    ({"language": "Python"}, "language", "'python'"),
    ({"language": "cobol"}, "language", "'python'"),
    ({"source": " "}, "source", "empty"),
    ({"runs": [{}] * 10_000}, "runs", "at most 500"),
    ({"tests": [{"stdout": ""}] * 4_000}, "tests", "at most 500"),
    ({"runs": [{"argv": ["a\0b"]}]}, "runs[0].argv", "NUL"),
    ({"runs": [{"stdin": "\ud800"}]}, "runs[0].stdin", "unicode"),
    ({"source": "\ud800"}, "source", "surrogate"),
    ({"runs": [{}], "tests": [{"stdout": ""}]}, "body", "not both"),
    ({"entry_point": "f"}, "body", "no tests"),
    ({"tests": [{"call": {}, "returns": 1}]}, "body", "no entry_point"),
    ({"tests": [{"returns": 1}]}, "tests[0]", "not a test"),
    ({"files": {"../x": ""}}, "files", "plain relative path"),
    ({"files": {"a\0b": ""}}, "files", "plain relative path"),
    ({"files": {"/etc/passwd": ""}}, "files", "plain relative path"),
    ({"limits": {"wall_s": 0}}, "limits.wall_s", "greater than 0"),
    ({"limits": {"memory_mb": 0}}, "limits.memory_mb", "greater than"),
    ({"limits": {"wall_s": 1e9}}, "limits.wall_s", "60"),
    ({"colour": "red"}, "colour", "no such field"),
]


@pytest.mark.parametrize(("change", "where", "message"), BAD, ids=lambda value: str(value)[:40])
async def test_each_fault_is_named_in_words(
    client: httpx.AsyncClient,
    sandbox: FakeSandbox,
    change: dict[str, Any],
    where: str,
    message: str,
) -> None:
    content = json.dumps(PYTHON | change)  # httpx would refuse the surrogate
    headers = {"Content-Type": "application/json"}
    answer = await client.post(URL, content=content, headers=headers)
    if len(content) > 64 * 1024:
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        return
    assert answer.status_code == 422
    body = answer.json()
    assert (body["code"], body["errors"][0]["where"]) == ("invalid_input", where)
    assert message in body["errors"][0]["message"]
    assert "Value error" not in answer.text
    assert not sandbox.plans


async def test_a_source_of_5_mb_is_refused(client: httpx.AsyncClient) -> None:
    answer = await post(client, source="#" * 5_000_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_limits_beyond_the_operators_are_refused_and_defaults_lowered(
    settings: Settings, sandbox: FakeSandbox
) -> None:
    strict = settings.model_copy(update={"sandbox_max_memory_mb": 128, "sandbox_max_wall_s": 3})
    async with opened(strict, sandbox) as client:
        refused = await post(client, limits={"memory_mb": 256, "wall_s": 4})
        assert refused.status_code == 422
        assert "limits.wall_s: 4 is more than the 3 allowed here" in refused.json()["detail"]
        assert "limits.memory_mb: 256 is more than the 128" in refused.json()["detail"]
        assert (await post(client)).status_code == 200
    assert (sandbox.plans[0].memory_mb, sandbox.plans[0].cells[0].wall_s) == (128, 3)


async def test_more_output_than_can_be_held_is_refused(client: httpx.AsyncClient) -> None:
    answer = await post(client, runs=[{}] * 40, limits={"output_kb": 1024})
    assert answer.status_code == 422
    assert "64 MiB" in answer.json()["detail"]
    items = [PYTHON | {"limits": {"output_kb": 1024}}] * 40
    answer = await client.post(f"{URL}/batch", json={"items": items})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("fault", "code", "retryable"),
    [
        (DOWN, "docker_unavailable", True),
        (ImageMissing("There is none.", remedy="run `calisota setup`."), "image_missing", False),
    ],
)
async def test_an_engine_that_is_down_is_503_with_its_remedy(
    client: httpx.AsyncClient,
    sandbox: FakeSandbox,
    fault: Any,
    code: str,
    retryable: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    sandbox.fault = fault
    answer = await post(client)
    assert answer.status_code == 503
    body = answer.json()
    assert (body["code"], body["retryable"], body["remedy"]) == (code, retryable, fault.remedy)
    assert ("retry-after" in answer.headers) == retryable


async def test_an_engine_that_does_not_answer_at_all_is_503(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"docker_host": "unix:///nowhere.sock"})
    async with opened(nowhere, None) as client:
        for url, body in ((URL, PYTHON), (f"{URL}/batch", {"items": [PYTHON]})):
            answer = await client.post(url, json=body)
            assert (answer.status_code, answer.json()["code"]) == (503, "docker_unavailable")


async def test_a_batch_is_answered_in_order_and_a_bad_item_leaves_the_others_alone(
    client: httpx.AsyncClient,
) -> None:
    items = [PYTHON | {"runs": [{"stdin": str(n)}]} for n in range(20)]
    items[3] = PYTHON | {"language": "cobol"}
    items[4] = PYTHON | {"limits": {"wall_s": 0}}
    answer = await client.post(f"{URL}/batch", json={"items": [*items, 1]})
    assert answer.status_code == 200
    answers = answer.json()["items"]
    good = [n for n in range(20) if n not in {3, 4}]
    assert [answers[n]["tests"][0]["stdout"] for n in good] == [str(n) for n in good]
    assert (answers[3]["status"], answers[3]["code"]) == (422, "invalid_input")
    assert answers[3]["instance"] == f"{URL}/batch#/items/3"
    assert [fault["where"] for fault in answers[3]["errors"]] == ["language"]
    assert [fault["where"] for fault in answers[4]["errors"]] == ["limits.wall_s"]
    assert answers[20]["code"] == "invalid_input"


@pytest.mark.parametrize("items", [[], [PYTHON] * 101, "x", None])
async def test_a_batch_holds_1_to_100_items(client: httpx.AsyncClient, items: Any) -> None:
    answer = await client.post(f"{URL}/batch", json={"items": items})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "items"


async def test_no_more_run_at_once_than_there_are_places(
    client: httpx.AsyncClient, sandbox: FakeSandbox
) -> None:
    sandbox.hangs = True
    posts = [asyncio.create_task(post(client)) for _ in range(5)]
    await until(lambda: len(sandbox.running) == 2)
    sandbox.hangs = False
    for name in list(sandbox.running):
        sandbox.remove(name)
    answers = await asyncio.gather(*posts)
    assert sandbox.most_at_once == 2
    outcomes = sorted(answer.json()["outcome"] for answer in answers)
    assert outcomes == ["accepted"] * 3 + ["internal_error"] * 2


async def test_who_waits_too_long_for_a_place_is_told_to_come_again(
    settings: Settings, sandbox: FakeSandbox
) -> None:
    sandbox.hangs = True
    hasty = settings.model_copy(
        update={"api_execution_wall_s": 0.2, "api_batch_wall_s": 0.2, "sandbox_concurrency": 1}
    )
    async with opened(hasty, sandbox) as client:
        first = asyncio.create_task(post(client))
        await until(lambda: len(sandbox.running) == 1)
        second = await post(client)
        assert (second.status_code, second.json()["code"]) == (503, "sandbox_busy")
        batch = await client.post(f"{URL}/batch", json={"items": [PYTHON]})
        assert batch.json()["items"][0]["code"] == "sandbox_busy"
        sandbox.remove(next(iter(sandbox.running)))
        await first


@pytest.mark.parametrize(
    ("url", "body"), [(URL, PYTHON), (f"{URL}/batch", {"items": [PYTHON] * 5})]
)
async def test_a_client_that_hangs_up_frees_its_containers(
    app: FastAPI, sandbox: FakeSandbox, url: str, body: dict[str, Any]
) -> None:
    sandbox.hangs = True
    async with app.router.lifespan_context(app):
        hang_up = asyncio.Event()
        request = asyncio.create_task(call(app, url, body, hang_up))
        await until(lambda: len(sandbox.running) == (1 if url == URL else 2))
        names = set(sandbox.running)
        hang_up.set()
        await asyncio.wait_for(request, 10)
        assert names <= set(sandbox.removed)
        assert not sandbox.running
        assert len(sandbox.plans) == len(names)  # what waited in the line never began
        sandbox.hangs = False
        answer = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=answer, base_url="http://api") as client:
            client.headers["Authorization"] = "Bearer local-key"
            assert (await post(client)).status_code == 200  # the place is free again


@pytest.mark.docker
async def test_on_a_real_engine_a_client_that_hangs_up_leaves_no_container(
    settings: Settings,
) -> None:
    try:
        engine = connect(Settings())
        require_image(engine, Language.PYTHON, settings)
    except (EngineUnavailable, ImageMissing) as error:
        pytest.skip(error.message)
    real = DockerSandbox(engine, settings)
    async with opened(settings, real) as client:
        answer = await post(client, source="print(6 * 7)")
        assert answer.json()["tests"][0]["stdout"] == "42\n"
        app = client._transport.app  # type: ignore[attr-defined]  # noqa: SLF001
        hang_up = asyncio.Event()
        body = PYTHON | {"source": "import time; time.sleep(50)", "limits": {"wall_s": 60}}
        request = asyncio.create_task(call(app, URL, body, hang_up))
        await until(lambda: len(real.list_ours()) == 1)
        hang_up.set()
        await asyncio.wait_for(request, 20)
        await until(lambda: not real.list_ours())
    engine.close()


class opened:  # noqa: N801  # reads as a function
    """A client, with a key, of an application on this sandbox; None: on the settings' Engine."""

    def __init__(self, settings: Settings, sandbox: Any) -> None:
        self._app = create_app(settings, open_sandbox=(lambda: sandbox) if sandbox else None)
        self._lifespan = self._app.router.lifespan_context(self._app)

    async def __aenter__(self) -> httpx.AsyncClient:
        await self._lifespan.__aenter__()
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app),
            base_url="http://api",
            headers={"Authorization": "Bearer local-key"},
            timeout=30,
        )
        return self._client

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()
        await self._lifespan.__aexit__(None, None, None)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110  # another thread's doing
            await asyncio.sleep(0.01)


async def call(app: FastAPI, path: str, body: dict[str, Any], hang_up: asyncio.Event) -> None:
    """A request as a server hands it on, from a client that hangs up; it sees no answer."""
    content = json.dumps(body).encode()
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": content}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await hang_up.wait()
        return {"type": "http.disconnect"}

    send: Callable[[Any], Awaitable[None]] = ignore
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [
            (b"authorization", b"Bearer local-key"),
            (b"content-type", b"application/json"),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("api", 80),
    }
    await app(scope, receive, send)  # type: ignore[arg-type]


async def ignore(_message: Any) -> None:
    """Nobody is there."""
