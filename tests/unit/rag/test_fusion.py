import time

import pytest

from calisota.rag.fusion import (
    IDENTIFIER_WEIGHT,
    PROSE_WEIGHT,
    fuse,
    looks_like_identifier,
    reciprocal_rank_fusion,
    weight_of,
)

DENSE = [(1, 0.8), (2, 0.7), (3, 0.6)]
LEXICAL = [(2, 12.0), (4, 6.0)]


def test_the_dense_score_is_lifted_by_the_share_of_the_best_lexical_one():
    found = fuse(DENSE, LEXICAL, weight=0.5, k=10)
    assert found == [
        (2, pytest.approx(1.2)),
        (4, pytest.approx(0.6 + 0.25)),  # the lowest dense score, as none is known
        (1, pytest.approx(0.8)),
        (3, pytest.approx(0.6)),
    ]


def test_a_row_that_only_words_found_has_the_dense_score_it_is_said_to_have():
    found = dict(fuse(DENSE, LEXICAL, weight=0.5, k=10, score_of={4: -0.2}.__getitem__))
    assert found[4] == pytest.approx(-0.2 + 0.25)


def test_one_side_alone_keeps_its_order():
    assert fuse(DENSE, [], weight=0.5, k=2) == DENSE[:2]
    assert fuse([], LEXICAL, weight=0.5, k=2) == [(2, 0.5), (4, 0.25)]
    assert fuse([], [], weight=0.5, k=2) == []
    assert fuse(DENSE, LEXICAL, weight=0, k=2) == DENSE[:2]


def test_equal_scores_come_in_order_of_rows():
    assert fuse([(9, 0.5), (3, 0.5)], [], weight=0.1, k=2) == [(3, 0.5), (9, 0.5)]


def test_reciprocal_ranks_add_up():
    found = reciprocal_rank_fusion([DENSE, LEXICAL], k=2)
    assert found == [(2, pytest.approx(1 / 62 + 1 / 61)), (1, pytest.approx(1 / 61))]


@pytest.mark.parametrize(
    "query",
    [
        "heappush",
        "os.path.join",
        "parse_args",
        "ThreadPoolExecutor",
        "std::vector",
        "__init__",
        "md5",
        "def parse_args",
        "json.loads error",
        "`heapq.merge()`",
        "Foo#bar",
        "open(path)",
    ],
)
def test_a_name_weighs_words_more(query):
    assert looks_like_identifier(query)
    assert weight_of(query) == IDENTIFIER_WEIGHT


@pytest.mark.parametrize(
    "query",
    [
        "merge sorted inputs",
        "how to use os.path.join in a loop",
        "",
        "  ",
        "What is it?",
        "a b",
        "python check if a variable is iterable",
        "i.e. the first of all",
    ],
)
def test_prose_weighs_meaning_more(query):
    assert not looks_like_identifier(query)
    assert weight_of(query) == PROSE_WEIGHT


def test_a_hostile_word_costs_no_time():
    began = time.process_time()
    for word in ("aA" * 10_000 + "(", "_" * 20_000, "a." * 10_000, "(" * 20_000):
        looks_like_identifier(word)
    assert time.process_time() - began < 1
