"""The files of one index version, and the encoder that reads its share of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.rag import minilm

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from calisota.rag.chunker import CountTokens
    from calisota.rag.onnx_embedder import OnnxEmbedder

CORPUS = "stdlib"

VECTORS = "vectors.faiss"
CHUNKS = "chunks.sqlite"
MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"
FILES = (VECTORS, CHUNKS, MODEL, TOKENIZER)


def open_embedder(folder: Path) -> OnnxEmbedder:
    """The encoder whose files lie in `folder`."""
    from calisota.rag.onnx_embedder import OnnxEmbedder  # noqa: PLC0415  # numpy, onnxruntime

    return OnnxEmbedder(folder / MODEL, folder / TOKENIZER, max_tokens=minilm.MAX_TOKENS)


def open_counter(folder: Path) -> CountTokens:
    """Counts tokens as the encoder in `folder` does."""
    from tokenizers import Tokenizer  # noqa: PLC0415

    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(texts: Sequence[str]) -> list[int]:
        encoded = tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [len(text.ids) for text in encoded]

    return count
