from datetime import UTC, datetime, timedelta

import pytest

from calisota.errors import IndexUnusable
from calisota.rag.precision import Precision
from calisota.rag.search_way import Search
from calisota.rag.versions import GateFigures, IndexInputs, IndexVersions, Manifest, file_sha256

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
made = 0


def publish(versions, content=b"vectors", *, partition=None, serve=True):
    """A new version, each made a second after the one before."""
    global made  # noqa: PLW0603
    made += 1
    inputs = IndexInputs(
        corpus="stdlib",
        partition=partition,
        documents_sha256=f"{made:064}",
        chunker_version="1",
        model="m",
        weights_sha256="1" * 64,
        precision=Precision.FLOAT32,
    )
    with versions.writing(print):
        workspace = versions.workspace(f"build-{made}")
        (workspace / "half").write_bytes(b"half")
        if content is not None:
            (workspace / "data").write_bytes(content)
        manifest = Manifest(
            created_at=MONDAY + timedelta(seconds=made),
            as_of=MONDAY,
            inputs=inputs,
            dimension=2,
            max_tokens=8,
            factory=None,
            search=Search(),
            documents=1,
            chunks=1,
            gate=GateFigures(recall=1, known_items=1, queries=1),
            files={"data": file_sha256(workspace / "data")},
        )
        versions.publish(workspace, manifest)
        if serve:
            versions.serve(manifest.version, why="test")
    return manifest


@pytest.fixture
def versions(tmp_path):
    return IndexVersions(tmp_path / "stdlib")


def test_without_a_build_there_is_no_index(versions):
    with pytest.raises(IndexUnusable, match=r"no retrieval index yet.*calisota index build"):
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
    with pytest.raises(IndexUnusable, match=r"damaged|no index version"):
        versions.current()


def test_a_missing_file_is_damage(versions):
    publish(versions)
    (versions.current()[0] / "data").unlink()
    with pytest.raises(IndexUnusable, match="data is missing"):
        versions.current()


def test_a_build_that_fails_changes_nothing_and_can_go_on(versions, tmp_path):
    manifest = publish(versions)
    with pytest.raises(FileNotFoundError):
        publish(versions, content=None)
    assert versions.current()[1] == manifest
    (left,) = (tmp_path / "stdlib").glob(".building-*")
    assert (left / "half").exists()


def test_a_version_holds_what_its_manifest_lists(versions):
    publish(versions)
    assert {path.name for path in versions.current()[0].iterdir()} == {"data", "manifest.json"}


def test_where_the_served_version_is_damaged_the_last_good_one_serves(versions):
    first, second, third = (publish(versions) for _ in range(3))
    for damaged in (second, third):
        (versions.verified(damaged.version)[0] / "data").write_bytes(b"other")
    with pytest.raises(IndexUnusable, match="data changed"):
        versions.current()
    assert versions.usable()[1] == first
    (versions.verified(first.version)[0] / "data").unlink()
    with pytest.raises(IndexUnusable, match=third.version):
        versions.usable()


def test_rollback_serves_what_served_before_and_can_be_repeated(versions):
    first, second = publish(versions), publish(versions)
    publish(versions, serve=False)
    assert versions.roll_back() == first.version
    assert versions.serving() == first.version
    assert versions.roll_back() == second.version
    assert [one.why for one in versions.history()][-1] == f"rollback from {first.version}"


def test_without_a_version_before_there_is_no_rollback(versions):
    publish(versions)
    with pytest.raises(IndexUnusable, match="No version was served before"):
        versions.roll_back()


def test_a_damaged_version_is_not_promoted(versions):
    first, second = publish(versions), publish(versions)
    (versions.verified(first.version)[0] / "data").write_bytes(b"other")
    with pytest.raises(IndexUnusable, match="data changed"):
        versions.serve(first.version, why="promote")
    assert versions.serving() == second.version


@pytest.mark.parametrize("name", ["../x", "", "20260101T000000Z-000000000000"])
def test_a_version_that_is_not_there_is_said_to_be_so(versions, name):
    publish(versions)
    with pytest.raises(IndexUnusable, match="There is no index version"):
        versions.verified(name)


def test_retention_keeps_each_day_what_serves_and_what_served_before(versions):
    days = [publish(versions, partition=f"2026-03-0{n}", serve=False) for n in (1, 2, 2, 3)]
    loose = [publish(versions) for _ in range(4)]
    with versions.writing(print):
        versions.serve(loose[0].version, why="promote")
        removed = versions.remove_old(keep=1, partitions=3)
    kept = [days[0], days[2], days[3], loose[0], loose[3]]
    assert versions.names() == [one.version for one in kept]
    assert set(removed) == {days[1].version, loose[1].version, loose[2].version}
    assert versions.serving() == loose[0].version


def test_a_torn_line_of_the_history_is_passed_over(versions, tmp_path):
    first = publish(versions)
    with (tmp_path / "stdlib" / "served.jsonl").open("a") as log:
        log.write('{"at": "2026')
    second = publish(versions)
    assert [one.version for one in versions.history()] == [first.version, second.version]
    assert versions.serving() == second.version
