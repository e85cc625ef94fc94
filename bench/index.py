"""The chosen index beside comparing all and plain IVF-PQ: recall, bytes, queries per second.

    python bench/index.py [--sizes 10000 50000 250000] [--queries 500]

The texts are windows of the Python files of this environment. Their vectors come from a table of
token vectors made with the embedding model (each token encoded alone, then averaged by rarity):
the model itself would take hours for 250,000 texts. Such vectors are harder to tell apart than the
model's own, so trust the ratios. All ways in one process on one thread, in turn, medians of
rounds. Prints tables and writes bench/out/index.json.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sysconfig
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table
from tokenizers import Tokenizer

from bench.rig import write_result
from calisota.rag import layout
from calisota.rag.encoders import find_encoder
from calisota.rag.onnx_export import exported
from calisota.rag.search_way import Search
from calisota.rag.vectors import (
    EXACT_UP_TO,
    VectorIndex,
    factory_for,
    load_faiss,
    map_vectors,
    true_neighbours,
    tuned,
    write_ann,
    write_matrix,
)
from calisota.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

K = 10
LINES = 20
LEAST = 0.95
SHARERS = 4


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 50_000, 250_000])
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    out = Console(width=110)
    everything = vectors_of_environment(max(chosen.sizes) + chosen.queries, out)
    queries = everything[-chosen.queries :].astype(np.float32)
    result: dict[str, Any] = {"load_before": os.getloadavg()[0], "sizes": {}}
    load_faiss().omp_set_num_threads(1)
    for size in chosen.sizes:
        if size + chosen.queries > len(everything):
            out.print(f"{size}: this environment has only {len(everything)} windows.")
            continue
        result["sizes"][size] = compare(everything[:size], queries, chosen.rounds)
        report(size, result["sizes"][size], out)
    result["load_after"] = os.getloadavg()[0]
    write_result("index", result)


def vectors_of_environment(count: int, out: Console) -> NDArray[np.float16]:
    """(n, d) float16 unit rows in random order, at most `count`."""
    settings = Settings()
    encoder = find_encoder(settings)
    model = exported(encoder, settings.home / "cache" / "models", out.print)
    tokenizer = Tokenizer.from_file(str(model / layout.TOKENIZER))
    tokenizer.no_padding()
    tokenizer.enable_truncation(encoder.max_tokens)
    vocabulary = [token for token, _ in sorted(tokenizer.get_vocab().items(), key=lambda p: p[1])]
    table = layout.open_embedder(model, max_tokens=16).embed(vocabulary)
    texts = list(windows(count))
    ids = [encoded.ids for encoded in tokenizer.encode_batch(texts, add_special_tokens=False)]
    seen = Counter(token for one in ids for token in set(one))
    weight = np.array([1e-3 / (1e-3 + seen[n] / len(ids)) for n in range(len(vocabulary))])
    rows = np.stack([weight[one] @ table[one] for one in ids if one]).astype(np.float32)
    rows -= rows.mean(axis=0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.random.default_rng(0).permutation(rows).astype(np.float16)


def windows(count: int) -> Iterator[str]:
    """Different pieces of the Python files of the environment."""
    seen: set[str] = set()
    for root in (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")):
        for path in sorted(Path(root).rglob("*.py")):
            lines = path.read_text(errors="replace").splitlines()
            for start in range(0, len(lines), LINES):
                text = "\n".join(lines[start : start + LINES]).strip()
                if len(text) > 100 and text not in seen:  # says something
                    seen.add(text)
                    yield text
                    if len(seen) >= count:
                        return


def compare(rows: NDArray[np.float16], queries: NDArray[np.float32], rounds: int) -> dict[str, Any]:
    """Each way's figures."""
    count, d = rows.shape
    half = len(queries) // 2
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write_matrix(home / "v", [rows])
        mapped = map_vectors(home / "v", d)
        truth = true_neighbours(mapped, queries, k=K)
        flat = flat_index(mapped)
        ways: dict[str, Callable[[NDArray[np.float32]], list[int]]] = {
            "flat (compare all)": lambda q: flat.search(q[None], K)[1][0].tolist()
        }
        sizes = {"flat (compare all)": 4 * d}
        cpu: dict[str, float] = {}
        notes: dict[str, str] = {}
        factory = factory_for(count, d, gpu=False)
        for name, string, refined in (
            ("ours", factory, True),
            ("plain IVF-PQ", factory_for(max(count, EXACT_UP_TO + 1), d, gpu=True), False),
        ):
            ann = None
            began = time.process_time()
            if string is not None:
                ann = home / name
                write_ann(ann, mapped, string, gpu=False)
            cpu[name] = time.process_time() - began
            index = VectorIndex(home / "v", dimension=d, ann=ann)
            if ann is None:
                ways[name] = lambda q, i=index: [row for row, _ in i.search(q, k=K)]  # type: ignore[misc]
                notes[name] = "compare all"
                sizes[name] = 4 * d
                continue
            sizes[name] = ann.stat().st_size // count + (2 * d if refined else 0)
            if refined:
                way, _ = tuned(index, queries[:half], truth[:half], k=K, least=LEAST + 0.01)
                ways[name] = lambda q, i=index, w=way: [r for r, _ in i.search(q, k=K, search=w)]  # type: ignore[misc]
                notes[name] = f"{string}, nprobe {way.nprobe}, k_factor {way.k_factor}"
            else:
                plain = index._index  # noqa: SLF001  # what a plain index gives
                faiss = load_faiss()
                most = faiss.SearchParametersIVF(nprobe=64)
                ways[name] = lambda q, i=plain, p=most: i.search(q[None], K, params=p)[1][
                    0
                ].tolist()  # type: ignore[misc]
                notes[name] = f"{string}, nprobe 64"
        figures: dict[str, Any] = {}
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                began = time.monotonic()
                found = [way(query) for query in queries[half:]]
                rates[name].append((len(queries) - half) / (time.monotonic() - began))
                hits = sum(len(set(a) & set(b)) for a, b in zip(found, truth[half:], strict=True))
                figures[name] = {"recall": hits / (K * (len(queries) - half))}
        for name, values in rates.items():
            figures[name] |= {
                "queries_per_s": statistics.median(values),
                "bytes_per_chunk": sizes[name],
                "train_and_add_cpu_s": cpu.get(name),
                "note": notes.get(name, ""),
            }
        if factory is not None:
            figures["ours"]["shared"] = sharing(home / "v", home / "ours", d)
    return figures


def flat_index(rows: NDArray[np.float16]) -> Any:
    """FAISS's exact index of float32 vectors, in memory."""
    faiss = load_faiss()
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows.astype(np.float32))
    return index


def sharing(vectors: Path, ann: Path, d: int) -> dict[str, float]:
    """MiB that processes with the same mapped index take each: RSS and, shared pages split, PSS."""
    context = multiprocessing.get_context("spawn")
    ready, done = context.Semaphore(0), context.Event()
    workers = [
        context.Process(target=hold, args=(vectors, ann, d, ready, done)) for _ in range(SHARERS)
    ]
    for worker in workers:
        worker.start()
    for _ in workers:
        ready.acquire()
    memory = [psutil.Process(worker.pid).memory_full_info() for worker in workers]
    done.set()
    for worker in workers:
        worker.join()
    return {
        "processes": SHARERS,
        "rss_mib": statistics.median(one.rss for one in memory) / 2**20,
        "pss_mib": statistics.median(one.pss for one in memory) / 2**20,
    }


def hold(vectors: Path, ann: Path, d: int, ready: Any, done: Any) -> None:
    """Open the index, search it, and wait."""
    index = VectorIndex(vectors, dimension=d, ann=ann)
    random = np.random.default_rng(os.getpid()).normal(size=(200, d)).astype(np.float32)
    for query in random:
        index.search(query, k=K, search=Search(nprobe=64, k_factor=10))
    ready.release()
    done.wait()


def report(size: int, figures: dict[str, Any], out: Console) -> None:
    """Print one size's table."""
    table = Table(title=f"{size:,} chunks, 1 thread")
    for column in ("", "recall@10", "queries/s", "x flat", "bytes/chunk", "train+add, CPU s", ""):
        table.add_column(column)
    flat = figures["flat (compare all)"]["queries_per_s"]
    for name, one in figures.items():
        spent = one["train_and_add_cpu_s"]
        table.add_row(
            name,
            f"{one['recall']:.3f}",
            f"{one['queries_per_s']:,.0f}",
            f"{one['queries_per_s'] / flat:.2f}",
            f"{one['bytes_per_chunk']:,}",
            "" if spent is None else f"{spent:.1f}",
            one["note"],
        )
    out.print(table)
    shared = figures["ours"].get("shared")
    if shared:
        out.print(
            f"{shared['processes']} processes map it; each: RSS {shared['rss_mib']:.0f} MiB, "
            f"PSS {shared['pss_mib']:.0f} MiB."
        )


if __name__ == "__main__":
    main()
