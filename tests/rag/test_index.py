"""The real model over a few small modules: built once, searched, damaged, killed."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from calisota.errors import GateFailed, IndexUnusable, InputError, PermanentError
from calisota.rag import Retriever, build_index
from calisota.rag.build import assemble, begin, embed_shard, gate, publish
from calisota.rag.versions import IndexVersions
from calisota.settings import Settings

MODULES = ("bisect", "heapq", "textwrap")
BUILD = """
import sys
from calisota.rag import build_index
from calisota.settings import Settings
build_index(Settings(), lambda line: print(line, flush=True))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("home"), index_modules=MODULES)
    told = []
    manifest = build_index(settings, told.append)
    assert told[-1] == f"The index {manifest.version} serves {manifest.chunks} chunks."
    return settings, manifest


@pytest.fixture
def copied(built, tmp_path):
    """The built index under a home of its own; the files are links: replace them, never write."""
    settings, manifest = built
    own = settings.model_copy(update={"home": tmp_path})
    for folder in ("indexes", "cache"):
        shutil.copytree(settings.home / folder, own.home / folder, copy_function=os.link)
    # The cache is written into: each test has its own.
    for path in (own.home / "cache" / "embeddings").iterdir():
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)
    return own, own.indexes / "stdlib" / manifest.version


def folders(settings):
    return sorted(path.name for path in (settings.indexes / "stdlib").iterdir() if path.is_dir())


@pytest.mark.parametrize(
    ("query", "path", "name"),
    [
        ("merge multiple sorted inputs into one", "heapq.py", "heapq.merge"),
        ("find the n largest elements", "heapq.py", "heapq.nlargest"),
        ("remove common leading whitespace from lines", "textwrap.py", "textwrap.dedent"),
        ("where to insert an item to keep a list sorted", "bisect.py", "bisect"),
    ],
)
def test_a_known_item_is_among_the_first_three(built, query, path, name):
    settings, manifest = built
    found = Retriever.open(settings).search(query, k=3)
    assert found.index == manifest.version
    assert any(hit.path == path and name in hit.text for hit in found.hits)
    assert all(hit.start_line <= hit.end_line for hit in found.hits)
    assert not any(str(settings.home) in hit.text for hit in found.hits)


def test_the_manifest_says_what_was_built(built):
    _, manifest = built
    assert manifest.inputs.model == "all-MiniLM-L6-v2"
    assert (manifest.dimension, manifest.documents, manifest.factory) == (384, 3, None)
    assert manifest.gate.recall == 1
    assert manifest.gate.known_items > 0.7
    assert set(manifest.files) == {
        "vectors.f16", "chunks.sqlite", "lexical.npy", "model.onnx", "tokenizer.json",
    }  # fmt: skip


def test_building_again_from_the_same_inputs_does_nothing(built):
    settings, manifest = built
    told = []
    assert build_index(settings, told.append) == manifest
    assert told == [f"Nothing changed: {manifest.version} is the index of these documents."]
    assert folders(settings) == [manifest.version]


@pytest.mark.parametrize("name", ["vectors.f16", "lexical.npy", "model.onnx", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_damage_is_refused_with_the_remedy(copied, name, damage):
    settings, folder = copied
    data = bytearray((folder / name).read_bytes())
    (folder / name).unlink()
    if damage == "flip":
        data[len(data) // 2] ^= 1
    if damage != "remove":
        (folder / name).write_bytes(data[: len(data) // (2 if damage == "truncate" else 1)])
    with pytest.raises(IndexUnusable, match="calisota index build"):
        Retriever.open(settings)


def test_without_the_alias_what_served_last_serves(copied):
    settings, old = copied
    (settings.indexes / "stdlib" / "CURRENT").unlink()
    assert Retriever.open(settings).version == old.name
    (settings.indexes / "stdlib" / "served.jsonl").unlink()
    with pytest.raises(IndexUnusable, match="no retrieval index yet"):
        Retriever.open(settings)


def test_a_killed_build_leaves_the_old_version_serving_and_the_next_goes_on(copied):
    settings, old = copied
    environment = os.environ | {
        "CALISOTA_HOME": str(settings.home),
        "CALISOTA_INDEX_MODULES": "argparse logging",
    }
    command = [sys.executable, "-c", BUILD]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as build:
        for line in build.stdout:
            if "chunks embedded" in line:  # one batch is in the cache, the rest is not
                build.send_signal(signal.SIGKILL)
                break
    assert [name for name in folders(settings) if name.startswith(".building-")]
    assert Retriever.open(settings).search("merge", k=1).index == old.name

    told = []
    more = settings.model_copy(update={"index_modules": ("argparse", "logging")})
    manifest = build_index(more, told.append)
    (shard,) = (line for line in told if line.startswith("Shard 0"))
    embedded = int(shard.rpartition(", ")[2].split()[0])
    assert 0 < embedded < manifest.chunks - 400
    assert folders(settings) == sorted([old.name, manifest.version])
    assert Retriever.open(settings).search("parse arguments", k=1).index == manifest.version


def test_only_what_changed_is_embedded_and_what_is_gone_is_not_found(copied):
    settings, _ = copied
    told = []
    fewer = settings.model_copy(update={"index_modules": ("bisect", "textwrap", "heapq", "queue")})
    build_index(fewer, told.append)
    (shard,) = (line for line in told if line.startswith("Shard 0"))
    queue_chunks = sum(
        hit.path == "queue.py" for hit in Retriever.open(fewer).search("queue", k=100).hits
    )
    assert int(shard.rpartition(", ")[2].split()[0]) == queue_chunks
    fewer = settings.model_copy(update={"index_modules": ("bisect", "textwrap", "queue")})
    build_index(fewer, told.append, force=True)
    assert "heapq.py" not in {hit.path for hit in Retriever.open(fewer).search("heap", k=100).hits}


def test_a_version_too_small_fails_the_gate_and_changes_nothing(copied):
    settings, old = copied
    smaller = settings.model_copy(update={"index_modules": ("bisect",)})
    with pytest.raises(GateFailed, match=r"it has 1 documents, .* before it 3"):
        build_index(smaller, print)
    assert Retriever.open(settings).version == old.name
    assert build_index(smaller, print, force=True).documents == 1


def test_another_day_of_the_same_documents_shares_the_files(copied):
    settings, old = copied
    day = datetime(2026, 3, 3, tzinfo=UTC)
    told = []
    manifest = build_index(settings, told.append, partition="2026-03-02", as_of=day)
    assert manifest.inputs.partition == "2026-03-02"
    assert any("of a later day and serves" in line for line in told)
    versions = IndexVersions(settings.indexes / "stdlib")
    assert versions.serving() == old.name
    there = versions.verified(manifest.version)[0]
    assert (there / "vectors.f16").stat().st_ino == (old / "vectors.f16").stat().st_ino
    assert build_index(settings, told.append, partition="2026-03-02", as_of=day) == manifest


def test_a_build_that_found_nothing_new_does_not_undo_a_rollback(copied):
    settings, old = copied
    more = settings.model_copy(update={"index_modules": (*MODULES, "queue")})
    newer = build_index(more, print)
    versions = IndexVersions(settings.indexes / "stdlib")
    with versions.writing(print):
        assert versions.roll_back() == old.name
    assert build_index(more, print) == newer
    assert versions.serving() == old.name


def test_two_builds_of_the_same_at_once_make_one_version(copied):
    settings, old = copied
    more = settings.model_copy(update={"index_modules": (*MODULES, "queue")})
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda _: build_index(more, print), range(2))
    assert first == second
    assert folders(settings) == sorted([old.name, first.version])


def test_a_full_disk_is_said_to_be_full_and_harms_nothing(copied, monkeypatch):
    settings, old = copied

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("calisota.rag.vectors.write_matrix", full)
    more = settings.model_copy(update={"index_modules": (*MODULES, "queue")})
    with pytest.raises(PermanentError, match=r"disk .* is full; the version that serves"):
        build_index(more, print)
    assert Retriever.open(settings).version == old.name


def test_a_corpus_that_vanishes_during_the_build_is_indexed_as_it_was_found(copied, tmp_path):
    settings, old = copied
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "add.py").write_text("def add(a, b):\n    return a + b\n")
    corpora = tmp_path / "corpora.yaml"
    corpora.write_text("notes: {kind: folder, path: notes}\n")
    own = settings.model_copy(update={"corpora": corpora, "index_corpus": "notes"})
    begun = begin(own, print, corpus="notes", key="0" * 16)
    shutil.rmtree(folder)
    for shard in range(begun.shards):
        embed_shard(own, print, corpus="notes", key=begun.key, shard=shard)
    assemble(own, print, corpus="notes", key=begun.key)
    gate(own, print, corpus="notes", key=begun.key)
    manifest = publish(own, print, corpus="notes", begun=begun)
    assert [hit.path for hit in Retriever.open(own).search("add", k=3).hits] == ["add.py"]
    with pytest.raises(PermanentError, match="notes"):
        build_index(own, print, corpus="notes")
    assert Retriever.open(own).version == manifest.version
    assert Retriever.open(settings).version == old.name


def test_a_model_of_another_dimension_is_for_the_next_build(copied, tmp_path):
    """A version brings the encoder of its queries: what is configured later does not touch it."""
    settings, old = copied
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text('{"hidden_size": 48, "max_position_embeddings": 64}')
    (other / "tokenizer.json").write_text("{}")
    (other / "model.safetensors").write_bytes(b"no weights")
    changed = settings.model_copy(update={"embedding_model": str(other)})
    assert Retriever.open(changed).search("merge sorted inputs", k=1).hits
    with pytest.raises(PermanentError, match="is no tokenizer") as caught:
        build_index(changed, print)
    assert "CALISOTA_EMBEDDING_MODEL" in caught.value.remedy
    whole = settings.home / "cache" / "models"
    shutil.copyfile(next(whole.glob("onnx-*/tokenizer.json")), other / "tokenizer.json")
    with pytest.raises(PermanentError, match="cannot be loaded"):
        build_index(changed, print)
    assert Retriever.open(changed).version == old.name


def test_a_missing_package_is_named_before_any_work(built, monkeypatch):
    settings, _ = built
    monkeypatch.setattr("calisota.rag.build._PACKAGES", ("no_such_package",))
    with pytest.raises(PermanentError, match=r"no_such_package.*calisota\[cpu\]"):
        build_index(settings, print)


def test_a_corpus_that_is_not_there_is_named(built):
    with pytest.raises(InputError, match="no corpus 'other'; there are: stdlib"):
        build_index(built[0], print, corpus="other")
