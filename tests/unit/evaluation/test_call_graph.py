import pytest

from calisota.evaluation.call_graph import WEIGHT, calls, lifted, turned
from calisota.evaluation.retrieval import evaluate
from calisota.evaluation.retrieval_sets import Passage, Question, RetrievalSet
from calisota.rag.embedder import HashEmbedder


def passage(identity: str, text: str) -> Passage:
    return Passage(id=identity, text=text, header=f"# {identity}")


PASSAGES = (
    passage("a.py:f", "def f(x):\n    return f(x) + g(x) + C().h (x) + unknown(x)"),
    passage("a.py:g", "def g(x):\n    return x"),
    passage("b.py:g", "def g(x):\n    return -x"),
    passage("b.py:C.h", "def h(self, x):\n    return g(x)"),
    passage("c.py:k", "def k(x):\n    return g(x)"),
)


def test_a_call_leads_to_the_definition_of_that_name_in_the_same_document_first():
    edges = calls(PASSAGES)
    assert edges == {0: [1, 3], 1: [], 2: [], 3: [2], 4: []}  # k may mean either g
    assert turned(edges) == {1: [0], 3: [0], 2: [3]}


def test_passages_without_a_name_call_nothing():
    assert not any(calls([Passage(id="1", text="f(x)"), Passage(id="f", text="g()")]).values())


def test_a_row_is_lifted_by_its_best_neighbour_and_none_is_lost():
    ranking = [(3, 0.52), (1, 0.5), (0, 0.49), (2, 0.1)]
    found = lifted(ranking, {0: [3, 1], 2: [9], 1: []})
    assert [row for row, _ in found] == [3, 0, 1, 2]
    assert dict(found)[0] == pytest.approx(0.49 + WEIGHT * 0.52)
    assert dict(found)[2] == 0.1


def test_both_sides_of_the_graph_are_measured_where_there_is_one():
    questions = (Question(query="g of x", relevant=frozenset({"a.py:g"})),)
    data = RetrievalSet(name="calls", passages=PASSAGES, questions=questions)
    names = {one.name for one in evaluate(data, HashEmbedder()).systems}
    assert {"fused, callers", "fused, callees"} < names
