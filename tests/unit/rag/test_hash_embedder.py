import numpy as np

from calisota.rag.embedder import HashEmbedder


def test_vectors_have_length_one_even_of_nothing():
    vectors = HashEmbedder(16).embed(["merge sorted inputs", "", "()"])
    assert vectors.shape == (3, 16)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)


def test_the_same_text_has_the_same_vector_and_shared_words_bring_texts_near():
    query, same, near, far = HashEmbedder(256).embed(
        ["merge sorted inputs", "Merge sorted inputs.", "merge two inputs", "parse a date"]
    )
    assert query @ same > query @ near > query @ far
