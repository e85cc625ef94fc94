"""The encoder exported once for ONNX Runtime, and compared with the original."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from calisota.errors import PermanentError
from calisota.rag import layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from calisota.rag.encoders import EncoderModel

_MIN_PARITY = 0.999
_PARITY_TEXTS = (
    "x",
    "merge several sorted inputs into one",
    "def add(a: int, b: int) -> int:\n    return a + b",
    "# a text that is cut at the encoder's length: " + "for key, value in pairs: print(key) " * 60,
)


def exported(encoder: EncoderModel, models: Path, progress: Callable[[str], None]) -> Path:
    """The folder below `models` with the exported model and its tokenizer; made if it is not there.

    Raises: PermanentError: the export disagrees with the original.
    """
    folder = models / f"onnx-{encoder.weights_sha256[:16]}"
    models.mkdir(parents=True, exist_ok=True)
    with (models / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            progress(f"Exporting {encoder.name} for queries without torch.")
            with tempfile.TemporaryDirectory(prefix=".exporting-", dir=models) as scratch:
                made = Path(scratch) / "model"
                made.mkdir()
                _export(encoder, made)
                made.rename(folder)
    return folder


def _export(encoder: EncoderModel, folder: Path) -> None:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read at import; the model lies here already
    from calisota.rag.torch_embedder import TorchEmbedder  # noqa: PLC0415  # seconds to import

    shutil.copyfile(encoder.folder / layout.TOKENIZER, folder / layout.TOKENIZER)
    try:
        original = TorchEmbedder(encoder.folder)
    except Exception as error:  # of half a dozen libraries, each with kinds of its own
        raise PermanentError(
            f"The embedding model in {encoder.folder} cannot be loaded: {error}.",
            remedy=layout.WHOLE_MODEL,
        ) from error
    original.export_onnx(folder / layout.MODEL)
    theirs = original.embed(_PARITY_TEXTS)
    ours = layout.open_embedder(folder, max_tokens=encoder.max_tokens).embed(_PARITY_TEXTS)
    parity = float((theirs * ours).sum(axis=1).min())
    if not parity >= _MIN_PARITY:
        raise PermanentError(
            f"The exported model disagrees with the original: cosine {parity:.4f}.",
            remedy="install the versions of torch, onnx and onnxruntime that uv.lock pins.",
        )
