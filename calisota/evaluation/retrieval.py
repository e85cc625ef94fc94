"""How well each way to search finds what is relevant: words, vectors, and both fused."""

from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from calisota.evaluation.call_graph import calls, lifted, turned
from calisota.evaluation.metrics import METRICS, SEED, Interval, bootstrap
from calisota.models import Frozen
from calisota.rag.fusion import fuse, reciprocal_rank_fusion, weight_of
from calisota.rag.lexical import LexicalIndex, write_lexical
from calisota.rag.token_batches import token_batches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from calisota.evaluation.retrieval_sets import Passage, Question, RetrievalSet
    from calisota.rag.embedder import Embedder

    Ranking = list[tuple[int, float]]
    Progress = Callable[[str], None]

DEPTH = 100
"""So many rows of each side are fused."""
DENSE = "dense"

_BATCH_TOKENS = 4096
_TOKEN_CHARACTERS = 3  # about, in code
_MOST_TOKENS = 256


class SystemResult(Frozen):
    """One way to search, measured."""

    name: str
    headers: bool
    """Whether each passage was indexed under its header."""
    metrics: dict[str, Interval]
    against_dense: dict[str, Interval]
    """The paired differences to the vectors alone, with headers where the set has them."""


class RetrievalReport(Frozen):
    """One set, measured with every system."""

    name: str
    passages: int
    queries: int
    systems: tuple[SystemResult, ...]


def evaluate(
    data: RetrievalSet,
    embedder: Embedder,
    *,
    limit: int | None = None,
    progress: Progress = lambda _: None,
) -> RetrievalReport:
    """Every system on `data`; on `limit` of its questions, drawn by a fixed seed, if given."""
    questions = list(data.questions)
    if limit is not None and limit < len(questions):
        questions = random.Random(SEED).sample(questions, limit)  # noqa: S311  # no secret
    vectors = _embedded(embedder, [question.query for question in questions], "queries", progress)
    has_headers = any(passage.header is not None for passage in data.passages)
    values = {
        (name, headers): of
        for headers in ((False, True) if has_headers else (False,))
        for name, of in _measured(data, questions, vectors, embedder, headers, progress)
    }
    progress("drawing the intervals")
    baseline = values[DENSE, has_headers]
    columns = [part for of in values.values() for part in (of, of - baseline)]
    intervals = iter(bootstrap(np.concatenate(columns, axis=1)))
    return RetrievalReport(
        name=data.name,
        passages=len(data.passages),
        queries=len(questions),
        systems=tuple(
            SystemResult(
                name=name,
                headers=headers,
                metrics={metric: next(intervals) for metric in METRICS},
                against_dense={metric: next(intervals) for metric in METRICS},
            )
            for name, headers in values
        ),
    )


def _measured(
    data: RetrievalSet,
    questions: Sequence[Question],
    vectors: NDArray[np.float32],
    embedder: Embedder,
    headers: bool,  # noqa: FBT001
    progress: Progress,
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Each system's name and its values, (questions, metrics)."""
    texts = [_indexed(passage, headers) for passage in data.passages]
    what = "passages with headers" if headers else "passages"
    passages = _embedded(embedder, texts, what, progress)
    found: dict[str, list[list[float]]] = {}
    callees = calls(data.passages)
    graph = {"callees": callees, "callers": turned(callees)} if any(callees.values()) else {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "lexical"
        write_lexical(path, texts)
        index = LexicalIndex(path)
        for question, vector in zip(questions, vectors, strict=True):
            rankings = _rankings(question.query, passages @ vector, index)
            for side, edges in graph.items():
                rankings[f"fused, {side}"] = lifted(rankings["fused"], edges)
            for name, ranking in rankings.items():
                ids = [data.passages[row].id for row, _ in ranking]
                row = [metric(ids, question.relevant) for metric in METRICS.values()]
                found.setdefault(name, []).append(row)
    for name, rows in found.items():
        yield name, np.array(rows)


def _rankings(query: str, scores: NDArray[np.float32], index: LexicalIndex) -> dict[str, Ranking]:
    """What each system ranks first; `scores` are the passages' cosines to the query."""
    best = np.argsort(-scores, kind="stable")[:DEPTH]
    dense: Ranking = list(zip(best.tolist(), scores[best].tolist(), strict=True))
    lexical = index.search(query, k=DEPTH)
    return {
        "lexical": lexical,
        DENSE: dense,
        "rrf": reciprocal_rank_fusion([dense, lexical], DEPTH),
        "fused": fuse(
            dense,
            lexical,
            weight=weight_of(query),
            k=DEPTH,
            score_of=lambda row: float(scores[row]),
        ),
    }


def _indexed(passage: Passage, headers: bool) -> str:  # noqa: FBT001
    return f"{passage.header}\n{passage.text}" if headers and passage.header else passage.text


def _embedded(
    embedder: Embedder, texts: Sequence[str], what: str, progress: Progress
) -> NDArray[np.float32]:
    """(n, d) float32, in the order of `texts`."""
    lengths = [min(len(text) // _TOKEN_CHARACTERS + 2, _MOST_TOKENS) for text in texts]
    parts: list[NDArray[np.float32]] = []
    order: list[int] = []
    for batch in token_batches(lengths, budget_tokens=_BATCH_TOKENS):
        parts.append(embedder.embed([texts[row] for row in batch]))
        order += batch
        progress(f"{len(order)} of {len(texts)} {what} embedded")
    vectors = np.concatenate(parts)
    vectors[order] = vectors.copy()
    return vectors
