import pytest

from calisota.errors import IndexUnusable
from calisota.rag.precision import Precision
from calisota.rag.versions import IndexInputs, IndexVersions, Manifest, file_sha256, now

INPUTS = IndexInputs(
    corpus="stdlib",
    modules=("heapq",),
    sources_sha256="0" * 64,
    python="3.11.0",
    chunker_version="1",
    model="m",
    weights_sha256="1" * 64,
)


def publish(versions, content=b"vectors"):
    with versions.writing(print), versions.workspace() as workspace:
        (workspace / "half").write_bytes(b"half")
        if content is not None:
            (workspace / "data").write_bytes(content)
        manifest = Manifest(
            created_at=now(),
            inputs=INPUTS,
            precision=Precision.FLOAT32,
            dimension=2,
            source_files=1,
            chunks=1,
            files={"data": file_sha256(workspace / "data")},
        )
        versions.publish(workspace, manifest)
    return manifest


@pytest.fixture
def versions(tmp_path):
    return IndexVersions(tmp_path / "stdlib")


def test_without_a_build_there_is_no_index(versions):
    with pytest.raises(IndexUnusable, match=r"no retrieval index yet.*calisota setup"):
        versions.current()


def test_what_was_published_is_served(versions):
    manifest = publish(versions)
    folder, found = versions.current()
    assert found == manifest
    assert folder.name == manifest.version
    assert (folder / "data").read_bytes() == b"vectors"


def test_the_newest_is_served_and_the_older_stays_for_its_readers(versions):
    publish(versions)
    old, _ = versions.current()
    publish(versions)
    assert versions.current()[0] != old
    assert (old / "data").exists()


@pytest.mark.parametrize("name", ["data", "manifest.json"])
def test_every_flipped_bit_is_noticed(versions, name):
    publish(versions)
    folder, _ = versions.current()
    good = (folder / name).read_bytes()
    for position in range(len(good)):
        changed = bytearray(good)
        changed[position] ^= 1
        (folder / name).write_bytes(changed)
        with pytest.raises(IndexUnusable):
            versions.current()


@pytest.mark.parametrize(
    "content", [b"", b"../../etc", b"\xff\xfe", b"20260101T000000Z-000000000000"]
)
def test_an_alias_that_leads_nowhere_is_damage(versions, tmp_path, content):
    publish(versions)
    (tmp_path / "stdlib" / "CURRENT").write_bytes(content)
    with pytest.raises(IndexUnusable, match="damaged"):
        versions.current()


def test_a_missing_file_is_damage(versions):
    publish(versions)
    (versions.current()[0] / "data").unlink()
    with pytest.raises(IndexUnusable, match="data is missing"):
        versions.current()


def test_a_build_that_fails_leaves_nothing_and_changes_nothing(versions, tmp_path):
    manifest = publish(versions)
    with pytest.raises(FileNotFoundError):
        publish(versions, content=None)
    assert versions.current()[1] == manifest
    assert not list((tmp_path / "stdlib").glob(".building-*"))


def test_what_a_killed_build_left_is_removed_by_the_next(versions, tmp_path):
    left = tmp_path / "stdlib" / ".building-1"
    left.mkdir(parents=True)
    (left / "data").write_bytes(b"half")
    (tmp_path / "stdlib" / ".CURRENT").write_text("half")
    publish(versions)
    assert not list((tmp_path / "stdlib").glob(".building-*"))
