"""Chunks per second of the encoder: every precision, attention and batch against naive batches."""

from __future__ import annotations

import copy
import itertools
import statistics
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from calisota.rag.batch_encoder import BatchEncoder
from calisota.rag.mpnet_attention import fuse_attention
from calisota.rag.precision import Precision

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Row = dict[str, Any]

GIB = 1 << 30
_MAX_TOKENS = 384
_VOCABULARY = 30_527
_PAD = 1
_NAIVE_BATCH = 32


def encode(options: argparse.Namespace) -> Iterator[Row]:
    """Chunks per second of every precision, attention and budget against naive batches."""
    texts = random_texts(options.chunks)
    model = model_of(options)
    encoder = encoder_of(options, model, Precision.FLOAT32, fused=False)
    torch.set_float32_matmul_precision("highest")
    reference = encoded(encoder, texts)
    torch.set_float32_matmul_precision("high")
    lengths = [len(text) for text in texts]
    yield {
        "batches": f"{len(texts):,} chunks of {statistics.median(lengths)} tokens in the median, "
        f"{statistics.mean(lengths):.0f} in the mean"
    }
    in_order = list(range(len(texts)))
    by_length = sorted(in_order, key=lambda at: -lengths[at])
    for name, order in (("as they come", in_order), ("sorted", by_length)):
        naive = _naive(encoder.device, model, texts, order)
        row = {"precision": _label(options, Precision.FLOAT32), "attention": "eager"}
        yield row | {"batches": f"32 {name}"} | _measured(options, naive, texts, reference)
    for precision in (Precision.FLOAT32, Precision.FLOAT16, Precision.BFLOAT16):
        for fused, size in itertools.product((False, True), options.budgets):
            encoder = encoder_of(options, model, precision, budget_tokens=size, fused=fused)
            row = {"precision": _label(options, precision)}
            row |= {"attention": "fused" if fused else "eager"}
            yield row | _variant(options, encoder, texts, reference)
    if options.compile:
        encoder = _compiled(options, model)
        row = {"precision": Precision.FLOAT16.value, "attention": "fused, torch.compile"}
        yield row | _variant(options, encoder, texts, reference)
    if options.device == "cuda":
        yield {"attention": "fused", "kernels": _kernels(options, model, texts)}


def random_mpnet(layers: int) -> torch.nn.Module:
    """An MPNet of all-mpnet-base-v2's shape with random weights, the same each time."""
    from transformers import MPNetConfig, MPNetModel  # noqa: PLC0415  # seconds; not for all stages

    torch.manual_seed(0)
    model: torch.nn.Module = MPNetModel(
        MPNetConfig(vocab_size=_VOCABULARY, num_hidden_layers=layers)
    )
    return model.eval()


def model_of(options: argparse.Namespace) -> torch.nn.Module:
    """The encoder that the options ask for: real weights, or random ones."""
    if options.model is None:
        return random_mpnet(options.layers)
    from transformers import AutoModel  # noqa: PLC0415

    model: torch.nn.Module = AutoModel.from_pretrained(options.model, local_files_only=True)
    return model


def random_texts(count: int) -> list[NDArray[np.int32]]:
    """Random tokens, as long as code chunks are: median 135, p90 499, cut at 384."""
    draw = np.random.default_rng(0)
    lengths = np.exp(draw.normal(np.log(135), 1.02, size=count)).astype(int).clip(8, _MAX_TOKENS)
    return [draw.integers(5, 30_000, size=length, dtype=np.int32) for length in lengths]


def _label(options: argparse.Namespace, precision: Precision) -> str:
    """What the products are computed in: a GPU was told to use TF32 for float32."""
    tf32 = precision is Precision.FLOAT32 and options.device == "cuda"
    return "tf32" if tf32 else precision.value


def encoder_of(
    options: argparse.Namespace,
    model: torch.nn.Module,
    precision: Precision,
    *,
    budget_tokens: int | None = None,
    fused: bool = True,
) -> BatchEncoder:
    """An encoder with weights of its own."""
    return BatchEncoder(
        copy.deepcopy(model), pad_id=_PAD, device=options.device, precision=precision,
        budget_tokens=budget_tokens, fused=fused,
    )  # fmt: skip


def encoded(encoder: BatchEncoder, texts: Sequence[NDArray[np.int32]]) -> NDArray[np.float32]:
    """(n, d) float32, rows L2-normalised, in the order of `texts`."""
    vectors = np.empty((len(texts), encoder.dimension), dtype=np.float32)
    encoder.encode_tokens(texts, out=vectors)
    return vectors


def _compiled(options: argparse.Namespace, model: torch.nn.Module) -> BatchEncoder:
    """A float16 encoder that torch compiled for batches of any shape."""
    own = copy.deepcopy(model)
    fuse_attention(own)
    # After the copy: a copy of a compiled module is not compiled.
    own.compile(dynamic=True)
    return BatchEncoder(
        own, pad_id=_PAD, device=options.device, precision=Precision.FLOAT16,
        budget_tokens=options.budgets[0],
    )  # fmt: skip


def _variant(
    options: argparse.Namespace,
    encoder: BatchEncoder,
    texts: Sequence[NDArray[np.int32]],
    reference: NDArray[np.float32],
) -> Row:
    """What `encoder` does with its budget, and with which one it ended if memory ran out."""
    asked = encoder.budget_tokens
    row: Row = {"batches": f"{asked:,} tokens"}
    row |= _measured(options, lambda some: encoded(encoder, some), texts, reference)
    return row | ({"halved_to": encoder.budget_tokens} if encoder.budget_tokens < asked else {})


def _measured(
    options: argparse.Namespace,
    work: Callable[[Sequence[NDArray[np.int32]]], NDArray[np.float32]],
    texts: Sequence[NDArray[np.int32]],
    reference: NDArray[np.float32],
) -> Row:
    """Rate, peak memory and the worst cosine of `work`; the first run warms up."""
    cuda = options.device == "cuda"
    # All the texts: the allocator and the libraries' choices depend on every shape.
    vectors = work(texts)
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    seconds = [seconds_of(lambda: work(texts)) for _ in range(options.repeats)]
    return {
        "chunks_per_s": len(texts) / statistics.median(seconds),
        "slowest": len(texts) / max(seconds),
        "fastest": len(texts) / min(seconds),
        "peak_gib": torch.cuda.max_memory_allocated() / GIB if cuda else None,
        "min_cos": float((vectors * reference).sum(1).min()),
    }


def _naive(
    device: torch.device,
    model: torch.nn.Module,
    texts: Sequence[NDArray[np.int32]],
    order: Sequence[int],
) -> Callable[[Sequence[NDArray[np.int32]]], NDArray[np.float32]]:
    """Encoding in batches of 32 texts in `order`, each padded to its longest, as is usual."""
    on_device = copy.deepcopy(model).to(device).eval()

    @torch.inference_mode()
    def work(_: Sequence[NDArray[np.int32]]) -> NDArray[np.float32]:
        vectors: list[torch.Tensor] = []
        for start in range(0, len(order), _NAIVE_BATCH):
            batch = [torch.from_numpy(texts[at]).long() for at in order[start:][:_NAIVE_BATCH]]
            ids = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True, padding_value=_PAD)
            ids = ids.to(device)
            mask = (ids != _PAD).long()
            tokens = on_device(input_ids=ids, attention_mask=mask).last_hidden_state
            weights = mask.unsqueeze(-1).to(tokens.dtype)
            pooled = (tokens * weights).sum(1) / weights.sum(1)
            vectors.append(torch.nn.functional.normalize(pooled, dim=1).cpu())
        stacked: NDArray[np.float32] = torch.cat(vectors).numpy()
        back = np.empty_like(stacked)
        back[list(order)] = stacked
        return back

    return work


def _kernels(
    options: argparse.Namespace, model: torch.nn.Module, texts: Sequence[NDArray[np.int32]]
) -> list[str]:
    """The eight kernels that take most of the GPU's time in float16 with fused attention."""
    encoder = encoder_of(options, model, Precision.FLOAT16)
    some = texts[:1_000]
    encoded(encoder, some)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        encoded(encoder, some)
    found = sorted(profile.key_averages(), key=lambda event: -event.self_device_time_total)
    return [f"{event.key[:90]} {event.self_device_time_total / 1e3:.1f} ms" for event in found[:8]]


def seconds_of(work: Callable[[], object]) -> float:
    """Wall seconds until the GPU too is done."""
    _synchronise()
    began = time.perf_counter()
    work()
    _synchronise()
    return time.perf_counter() - began


def _synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
