"""Building an index version in steps that can each be killed and repeated.

begin -> embed_shard (one call a shard, in parallel if need be) -> assemble -> gate -> publish.
`build_index` is all of them in one process; the DAG `index_build` has a task for each.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from typing import TYPE_CHECKING

from calisota.errors import GateFailed, IndexUnusable, InputError, PermanentError
from calisota.models.base import Frozen
from calisota.rag import layout
from calisota.rag.encoders import EncoderModel, find_encoder
from calisota.rag.precision import Precision, fastest_precision
from calisota.rag.versions import (
    GateFigures,
    IndexInputs,
    IndexVersions,
    Manifest,
    file_sha256,
    now,
)
from calisota.rag.workspace import (
    Assembled,
    Order,
    ShardDone,
    Workspace,
    disk_faults,
    read_lines,
    write_lines,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from calisota.rag.corpora import Corpus
    from calisota.rag.documents import Chunk, Document
    from calisota.rag.embedder import Embedder
    from calisota.rag.embedding_cache import EmbeddingCache
    from calisota.rag.search_way import Search
    from calisota.rag.vectors import VectorIndex
    from calisota.settings import Settings

    Progress = Callable[[str], None]

_PACKAGES: tuple[str, ...] = (
    *("faiss", "onnx", "onnxruntime", "sentence_transformers", "tokenizers", "torch"),
    *("detect_secrets", "pathspec", "tree_sitter"),
)
_ORDER = "order.json"
_ASSEMBLED = "assembled.json"
_SHARD_CHARS = 4_000_000
_MAX_SHARDS = 64
GATE_K = 10
_GATE_QUERIES = 300
_MARGIN = 0.01
"""Of recall, when a way to search is chosen by half of the queries."""
_MIN_KNOWN_ITEMS = 0.5
_MAX_SHRINK = 0.2
"""Part of the documents that may be gone since the version that serves."""


class Begun(Frozen):
    """What a build has to do."""

    key: str
    """Names the build in the steps that follow."""
    shards: int
    unchanged: str | None = None
    """The version that is this build's result already; then there is nothing to do."""


def build_index(
    settings: Settings,
    progress: Progress,
    *,
    corpus: str | None = None,
    partition: str | None = None,
    as_of: datetime | None = None,
    force: bool = False,
) -> Manifest:
    """The manifest of the version of `corpus` as it is now: the present one if nothing changed.

    Killed at any moment, it leaves the version before it serving, and the next call goes on.
    Raises: InputError: there is no such corpus. GateFailed: it is too bad to serve.
    PermanentError: a package is missing, the corpus is empty or gone, or the disk is full.
    """
    name = corpus or settings.index_corpus
    key = versions_of(settings, name).own_key()
    begun = begin(settings, progress, corpus=name, key=key, partition=partition, as_of=as_of)
    if begun.unchanged is None:
        for shard in range(begun.shards):
            embed_shard(settings, progress, corpus=name, key=begun.key, shard=shard)
        assemble(settings, progress, corpus=name, key=begun.key)
        if not force:
            gate(settings, progress, corpus=name, key=begun.key)
    return publish(settings, progress, corpus=name, begun=begun)


def versions_of(settings: Settings, corpus: str) -> IndexVersions:
    """The versions of one corpus."""
    return IndexVersions(settings.indexes / corpus)


def begin(
    settings: Settings,
    progress: Progress,
    *,
    corpus: str,
    key: str,
    partition: str | None = None,
    as_of: datetime | None = None,
) -> Begun:
    """Read the corpus and share its documents out. Raises as `build_index` does.

    `key` names the build: a second try of the same build has the same, another build another.
    """
    _check_packages()
    from calisota.rag.chunking import CHUNKER_VERSION  # noqa: PLC0415  # the grammars
    from calisota.rag.corpora import digest_of, discover  # noqa: PLC0415

    moment = as_of or now()
    found = discover(_corpus(settings, corpus), progress=progress, as_of=as_of)
    encoder = find_encoder(settings)
    inputs = IndexInputs(
        corpus=corpus,
        partition=partition,
        documents_sha256=digest_of(found.documents),
        chunker_version=CHUNKER_VERSION,
        model=encoder.name,
        weights_sha256=encoder.weights_sha256,
        precision=fastest_precision(),
    )
    versions = versions_of(settings, corpus)
    present = _whole(versions, inputs)
    if present is not None:
        progress(f"Nothing changed: {present.version} is the index of these documents.")
        return Begun(key=key, shards=0, unchanged=present.version)
    twin = _twin(versions, inputs)
    shards = [] if twin else list(_shares(found.documents))
    order = Order(
        inputs=inputs,
        as_of=moment,
        encoder=encoder,
        documents=len(found.documents),
        shards=len(shards),
        same_as=twin.version if twin else None,
        skipped={reason: len(names) for reason, names in found.skipped.items()},
    )
    workspace = Workspace(versions.workspace(key, empty=True))
    with disk_faults(workspace.folder):
        for number, share in enumerate(shards):
            with workspace.writing(workspace.documents(number).name) as path:
                write_lines(path, share)
        workspace.put(_ORDER, order)
    progress(f"{order.documents} documents of {corpus} in {order.shards} shards.")
    return Begun(key=key, shards=len(shards))


def embed_shard(
    settings: Settings, progress: Progress, *, corpus: str, key: str, shard: int
) -> ShardDone:
    """Cut and embed one share of the documents. Raises: TransientError: `begin` did not end."""
    from calisota.rag.chunk_encoding import cut_documents, embed_texts  # noqa: PLC0415
    from calisota.rag.documents import Document  # noqa: PLC0415
    from calisota.rag.vectors import write_matrix  # noqa: PLC0415

    workspace = Workspace(versions_of(settings, corpus).workspace(key))
    done = workspace.find(workspace.done(shard), ShardDone)
    if done is not None:
        return done
    order = workspace.get(_ORDER, Order)
    encoder = order.encoder
    with disk_faults(workspace.folder):
        cache = _cache(settings, order)
        count = layout.open_counter(encoder.folder / layout.TOKENIZER)
        documents = list(read_lines(workspace.documents(shard), Document))
        chunks = cut_documents(documents, cache, count, max_tokens=encoder.max_tokens)
        vectors, embedded = embed_texts(
            [chunk.text for chunk in chunks],
            cache,
            lambda: _embedder(settings, order, progress),
            progress,
        )
        with workspace.writing(workspace.chunks(shard).name) as path:
            write_lines(path, chunks)
        with workspace.writing(workspace.vectors(shard).name) as path:
            write_matrix(path, [vectors])
        done = ShardDone(documents=len(documents), chunks=len(chunks), embedded=embedded)
        workspace.put(workspace.done(shard), done)
    progress(f"Shard {shard}: {done.chunks} chunks, {done.embedded} of them embedded now.")
    return done


def assemble(settings: Settings, progress: Progress, *, corpus: str, key: str) -> Assembled:
    """Make the files of the version and measure it. Raises: PermanentError: there is no chunk."""
    versions = versions_of(settings, corpus)
    workspace = Workspace(versions.workspace(key))
    done = workspace.find(_ASSEMBLED, Assembled)
    if done is not None:
        return done
    order = workspace.get(_ORDER, Order)
    with disk_faults(workspace.folder):
        if order.same_as is not None:
            assembled = _lent(versions, order.same_as, workspace)
        else:
            assembled = _assembled(settings, workspace, order, progress)
        workspace.put(_ASSEMBLED, assembled)
    progress(
        f"{assembled.chunks} chunks, {assembled.factory or 'compared one by one'}; recall@{GATE_K} "
        f"{assembled.gate.recall:.3f}, known items {assembled.gate.known_items:.3f}."
    )
    return assembled


def gate(settings: Settings, progress: Progress, *, corpus: str, key: str) -> GateFigures:
    """What was measured, when it is good enough to serve.

    Raises: GateFailed: each reason with its figure; the version that serves stays.
    """
    versions = versions_of(settings, corpus)
    workspace = Workspace(versions.workspace(key))
    order, assembled = workspace.get(_ORDER, Order), workspace.get(_ASSEMBLED, Assembled)
    figures = assembled.gate
    reasons = []
    if figures.recall < settings.index_min_recall:
        reasons.append(
            f"recall@{GATE_K} is {figures.recall:.3f}, less than {settings.index_min_recall:g}"
        )
    if figures.known_items < _MIN_KNOWN_ITEMS:
        reasons.append(
            f"of the known items {figures.known_items:.0%} are found, less than "
            f"{_MIN_KNOWN_ITEMS:.0%}"
        )
    earlier = [one for one in versions.manifests() if one.as_of < order.as_of]
    before = max(earlier, key=lambda one: one.as_of, default=None)
    if before is not None and order.documents < (1 - _MAX_SHRINK) * before.documents:
        reasons.append(
            f"it has {order.documents} documents, {before.version} before it {before.documents}"
        )
    if reasons:
        raise GateFailed(
            f"The new index of {corpus} is not good enough to serve: {'; '.join(reasons)}.",
            remedy="mend the corpus or the settings; `calisota index build --force` serves it "
            "all the same. The version before it goes on serving.",
        )
    progress("The gate is passed.")
    return figures


def publish(settings: Settings, progress: Progress, *, corpus: str, begun: Begun) -> Manifest:
    """The manifest of the new version, which serves unless a later one does."""
    versions = versions_of(settings, corpus)
    with versions.writing(progress):
        if begun.unchanged is not None:
            _, manifest = versions.verified(begun.unchanged)
        else:
            manifest = _published(versions, begun.key)
        _serve_if_latest(versions, manifest, progress, new=begun.unchanged is None)
        removed = versions.remove_old(
            keep=settings.index_keep, partitions=settings.index_keep_partitions
        )
    if removed:
        progress(f"Removed by retention: {', '.join(removed)}.")
    return manifest


def _check_packages() -> None:
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise PermanentError(
            f"Packages that build an index are missing: {', '.join(missing)}.",
            remedy="pip install 'calisota[cpu]', or [gpu] on a machine with an NVIDIA GPU.",
        )


def _published(versions: IndexVersions, key: str) -> Manifest:
    workspace = Workspace(versions.workspace(key))
    order = workspace.get(_ORDER, Order)
    twin = _whole(versions, order.inputs)
    if twin is not None:  # another run of the same build was here first
        shutil.rmtree(workspace.folder)
        return twin
    assembled = workspace.get(_ASSEMBLED, Assembled)
    manifest = Manifest(
        created_at=now(),
        as_of=order.as_of,
        inputs=order.inputs,
        dimension=order.encoder.dimension,
        max_tokens=order.encoder.max_tokens,
        factory=assembled.factory,
        search=assembled.search,
        documents=order.documents,
        chunks=assembled.chunks,
        skipped=order.skipped,
        gate=assembled.gate,
        files={name: file_sha256(workspace.path(name)) for name in assembled.files},
    )
    with disk_faults(workspace.folder):
        versions.publish(workspace.folder, manifest)
    return manifest


def _serve_if_latest(
    versions: IndexVersions, manifest: Manifest, progress: Progress, *, new: bool
) -> None:
    """A backfilled day does not take the place of a later one, nor an old version of any.

    Whoever rolled back is not overruled by a build that found nothing changed.
    """
    try:
        _, present = versions.current()
    except IndexUnusable:
        present = None
    if present is not None and not new:
        return
    if present is not None and present.as_of > manifest.as_of:
        progress(f"{manifest.version} is kept; {present.version} is of a later day and serves.")
        return
    versions.serve(manifest.version, why="build")
    progress(f"The index {manifest.version} serves {manifest.chunks} chunks.")


def _corpus(settings: Settings, name: str) -> Corpus:
    from calisota.rag.corpora import load_corpora  # noqa: PLC0415

    corpora = load_corpora(settings)
    try:
        return corpora[name]
    except KeyError:
        raise InputError(
            f"There is no corpus {name!r}; there are: {', '.join(sorted(corpora))}.",
            remedy="add it to the file that CALISOTA_CORPORA names.",
        ) from None


def _whole(versions: IndexVersions, inputs: IndexInputs) -> Manifest | None:
    """The version with these inputs, unless it is damaged: that is what a build remedies."""
    found = versions.made_from(inputs)
    try:
        return versions.verified(found.version)[1] if found else None
    except IndexUnusable:
        return None


def _twin(versions: IndexVersions, inputs: IndexInputs) -> Manifest | None:
    """A version of the same documents for another partition."""
    for one in reversed(versions.manifests()):
        if one.inputs.model_copy(update={"partition": inputs.partition}) == inputs:
            return _whole(versions, one.inputs)
    return None


def _shares(documents: Sequence[Document]) -> Iterator[list[Document]]:
    """Neighbours in lists of about equal length, as many as keep one list small."""
    characters = sum(len(document.text) for document in documents)
    count = max(1, min(_MAX_SHARDS, len(documents), round(characters / _SHARD_CHARS)))
    share: list[Document] = []
    given = shares = 0
    for document in documents:
        share.append(document)
        given += len(document.text)
        if given * count >= characters * (shares + 1):
            yield share
            share, shares = [], shares + 1
    if share:
        yield share


def _cache(settings: Settings, order: Order) -> EmbeddingCache:
    from calisota.rag.embedding_cache import EmbeddingCache  # noqa: PLC0415

    name = f"{order.encoder.weights_sha256[:16]}-{order.inputs.precision}.sqlite"
    folder = settings.home / "cache" / "embeddings"
    return EmbeddingCache(folder / name, dimension=order.encoder.dimension)


def _embedder(settings: Settings, order: Order, progress: Progress) -> Embedder:
    """What embeds chunks here: torch where it has hardware for it, else ONNX Runtime."""
    if order.inputs.precision is Precision.FLOAT32:
        model = _exported(settings, order.encoder, progress)
        return layout.open_embedder(model, max_tokens=order.encoder.max_tokens)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read at import; the model lies here already
    from calisota.rag.batch_encoder import BatchEncoder  # noqa: PLC0415  # seconds to import

    return BatchEncoder.load(
        order.encoder.folder,
        max_tokens=order.encoder.max_tokens,
        precision=order.inputs.precision,
        memory_gb=settings.gpu_memory_gb,
    )


def _exported(settings: Settings, encoder: EncoderModel, progress: Progress) -> Path:
    """The folder with the model for ONNX Runtime and its tokenizer; made once."""
    from calisota.rag.onnx_export import exported  # noqa: PLC0415

    return exported(encoder, settings.home / "cache" / "models", progress)


def _lent(versions: IndexVersions, version: str, workspace: Workspace) -> Assembled:
    folder, manifest = versions.verified(version)
    for name in manifest.files:
        _share(folder / name, workspace.path(name))
    return Assembled(
        chunks=manifest.chunks,
        factory=manifest.factory,
        search=manifest.search,
        gate=manifest.gate,
        files=tuple(manifest.files),
    )


def _share(old: Path, new: Path) -> None:
    """One file on disk for both; it is never written again."""
    new.unlink(missing_ok=True)
    try:
        os.link(old, new)
    except OSError:  # a file system without hard links
        shutil.copyfile(old, new)


def _assembled(
    settings: Settings, workspace: Workspace, order: Order, progress: Progress
) -> Assembled:
    from calisota.rag.chunk_store import write_chunks  # noqa: PLC0415
    from calisota.rag.lexical import write_lexical  # noqa: PLC0415
    from calisota.rag.vectors import (  # noqa: PLC0415
        VectorIndex,
        built_on_gpu,
        factory_for,
        map_vectors,
        write_ann,
        write_matrix,
    )

    shards = [workspace.get(workspace.done(number), ShardDone) for number in range(order.shards)]
    if not sum(shard.chunks for shard in shards):
        raise PermanentError(
            f"The corpus {order.inputs.corpus} holds nothing to index.",
            remedy="look at what was skipped and why, in the log of the build.",
        )
    files = [layout.VECTORS, layout.CHUNKS, layout.LEXICAL, layout.MODEL, layout.TOKENIZER]
    dimension = order.encoder.dimension
    with workspace.writing(layout.VECTORS) as path:
        blocks = (
            map_vectors(workspace.vectors(number), dimension)
            for number, shard in enumerate(shards)
            if shard.chunks
        )
        count = write_matrix(path, blocks)
    with workspace.writing(layout.CHUNKS) as path:
        write_chunks(path, _chunks(workspace, order))
    with workspace.writing(layout.LEXICAL) as path:
        write_lexical(path, (chunk.text for chunk in _chunks(workspace, order)))
    model = _exported(settings, order.encoder, progress)
    for name in (layout.MODEL, layout.TOKENIZER):
        _share(model / name, workspace.path(name))
    vectors = map_vectors(workspace.path(layout.VECTORS), dimension)
    gpu = built_on_gpu(count, dimension, memory_gb=settings.gpu_memory_gb)
    factory = factory_for(count, dimension, gpu=gpu)
    ann = None
    if factory is not None:
        progress(f"Building {factory} of {count} vectors{' on the GPU' if gpu else ''}.")
        ann = workspace.path(layout.ANN)
        with workspace.writing(layout.ANN) as path:
            write_ann(path, vectors, factory, gpu=gpu)
        files.append(layout.ANN)
    index = VectorIndex(workspace.path(layout.VECTORS), dimension=dimension, ann=ann)
    search, figures = _measured(settings, workspace, order, index, progress)
    return Assembled(
        chunks=count, factory=factory, search=search, gate=figures, files=tuple(sorted(files))
    )


def _chunks(workspace: Workspace, order: Order) -> Iterator[Chunk]:
    from calisota.rag.documents import Chunk  # noqa: PLC0415

    for number in range(order.shards):
        yield from read_lines(workspace.chunks(number), Chunk)


def _measured(
    settings: Settings, workspace: Workspace, order: Order, index: VectorIndex, progress: Progress
) -> tuple[Search, GateFigures]:
    """How to search, and how well that does, asked with what describes some of the chunks."""
    import numpy as np  # noqa: PLC0415

    from calisota.rag.chunk_encoding import embed_texts  # noqa: PLC0415
    from calisota.rag.search_way import Search  # noqa: PLC0415
    from calisota.rag.vectors import (  # noqa: PLC0415
        map_vectors,
        recall,
        true_neighbours,
        tuned,
    )

    rows, texts = _questions(workspace, order)
    embedded, _ = embed_texts(
        texts, _cache(settings, order), lambda: _embedder(settings, order, progress), progress
    )
    queries: NDArray[np.float32] = embedded.astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    vectors = map_vectors(workspace.path(layout.VECTORS), order.encoder.dimension)
    truth = true_neighbours(vectors, queries, k=GATE_K)
    half, search = len(queries) // 2, Search()
    if not index.exact:
        least = settings.index_min_recall + _MARGIN
        search, _ = tuned(index, queries[:half], truth[:half], k=GATE_K, least=least)
    # Judged by the half that had no say in how to search.
    got = recall(index, queries[half:], truth[half:], k=GATE_K, search=search)
    known = sum(
        row in {found for found, _ in index.search(query, k=GATE_K, search=search)}
        for row, query in zip(rows, queries, strict=True)
    )
    figures = GateFigures(recall=got, known_items=known / len(rows), queries=len(rows))
    return search, figures


def _questions(workspace: Workspace, order: Order) -> tuple[list[int], list[str]]:
    """Rows and what describes them: headers of chunks, of the same ones as long as they stay."""
    found = []
    for row, chunk in enumerate(_chunks(workspace, order)):
        header = chunk.text.partition("\n")[0].lstrip("#/-* ").strip()
        found.append((chunk.id, row, header or chunk.text[:200]))
    chosen = sorted(found)[:_GATE_QUERIES]
    return [row for _, row, _ in chosen], [text for _, _, text in chosen]
