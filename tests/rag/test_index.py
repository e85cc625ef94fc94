"""The real model over a few small modules: built once, searched, damaged, killed."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from calisota.errors import IndexUnusable, PermanentError
from calisota.rag import Retriever, build_index
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
    shutil.copytree(settings.indexes, own.indexes, copy_function=os.link)
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
    assert manifest.inputs.modules == MODULES
    assert (manifest.dimension, manifest.source_files) == (384, 3)
    assert set(manifest.files) == {
        "vectors.faiss", "chunks.sqlite", "model.onnx", "tokenizer.json",
    }  # fmt: skip


def test_building_again_from_the_same_inputs_does_nothing(built):
    settings, manifest = built
    told = []
    assert build_index(settings, told.append) == manifest
    assert told == [f"The index {manifest.version} is up to date."]
    assert folders(settings) == [manifest.version]


@pytest.mark.parametrize("name", ["vectors.faiss", "chunks.sqlite", "model.onnx", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_damage_is_refused_with_the_remedy(copied, name, damage):
    settings, folder = copied
    data = bytearray((folder / name).read_bytes())
    (folder / name).unlink()
    if damage == "flip":
        data[len(data) // 2] ^= 1
    if damage != "remove":
        (folder / name).write_bytes(data[: len(data) // (2 if damage == "truncate" else 1)])
    with pytest.raises(IndexUnusable, match="calisota setup"):
        Retriever.open(settings)


def test_without_the_alias_there_is_no_index(copied):
    settings, _ = copied
    (settings.indexes / "stdlib" / "CURRENT").unlink()
    with pytest.raises(IndexUnusable, match="no retrieval index yet"):
        Retriever.open(settings)


def test_a_killed_build_leaves_the_old_version_serving_and_the_next_cleans_up(copied):
    settings, old = copied
    environment = os.environ | {
        "CALISOTA_HOME": str(settings.home),
        "CALISOTA_INDEX_MODULES": "argparse",
    }
    command = [sys.executable, "-c", BUILD]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as build:
        assert "Embedding" in build.stdout.readline()
        build.send_signal(signal.SIGKILL)
    assert [name for name in folders(settings) if name.startswith(".building-")]
    assert Retriever.open(settings).search("merge", k=1).index == old.name

    manifest = build_index(settings.model_copy(update={"index_modules": ("bisect",)}), print)
    assert folders(settings) == sorted([old.name, manifest.version])
    found = Retriever.open(settings).search("insert an item", k=1)
    assert found.index == manifest.version
    assert found.hits[0].path == "bisect.py"


def test_a_missing_package_is_named_before_any_work(built, monkeypatch):
    settings, _ = built
    monkeypatch.setattr("calisota.rag.build._PACKAGES", ("no_such_package",))
    with pytest.raises(PermanentError, match=r"no_such_package.*calisota\[cpu\]"):
        build_index(settings, print)
