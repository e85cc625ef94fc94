"""The live retriever over small real versions: FAISS and SQLite files, the hash embedder."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from calisota.errors import IndexUnusable, RetrieverBusy
from calisota.models import HitSet
from calisota.rag import Retriever
from calisota.rag.documents import Query
from calisota.rag.serving import CACHED, LiveRetriever
from calisota.rag.versions import IndexVersions
from tests.rag_versions import chunk, parts, publish

WORDS = "merge sorted inputs parse date list wrap paragraph".split()


class Versions:
    """Versions on disk whose chunks all name their number, and what opens the current one."""

    def __init__(self, folder):
        self.folder = folder
        self.versions = IndexVersions(folder)
        self.names = {}
        self.opened = []

    def publish(self, number):
        texts = [f"{word} v{number}" for word in WORDS]
        chunks = [
            chunk(row, text, path=f"v{number}/{text.split()[0]}.py")
            for row, text in enumerate(texts)
        ]
        manifest = publish(self.versions, chunks)
        self.names[manifest.version] = number
        return manifest.version

    def open(self):
        folder, manifest = self.versions.current()
        opened = Counted(manifest.version, **parts(folder))
        self.opened.append(opened)
        return opened

    def live(self, **options):
        return LiveRetriever(self.open, self.folder / "CURRENT", watch_s=0.01, **options)


class Counted(Retriever):
    """Remembers what it was asked, and whether it was closed."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.asked = []
        self.closed = 0

    def search_many(self, queries):
        assert not self.closed
        self.asked.append(list(queries))
        return super().search_many(queries)

    def close(self):
        self.closed += 1
        super().close()


class Held:
    """A version that answers when it is let."""

    version = "held"

    def __init__(self):
        self.go = threading.Event()
        self.entered = threading.Event()
        self.asked = []

    def search_many(self, queries):
        self.entered.set()
        assert self.go.wait(10)
        self.asked.append([query.text for query in queries])
        if any(query.text == "poison" for query in queries):
            raise ValueError("poison")
        return [HitSet(index=self.version, hits=[]) for _ in queries]

    def close(self):
        self.closed = True


class Name:
    """An alias in memory."""

    def __init__(self, name):
        self.name = name

    def read_text(self, **_):
        return self.name


class Named(Held):
    def __init__(self, version):
        super().__init__()
        self.version = version
        self.go.set()


def eventually(is_so):
    until = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.fixture
def versions(tmp_path):
    return Versions(tmp_path / "stdlib")


@pytest.fixture
def held():
    version = Held()
    yield version
    version.go.set()


def test_a_swap_under_a_storm_of_queries_fails_none_and_mixes_none(versions):
    versions.publish(0)
    ended = threading.Event()
    with versions.live() as live:

        def storm(seed):
            answers = 0
            while not ended.is_set():
                words = [WORDS[(seed + answers + add) % len(WORDS)] for add in range(3)]
                found = live.search_many([Query(text=word, k=4) for word in words])
                assert len({one.index for one in found}) == 1
                number = versions.names[found[0].index]
                assert {hit.text.split()[1] for one in found for hit in one.hits} == {f"v{number}"}
                assert [one.hits[0].text.split()[0] for one in found] == words
                answers += 1
            return answers

        with ThreadPoolExecutor(8) as pool:
            storms = [pool.submit(storm, seed) for seed in range(8)]
            try:
                for number in range(1, 7):
                    newest = versions.publish(number)
                    eventually(lambda name=newest: live.health().version == name)
            finally:
                ended.set()
            assert sum(one.result() for one in storms) > 100
        assert live.health().swaps == 6
        assert [one.closed for one in versions.opened] == [1] * 6 + [0]
    assert [one.closed for one in versions.opened] == [1] * 7


def test_the_old_version_ends_what_it_began(held):
    ready = iter([held, Named("next")])

    alias = Name("held")
    with LiveRetriever(lambda: next(ready), alias, watch_s=0.01) as live:
        first = live.submit([Query(text="one")])
        assert held.entered.wait(10)
        alias.name = "next"
        time.sleep(0.1)  # it is open by now, and waits its turn
        assert live.health().version == "held"
        assert not hasattr(held, "closed")
        held.go.set()
        assert first.result(10)[0].index == "held"
        assert live.search_many([Query(text="one")])[0].index == "next"
        assert held.closed


def test_a_version_that_cannot_be_opened_leaves_the_old_one_serving(versions):
    good = versions.publish(0)
    damaged = versions.publish(1)
    file = versions.folder / damaged / "vectors.f16"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    alias = versions.folder / "CURRENT"
    alias.write_text(good + "\n")
    with versions.live() as live:
        for bad, why in (
            (damaged, "vectors.f16 changed"),
            ("20260101T000000Z-000000000000", "no index"),
        ):
            alias.write_text(bad + "\n")
            eventually(lambda: live.health().fault)
            assert why in live.health().fault
            assert live.search_many([Query(text="merge")])[0].index == good
            alias.write_text(good + "\n")
            eventually(lambda: live.health().fault is None)
    assert len(versions.opened) == 1, "what serves already is not opened again"


def test_a_fault_nobody_foresaw_is_reported_and_the_next_version_is_still_noticed(held):
    outcomes = iter([held, RuntimeError("out of memory"), Named("third")])

    def open_next():
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    alias = Name("held")
    held.go.set()
    with LiveRetriever(open_next, alias, watch_s=0.01) as live:
        alias.name = "second"
        eventually(lambda: live.health().fault)
        assert "RuntimeError: out of memory" in live.health().fault
        assert live.search_many([Query(text="one")])[0].index == "held"
        alias.name = "third"
        eventually(lambda: live.health().version == "third")
        assert live.health().fault is None


def test_without_an_index_it_waits_for_the_first(versions):
    with versions.live() as live:
        with pytest.raises(IndexUnusable, match="no retrieval index yet"):
            live.search_many([Query(text="merge")])
        assert live.health().version is None
        name = versions.publish(0)
        eventually(lambda: live.health().version == name)
        assert live.search_many([Query(text="merge")])[0].index == name


def test_queries_that_come_together_are_embedded_together(versions):
    versions.publish(0)
    with versions.live(window_s=0.2) as live:
        waiting = [live.submit([Query(text=f"{word} {row}")]) for row, word in enumerate(WORDS)]
        wait(waiting)
    assert [len(batch) for batch in versions.opened[0].asked] == [len(WORDS)]
    assert live.health().batches == 1


def test_an_answer_is_remembered_until_its_version_goes(versions):
    first = versions.publish(0)
    with versions.live() as live:
        asked = Query(text="merge")
        assert live.search_many([asked, asked])[0].index == first
        assert live.search_many([asked])[0].index == first
        assert versions.opened[0].asked == [[asked]]
        for number in range(CACHED):
            live.search_many([Query(text=f"other {number}")])
        live.search_many([asked])
        assert versions.opened[0].asked[-1] == [asked]
        second = versions.publish(1)
        eventually(lambda: live.health().version == second)
        assert live.search_many([asked])[0].index == second


def test_one_request_too_many_is_told_to_try_again(held):
    with LiveRetriever(lambda: held, Name("held"), max_waiting=2, window_s=0) as live:
        first = live.submit([Query(text="one")])
        assert held.entered.wait(10)
        waiting = [live.submit([Query(text=text)]) for text in ("two", "three")]
        with pytest.raises(RetrieverBusy, match="2 requests wait") as caught:
            live.submit([Query(text="four")])
        assert caught.value.retryable
        held.go.set()
        assert all(one.result(10)[0].index == "held" for one in [first, *waiting])


def test_a_query_that_breaks_the_encoder_is_the_trouble_of_its_sender_alone(held):
    with LiveRetriever(lambda: held, Name("held"), window_s=0.2) as live:
        good, bad = (live.submit([Query(text=text)]) for text in ("good", "poison"))
        held.go.set()
        assert good.result(10)[0].index == "held"
        with pytest.raises(ValueError, match="poison"):
            bad.result(10)


def test_a_request_that_was_given_up_is_not_answered(held):
    with LiveRetriever(lambda: held, Name("held"), window_s=0) as live:
        live.submit([Query(text="one")])
        assert held.entered.wait(10)
        unwanted = live.submit([Query(text="two")])
        assert unwanted.cancel()
        held.go.set()
        live.search_many([Query(text="three")])
    assert held.asked == [["one"], ["three"]]


def test_a_version_that_is_being_opened_at_the_end_is_closed_too(versions):
    versions.publish(0)
    entered, go = threading.Event(), threading.Event()

    def open_slowly():
        if versions.opened:
            entered.set()
            assert go.wait(10)
        return versions.open()

    live = LiveRetriever(open_slowly, versions.folder / "CURRENT", watch_s=0.01)
    versions.publish(1)
    assert entered.wait(10)
    closing = threading.Thread(target=live.close)
    closing.start()
    time.sleep(0.05)
    go.set()
    closing.join(10)
    assert [one.closed for one in versions.opened] == [1, 1]


def test_closing_answers_what_waits_and_nothing_after(versions):
    versions.publish(0)
    before = set(threading.enumerate())
    live = versions.live(window_s=0.05)
    waiting = [live.submit([Query(text=word)]) for word in WORDS]
    live.close()
    assert all(one.done() and one.result()[0].hits for one in waiting)
    assert versions.opened[0].closed == 1
    with pytest.raises(RetrieverBusy, match="ending"):
        live.submit([Query(text="merge")])
    live.close()
    assert not set(threading.enumerate()) - before
