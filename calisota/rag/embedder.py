"""What turns text into vectors: the seam, and a deterministic embedder for tests."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_WORD = re.compile(r"[A-Za-z0-9]+")


class Embedder(Protocol):
    """A sentence encoder."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row for each text: (n, d) float32, rows L2-normalised."""
        ...


class HashEmbedder:
    """Texts that share words are near; no weights, the same on every machine."""

    def __init__(self, dimension: int = 64) -> None:
        self._dimension = dimension

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row for each text: (n, d) float32, rows L2-normalised; never zero."""
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in _WORD.findall(text.lower()) or [""]:
                digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
                vectors[row, int.from_bytes(digest) % self._dimension] += 1
        return normalised(vectors)


def normalised(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """`vectors`, (n, d), with every row at length 1."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / lengths, dtype=np.float32)
