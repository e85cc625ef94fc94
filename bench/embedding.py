"""Encoding beside plain sentence-transformers, and a rebuild beside a full build.

    python bench/embedding.py [--chunks 300] [--documents 300] [--rounds 3]

Both encoders take the same chunks of the standard library, in turn, medians of rounds. The full
build and the rebuild, after 1 % of the documents changed, run in processes of their own, so that
their CPU seconds hold the start of everything. Prints tables and writes bench/out/embedding.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from bench.rig import ROOT, write_result
from calisota.rag import layout
from calisota.rag.chunking import chunk_document
from calisota.rag.documents import Document
from calisota.rag.encoders import find_encoder
from calisota.rag.onnx_export import exported
from calisota.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

LINES = 60
BUILD = """
import sys
from calisota.rag import build_index
from calisota.settings import settings
manifest = build_index(settings(), print, corpus="bench")
print("CHUNKS", manifest.chunks)
"""


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=300)
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    out = Console(width=100)
    result: dict[str, Any] = {"load_before": os.getloadavg()[0]}
    result["encode"] = encode(chosen.chunks, chosen.rounds, out)
    result["rebuild"] = rebuild(chosen.documents)
    result["load_after"] = os.getloadavg()[0]
    for title in ("encode", "rebuild"):
        table = Table(title, "", title=f"load {result['load_before']:.1f}")
        for name, value in result[title].items():
            table.add_row(name, f"{value:,.4g}")
        out.print(table)
    write_result("embedding", result)


def pieces(count: int) -> list[Document]:
    """Documents of the standard library's lines, each named by where it is from."""
    root = Path(sysconfig.get_path("stdlib"))
    found: list[Document] = []
    for path in sorted(root.glob("*.py")):
        lines = path.read_text(errors="replace").splitlines()
        for start in range(0, len(lines), LINES):
            text = "\n".join(lines[start : start + LINES]) + "\n"
            found.append(Document(path=f"{path.stem}_{start}.py", text=text, language="python"))
            if len(found) == count:
                return found
    return found


def encode(count: int, rounds: int, out: Console) -> dict[str, float]:
    """Chunks per second of both, the ratio, and how far their vectors agree."""
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415  # seconds

    settings = Settings()
    model = find_encoder(settings)
    folder = exported(model, settings.home / "cache" / "models", out.print)
    counter = layout.open_counter(folder / layout.TOKENIZER)
    texts = [
        chunk.text
        for document in pieces(count)
        for chunk in chunk_document(document, counter, max_tokens=model.max_tokens)
    ][:count]
    ours = layout.open_embedder(folder, max_tokens=model.max_tokens)
    plain = SentenceTransformer(str(model.folder), device="cpu", local_files_only=True)

    def stock(some: Sequence[str]) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = plain.encode(
            list(some), normalize_embeddings=True, show_progress_bar=False
        )
        return vectors

    ways: dict[str, Callable[[Sequence[str]], NDArray[np.float32]]] = {
        "ours": ours.embed,
        "SentenceTransformer.encode": stock,
    }
    vectors: dict[str, NDArray[np.float32]] = {}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.monotonic()
            vectors[name] = way(texts)
            rates[name].append(len(texts) / (time.monotonic() - began))
    middle = {name: statistics.median(values) for name, values in rates.items()}
    cosines = (vectors["ours"] * vectors["SentenceTransformer.encode"]).sum(axis=1)
    return {f"{name}, chunks/s": value for name, value in middle.items()} | {
        "ratio": middle["ours"] / middle["SentenceTransformer.encode"],
        "least cosine": float(cosines.min()),
        "chunks": len(texts),
    }


def rebuild(count: int) -> dict[str, float]:
    """CPU seconds of a full build, and of one after 1 % of the documents changed."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "corpora.yaml").write_text("bench: {kind: jsonl, path: documents.jsonl}\n")
        documents = pieces(count)
        write(home, documents)
        models = Settings().home / "cache" / "models"  # its export is not part of any build
        (home / "cache").mkdir()
        (home / "cache" / "models").symlink_to(models)
        full, chunks, embedded = build(home)
        for number in range(0, count, 100):
            changed = documents[number].text + f"\n\ndef changed_{number}(x):\n    return x\n"
            documents[number] = documents[number].model_copy(update={"text": changed})
        write(home, documents)
        again, _, fresh = build(home)
        same, _, none = build(home)
    return {
        "documents": count,
        "chunks": chunks,
        "full build, CPU s": full,
        "embedded by it": embedded,
        "after 1 % changed, CPU s": again,
        "embedded then": fresh,
        "part of the full build": again / full,
        "nothing changed, CPU s": same,
        "embedded when nothing changed": none,
    }


def write(home: Path, documents: Sequence[Document]) -> None:
    """The corpus as lines of JSON."""
    lines = (
        json.dumps({"id": one.path, "text": one.text, "language": one.language})
        for one in documents
    )
    (home / "documents.jsonl").write_text("\n".join(lines) + "\n")


def build(home: Path) -> tuple[float, int, int]:
    """CPU seconds, chunks, and how many of them were embedded."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", BUILD],
        env=os.environ
        | {
            "CALISOTA_HOME": str(home),
            "CALISOTA_CORPORA": str(home / "corpora.yaml"),
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    chunks = int(done.stdout.rpartition("CHUNKS ")[2])
    embedded = sum(
        int(line.rpartition(", ")[2].split()[0])
        for line in done.stdout.splitlines()
        if line.startswith("Shard ")
    )
    return (
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        chunks,
        embedded,
    )


if __name__ == "__main__":
    main()
