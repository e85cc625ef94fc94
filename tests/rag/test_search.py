"""Search with real files and the hash embedder: no model."""

import shutil

import pytest

from calisota.rag.documents import Query
from tests.rag_versions import chunk, open_folder, write_files

TEXTS = ["merge sorted inputs", "parse a date", "sort a list", "wrap a paragraph"]


@pytest.fixture
def retriever(tmp_path):
    chunks = [
        chunk(
            number,
            text,
            path=f"{'py' if number else 'c'}/sample",
            language="python" if number else "c",
            label="team" if number == 3 else "public",
        )
        for number, text in enumerate(TEXTS)
    ]
    write_files(tmp_path, chunks)
    return open_folder(tmp_path)


def test_hits_come_best_first_with_their_inner_product(retriever):
    found = retriever.search("merge sorted inputs", k=3)
    assert found.index == "v1"
    assert len(found.hits) == 3
    assert found.hits[0].text == "merge sorted inputs"
    assert found.hits[0].similarity == pytest.approx(1, abs=1e-3)
    assert [hit.score for hit in found.hits] == sorted((h.score for h in found.hits), reverse=True)


def test_asking_for_more_than_there_is_brings_all(retriever):
    assert len(retriever.search("anything", k=50).hits) == len(TEXTS)


def test_a_language_narrows_the_search_before_the_best_are_taken(retriever):
    hits = retriever.search("merge sorted inputs", k=1, language="python").hits
    assert [hit.language for hit in hits] == ["python"]
    assert retriever.search("merge", k=50, language="c").hits[0].path == "c/sample"


def test_a_language_without_chunks_has_no_hits(retriever):
    assert retriever.search("merge", k=3, language="rust").hits == []


def test_text_that_is_no_unicode_is_searched_all_the_same(retriever):
    assert retriever.search("merge \udcff", k=1).hits


@pytest.mark.parametrize(
    ("fields", "texts"),
    [
        ({"path": "c/"}, {TEXTS[0]}),
        ({"path": "py/", "language": "c"}, set()),
        ({"labels": ("team",)}, {TEXTS[3]}),
        ({"labels": ("team", "public")}, set(TEXTS)),
        ({"labels": ()}, set()),
        ({"path": "%"}, set()),
    ],
)
def test_filters_bind_what_is_found_by_meaning_and_by_words(retriever, fields, texts):
    (found,) = retriever.search_many([Query(text="merge wrap sorted paragraph", k=10, **fields)])
    assert {hit.text for hit in found.hits} == texts


def test_matching_words_lift_a_hit_above_its_nearness(retriever):
    best = retriever.search("parse a date", k=1).hits[0]
    assert best.text == "parse a date"
    assert best.score > best.similarity


def test_a_version_that_is_removed_while_it_is_read_goes_on(retriever, tmp_path):
    shutil.rmtree(tmp_path)
    (found,) = retriever.search_many([Query(text="merge", language="python")])
    assert len(found.hits) == 3
    retriever.close()
