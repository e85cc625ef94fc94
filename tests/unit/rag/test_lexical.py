import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calisota.errors import IndexUnusable
from calisota.rag.lexical import QUERY_TERMS, LexicalIndex, write_lexical
from calisota.rag.terms import stem, terms

TEXTS = [
    "def heappush(heap, item): push item onto heap, maintaining the heap invariant",
    "def parse_http_headers(stream): Parses the HTTPHeaders of a stream",
    "class ThreadPoolExecutor: run calls in a pool of threads",
    "",
    "def merge(*iterables): merge sorted inputs into a single sorted output",
    "def merge(left, right): merged inputs",
]


@pytest.fixture
def index(tmp_path):
    return indexed(tmp_path / "lexical.bin", TEXTS)


def indexed(path, texts):
    write_lexical(path, iter(texts))
    return LexicalIndex(path)


def brute_force(texts, query, k1=1.2, b=0.75):
    """BM25 as the formula says it, one text and one term at a time."""
    bags = [Counter(terms(text)) for text in texts]
    mean = sum(bag.total() for bag in bags) / len(bags)
    scores = {}
    for row, bag in enumerate(bags):
        for term in set(terms(query)) & set(bag):
            having = sum(term in other for other in bags)
            idf = math.log(1 + (len(texts) - having + 0.5) / (having + 0.5))
            norm = k1 * (1 - b + b * bag.total() / mean)
            scores[row] = scores.get(row, 0) + idf * (k1 + 1) * bag[term] / (bag[term] + norm)
    return sorted(scores.items(), key=lambda found: (-found[1], found[0]))


def test_an_identifier_is_its_parts_and_itself():
    assert terms("parse_HTTPHeaders") == ["pars", "http", "header", "parse_httpheaders"]
    assert terms("ThreadPoolExecutor") == ["thread", "pool", "executor", "threadpoolexecutor"]
    assert terms("utf8_decode") == ["utf", "8", "decod", "utf8_decode"]
    assert terms("__init__") == ["init"]


def test_stop_words_and_data_are_no_terms():
    assert terms("how to sort a list in the place") == ["sort", "list", "plac"]
    assert terms("key = " + "A1b2" * 100) == ["key"]
    assert terms("_ __ () ''") == []


@pytest.mark.parametrize("words", ["merge merges merged merging", "copy copies", "stop stopped"])
def test_forms_of_one_word_are_one_term(words):
    assert len({stem(word) for word in words.split()}) == 1


@pytest.mark.parametrize("word", ["class", "status", "this", "string", "bus", "größe"])
def test_what_only_looks_like_an_ending_stays(word):
    assert stem(word) == word


@pytest.mark.parametrize("query", ["merge sorted inputs", "http header", "heap", "ThreadPool run"])
def test_scores_are_those_of_the_formula(index, query):
    expected = brute_force(TEXTS, query)
    found = index.search(query, k=10)
    assert [row for row, _ in found] == [row for row, _ in expected]
    assert [score for _, score in found] == pytest.approx([s for _, s in expected], rel=1e-5)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text("ab cA_1 .", max_size=30), max_size=8),
    query=st.text("ab cA_1 .", max_size=20),
)
def test_any_texts_are_ranked_as_the_formula_says(tmp_path, texts, query):
    path = tmp_path / "any.bin"
    path.unlink(missing_ok=True)
    found = indexed(path, texts).search(query, k=20)
    expected = dict(brute_force(texts, query)) if any(map(terms, texts)) else {}
    assert dict(found) == pytest.approx(expected, rel=1e-5)


def test_the_best_k_come_and_ties_in_order_of_rows(tmp_path):
    index = indexed(tmp_path / "ties.bin", ["same words"] * 9 + ["words words"])
    assert [row for row, _ in index.search("same words", k=3)] == [0, 1, 2]


def only(*rows):
    return np.isin(np.arange(len(TEXTS)), rows)


def test_only_the_wanted_rows_are_found_with_the_scores_they_have_among_all(index):
    among_all = dict(index.search("merge inputs heap", k=10))
    assert among_all.keys() == {0, 4, 5}
    found = index.search("merge inputs heap", k=10, allowed=only(5, 3, 0))
    assert dict(found) == {row: among_all[row] for row in (5, 0)}
    assert index.search("merge", k=10, allowed=only()) == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        " ",
        "the of",
        '"',
        '" OR "',
        "merge*",
        "NEAR(a b)",
        "-merge",
        "x:y",
        "\0",
        "\ud800",
        "'; --",
    ],
)
def test_no_query_is_too_odd(index, query):
    for _, score in index.search(query, k=5):
        assert score > 0


@pytest.mark.parametrize(
    "query",
    ["(" * 20_000, "a_" * 10_000, "zzz " * 5_000, "A" * 20_000, "aA" * 10_000, "merge " * 3_000],
    ids=lambda query: query[:4],
)
def test_no_query_is_too_long(index, query):
    for _, score in index.search(query, k=5):
        assert score > 0


def test_of_a_long_query_the_rarest_terms_count(tmp_path):
    words = [f"w{letter}x" for letter in "abcdefghijklmnopqrstuvwxyz"] + ["needle"]
    texts = [" ".join(words[:-1])] * 3 + ["needle"]
    index = indexed(tmp_path / "long.bin", texts)
    found = dict(index.search(" ".join(words * 3), k=4))
    assert found[3] == pytest.approx(dict(index.search("needle", k=4))[3])
    assert found[0] == pytest.approx(
        dict(index.search(" ".join(words[: QUERY_TERMS - 1]), k=4))[0], rel=1e-5
    )


def test_an_index_of_nothing_finds_nothing(tmp_path):
    assert indexed(tmp_path / "none.bin", []).search("merge", k=5) == []
    assert indexed(tmp_path / "blank.bin", ["", "..."]).search("merge", k=5) == []


def test_threads_share_one_index(index):
    queries = ["merge sorted inputs", "http headers", "heap item", "thread pool"] * 25
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda query: index.search(query, k=3), queries))
    assert found == [index.search(query, k=3) for query in queries]


def test_a_file_that_is_no_index_is_refused(tmp_path, index):
    damaged = tmp_path / "damaged.bin"
    whole = (tmp_path / "lexical.bin").read_bytes()
    for content in (b"", b"no index", whole[:-1], whole[:200]):
        damaged.write_bytes(content)
        with pytest.raises(IndexUnusable, match=r"damaged\.bin"):
            LexicalIndex(damaged)
    with pytest.raises(IndexUnusable):
        LexicalIndex(tmp_path / "absent.bin")
    assert index.search("merge", k=1)


def test_a_published_file_is_not_written_again(tmp_path, index):
    with pytest.raises(FileExistsError):
        write_lexical(tmp_path / "lexical.bin", TEXTS)
    assert index.search("merge", k=1)
