"""The encoder as sentence-transformers runs it: what the exported one is compared with."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from transformers.utils.logging import disable_progress_bar

from calisota.rag.embedder import normalised

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_OPSET = 17
_INPUTS = ("input_ids", "attention_mask")


class TorchEmbedder:
    """Embeds on the CPU in float32; importing this takes seconds, and only an export needs it."""

    def __init__(self, model: Path) -> None:
        disable_progress_bar()  # type: ignore[no-untyped-call]
        self._model = SentenceTransformer(
            str(model),
            device="cpu",
            local_files_only=True,
            # The exporter cannot trace fused attention, and on a CPU it is no faster.
            model_kwargs={
                "dtype": torch.float32,
                "attn_implementation": "eager",
            },
        )

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row for each text: (n, d) float32, rows L2-normalised."""
        vectors = self._model.encode(
            list(texts), batch_size=len(texts), convert_to_numpy=True, show_progress_bar=False
        )
        return normalised(np.asarray(vectors, dtype=np.float32))

    def export_onnx(self, path: Path) -> None:
        """Write the encoder with its pooling to `path`: token ids and mask in, unit vectors out."""
        example = torch.ones(2, 8, dtype=torch.int64)
        axes = {name: {0: "batch", 1: "tokens"} for name in _INPUTS}
        with warnings.catch_warnings(), torch.no_grad():
            # The traced graph is compared with the model right after, on texts of many lengths.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _Pooled(cast("torch.nn.Module", self._model[0].auto_model)).eval(),
                (example, example),
                str(path),
                dynamo=False,
                opset_version=_OPSET,
                input_names=list(_INPUTS),
                output_names=["embedding"],
                dynamic_axes=axes | {"embedding": {0: "batch"}},
            )


class _Pooled(torch.nn.Module):
    """The encoder with mean pooling over the tokens and L2 normalisation."""

    def __init__(self, encoder: torch.nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """From (n, tokens) int64 ids and mask to (n, d) float32 unit rows."""
        tokens = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(tokens.dtype)
        return torch.nn.functional.normalize((tokens * mask).sum(1) / mask.sum(1), dim=1)
