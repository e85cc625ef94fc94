import multiprocessing

import numpy as np

from calisota.rag.documents import Chunk
from calisota.rag.embedding_cache import EmbeddingCache, text_key

ROWS = np.arange(12, dtype=np.float16).reshape(3, 4)
KEYS = [text_key(text) for text in ("a", "b", "c")]


def fill(path, start):
    cache = EmbeddingCache(path, dimension=4)
    for number in range(start, start + 50):
        cache.put([text_key(str(number))], np.full((1, 4), number, dtype=np.float16))


def test_what_was_put_is_got_back_by_the_next_process(tmp_path):
    EmbeddingCache(tmp_path / "new" / "cache", dimension=4).put(KEYS, ROWS)
    found = EmbeddingCache(tmp_path / "new" / "cache", dimension=4).get([*KEYS, text_key("d")])
    assert found.keys() == set(KEYS)
    assert np.array_equal(np.stack([found[key] for key in KEYS]), ROWS)


def test_a_vector_of_another_dimension_is_not_there(tmp_path):
    EmbeddingCache(tmp_path / "c", dimension=4).put(KEYS, ROWS)
    assert EmbeddingCache(tmp_path / "c", dimension=8).get(KEYS) == {}


def test_more_keys_than_one_statement_takes(tmp_path):
    cache = EmbeddingCache(tmp_path / "c", dimension=4)
    keys = [text_key(str(number)) for number in range(1_100)]
    cache.put(keys, np.zeros((1_100, 4), dtype=np.float16))
    assert len(cache.get(keys)) == 1_100


def test_processes_write_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=fill, args=(tmp_path / "c", 50 * n)) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found = EmbeddingCache(tmp_path / "c", dimension=4).get([text_key(str(n)) for n in range(150)])
    assert len(found) == 150


def test_a_document_that_was_cut_into_nothing_is_known_too(tmp_path):
    cache = EmbeddingCache(tmp_path / "c", dimension=4)
    chunk = Chunk(id="1", path="a", start_line=1, end_line=2, language="text", text="x")
    cache.put_cut({KEYS[0]: [chunk], KEYS[1]: []})
    assert cache.cut(KEYS) == {KEYS[0]: [chunk], KEYS[1]: []}
