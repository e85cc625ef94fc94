"""The encoder for many texts: a GPU when there is one, batches by tokens, fused attention.

Importing this module loads torch, which takes seconds; only a build needs it.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from calisota.errors import PermanentError
from calisota.rag import layout
from calisota.rag.mpnet_attention import fuse_attention
from calisota.rag.precision import Precision
from calisota.rag.token_batches import padded_width, token_batches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Progress = Callable[[int, int], None]
    """Told after each batch: texts done, texts in all."""

Device = Literal["auto", "cpu", "cuda"]

_BUDGET_TOKENS = {"cpu": 4_096, "cuda": 32_768}
"""Of one batch. Above about 4k a CPU falls out of its caches."""
_WIDTH_MULTIPLE = {"cpu": 1, "cuda": 8}
"""Of a batch's width: a GPU's matrix units and fused attention want rows of whole 16 bytes."""
_TOKENIZED_AT_ONCE = 1_024


class BatchEncoder:
    """Embeds with a transformers encoder, mean pooling and L2 normalisation.

    `device` "auto" is the GPU when torch sees one. `precision` None is float16 on a GPU and float32
    on a CPU. `budget_tokens` bounds one batch, padding included; None is our default for the
    device. When a GPU's memory does not suffice, the batch and all later ones are halved.
    """

    def __init__(
        self,
        encoder: torch.nn.Module,
        *,
        pad_id: int,
        tokenizer: Any = None,
        device: Device = "auto",
        precision: Precision | None = None,
        budget_tokens: int | None = None,
        fused: bool = True,
    ) -> None:
        """Take a transformers `encoder` over; `tokenizer` is one of `tokenizers`, truncating.

        Without a tokenizer only `encode_tokens` works. `fused` False keeps MPNet's own attention.
        """
        self.device = torch.device(_resolved(device))
        self.precision = precision or _default_precision(self.device)
        self.budget_tokens = budget_tokens or _BUDGET_TOKENS[self.device.type]
        self._multiple = _WIDTH_MULTIPLE[self.device.type]
        self._pad_id = pad_id
        self._tokenizer = tokenizer
        self.dimension = int(encoder.config.hidden_size)  # type: ignore[arg-type,union-attr]
        if fused:
            fuse_attention(encoder)
        self._encoder = encoder.to(self.device, getattr(torch, self.precision)).eval()

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        max_tokens: int,
        device: Device = "auto",
        precision: Precision | None = None,
        budget_tokens: int | None = None,
        memory_gb: float | None = None,
    ) -> BatchEncoder:
        """The encoder from a sentence-transformers `folder`; texts are cut at `max_tokens`.

        Only for models that pool by the mean and normalise, as MiniLM and MPNet do. This process
        then takes at most `memory_gb` of a GPU: batches that need more are halved.
        Raises: PermanentError: the folder holds no whole model; fetch it again.
        """
        from tokenizers import Tokenizer  # noqa: PLC0415  # encode_tokens does without
        from transformers import AutoModel  # noqa: PLC0415

        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.enable_truncation(max_tokens)
        tokenizer.no_padding()
        if memory_gb is not None and _resolved(device) == "cuda":
            _, total = torch.cuda.mem_get_info()
            torch.cuda.set_per_process_memory_fraction(min(1.0, memory_gb * 1e9 / total))
        try:
            model = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
        except Exception as error:  # of half a dozen libraries, each with kinds of its own
            raise PermanentError(
                f"The embedding model in {folder} cannot be loaded: {error}.",
                remedy=layout.WHOLE_MODEL,
            ) from error
        return cls(
            model,
            pad_id=int(model.config.pad_token_id),
            tokenizer=tokenizer,
            device=device,
            precision=precision,
            budget_tokens=budget_tokens,
        )

    def embed(
        self, texts: Sequence[str], *, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """One row for each text, in order: (n, d) float32, rows L2-normalised."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        self.encode_tokens(list(self._tokens(texts)), out=vectors, progress=progress)
        return vectors

    def encode_tokens(
        self,
        texts: Sequence[NDArray[np.int32]],
        *,
        out: NDArray[np.float32] | NDArray[np.float16],
        progress: Progress | None = None,
    ) -> None:
        """Write one L2-normalised row for each text to `out`, (n, d), in order.

        Each text is (tokens,) int32, special tokens included. `out` may be a mapped file.
        Raises: torch.OutOfMemoryError: one text alone does not fit; use a GPU with more memory.
        """
        done = 0
        for rows, values in self._fitting(texts):
            out[rows] = values
            done += len(rows)
            if progress is not None:
                progress(done, len(texts))

    def _fitting(
        self, texts: Sequence[NDArray[np.int32]]
    ) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Batches of positions with their vectors, planned anew whenever memory ran out."""
        lengths = [len(text) for text in texts]
        left = list(range(len(texts)))
        while left:
            plan = token_batches(
                [lengths[position] for position in left],
                budget_tokens=self.budget_tokens,
                multiple=self._multiple,
            )
            batches = [[left[at] for at in batch] for batch in plan]
            left = []
            for number, batch in enumerate(batches):
                values = self._forward_or_none([texts[position] for position in batch])
                if values is None:
                    width = padded_width(lengths[batch[0]], self._multiple)
                    self.budget_tokens = width * (len(batch) // 2)
                    left = [position for later in batches[number:] for position in later]
                    break
                yield batch, values

    def _forward_or_none(self, batch: list[NDArray[np.int32]]) -> NDArray[np.float32] | None:
        """The batch's vectors; None when the GPU has no memory for it and it can be halved."""
        try:
            return self._forward(batch)
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise
        # Past the except block, the traceback no longer holds the failed batch's tensors.
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return None

    @torch.inference_mode()
    def _forward(self, batch: list[NDArray[np.int32]]) -> NDArray[np.float32]:
        """(len(batch), d) float32, rows L2-normalised."""
        width = padded_width(max(len(text) for text in batch), self._multiple)
        ids = np.full((len(batch), width), self._pad_id, dtype=np.int64)
        mask = np.zeros((len(batch), width), dtype=np.int64)
        for row, text in enumerate(batch):
            ids[row, : len(text)] = text
            mask[row, : len(text)] = 1
        on_device = torch.from_numpy(mask).to(self.device)
        tokens = self._encoder(
            input_ids=torch.from_numpy(ids).to(self.device), attention_mask=on_device
        ).last_hidden_state
        # Sums over hundreds of tokens lose digits in float16.
        weights = on_device.unsqueeze(-1).float()
        pooled = (tokens.float() * weights).sum(1) / weights.sum(1)
        unit: NDArray[np.float32] = torch.nn.functional.normalize(pooled, dim=1).cpu().numpy()
        return unit

    def _tokens(self, texts: Sequence[str]) -> Iterator[NDArray[np.int32]]:
        """Each text's token ids; arrays take an eighth of the memory that lists of ints do."""
        for start in range(0, len(texts), _TOKENIZED_AT_ONCE):
            block = list(texts[start : start + _TOKENIZED_AT_ONCE])
            for encoded in self._tokenizer.encode_batch(block):
                yield np.array(encoded.ids, dtype=np.int32)


def _resolved(device: Device) -> Literal["cpu", "cuda"]:
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def _default_precision(device: torch.device) -> Precision:
    return Precision.FLOAT16 if device.type == "cuda" else Precision.FLOAT32
