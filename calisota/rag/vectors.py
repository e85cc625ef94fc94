"""The one owner of FAISS: vectors written once, then searched exactly and read-only."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import ModuleType

    import numpy as np
    from numpy.typing import NDArray


def _faiss() -> ModuleType:
    """The faiss module; its loader would log each CPU variant it tries."""
    logging.getLogger("faiss.loader").setLevel(logging.WARNING)
    import faiss  # noqa: PLC0415  # only now is its loader quiet

    module: ModuleType = faiss
    return module


def write_vectors(path: Path, vectors: NDArray[np.float32]) -> None:
    """Write an exact inner-product index of `vectors`, (n, d) float32, rows L2-normalised."""
    faiss = _faiss()
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    faiss.write_index(index, str(path))


class VectorIndex:
    """A memory-mapped index without mutators: FAISS aborts the process when one is called."""

    def __init__(self, path: Path) -> None:
        self._faiss = _faiss()
        # One query of a small index is quicker on one thread than waking a pool that then spins.
        self._faiss.omp_set_num_threads(1)
        self._index = self._faiss.read_index(str(path), self._faiss.IO_FLAG_MMAP_IFC)

    def search(
        self, query: NDArray[np.float32], *, k: int, rows: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """At most `k` pairs of row and inner product, best first; only of `rows`, if given.

        `query` is (d,) float32, L2-normalised.
        Source: FAISS pads with id -1 when k > ntotal; those are dropped.
        """
        chosen = None
        if rows is not None:
            # The selector must outlive the search, the parameters do not hold it.
            selector = self._faiss.IDSelectorBatch(list(rows))
            chosen = self._faiss.SearchParameters(sel=selector)
        scores, ids = self._index.search(query[None, :], k, params=chosen)
        pairs = zip(ids[0].tolist(), scores[0].tolist(), strict=True)
        return [(row, score) for row, score in pairs if row >= 0]
