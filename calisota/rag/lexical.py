"""Lexical search: BM25 over an inverted index in one file, mapped into memory.

The file is five arrays in NumPy's own format, one behind the other: the sorted hashes of all terms,
where the postings of each begin, one number per text for its length, and the postings: the rows,
and how often the term occurs in each. Readers share the mapped pages.

Not SQLite's FTS5: it scores every match of every term one by one (docs/evaluation.md).
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from calisota.errors import IndexUnusable
from calisota.rag.terms import terms

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

K1 = 1.2
"""How soon a term that repeats in a text stops counting. Source: Lucene's BM25Similarity."""
B = 0.75
"""How far a text's length is held against it. Source: Lucene's BM25Similarity."""
QUERY_TERMS = 24
"""Only so many terms of a query are looked up, the rarest: a pasted file is searched in time."""

_MOST = 255  # occurrences that count: a term's weight is flat long before


def write_lexical(path: Path, texts: Iterable[str]) -> None:
    """Write the index of `texts` as a new file; row n is the nth text."""
    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__  # a new term has the next number
    term_of, count_of = array("i"), array("i")
    different, lengths = array("i"), array("i")
    for text in texts:
        found = Counter(terms(text))
        term_of.extend(map(numbers.__getitem__, found))
        count_of.extend(found.values())
        different.append(len(found))
        lengths.append(found.total())
    hashes = _hashes(numbers)
    ranks = np.empty(len(hashes), dtype=np.int32)
    ranks[np.argsort(hashes)] = np.arange(len(hashes), dtype=np.int32)
    ranked = ranks[np.frombuffer(term_of, dtype=np.int32)]
    row_of = np.repeat(np.arange(len(different), dtype=np.int32), different)
    by_term = np.argsort(ranked, kind="stable")
    starts = np.zeros(len(hashes) + 1, dtype=np.int64)
    np.cumsum(np.bincount(ranked, minlength=len(hashes)), out=starts[1:])
    sizes = np.frombuffer(lengths, dtype=np.int32).astype(np.float32)
    mean = sizes.mean() if sizes.any() else 1
    with path.open("xb") as file:
        for part in (
            np.sort(hashes),
            starts,
            (K1 * (1 - B + B * sizes / mean)).astype(np.float32),
            row_of[by_term],
            np.minimum(count_of, _MOST).astype(np.uint8)[by_term],  # last: the others stay aligned
        ):
            np.lib.format.write_array(file, part, allow_pickle=False)


class LexicalIndex:
    """Searches a file that `write_lexical` wrote and nobody changes; safe to share by threads."""

    def __init__(self, path: Path) -> None:
        """Raises: IndexUnusable: this is no such file; build the index again."""
        try:
            with path.open("rb") as file:
                self._hashes, self._starts, self._norms, self._rows, self._counts = (
                    _mapped(path, file) for _ in range(5)
                )
        except (OSError, ValueError) as error:
            raise IndexUnusable(
                f"The lexical index {path.name} cannot be read: {error}.",
                remedy="build the index again.",
            ) from error

    def search(
        self, query: str, *, k: int, allowed: NDArray[np.bool_] | None = None
    ) -> list[tuple[int, float]]:
        """At most `k` rows that share a term with `query` and their BM25 scores, best first.

        Only rows that are `allowed`, (n,), if given. Rows that score the same come in order.
        Source: Robertson and Zaragoza (2009), with Lucene's idf, which is never negative.
        """
        scores = np.zeros(len(self._norms), dtype=np.float32)
        for begin, end in self._rarest(query):
            found, counts = self._rows[begin:end], self._counts[begin:end].astype(np.float32)
            idf = np.log1p((len(scores) - (end - begin) + 0.5) / (end - begin + 0.5))
            scores[found] += idf * (K1 + 1) * counts / (counts + self._norms[found])
        if allowed is not None:
            scores *= allowed
        return _best(scores, k)

    def _rarest(self, query: str) -> list[tuple[int, int]]:
        """Where the postings of the query's terms begin and end, the shortest first."""
        hashes = _hashes(dict.fromkeys(terms(query)))
        places = np.searchsorted(self._hashes, hashes)
        known = places < len(self._hashes)
        known[known] = self._hashes[places[known]] == hashes[known]
        begins, ends = self._starts[places[known]], self._starts[places[known] + 1]
        spans = zip(begins.tolist(), ends.tolist(), strict=True)
        return sorted(spans, key=lambda span: (span[1] - span[0], span))[:QUERY_TERMS]


def _best(scores: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
    rows = np.flatnonzero(scores)
    if len(rows) > k:  # all that reach the kth score, so that ties are broken by row
        rows = rows[scores[rows] >= np.partition(scores[rows], -k)[-k]]
    best = rows[np.argsort(-scores[rows], kind="stable")[:k]]
    return list(zip(best.tolist(), scores[best].tolist(), strict=True))


def _hashes(words: Iterable[str]) -> NDArray[np.uint64]:
    digests = b"".join(
        hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest() for word in words
    )
    return np.frombuffer(digests, dtype="<u8")


def _mapped(path: Path, file: BinaryIO) -> NDArray[Any]:
    """The array that begins where `file` stands, which then stands behind it."""
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"array format {version}")
    shape, _, kind = np.lib.format.read_array_header_1_0(file)
    begin = file.tell()
    size = kind.itemsize * shape[0]
    if path.stat().st_size < begin + size:
        raise ValueError("it is cut short")
    file.seek(size, 1)
    if not shape[0]:  # nothing can be mapped
        return np.empty(0, dtype=kind)
    return np.asarray(np.memmap(path, dtype=kind, mode="r", offset=begin, shape=shape))
