"""The one owner of FAISS: vectors written once, then searched read-only.

A version holds `vectors.f16`, every vector as (n, d) little-endian float16 without a header, and,
above `EXACT_UP_TO` vectors, `ann.faiss`: an approximate index whose best `k * k_factor` candidates
are scored again from `vectors.f16`. Below, all vectors are compared.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import numpy as np

from calisota.rag.search_way import Search

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from types import ModuleType
    from typing import Any

    from numpy.typing import NDArray

EXACT_UP_TO = 20_000
"""Vectors below which an approximate index saves less than it costs: 2 ms a query at d 384."""
_TRAINED_PER_LIST = 64
_ADDED_AT_ONCE = 65_536
_PQ_BITS = 8
_GPU_TEMPORARY_BYTES = 512 << 20
_GPU_CONTEXT_BYTES = 512 << 20
_GPU_ID_BYTES = 4
NPROBES = 4, 8, 16, 32, 64, 128, 256
K_FACTORS = 4, 10, 20


def load_faiss() -> ModuleType:
    """The faiss module; its loader would log each CPU variant it tries."""
    logging.getLogger("faiss.loader").setLevel(logging.WARNING)
    import faiss  # noqa: PLC0415  # only now is its loader quiet

    module: ModuleType = faiss
    return module


def has_gpu() -> bool:
    """Whether faiss is the GPU build and sees a device; importing it needs none."""
    faiss = load_faiss()
    return hasattr(faiss, "get_num_gpus") and faiss.get_num_gpus() > 0


def built_on_gpu(count: int, dimension: int, *, memory_gb: float) -> bool:
    """Whether there is a GPU, and the index of so many vectors takes at most `memory_gb` of it."""
    return has_gpu() and gpu_bytes(count, dimension) <= memory_gb * 1e9


def gpu_bytes(count: int, dimension: int) -> int:
    """What training and filling an index takes of a GPU's memory, at most, by arithmetic.

    The CUDA context and FAISS's temporary memory; the centroids; the training sample and the
    vectors that are added at once, in float32; codes and an id for each vector; a tenth for what
    the lists are longer than full. Not measured yet (docs/gpu.md).
    """
    factory = factory_for(count, dimension, gpu=True)
    if factory is None:
        return 0
    lists, codes = (int(number) for number in re.findall(r"IVF(\d+),PQ(\d+)", factory)[0])
    rows = lists + min(count, lists * _TRAINED_PER_LIST) + min(count, _ADDED_AT_ONCE)
    fixed = _GPU_CONTEXT_BYTES + _GPU_TEMPORARY_BYTES + rows * dimension * 4
    return fixed + round(1.1 * count * (codes + _GPU_ID_BYTES))


def factory_for(count: int, dimension: int, *, gpu: bool) -> str | None:
    """FAISS's factory string for so many vectors; None: compare all.

    As many lists as the power of two nearest to 4 sqrt(n). RaBitQ trains and searches fastest on a
    CPU; a GPU has only product quantisation, whose codes any build reads.
    """
    if count <= EXACT_UP_TO:
        return None
    lists = 1 << round(np.log2(4 * np.sqrt(count)))
    if not gpu:
        return f"IVF{lists},RaBitQ"
    codes = next(codes for codes in (96, 64, 48, 32, 16, 8, 4, 2, 1) if dimension % codes == 0)
    return f"IVF{lists},PQ{codes}x{_PQ_BITS}"


def write_ann(path: Path, vectors: NDArray[np.float16], factory: str, *, gpu: bool) -> None:
    """Train and fill the index of `vectors`, (n, d) float16 unit rows, and write it.

    On a GPU it is trained and filled there, and written in the form that a CPU reads.
    """
    faiss = load_faiss()
    index = faiss.index_factory(vectors.shape[1], factory, faiss.METRIC_INNER_PRODUCT)
    if hasattr(index, "do_polysemous_training"):
        index.do_polysemous_training = (
            False  # on by default, used by nothing here, 5 times the time
        )
    index = _on_gpu(faiss, index) if gpu else index
    count = min(len(vectors), index.nlist * _TRAINED_PER_LIST)
    chosen = np.sort(np.random.default_rng(0).choice(len(vectors), count, replace=False))
    index.train(np.ascontiguousarray(vectors[chosen], dtype=np.float32))
    for start in range(0, len(vectors), _ADDED_AT_ONCE):
        index.add(vectors[start : start + _ADDED_AT_ONCE].astype(np.float32))
    faiss.write_index(faiss.index_gpu_to_cpu(index) if gpu else index, str(path))


def _on_gpu(faiss: ModuleType, index: Any) -> Any:
    resources = faiss.StandardGpuResources()
    resources.setTempMemory(_GPU_TEMPORARY_BYTES)
    options = faiss.GpuClonerOptions()
    options.useFloat16LookupTables = True  # 96 codes of 8 bits do not fit into shared memory else
    options.indicesOptions = faiss.INDICES_32_BIT
    return faiss.index_cpu_to_gpu(resources, 0, index, options)


def map_vectors(path: Path, dimension: int) -> NDArray[np.float16]:
    """The vectors of a file, (n, d) float16, mapped: processes share its pages."""
    return np.memmap(path, dtype="<f2", mode="r").reshape(-1, dimension)


class VectorIndex:
    """The mapped vectors of a version, without mutators: FAISS aborts the process on those."""

    def __init__(
        self,
        vectors: Path,
        *,
        dimension: int,
        ann: Path | None = None,
        search: Search | None = None,
    ) -> None:
        self.vectors = map_vectors(vectors, dimension)
        self._search = search or Search()
        self._faiss = load_faiss()
        # One query is quicker on one thread than waking a pool that then spins.
        self._faiss.omp_set_num_threads(1)
        self.exact = ann is None
        """Whether every vector is compared."""
        if ann is None:
            self._index = self._faiss.IndexFlatIP(dimension)
            self._index.add(self.vectors.astype(np.float32))
        else:
            self._index = self._faiss.read_index(str(ann), self._faiss.IO_FLAG_MMAP_IFC)

    def __len__(self) -> int:
        return len(self.vectors)

    def search(
        self,
        query: NDArray[np.float32],
        *,
        k: int,
        allowed: NDArray[np.bool_] | None = None,
        search: Search | None = None,
    ) -> list[tuple[int, float]]:
        """At most `k` pairs of row and inner product, best first; only rows that are `allowed`.

        `query` is (d,) float32, L2-normalised; `allowed` is (n,). `search` replaces the version's.
        """
        how = search or self._search
        wanted = k if self.exact else k * how.k_factor
        chosen = (
            self._faiss.SearchParameters()
            if self.exact
            else self._faiss.SearchParametersIVF(nprobe=how.nprobe)
        )
        bits = selector = None
        if allowed is not None:
            bits = np.packbits(allowed, bitorder="little")
            selector = self._faiss.IDSelectorBitmap(bits)
            chosen.sel = selector
        _, ids = self._index.search(query[None, :], wanted, params=chosen)
        del selector, bits  # not earlier: the parameters hold neither
        return self.score(query, [row for row in ids[0].tolist() if row >= 0])[:k]  # -1 pads

    def score(self, query: NDArray[np.float32], rows: Sequence[int]) -> list[tuple[int, float]]:
        """`rows` with their inner products, best first."""
        if not len(rows):
            return []
        scores = self.vectors[np.asarray(rows)].astype(np.float32) @ query
        order = np.argsort(-scores, kind="stable")
        return [(int(rows[at]), float(scores[at])) for at in order]


def best_rows(
    scores: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
) -> list[tuple[int, float]]:
    """The `k` best of all rows that are allowed, best first, ties by row; `scores` is (n,)."""
    if allowed is not None:
        scores = np.where(allowed, scores, -np.inf)
    k = min(k, len(scores))
    top = np.argpartition(-scores, k - 1)[:k] if k else np.empty(0, dtype=np.int64)
    top = top[np.lexsort((top, -scores[top]))]
    return [(int(row), float(scores[row])) for row in top if scores[row] > -np.inf]


def recall(
    index: VectorIndex,
    queries: NDArray[np.float32],
    truth: Sequence[Sequence[int]],
    *,
    k: int,
    search: Search | None = None,
) -> float:
    """The share of each query's true `k` nearest that are found, over all queries, (m, d)."""
    found = sum(
        len({row for row, _ in index.search(query, k=k, search=search)}.intersection(true))
        for query, true in zip(queries, truth, strict=True)
    )
    return found / max(1, sum(map(len, truth)))


def true_neighbours(
    vectors: NDArray[np.float16], queries: NDArray[np.float32], *, k: int
) -> list[list[int]]:
    """The rows of the `k` nearest of each query, by comparing all: the ground truth."""
    best: list[list[tuple[int, float]]] = [[] for _ in queries]
    for start in range(0, len(vectors), _ADDED_AT_ONCE):
        block = vectors[start : start + _ADDED_AT_ONCE].astype(np.float32) @ queries.T
        for number in range(len(queries)):
            here = [(start + row, score) for row, score in best_rows(block[:, number], k)]
            best[number] = sorted([*best[number], *here], key=lambda pair: -pair[1])[:k]
    return [[row for row, _ in one] for one in best]


def tuned(
    index: VectorIndex,
    queries: NDArray[np.float32],
    truth: Sequence[Sequence[int]],
    *,
    k: int,
    least: float,
) -> tuple[Search, float]:
    """The cheapest way to search that reaches the recall `least`, and its recall; else the best.

    Cheap is what reads little: nprobe lists of codes, then k_factor vectors.
    """
    ways = (Search(nprobe=n, k_factor=f) for n in NPROBES for f in K_FACTORS)
    best = Search(), 0.0
    for way in ways:
        got = recall(index, queries, truth, k=k, search=way)
        if got >= least:
            return way, got
        if got > best[1]:
            best = way, got
    return best


def write_matrix(path: Path, blocks: Iterable[NDArray[np.float16]]) -> int:
    """How many rows were written: (n_i, d) blocks, one after the other."""
    count = 0
    with path.open("wb") as out:
        for block in blocks:
            out.write(np.ascontiguousarray(block, dtype="<f2").tobytes())
            count += len(block)
    return count
