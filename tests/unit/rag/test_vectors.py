import numpy as np
import pytest

from calisota.rag import vectors as module
from calisota.rag.search_way import Search
from calisota.rag.vectors import (
    VectorIndex,
    best_rows,
    built_on_gpu,
    factory_for,
    gpu_bytes,
    map_vectors,
    recall,
    true_neighbours,
    tuned,
    write_ann,
    write_matrix,
)

D = 64
COUNT = 4_000


def clustered(count, seed=0):
    """Unit vectors around a few centres, as embeddings are: (count, D) float32."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(1).normal(size=(40, D))
    points = centres[random.integers(0, 40, count)] + 0.6 * random.normal(size=(count, D))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module", params=["exact", "IVF64,RaBitQ", "IVF64,PQ32x8"])
def index(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("index")
    rows = clustered(COUNT)
    # Matrices come in blocks, as shards do.
    assert write_matrix(folder / "v", [rows[:1_000], rows[1_000:]]) == COUNT
    ann = None
    if request.param != "exact":
        ann = folder / "ann"
        write_ann(ann, map_vectors(folder / "v", D), request.param, gpu=False)
    return VectorIndex(folder / "v", dimension=D, ann=ann, search=Search(nprobe=32, k_factor=20))


def test_it_finds_nearly_what_comparing_all_finds(index):
    queries = clustered(50, seed=2)
    truth = true_neighbours(index.vectors, queries, k=10)
    got = recall(index, queries, truth, k=10)
    assert got == 1 if index.exact else got > 0.95


def test_the_best_come_first_with_their_inner_products(index):
    query = clustered(1, seed=3)[0]
    found = index.search(query, k=5)
    assert [score for _, score in found] == sorted((s for _, s in found), reverse=True)
    row, score = found[0]
    assert score == pytest.approx(float(index.vectors[row].astype(np.float32) @ query), abs=1e-5)


def test_only_allowed_rows_are_found_and_no_more_than_there_are(index):
    allowed = np.zeros(COUNT, dtype=np.bool_)
    allowed[[7, 100, 3_999]] = True
    found = index.search(clustered(1, seed=4)[0], k=10, allowed=allowed, search=Search(nprobe=64))
    assert {row for row, _ in found} == {7, 100, 3_999}
    assert index.search(clustered(1)[0], k=10, allowed=np.zeros(COUNT, dtype=np.bool_)) == []


def test_given_rows_are_scored(index):
    assert index.score(clustered(1)[0], []) == []
    assert {row for row, _ in index.score(clustered(1)[0], [3, 1])} == {1, 3}


def test_the_true_neighbours_are_those_of_all_blocks(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_ADDED_AT_ONCE", 100)
    rows = clustered(950)
    write_matrix(tmp_path / "v", [rows])
    queries = clustered(5, seed=5)
    stored = map_vectors(tmp_path / "v", D)
    expected = np.argsort(-(stored.astype(np.float32) @ queries.T), axis=0, kind="stable")[:7].T
    assert true_neighbours(stored, queries, k=7) == expected.tolist()


def test_the_cheapest_way_that_suffices_is_chosen(tmp_path):
    rows = clustered(COUNT)
    write_matrix(tmp_path / "v", [rows])
    write_ann(tmp_path / "ann", map_vectors(tmp_path / "v", D), "IVF64,RaBitQ", gpu=False)
    index = VectorIndex(tmp_path / "v", dimension=D, ann=tmp_path / "ann")
    queries = clustered(40, seed=6)
    truth = true_neighbours(index.vectors, queries, k=10)
    way, got = tuned(index, queries, truth, k=10, least=0.8)
    assert got >= 0.8
    more, better = tuned(index, queries, truth, k=10, least=0.99)
    assert better >= got
    assert (more.nprobe, more.k_factor) >= (way.nprobe, way.k_factor)
    _, best = tuned(index, queries, truth, k=10, least=1.1)
    assert best >= better


def test_the_kind_of_index_follows_from_the_size():
    assert factory_for(20_000, 384, gpu=False) is None
    assert factory_for(50_000, 384, gpu=False) == "IVF1024,RaBitQ"
    assert factory_for(250_000, 768, gpu=False) == "IVF2048,RaBitQ"
    assert factory_for(250_000, 768, gpu=True) == "IVF2048,PQ96x8"
    assert factory_for(50_000, 100, gpu=True) == "IVF1024,PQ4x8"


def test_an_index_is_made_on_a_gpu_where_it_fits(monkeypatch):
    assert gpu_bytes(20_000, 768) == 0
    assert 1.1e9 < gpu_bytes(50_000, 384) < 1.4e9
    assert not built_on_gpu(50_000, 384, memory_gb=16)  # there is no GPU here
    monkeypatch.setattr(module, "has_gpu", lambda: True)
    assert built_on_gpu(50_000, 384, memory_gb=16)
    assert not built_on_gpu(50_000, 384, memory_gb=1)
    assert built_on_gpu(50_000_000, 768, memory_gb=16)
    assert not built_on_gpu(100_000_000, 768, memory_gb=16)  # its training sample alone is 6 GB


def test_ties_go_to_the_earlier_row():
    assert best_rows(np.array([1, 3, 3, 2], dtype=np.float32), 3) == [(1, 3.0), (2, 3.0), (3, 2.0)]
    assert best_rows(np.empty(0, dtype=np.float32), 3) == []
