"""The batch encoder on a CPU, through the interface that a GPU uses."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer
from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel

from calisota.rag.batch_encoder import BatchEncoder
from calisota.rag.encoders import MINILM, find_encoder
from calisota.rag.mpnet_attention import fuse_attention
from calisota.rag.precision import Precision
from calisota.rag.token_batches import padded_width, token_batches
from calisota.settings import Settings

TEXTS = [
    "def add(a, b): return a + b",
    "x",
    "Return the n largest elements of an iterable, in descending order. " * 40,
    "",
    *(f"class Node{n}: value = {n!r}\n" * n for n in range(1, 8)),
]
PAD = 1


@pytest.fixture(scope="module")
def minilm(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return find_encoder(Settings(home=home, embedding_model=MINILM))


def small_mpnet(seed=0):
    torch.manual_seed(seed)
    sizes = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    return MPNetModel(MPNetConfig(vocab_size=200, intermediate_size=96, **sizes)).eval()


def random_tokens(count, longest=60, seed=0):
    rng = np.random.default_rng(seed)
    return [
        rng.integers(5, 200, size=length, dtype=np.int32)
        for length in rng.integers(1, longest, size=count)
    ]


def encoded(encoder, tokens, dtype=np.float32, **kwargs):
    vectors = np.full((len(tokens), encoder.dimension), np.nan, dtype=dtype)
    encoder.encode_tokens(tokens, out=vectors, **kwargs)
    return vectors


def running_out_above(tokens, calls):
    """A hook that fails as CUDA does when a batch has more than `tokens` tokens."""

    def hook(_module, _args, kwargs):
        calls.append(kwargs["input_ids"].numel())
        if calls[-1] > tokens:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    return hook


@given(
    lengths=st.lists(st.integers(1, 400)),
    budget=st.integers(1, 5_000),
    multiple=st.sampled_from([1, 8]),
)
def test_every_text_is_in_one_batch_and_no_batch_of_several_exceeds_the_budget(
    lengths, budget, multiple
):
    batches = token_batches(lengths, budget_tokens=budget, multiple=multiple)
    assert sorted(at for batch in batches for at in batch) == list(range(len(lengths)))
    for batch in batches:
        width = padded_width(max(lengths[at] for at in batch), multiple)
        assert len(batch) == 1 or width * len(batch) <= budget
    firsts = [lengths[at] for batch in batches for at in batch]
    assert firsts == sorted(firsts, reverse=True)


@pytest.fixture(scope="module")
def plain(minilm):
    """What plain SentenceTransformer.encode returns for TEXTS."""
    model = SentenceTransformer(str(minilm.folder), device="cpu", local_files_only=True)
    assert model.max_seq_length == minilm.max_tokens
    return model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)


@pytest.mark.parametrize(
    ("precision", "budget"),
    [(None, 1), (None, 600), (None, 4_096), (Precision.BFLOAT16, 600), (Precision.FLOAT16, 600)],
)
def test_vectors_are_those_of_plain_sentence_transformers_in_the_input_order(
    minilm, plain, precision, budget
):
    encoder = BatchEncoder.load(
        minilm.folder,
        max_tokens=minilm.max_tokens,
        device="cpu",
        precision=precision,
        budget_tokens=budget,
    )
    vectors = encoder.embed(TEXTS)
    assert (vectors.dtype, vectors.shape) == (np.float32, (len(TEXTS), minilm.dimension))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    # bfloat16 has eight bits of mantissa, float16, which a GPU uses, eleven.
    worst = 0.999 if precision is Precision.BFLOAT16 else 0.9999
    assert (vectors * plain).sum(1).min() >= worst


def test_without_a_gpu_auto_is_float32_on_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    encoder = BatchEncoder(small_mpnet(), pad_id=PAD)
    assert (encoder.device.type, encoder.precision) == ("cpu", Precision.FLOAT32)


def test_fused_attention_gives_mpnets_own_results_under_padding():
    stock, fused = small_mpnet(), small_mpnet()
    assert fuse_attention(fused)
    assert fuse_attention(fused)  # again, which changes nothing
    ids = torch.randint(5, 200, (3, 150), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(ids)
    mask[1, 90:] = 0
    mask[2, 1:] = 0
    with torch.inference_mode():
        wanted = stock(input_ids=ids, attention_mask=mask).last_hidden_state
        found = fused(input_ids=ids, attention_mask=mask).last_hidden_state
        unpadded = fused(input_ids=ids[1:2, :90], attention_mask=mask[1:2, :90]).last_hidden_state
    torch.testing.assert_close(found[mask == 1], wanted[mask == 1], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[1:2, :90], unpadded, atol=1e-5, rtol=1e-5)


def test_fusing_leaves_other_models_alone():
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = BertModel(BertConfig(vocab_size=50, intermediate_size=64, **sizes))
    layers = model.encoder
    assert not fuse_attention(model)
    assert model.encoder is layers


def test_fused_and_unfused_encoders_agree():
    tokens = random_tokens(40)
    fused = BatchEncoder(small_mpnet(), pad_id=PAD, device="cpu", budget_tokens=300)
    unfused = BatchEncoder(small_mpnet(), pad_id=PAD, device="cpu", budget_tokens=300, fused=False)
    found, wanted = encoded(fused, tokens), encoded(unfused, tokens)
    assert (found * wanted).sum(1).min() > 0.99999


def test_out_of_memory_halves_the_batch_and_loses_nothing():
    tokens = random_tokens(60)
    wanted = encoded(BatchEncoder(small_mpnet(), pad_id=PAD, device="cpu"), tokens)
    model, sizes, told = small_mpnet(), [], []
    model.register_forward_pre_hook(running_out_above(500, sizes), with_kwargs=True)
    encoder = BatchEncoder(model, pad_id=PAD, device="cpu", budget_tokens=2_000)
    found = encoded(encoder, tokens, progress=lambda done, total: told.append((done, total)))
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    # 2,000, then about 1,000: two failures, after which no batch is too large again.
    assert [size > 500 for size in sizes] == [True, True, *([False] * (len(sizes) - 2))]
    assert encoder.budget_tokens <= 500
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (60, 60)


def test_one_text_that_does_not_fit_is_an_error_not_an_endless_loop():
    model, sizes = small_mpnet(), []
    model.register_forward_pre_hook(running_out_above(10, sizes), with_kwargs=True)
    encoder = BatchEncoder(model, pad_id=PAD, device="cpu")
    with pytest.raises(torch.OutOfMemoryError):
        encoded(encoder, random_tokens(1, longest=60, seed=3) * 2)
    assert len(sizes) == 2


def test_no_texts_are_no_rows():
    assert encoded(BatchEncoder(small_mpnet(), pad_id=PAD, device="cpu"), []).shape == (0, 48)


def test_rows_may_go_to_a_mapped_file_of_float16(tmp_path):
    tokens = random_tokens(20)
    encoder = BatchEncoder(small_mpnet(), pad_id=PAD, device="cpu", budget_tokens=200)
    file = np.memmap(tmp_path / "vectors.f16", dtype=np.float16, mode="w+", shape=(20, 48))
    encoder.encode_tokens(tokens, out=file)
    np.testing.assert_allclose(file, encoded(encoder, tokens), atol=1e-3)


def test_importing_the_package_does_not_load_torch():
    program = "import sys, calisota.rag; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
