"""The files of one index version, and the encoder that reads its share of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from calisota.rag.onnx_embedder import OnnxEmbedder

    CountTokens = Callable[[Sequence[str]], list[int]]
    """Tokens of each text, without the encoder's special tokens."""

WHOLE_MODEL = "point CALISOTA_EMBEDDING_MODEL at the folder of a whole sentence-transformers model."
VECTORS = "vectors.f16"
ANN = "ann.faiss"
CHUNKS = "chunks.sqlite"
LEXICAL = "lexical.npy"
MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"


def open_embedder(folder: Path, *, max_tokens: int) -> OnnxEmbedder:
    """The encoder whose files lie in `folder`."""
    from calisota.rag.onnx_embedder import OnnxEmbedder  # noqa: PLC0415  # numpy, onnxruntime

    return OnnxEmbedder(folder / MODEL, folder / TOKENIZER, max_tokens=max_tokens)


def open_counter(tokenizer_file: Path) -> CountTokens:
    """Counts tokens as the encoder does whose tokenizer this is.

    Raises: PermanentError: the file is no tokenizer; name another model.
    """
    from tokenizers import Tokenizer  # noqa: PLC0415

    try:
        tokenizer = Tokenizer.from_file(str(tokenizer_file))
    except Exception as error:  # tokenizers raises nothing narrower
        raise PermanentError(
            f"{tokenizer_file} is no tokenizer: {error}.", remedy=WHOLE_MODEL
        ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(texts: Sequence[str]) -> list[int]:
        encoded = tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [len(text.ids) for text in encoded]

    return count
