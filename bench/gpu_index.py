"""IVF-PQ on a GPU and on a CPU over the same vectors: FAISS where it is, else plain torch.

The torch index is a stand-in: it shows that the GPU path works and what it recalls, not the speed
that FAISS has.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

K = 10
REFINE_FACTOR = 10
RECALL_TARGET = 0.95
BATCHES = (1, 32, 1_024)
_TRAINING_ROWS_PER_LIST = 64
_ROUNDS = 10
_BLOCK = 65_536
_CODE_VALUES = 256


class Ann(Protocol):
    """An approximate index by inner product."""

    name: str

    def train(self, sample: NDArray[np.float32]) -> None:
        """Learn from `sample`, (n, d), rows L2-normalised."""
        ...

    def add(self, vectors: NDArray[np.float32]) -> None:
        """Add (n, d) rows; their ids count up from 0. Called once."""
        ...

    def search(self, queries: NDArray[np.float32], k: int, *, nprobe: int) -> NDArray[np.int64]:
        """(n, k) ids, -1 where there are fewer."""
        ...


class FaissIvfPq:
    """FAISS's IVF-PQ, on the CPU or on GPU 0 with float16 lookup tables and 32-bit ids."""

    def __init__(self, faiss: Any, dimension: int, lists: int, *, gpu: bool) -> None:
        self.name = f"faiss {faiss.__version__} {'GPU' if gpu else 'CPU'}"
        self._faiss = faiss
        index = faiss.index_factory(
            dimension, f"IVF{lists},PQ{dimension // 8}x8", faiss.METRIC_INNER_PRODUCT
        )
        index.do_polysemous_training = False
        index.cp.max_points_per_centroid = _TRAINING_ROWS_PER_LIST
        if gpu:
            self._resources = faiss.StandardGpuResources()
            self._resources.setTempMemory(1 << 30)
            index = faiss.index_cpu_to_gpu(self._resources, 0, index, cloner(faiss))
        self.index = index

    def train(self, sample: NDArray[np.float32]) -> None:
        """Learn from `sample`, (n, d), rows L2-normalised."""
        self.index.train(sample)

    def add(self, vectors: NDArray[np.float32]) -> None:
        """Add (n, d) rows; their ids count up from 0."""
        self.index.add(vectors)

    def search(self, queries: NDArray[np.float32], k: int, *, nprobe: int) -> NDArray[np.int64]:
        """(n, k) ids, -1 where there are fewer."""
        self.index.nprobe = nprobe
        return cast("NDArray[np.int64]", self.index.search(queries, k)[1])


def cloner(faiss: Any) -> Any:
    """FAISS's options for an IVF-PQ on a GPU.

    Source: FAISS's GpuIndexIVFPQ.h: with 96 code bytes only float16 tables fit shared memory.
    """
    options = faiss.GpuClonerOptions()
    options.useFloat16 = True
    options.usePrecomputed = False
    options.indicesOptions = faiss.INDICES_32_BIT
    return options


class TorchIvfPq:
    """IVF-PQ of plain torch operations with residual codes of d / 8 bytes: a stand-in for FAISS."""

    def __init__(self, lists: int, device: torch.device) -> None:
        self.name = f"torch stand-in {device.type.upper()}"
        self._lists = lists
        self._device = device
        # Candidates scored at once; each costs 12 bytes per code byte.
        self._candidates = 1 << (20 if device.type == "cuda" else 16)

    def train(self, sample: NDArray[np.float32]) -> None:
        """Learn from `sample`, (n, d), rows L2-normalised."""
        rows = torch.from_numpy(sample).to(self._device)
        self._centroids = _kmeans(rows, self._lists, spherical=True)
        rows = rows[: _TRAINING_ROWS_PER_LIST * 16 * _CODE_VALUES]
        residuals = rows - self._centroids[_assign(rows, self._centroids, spherical=True)]
        parts = residuals.chunk(residuals.shape[1] // 8, dim=1)
        self._books = torch.stack([_kmeans(part, _CODE_VALUES, spherical=False) for part in parts])

    def add(self, vectors: NDArray[np.float32]) -> None:
        """Add (n, d) rows; their ids count up from 0."""
        lists, codes = zip(*(self._encode(block) for block in blocks(vectors)), strict=True)
        of_row = torch.cat(lists)
        order = of_row.argsort()
        self._ids = order.to(torch.int32)
        self._codes = torch.cat(codes)[order]
        self._sizes = of_row.bincount(minlength=self._lists)
        self._starts = self._sizes.cumsum(0) - self._sizes

    def _encode(self, block: NDArray[np.float32]) -> tuple[torch.Tensor, torch.Tensor]:
        """The list of each row, (n,) int64, and its code, (n, d / 8) uint8."""
        rows = torch.from_numpy(block).to(self._device)
        lists = _assign(rows, self._centroids, spherical=True)
        parts = (rows - self._centroids[lists]).chunk(len(self._books), dim=1)
        codes = [
            _assign(part, book, spherical=False).to(torch.uint8)
            for part, book in zip(parts, self._books, strict=True)
        ]
        return lists, torch.stack(codes, dim=1)

    def search(self, queries: NDArray[np.float32], k: int, *, nprobe: int) -> NDArray[np.int64]:
        """(n, k) ids, -1 where there are fewer."""
        expected = max(1, nprobe * len(self._ids) // self._lists)
        step = max(1, self._candidates // expected)
        on_device = torch.from_numpy(queries).to(self._device)
        found = [
            self._search(some, k, min(nprobe, self._lists)) for some in _slices(on_device, step)
        ]
        return cast("NDArray[np.int64]", torch.cat(found).cpu().numpy())

    @torch.inference_mode()
    def _search(self, queries: torch.Tensor, k: int, nprobe: int) -> torch.Tensor:
        """(n, k) int64 ids on the device.

        The score of a row is that of its centroid plus one looked-up value for each code byte.
        """
        n, parts = len(queries), self._codes.shape[1]
        near, probes = (queries @ self._centroids.T).topk(nprobe)
        lengths = self._sizes[probes]
        pair = torch.repeat_interleave(
            torch.arange(n * nprobe, device=self._device), lengths.flatten()
        )
        row = self._starts[probes].flatten()[pair] + _count_within(lengths.flatten(), pair)
        query = pair // nprobe
        table = torch.einsum("npd,pcd->npc", queries.view(n, parts, 8), self._books)
        entry = torch.arange(parts, device=self._device) * _CODE_VALUES + self._codes[row].long()
        entry += (query * parts * _CODE_VALUES).unsqueeze(1)
        scores = table.flatten()[entry].sum(1) + near.flatten()[pair]
        per_query = lengths.sum(1)
        column = _count_within(per_query, query)
        shape = (n, max(k, int(per_query.max())))
        padded = torch.full(shape, -torch.inf, device=self._device)
        padded[query, column] = scores
        ids = torch.full(shape, -1, dtype=torch.int64, device=self._device)
        ids[query, column] = self._ids[row].long()
        return ids.gather(1, padded.topk(k).indices)


def _slices(rows: torch.Tensor, size: int) -> Iterator[torch.Tensor]:
    """Views of at most `size` rows."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _count_within(lengths: torch.Tensor, owner: torch.Tensor) -> torch.Tensor:
    """0, 1, 2, … within each owner's run; `owner` is sorted and has `lengths` of each."""
    starts = lengths.cumsum(0) - lengths
    return torch.arange(len(owner), device=owner.device) - starts[owner]


def _assign(rows: torch.Tensor, centroids: torch.Tensor, *, spherical: bool) -> torch.Tensor:
    """(n,) int64: the nearest of `centroids` by inner product, or by distance."""
    offset = 0.0 if spherical else (centroids * centroids).sum(1) / 2
    return torch.cat([(block @ centroids.T - offset).argmax(1) for block in _slices(rows, _BLOCK)])


def _kmeans(rows: torch.Tensor, count: int, *, spherical: bool) -> torch.Tensor:
    """(count, d) float32 centroids; one that lost its rows moves to a random row."""
    generator = torch.Generator().manual_seed(0)
    pick = torch.randperm(len(rows), generator=generator)[:count].to(rows.device)
    centroids = rows[pick].clone()
    for _ in range(_ROUNDS):
        nearest = _assign(rows, centroids, spherical=spherical)
        sizes = nearest.bincount(minlength=count)
        sums = torch.zeros_like(centroids).index_add_(0, nearest, rows)
        empty = sizes == 0
        centroids = sums / sizes.clamp(min=1).unsqueeze(1)
        again = torch.randint(len(rows), (count,), generator=generator).to(rows.device)
        centroids = torch.where(empty.unsqueeze(1), rows[again], centroids)
        if spherical:
            centroids = torch.nn.functional.normalize(centroids, dim=1)
    return centroids


def mixture(rows: int, dimension: int, *, seed: int) -> NDArray[np.float32]:
    """(rows, dimension) float32, L2-normalised: a mixture of one Gaussian to 100 rows.

    Its spectrum decays as that of sentence vectors does; isotropic noise in 768 dimensions has
    no near neighbours to find. The Gaussians are the same for every seed.
    """
    shape = np.random.default_rng(0)
    spectrum = np.arange(1, dimension + 1, dtype=np.float32) ** -0.5
    rotation = np.linalg.qr(shape.standard_normal((dimension, dimension)))[0].astype(np.float32)
    centres = shape.standard_normal((10_000, dimension), dtype=np.float32) * spectrum
    draw = np.random.default_rng(seed)
    result = np.empty((rows, dimension), dtype=np.float32)
    for block in blocks(result):
        noise = draw.standard_normal(block.shape, dtype=np.float32) * spectrum
        mean = centres[draw.integers(len(centres), size=len(block))]
        drawn = (mean + 0.7 * noise) @ rotation
        block[:] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return result


def blocks(rows: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Views of at most 65,536 rows."""
    for start in range(0, len(rows), _BLOCK):
        yield rows[start : start + _BLOCK]


def exact(vectors: torch.Tensor, queries: torch.Tensor, k: int = K) -> NDArray[np.int64]:
    """(n, k) ids of the true nearest by inner product; both on one device, float32 arithmetic."""
    best = torch.full((len(queries), k), -torch.inf, device=queries.device)
    ids = torch.zeros((len(queries), k), dtype=torch.int64, device=queries.device)
    for start in range(0, len(vectors), _BLOCK):
        scores = queries @ vectors[start : start + _BLOCK].float().T
        top = scores.topk(min(k, scores.shape[1]))
        merged = torch.cat([best, top.values], 1).topk(k)
        ids = torch.cat([ids, top.indices + start], 1).gather(1, merged.indices)
        best = merged.values
    return cast("NDArray[np.int64]", ids.cpu().numpy())


def refined(
    index: Ann, vectors: torch.Tensor, queries: NDArray[np.float32], *, nprobe: int
) -> NDArray[np.int64]:
    """(n, K) ids: the index's best K * REFINE_FACTOR, scored again with the float16 `vectors`."""
    ids = index.search(queries, K * REFINE_FACTOR, nprobe=nprobe)
    candidates = torch.from_numpy(ids).to(vectors.device)
    asked = torch.from_numpy(queries).to(vectors.device)
    # A CPU has no fast float16 products.
    rows = vectors[candidates.clamp(min=0)]
    rows, asked = (rows, asked.half()) if vectors.is_cuda else (rows.float(), asked)
    scores = torch.bmm(rows, asked.unsqueeze(2)).squeeze(2).float()
    best = scores.masked_fill(candidates < 0, -torch.inf).topk(K).indices
    return cast("NDArray[np.int64]", candidates.gather(1, best).cpu().numpy())


def recall(found: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """The share of the true neighbours that was found."""
    hits = [len(set(a) & set(b)) for a, b in zip(found.tolist(), truth.tolist(), strict=True)]
    return float(sum(hits)) / truth.size


def list_count(rows: int) -> int:
    """The power of 2 nearest 4 sqrt(rows). Source: FAISS's guidelines to choose an index."""
    return 1 << round(float(np.log2(4 * rows**0.5)))


def load_faiss() -> Any | None:
    """FAISS, or None; its GPU build raises RuntimeError when CUDA's libraries are missing."""
    try:
        import faiss  # noqa: PLC0415  # absent on some machines
    except (ImportError, RuntimeError):
        return None
    return faiss


def has_faiss_gpu(faiss: Any | None) -> bool:
    """Whether FAISS can use a GPU; its CPU build lacks the function that says so."""
    return faiss is not None and hasattr(faiss, "get_num_gpus") and faiss.get_num_gpus() > 0


def contenders(dimension: int, lists: int, device: torch.device) -> list[Ann]:
    """The indexes this machine can build; the torch stand-in only where FAISS cannot."""
    faiss = load_faiss()
    found: list[Ann] = []
    if has_faiss_gpu(faiss):
        found.append(FaissIvfPq(faiss, dimension, lists, gpu=True))
    else:
        found.append(TorchIvfPq(lists, device))
    if faiss is not None:
        found.append(FaissIvfPq(faiss, dimension, lists, gpu=False))
    return found


def compare(
    rows: int, dimension: int, device: torch.device, *, queries: int = 1_024, repeats: int = 3
) -> Iterator[dict[str, Any]]:
    """One row of figures for each index."""
    vectors = mixture(rows, dimension, seed=1)
    asked = mixture(queries, dimension, seed=2)
    # float16 sums in TF32 would make the truth itself uncertain.
    torch.set_float32_matmul_precision("highest")
    half = torch.from_numpy(vectors).half().to(device)
    truth = exact(half, torch.from_numpy(asked).to(device))
    lists = list_count(rows)
    for index in contenders(dimension, lists, device):
        on_gpu = device.type == "cuda" and "CPU" not in index.name
        yield (
            {"index": index.name, "rows": rows, "lists": lists}
            | _fill(index, vectors, lists)
            | _ask(index, half if on_gpu else half.cpu(), asked, truth, repeats)
        )


def _fill(index: Ann, vectors: NDArray[np.float32], lists: int) -> dict[str, Any]:
    """Seconds to train and to add, from host memory."""
    count = min(len(vectors), _TRAINING_ROWS_PER_LIST * lists)
    picked = np.random.default_rng(0).choice(len(vectors), size=count, replace=False)
    sample = vectors[picked]
    began = time.perf_counter()
    index.train(sample)
    _finish()
    trained = time.perf_counter()
    index.add(vectors)
    _finish()
    return {"train_s": trained - began, "add_s": time.perf_counter() - trained}


def _ask(
    index: Ann,
    half: torch.Tensor,
    asked: NDArray[np.float32],
    truth: NDArray[np.int64],
    repeats: int,
) -> dict[str, Any]:
    """Refined recall at the smallest nprobe that reaches the target, and queries/s there."""
    sweep: dict[int, float] = {}
    for nprobe in (16, 32, 64, 128, 256, 512):
        sweep[nprobe] = recall(refined(index, half, asked, nprobe=nprobe), truth)
        if sweep[nprobe] >= RECALL_TARGET:
            break
    nprobe = max(sweep)
    raw = recall(index.search(asked, K, nprobe=nprobe), truth)
    figures: dict[str, Any] = {"nprobe": nprobe, "recall@10": sweep[nprobe], "raw_recall": raw}
    for batch in BATCHES:
        if batch <= len(asked):
            figures[f"qps_{batch}"] = _rate(index, half, asked, batch, nprobe, repeats)
    return figures | {"sweep": sweep}


def _rate(
    index: Ann,
    half: torch.Tensor,
    asked: NDArray[np.float32],
    batch: int,
    nprobe: int,
    repeats: int,
) -> float:
    """Queries per second, refined, in batches of `batch`: the median of `repeats` rounds."""
    rounds = min(20, len(asked) // batch)
    seconds = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        for at in range(rounds):
            refined(index, half, asked[at * batch : (at + 1) * batch], nprobe=nprobe)
        seconds.append(time.perf_counter() - began)
    return rounds * batch / statistics.median(seconds[1:])


def _finish() -> None:
    """Wait for the GPU, if there is one: its work is asynchronous."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
