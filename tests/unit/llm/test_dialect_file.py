"""What an endpoint refuses is paid for once a day, not once a task; over real HTTP."""

import asyncio
import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calisota.errors import ModelRejected
from calisota.llm.dialect import DISPENSABLE, FORMATS, OTHER_LENGTH, Dialect
from calisota.llm.dialect_file import KEPT_S, MOST, DialectFile
from calisota.llm.scripted_server import Answer, ScriptedServer
from calisota.llm.shared_file import MAX_FILE_BYTES
from calisota.models import Route
from tests.unit.llm.asking import ASK, KEY, ask, pointed_at
from tests.unit.llm.dialects import (
    ENDPOINTS,
    Endpoint,
    azure_reasoning,
    openai_chat,
    openai_reasoning,
    unsupported,
)

URL = "http://model.test/v1"
LESS = Dialect(length="max_completion_tokens", dropped=frozenset({"stop"}))
dialects = st.builds(
    Dialect,
    length=st.sampled_from(sorted(OTHER_LENGTH)),
    format=st.sampled_from(FORMATS),
    dropped=st.frozensets(st.sampled_from(DISPENSABLE)),
)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
async def test_a_fresh_client_asks_rightly_at_once(endpoint: Endpoint, tmp_path: Path):
    with ScriptedServer(endpoint.script) as server:
        await ask(server, tmp_path)
        learned = len(server.seen)
        answer = await ask(server, tmp_path)
    assert learned <= endpoint.calls
    assert len(server.seen) == learned + 1
    assert answer.text == '{"value": 1}'
    assert server.seen[-1] == server.seen[learned - 1]


def ask_once(base_url: str, home: Path) -> None:
    from calisota.llm.openai_chat import open_chat  # noqa: PLC0415  # in a process of its own

    async def call() -> None:
        async with open_chat(pointed_at(base_url, home)) as chat:
            await chat.complete(ASK)

    asyncio.run(call())


def test_a_process_knows_what_another_one_learned(tmp_path: Path):
    spawn = multiprocessing.get_context("spawn")
    with ScriptedServer(azure_reasoning) as server:
        for calls in (5, 6):
            process = spawn.Process(target=ask_once, args=(server.base_url, tmp_path))
            process.start()
            process.join()
            assert process.exitcode == 0
            assert len(server.seen) == calls


async def test_each_model_and_each_endpoint_is_learned_for_itself(tmp_path: Path):
    def both(request: dict[str, Any]) -> Answer:
        return openai_reasoning(request) if request["model"] == "o" else openai_chat(request)

    slow = ASK.model_copy(update={"route": Route.SLOW})
    with ScriptedServer(both) as server, ScriptedServer(both) as other:
        await ask(server, tmp_path, slow, llm_model_slow="o")
        await ask(server, tmp_path)
        await ask(other, tmp_path)
    assert server.seen[-1]["temperature"] == other.seen[-1]["temperature"] == 0.5
    assert len(other.seen) == 1


async def test_an_endpoint_that_takes_everything_leaves_no_file(tmp_path: Path):
    with ScriptedServer(openai_chat) as server:
        await ask(server, tmp_path)
        assert not pointed_at(server.base_url, tmp_path).dialects.exists()


async def test_what_was_never_answered_is_not_kept(tmp_path: Path):
    """A refusal that was misread must not cost an option for a day."""

    def misleading(request: dict[str, Any]) -> Answer:
        return unsupported("stop") if "stop" in request else (401, {}, {"error": "bad key"})

    with ScriptedServer(misleading) as server:
        with pytest.raises(ModelRejected):
            await ask(server, tmp_path)
        assert not pointed_at(server.base_url, tmp_path).dialects.exists()


async def test_no_secret_is_kept_in_the_file(tmp_path: Path):
    with ScriptedServer(openai_reasoning) as server:
        url = server.base_url.replace("//", "//me:hunter22@")
        settings = pointed_at(url, tmp_path)
        await asyncio.to_thread(ask_once, url, tmp_path)
    kept = settings.dialects.read_text()
    assert server.base_url in kept
    assert "hunter22" not in kept
    assert KEY not in kept


@pytest.mark.parametrize(
    "content",
    [b"", b"[1]", b"\xff", b'{"m at u": {"dialect": {"length": "?"}, "since": 1}}', b"x" * 10**6],
)
async def test_a_damaged_file_is_an_empty_one_and_is_mended(content: bytes, tmp_path: Path):
    with ScriptedServer(openai_reasoning) as server:
        path = pointed_at(server.base_url, tmp_path).dialects
        path.parent.mkdir()
        path.write_bytes(content)
        await ask(server, tmp_path)
        before = len(server.seen)
        await ask(server, tmp_path)
    assert len(server.seen) == before + 1


async def test_a_home_that_cannot_be_written_stops_no_call(tmp_path: Path):
    (tmp_path / "run").write_text("no folder")
    with ScriptedServer(openai_reasoning) as server:
        assert (await ask(server, tmp_path)).text == '{"value": 1}'


def test_it_is_forgotten_a_day_after_the_first_of_it_was_learned(tmp_path: Path):
    clock = [1000.0]
    file = DialectFile(tmp_path / "dialects.json", lambda: clock[0])
    file.learned(URL, "m", LESS)
    clock[0] += KEPT_S - 1
    file.learned(URL, "m", Dialect(dropped=frozenset({"seed"})))
    both = file.get(URL, "m")
    assert both is not None
    assert both.dropped == {"seed", "stop"}
    clock[0] += 1
    assert file.get(URL, "m") is None
    file.learned(URL, "other", LESS)
    assert list(json.loads((tmp_path / "dialects.json").read_text())) == [f"other at {URL}"]
    clock[0] -= 10
    assert file.get(URL, "other") is None, "the clock was put back"


def test_it_is_bounded_in_number_and_size(tmp_path: Path):
    clock = iter(range(10**6))
    path = tmp_path / "dialects.json"
    file = DialectFile(path, lambda: next(clock))
    for number in range(MOST + 5):
        file.learned(URL, f"m{number}", LESS)
    assert len(json.loads(path.read_text())) == MOST
    assert file.get(URL, "m0") is None
    assert file.get(URL, f"m{MOST + 4}") == LESS
    for number in range(10):
        file.learned(URL, f"{number}" * 10_000, LESS)
    assert path.stat().st_size <= MAX_FILE_BYTES
    assert file.get(URL, "9" * 10_000) == LESS


def learn_many(path: Path, first: int) -> None:
    for number in range(first, first + 20):
        DialectFile(path).learned(URL, f"m{number}", LESS)


def test_processes_lose_nothing_of_what_each_other_learned(tmp_path: Path):
    path = tmp_path / "dialects.json"
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=learn_many, args=(path, first)) for first in (0, 20)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert all(DialectFile(path).get(URL, f"m{number}") == LESS for number in range(40))
    assert sorted(found.name for found in tmp_path.iterdir()) == ["dialects.json", "dialects.lock"]


@given(dialects, dialects)
def test_joined_does_without_what_either_does_without(one: Dialect, other: Dialect):
    joined = one.joined(other)
    assert joined.length == one.length
    assert joined.dropped == one.dropped | other.dropped
    assert joined.options(ASK).keys() <= one.options(ASK).keys()
    assert joined.joined(other) == joined
