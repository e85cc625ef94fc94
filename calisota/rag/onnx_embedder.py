"""The encoder without torch: ONNX Runtime and tokenizers, ready in well under a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from calisota.rag.token_batches import token_batches

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Encoding

_THREADS = 2
_BUDGET_TOKENS = 512
"""Of one batch, padding included. On a CPU larger batches are slower."""


class OnnxEmbedder:
    """Embeds with an exported model, which pools and normalises by itself.

    For queries, and for whole builds on a machine with neither a GPU nor bf16 instructions.
    """

    def __init__(self, model: Path, tokenizer: Path, *, max_tokens: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _THREADS
        # A worker that waits must not burn the core that another task needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.no_padding()
        # MPNet numbers positions by what is padding, so the id must be the model's own.
        named = (self._tokenizer.token_to_id(token) for token in ("<pad>", "[PAD]"))
        self._pad_id = next((found for found in named if found is not None), 0)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row for each text: (n, d) float32, rows L2-normalised."""
        encoded = self._tokenizer.encode_batch(list(texts))
        batches = token_batches([len(text.ids) for text in encoded], budget_tokens=_BUDGET_TOKENS)
        vectors: NDArray[np.float32] | None = None
        for batch in batches:
            found = self._run([encoded[position] for position in batch])
            if vectors is None:
                vectors = np.empty((len(texts), found.shape[1]), dtype=np.float32)
            vectors[batch] = found
        return np.empty((0, 0), dtype=np.float32) if vectors is None else vectors

    def _run(self, encoded: list[Encoding]) -> NDArray[np.float32]:
        """The vectors of one batch, padded to its longest text."""
        width = max(len(text.ids) for text in encoded)
        for text in encoded:
            text.pad(width, pad_id=self._pad_id)
        ids = np.array([text.ids for text in encoded], dtype=np.int64)
        mask = np.array([text.attention_mask for text in encoded], dtype=np.int64)
        vectors: NDArray[np.float32] = self._session.run(
            None, {"input_ids": ids, "attention_mask": mask}
        )[0]
        return vectors
