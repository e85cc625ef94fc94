import gzip
import json
import sys

import numpy as np
import pytest

from calisota.errors import InputError, PermanentError
from calisota.evaluation import plots, retrieval_plot, retrieval_sets
from calisota.evaluation.metrics import bootstrap, ndcg, recall, reciprocal_rank
from calisota.evaluation.retrieval import evaluate
from calisota.evaluation.retrieval_sets import Passage, Question, RetrievalSet
from calisota.rag.documents import Document
from calisota.rag.embedder import HashEmbedder

RANKED = ["d", "b", "x", "a"]


def test_recall_is_the_share_that_was_found():
    assert recall(RANKED, {"a", "b"}, k=1) == 0
    assert recall(RANKED, {"a", "b"}, k=2) == 0.5
    assert recall(RANKED, {"a", "b", "z"}, k=10) == pytest.approx(2 / 3)


def test_the_reciprocal_rank_is_that_of_the_first_relevant_one():
    assert reciprocal_rank(RANKED, {"a", "b"}, k=10) == 0.5
    assert reciprocal_rank(RANKED, {"a"}, k=4) == 0.25
    assert reciprocal_rank(RANKED, {"a"}, k=3) == 0
    assert reciprocal_rank([], {"a"}, k=3) == 0


def test_ndcg_is_the_discounted_gain_over_the_ideal_one():
    # log2(3) and log2(5) discount places 2 and 4; the ideal order has places 1 and 2.
    assert ndcg(RANKED, {"a", "b"}, k=10) == pytest.approx(
        (1 / 1.5849625 + 1 / 2.3219281) / (1 + 1 / 1.5849625)
    )
    assert ndcg(["a", "b"], {"a", "b"}, k=2) == 1
    assert ndcg(["a"], {"a", "b", "c"}, k=1) == 1  # one place, and it is taken rightly
    assert ndcg(RANKED, {"z"}, k=10) == 0


def test_the_interval_holds_the_mean_and_is_that_of_the_normal_law_for_many_queries():
    values = np.random.default_rng(3).random(1000)
    (mean, low, high), zero = bootstrap(np.stack([values, values - values], axis=1))
    assert zero == (0, 0, 0)
    assert mean == pytest.approx(values.mean())
    spread = 1.96 * values.std() / np.sqrt(len(values))
    assert (low, high) == pytest.approx((mean - spread, mean + spread), abs=0.1 * spread)
    assert bootstrap(values[:, None])[0] == pytest.approx((mean, low, high))


SOURCE = '''
import heapq

class Queue:
    """A queue."""

    @property
    def first(self):
        """The oldest entry that waits."""
        def nested():
            """Never a passage of its own."""
        return self.items[0]

    def put(self, item): "Add one item at the end."

if True:
    async def drain(queue):
        r"""Wait for all
        entries to be gone.
        """

def drain(): return None
'''


def documents(*texts):
    return [
        Document(path=f"pkg/part{n}.py", text=text, language="python")
        for n, text in enumerate(texts)
    ]


def test_a_docstring_is_cut_out_and_asks_for_its_function():
    data = retrieval_sets.known_item(documents(SOURCE))
    passages = {passage.id.partition(":")[2]: passage for passage in data.passages}
    assert passages.keys() == {"Queue.first", "Queue.put", "drain", "22:drain"}
    assert passages["Queue.first"].header == "# pkg.part0.Queue.first"
    assert passages["Queue.first"].text.startswith("@property\ndef first(self):\n    def nested():")
    assert passages["Queue.put"].text == "def put(self, item):"
    assert passages["drain"].text == "async def drain(queue):"
    asked = {question.query: question.relevant for question in data.questions}
    assert asked == {
        "The oldest entry that waits.": {"pkg/part0.py:Queue.first"},
        "Add one item at the end.": {"pkg/part0.py:Queue.put"},
    }  # "Wait for all" has too few terms


def test_functions_that_say_the_same_all_answer_and_what_is_no_python_is_left_out():
    source = 'def f():\n    """Parse the given date."""\n'
    others = [Document(path="a.md", text=source, language="markdown"), *documents("def broken(")]
    data = retrieval_sets.known_item([*others, *documents("", source, source)])
    assert [question.relevant for question in data.questions] == [
        {"pkg/part1.py:f", "pkg/part2.py:f"}
    ]


def test_names_ask_for_every_function_so_named():
    data = retrieval_sets.names(documents(SOURCE))
    asked = {question.query: len(question.relevant) for question in data.questions}
    assert asked == {"first": 1, "put": 1, "drain": 2}


def test_cosqa_is_read_from_its_two_files(tmp_path):
    for name, content in (
        (retrieval_sets.COSQA_CODES, {"def a(): pass": 0, "def b(): pass": 1}),
        (retrieval_sets.COSQA_QUERIES, [{"doc": "python b", "retrieval_idx": 1, "label": 1}]),
    ):
        with gzip.open(tmp_path / name, "wt") as file:
            json.dump(content, file)
    data = retrieval_sets.cosqa(tmp_path)
    assert [passage.text for passage in data.passages] == ["def a(): pass", "def b(): pass"]
    assert data.questions == (Question(query="python b", relevant=frozenset({"1"})),)


@pytest.mark.parametrize("content", [None, b"no gzip", gzip.compress(b"{", mtime=0)[:-4]])
def test_cosqa_without_its_files_says_what_to_do(tmp_path, content):
    if content is not None:
        (tmp_path / retrieval_sets.COSQA_CODES).write_bytes(content)
    with pytest.raises(InputError) as caught:
        retrieval_sets.cosqa(tmp_path)
    assert "--data" in caught.value.remedy


def test_files_of_json_lines_are_a_set(tmp_path):
    queries, texts = tmp_path / "mine.jsonl", tmp_path / "texts.jsonl"
    queries.write_text('{"query": "x", "relevant": ["b"]}\n\n')
    texts.write_text('{"id": "a", "text": "y"}\n{"id": "b", "text": "x", "header": "# b"}')
    data = retrieval_sets.from_files(queries, texts)
    assert (data.name, len(data.passages), len(data.questions)) == ("mine", 2, 1)


@pytest.mark.parametrize(
    ("queries", "texts", "message"),
    [
        ('{"query": "x"}', '{"id": "a", "text": ""}', "line 1: relevant"),
        ('{"query": "x", "relevant": []}', '{"id": "a", "text": ""}', "line 1: relevant"),
        ('{"query": "x", "relevant": ["b"]}', '{"id": "a", "text": ""}', "no document has"),
        ("[", '{"id": "a", "text": ""}', "line 1: the object"),
        ("", '{"id": "a", "text": ""}', "there is no query"),
        ('{"query": "x", "relevant": ["a"]}', '{"id": "a", "text": ""}\n' * 2, "one id"),
    ],
)
def test_bad_lines_are_named(tmp_path, queries, texts, message):
    (tmp_path / "q.jsonl").write_text(queries)
    (tmp_path / "t.jsonl").write_text(texts)
    with pytest.raises(InputError, match=message):
        retrieval_sets.from_files(tmp_path / "q.jsonl", tmp_path / "t.jsonl")


def test_absent_or_undecodable_files_are_named(tmp_path):
    with pytest.raises(InputError, match="absent"):
        retrieval_sets.from_files(tmp_path / "q.jsonl", tmp_path / "absent.jsonl")
    (tmp_path / "t.jsonl").write_bytes(b"\xff")
    with pytest.raises(InputError) as caught:
        retrieval_sets.from_files(tmp_path / "q.jsonl", tmp_path / "t.jsonl")
    assert "UTF-8" in caught.value.remedy


PASSAGES = (
    Passage(id="merge", text="merge sorted inputs into one", header="# heapq.merge"),
    Passage(id="parse", text="parse a date from text", header="# dates.parse"),
    Passage(id="open", text="open the file and read it", header="# files.open"),
)
QUESTIONS = (
    Question(query="merge sorted inputs", relevant=frozenset({"merge"})),
    Question(query="date from text", relevant=frozenset({"parse"})),
    Question(query="files.open", relevant=frozenset({"open"})),
)


def test_every_system_is_measured_with_and_without_headers():
    seen = []
    data = RetrievalSet(name="tiny", passages=PASSAGES, questions=QUESTIONS)
    report = evaluate(data, HashEmbedder(256), progress=seen.append)
    assert (report.passages, report.queries) == (3, 3)
    found = {(one.name, one.headers): one for one in report.systems}
    assert found.keys() == {
        (name, headers)
        for name in ("lexical", "dense", "rrf", "fused")
        for headers in (False, True)
    }
    assert found["lexical", True].metrics["mrr@10"] == (1, 1, 1)
    assert found["dense", True].against_dense["ndcg@10"] == (0, 0, 0)
    assert found["fused", True].metrics["recall@1"].mean == 1
    assert any("queries" in line for line in seen)


def test_vectors_are_in_the_order_of_the_passages():
    texts = ["short", "a text of some more words " * 9, "two words", ""]
    passages = tuple(Passage(id=str(n), text=text) for n, text in enumerate(texts))
    questions = tuple(
        Question(query=text.strip() or "-", relevant=frozenset({str(n)}))
        for n, text in enumerate(texts)
    )
    data = RetrievalSet(name="order", passages=passages, questions=questions)
    dense = evaluate(data, HashEmbedder(512)).systems[1]
    assert (dense.name, dense.metrics["recall@1"].mean) == ("dense", 1)


def test_a_limit_draws_the_same_questions_each_time():
    data = RetrievalSet(name="tiny", passages=PASSAGES, questions=QUESTIONS)
    first, again = (evaluate(data, HashEmbedder(), limit=2) for _ in range(2))
    assert first == again
    assert first.queries == 2
    assert evaluate(data, HashEmbedder(), limit=99).queries == 3


def test_a_plot_is_written(tmp_path):
    pytest.importorskip("matplotlib", reason="needs calisota[plot]")
    data = RetrievalSet(name="tiny", passages=PASSAGES, questions=QUESTIONS)
    report = evaluate(data, HashEmbedder())
    retrieval_plot.draw(plots.blank(), report, tmp_path / "plot.svg")
    assert "</svg>" in (tmp_path / "plot.svg").read_text()
    with pytest.raises(InputError, match="cannot be written"):
        retrieval_plot.draw(plots.blank(), report, tmp_path / "plot.nothing")


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(PermanentError) as caught:
        plots.blank()
    assert "calisota[plot]" in caught.value.remedy
