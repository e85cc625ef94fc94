"""`/v1/search` and `/v1/indexes` over HTTP: the service on its socket, the fallback, the errors."""

import asyncio
import shutil
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from api.app import create_app
from api.retriever_app import create_app as create_retriever_app
from calisota.errors import IndexUnusable, RetrieverBusy
from calisota.models import Hit, HitSet
from calisota.rag.client import EitherRetriever, ServiceAbsent, open_retriever
from calisota.rag.documents import Query
from calisota.rag.served import ServedRetriever
from calisota.rag.serving import LiveRetriever
from calisota.rag.versions import IndexVersions
from calisota.settings import Settings
from calisota.system.retriever_service import _listening
from tests.rag_versions import chunk
from tests.rag_versions import publish as publish_chunks


class OneVersion:
    """A version of two passages that remembers what it was asked."""

    def __init__(self, version="v1"):
        self.version = version
        self.asked = []
        self.error = None
        self.closed = False

    def search_many(self, queries):
        self.asked += queries
        if self.error:
            raise self.error
        hits = [
            Hit(
                chunk_id=f"c{row}",
                path=f"json/{name}.py",
                start_line=row + 1,
                end_line=row + 2,
                score=0.9 - row / 10,
                language="python",
                text=f"def {name}(): ...",
            )
            for row, name in enumerate(("load", "dump"))
        ]
        return [HitSet(index=self.version, hits=hits[: query.k]) for query in queries]

    def close(self):
        self.closed = True


@pytest.fixture
def local():
    return OneVersion("local")


@pytest.fixture
def app(settings, local):
    return create_app(
        settings,
        transport=httpx.MockTransport(lambda _request: httpx.Response(404)),
        open_index=lambda: local,
    )


@pytest.fixture
def short_home():
    home = Path(tempfile.mkdtemp(prefix="cali-"))  # a socket's path is short
    yield Settings(home=home)
    shutil.rmtree(home)


@contextmanager
def service(settings, live):
    """The retriever's own application on its socket, in a thread."""
    settings.run.mkdir(exist_ok=True)
    app = create_retriever_app(settings, open_live=lambda: live)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
    with _listening(settings.retriever_socket) as listener:
        thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True
        )
        thread.start()
        until = time.monotonic() + 10
        while not server.started:
            assert time.monotonic() < until
            time.sleep(0.01)
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.fixture
def alias(tmp_path):
    path = tmp_path / "CURRENT"
    path.write_text("served\n")
    return path


async def test_hits_come_with_place_score_text_and_version(client, local):
    answer = await client.post("/v1/search", json={"text": "parse", "k": 1, "language": "python"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "index": "local",
        "hits": [
            {
                "chunk_id": "c0",
                "path": "json/load.py",
                "start_line": 1,
                "end_line": 2,
                "score": 0.9,
                "similarity": None,
                "language": "python",
                "text": "def load(): ...",
            }
        ],
    }
    assert local.asked == [Query(text="parse", k=1, language="python")]


async def test_path_and_labels_reach_the_index(client, local):
    body = {"text": "parse", "path": "json/", "labels": ["public", "team-a"]}
    assert (await client.post("/v1/search", json=body)).status_code == 200
    assert local.asked == [Query(text="parse", path="json/", labels=("public", "team-a"))]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"text": ""}, "text"),
        ({"text": "x" * 20_001}, "text"),
        ({"text": "x", "k": 0}, "k"),
        ({"text": "x", "k": 101}, "k"),
        ({"text": "x", "colour": 1}, "colour"),
        ({"k": 3}, "text"),
    ],
)
async def test_a_query_that_does_not_fit_names_its_fault(client, body, where):
    answer = await client.post("/v1/search", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == where


async def test_without_a_key_nothing_is_found(anonymous):
    for method, path in (("POST", "/v1/search"), ("GET", "/v1/indexes"), ("GET", "/v1/indexes/x")):
        assert (await anonymous.request(method, path, json={"text": "x"})).status_code == 401


async def test_without_an_index_the_answer_says_how_to_get_one(client, local):
    local.error = IndexUnusable("There is no retrieval index yet.", remedy="run `calisota setup`.")
    answer = await client.post("/v1/search", json={"text": "parse"})
    assert answer.status_code == 503
    assert answer.json()["code"] == "index_unusable"
    assert "calisota setup" in answer.json()["remedy"]
    assert not answer.json()["retryable"]


async def test_a_full_queue_asks_to_come_again(client, local):
    local.error = RetrieverBusy("512 wait.", remedy="try again.", retry_after_s=1)
    answer = await client.post("/v1/search", json={"text": "parse"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert (answer.json()["code"], answer.json()["retryable"]) == ("retriever_busy", True)


async def test_no_index_is_no_error_of_the_list(client):
    assert (await client.get("/v1/indexes")).json() == []


def publish(folder):
    return publish_chunks(IndexVersions(folder), [chunk(n, f"text {n}") for n in range(7)]).version


async def test_the_versions_of_an_index_tell_their_figures_and_which_one_serves(client, settings):
    old, new = (publish(settings.indexes / "stdlib") for _ in range(2))
    (settings.indexes / "stdlib" / "CURRENT").write_text(old + "\n")
    (settings.indexes / "stdlib" / new / "manifest.json").write_text("{}")
    assert (await client.get("/v1/indexes")).json() == [
        {"corpus": "stdlib", "serves": old, "versions": 2}
    ]
    answer = (await client.get("/v1/indexes/stdlib")).json()
    shown = {one["version"]: one for one in answer["details"]}
    assert shown[old]["serves"]
    assert shown[old]["manifest"]["chunks"] == 7
    assert not shown[new]["serves"]
    assert shown[new]["manifest"] is None


@pytest.mark.parametrize("name", ["nothing", "..", "%2e%2e", "%2e%2e%2fsecrets", ".building-1"])
async def test_an_unknown_index_is_not_found(client, settings, name):
    publish(settings.indexes / "stdlib")
    answer = await client.get(f"/v1/indexes/{name}")
    assert answer.status_code in {404, 307}
    assert "manifest" not in answer.text


def test_the_service_answers_on_its_socket(short_home, alias):
    version = OneVersion("served")
    live = LiveRetriever(lambda: version, alias)
    with service(short_home, live):
        assert short_home.retriever_socket.stat().st_mode & 0o777 == 0o600
        served = ServedRetriever(short_home.retriever_socket)
        found = served.search_many([Query(text="a", k=1), Query(text="b", path="json/")])
        assert [(one.index, len(one.hits)) for one in found] == [("served", 1), ("served", 2)]
        with httpx.Client(
            transport=httpx.HTTPTransport(uds=str(short_home.retriever_socket)),
            base_url="http://retriever",
        ) as http:
            assert http.get("/health").json()["version"] == "served"
            assert http.post("/search", json=[]).status_code == 422
        served.close()
    assert version.closed
    assert not short_home.retriever_socket.exists()


@pytest.mark.parametrize(
    "error",
    [
        IndexUnusable("There is none.", remedy="build it."),
        RetrieverBusy("512 wait.", remedy="try again."),
    ],
)
def test_an_error_of_ours_crosses_the_socket_as_it_was(short_home, alias, error):
    version = OneVersion()
    version.error = error
    with service(short_home, LiveRetriever(lambda: version, alias)):
        with (
            open_retriever(short_home, lambda: pytest.fail("it answered")) as either,
            pytest.raises(type(error)) as caught,
        ):
            either.search("x", k=1)
        assert (caught.value.message, caught.value.remedy) == (error.message, error.remedy)


def test_what_the_service_cannot_do_is_done_in_this_process(short_home, alias, local):
    broken = OneVersion()
    broken.error = ValueError("a fault of the service")
    with service(short_home, LiveRetriever(lambda: broken, alias)):
        with open_retriever(short_home, lambda: local) as either:
            assert either.search("x \udcff", k=1).index == "local"
            assert either.search("y", k=1).index == "local"
        assert len(broken.asked) == 1, "it is not asked again at once"
    assert local.closed


def test_a_socket_that_nobody_serves_costs_nothing(short_home, local):
    short_home.run.mkdir()
    with _listening(short_home.retriever_socket):
        began = time.monotonic()
        served = ServedRetriever(short_home.retriever_socket, answer_s=0.2)
        with pytest.raises(ServiceAbsent):
            served.search_many([Query(text="hangs")])
        assert time.monotonic() - began < 2
        served.close()
    with EitherRetriever(short_home.retriever_socket, lambda: local) as either:
        assert either.search("x", k=1).index == "local"


def test_a_home_whose_path_is_too_long_for_a_socket_searches_in_process(tmp_path, local):
    settings = Settings(home=tmp_path / ("h" * 100))
    assert settings.retriever_socket is None
    with open_retriever(settings, lambda: local) as either:
        assert either.search("x", k=1).index == "local"


def test_a_service_of_one_corpus_is_not_asked_for_another(short_home: Settings):
    other = short_home.model_copy(update={"index_corpus": "notes"})
    assert other.retriever_socket != short_home.retriever_socket
    assert other.retriever_socket.parent == short_home.run


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".", "a" * 101])
def test_the_name_of_a_corpus_leads_nowhere_else(name: str, tmp_path):
    with pytest.raises(ValueError, match="index_corpus"):
        Settings(home=tmp_path, index_corpus=name)
