"""The parts of search with a real FAISS file and the hash embedder: no model."""

import numpy as np
import pytest

from calisota.models import Language
from calisota.rag import Retriever
from calisota.rag.chunk_store import ChunkStore, write_chunks
from calisota.rag.chunker import Chunk
from calisota.rag.embedder import HashEmbedder
from calisota.rag.vectors import VectorIndex, write_vectors

TEXTS = ["merge sorted inputs", "parse a date", "sort a list", "wrap a paragraph"]


@pytest.fixture
def retriever(tmp_path):
    embedder = HashEmbedder(128)
    chunks = [
        Chunk(
            id=f"c{number}",
            path="sample.py" if number else "sample.c",
            start_line=number + 1,
            end_line=number + 1,
            language=Language.PYTHON if number else Language.C,
            text=text,
        )
        for number, text in enumerate(TEXTS)
    ]
    write_vectors(tmp_path / "v", embedder.embed(TEXTS))
    write_chunks(tmp_path / "c", chunks)
    return Retriever(
        "v1",
        embedder=embedder,
        vectors=VectorIndex(tmp_path / "v"),
        chunks=ChunkStore(tmp_path / "c"),
    )


def test_hits_come_best_first_with_their_inner_product(retriever):
    found = retriever.search("merge sorted inputs", k=3)
    assert found.index == "v1"
    assert len(found.hits) == 3
    assert found.hits[0].text == "merge sorted inputs"
    assert found.hits[0].score == pytest.approx(1)
    assert [hit.score for hit in found.hits] == sorted((h.score for h in found.hits), reverse=True)


def test_asking_for_more_than_there_is_brings_all(retriever):
    assert len(retriever.search("anything", k=50).hits) == len(TEXTS)


def test_a_language_narrows_the_search_before_the_best_are_taken(retriever):
    hits = retriever.search("merge sorted inputs", k=1, language="python").hits
    assert [hit.language for hit in hits] == ["python"]
    assert retriever.search("merge", k=50, language="c").hits[0].path == "sample.c"


def test_a_language_without_chunks_has_no_hits(retriever):
    assert retriever.search("merge", k=3, language="rust").hits == []


def test_text_that_is_no_unicode_is_searched_all_the_same(retriever):
    assert retriever.search("merge \udcff", k=1).hits


def test_exact_search_agrees_with_numpy(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(200, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    write_vectors(tmp_path / "v", vectors)
    found = VectorIndex(tmp_path / "v").search(vectors[7], k=10)
    assert [row for row, _ in found] == np.argsort(-(vectors @ vectors[7]))[:10].tolist()
