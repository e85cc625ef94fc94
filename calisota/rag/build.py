"""Building an index version: read, chunk, export the model, embed, publish."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import time
from typing import TYPE_CHECKING

from calisota.errors import IndexUnusable, PermanentError
from calisota.rag import layout, minilm
from calisota.rag.chunk_store import write_chunks
from calisota.rag.chunker import CHUNKER_VERSION, chunk_python
from calisota.rag.corpus import stdlib_sources
from calisota.rag.precision import Precision, fastest_precision
from calisota.rag.versions import IndexInputs, IndexVersions, Manifest, file_sha256, now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from calisota.rag.chunker import Chunk
    from calisota.rag.corpus import SourceFile
    from calisota.rag.embedder import Embedder
    from calisota.rag.torch_embedder import TorchEmbedder
    from calisota.settings import Settings

    Progress = Callable[[str], None]

_PACKAGES = ("faiss", "onnx", "onnxruntime", "sentence_transformers", "tokenizers", "torch")
_BATCH = 8  # on a CPU larger batches are slower: they pad more
_PROGRESS_EVERY_S = 2.0
_MIN_PARITY = 0.999
_PARITY_TEXTS = (
    "x",
    "merge several sorted inputs into one",
    "def add(a: int, b: int) -> int:\n    return a + b",
    "# a text that is cut at the encoder's length: " + "for key, value in pairs: print(key) " * 60,
)


def build_index(settings: Settings, progress: Callable[[str], None]) -> Manifest:
    """The manifest of the index that is served: the present one if its inputs are the same.

    Takes about a minute; killed at any moment, it leaves the version before it serving.
    Raises: PermanentError: the setting of modules is wrong or a package is missing.
    """
    _check_packages()
    sources = stdlib_sources(settings.index_modules, progress)
    inputs = _inputs(settings.index_modules, sources)
    versions = IndexVersions(settings.indexes / layout.CORPUS)
    with versions.writing(progress):
        present = _present(versions)
        if present is not None and present[1].inputs == inputs:
            progress(f"The index {present[1].version} is up to date.")
            return present[1]
        with versions.workspace() as workspace:
            _prepare_model(workspace, present, progress)
            manifest = _fill(workspace, inputs, sources, progress)
            versions.publish(workspace, manifest)
    progress(f"The index {manifest.version} serves {manifest.chunks} chunks.")
    return manifest


def _check_packages() -> None:
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise PermanentError(
            f"Packages that build an index are missing: {', '.join(missing)}.",
            remedy="pip install 'calisota[cpu]', or [gpu] on a machine with an NVIDIA GPU.",
        )


def _inputs(modules: tuple[str, ...], sources: Sequence[SourceFile]) -> IndexInputs:
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.model_dump_json().encode())
    return IndexInputs(
        corpus=layout.CORPUS,
        modules=modules,
        sources_sha256=digest.hexdigest(),
        python=platform.python_version(),
        chunker_version=CHUNKER_VERSION,
        model=minilm.NAME,
        weights_sha256=minilm.WEIGHTS_SHA256,
    )


def _present(versions: IndexVersions) -> tuple[Path, Manifest] | None:
    try:
        return versions.current()
    except IndexUnusable:
        return None  # absent or damaged: exactly what a build remedies


def _prepare_model(
    workspace: Path, present: tuple[Path, Manifest] | None, progress: Progress
) -> None:
    """Put the tokenizer and the exported model into `workspace`.

    Versions with the same weights share one file on disk; it is never written again.
    """
    folder = minilm.model_folder()
    shutil.copyfile(folder / "tokenizer.json", workspace / layout.TOKENIZER)
    if present is not None and present[1].inputs.weights_sha256 == minilm.WEIGHTS_SHA256:
        _share(present[0] / layout.MODEL, workspace / layout.MODEL)
        return
    progress(f"Exporting {minilm.NAME} for queries without torch.")
    torch_embedder = _torch_embedder(folder, Precision.FLOAT32)
    torch_embedder.export_onnx(workspace / layout.MODEL)
    theirs = torch_embedder.embed(_PARITY_TEXTS)
    ours = layout.open_embedder(workspace).embed(_PARITY_TEXTS)
    parity = float((theirs * ours).sum(axis=1).min())
    if not parity >= _MIN_PARITY:
        raise PermanentError(
            f"The exported model disagrees with the original: cosine {parity:.4f}.",
            remedy="install the versions of torch, onnx and onnxruntime that uv.lock pins.",
        )


def _fill(
    workspace: Path, inputs: IndexInputs, sources: Sequence[SourceFile], progress: Progress
) -> Manifest:
    """Write chunks and vectors into `workspace`, beside the model."""
    from calisota.rag.vectors import write_vectors  # noqa: PLC0415  # faiss

    chunks = _chunks(workspace, sources)
    progress(f"Embedding {len(chunks)} chunks of {len(sources)} files.")
    precision = fastest_precision()
    embedder: Embedder = (
        # On such a CPU, ONNX Runtime embeds twice as fast as torch.
        layout.open_embedder(workspace)
        if precision is Precision.FLOAT32
        else _torch_embedder(minilm.model_folder(), precision)
    )
    vectors = _embed(embedder, [chunk.text for chunk in chunks], progress)
    write_vectors(workspace / layout.VECTORS, vectors)
    write_chunks(workspace / layout.CHUNKS, chunks)
    return Manifest(
        created_at=now(),
        inputs=inputs,
        precision=precision,
        dimension=vectors.shape[1],
        source_files=len(sources),
        chunks=len(chunks),
        files={name: file_sha256(workspace / name) for name in layout.FILES},
    )


def _share(old: Path, new: Path) -> None:
    try:
        os.link(old, new)
    except OSError:  # a file system without hard links
        shutil.copyfile(old, new)


def _torch_embedder(model: Path, precision: Precision) -> TorchEmbedder:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read at import; the model lies here already
    from calisota.rag.torch_embedder import TorchEmbedder  # noqa: PLC0415  # seconds to import

    return TorchEmbedder(model, precision)


def _chunks(workspace: Path, sources: Sequence[SourceFile]) -> list[Chunk]:
    count = layout.open_counter(workspace)
    return [
        chunk
        for source in sources
        for chunk in chunk_python(source, count, max_tokens=minilm.MAX_TOKENS)
    ]


def _embed(embedder: Embedder, texts: Sequence[str], progress: Progress) -> NDArray[np.float32]:
    """One row for each text, in order: (n, d) float32, rows L2-normalised.

    The longest go first, so that a batch pads little and the estimate errs on the long side.
    """
    import numpy as np  # noqa: PLC0415

    order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
    characters, embedded = sum(map(len, texts)), 0
    blocks: list[NDArray[np.float32]] = []
    began = told = time.monotonic()
    for start in range(0, len(order), _BATCH):
        batch = [texts[row] for row in order[start : start + _BATCH]]
        blocks.append(embedder.embed(batch))
        embedded += sum(map(len, batch))
        if time.monotonic() - told >= _PROGRESS_EVERY_S:
            told = time.monotonic()
            done, spent = start + len(batch), told - began
            left = spent * (characters - embedded) / embedded
            progress(f"{done} of {len(texts)} chunks, {done / spent:.0f}/s, {left:.0f} s left.")
    rows = np.concatenate(blocks)
    return rows[np.argsort(order)]
