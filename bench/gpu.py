r"""What a GPU does for the retrieval index: encode, train, add, search, memory.

    python bench/gpu.py [smoke encode index budget lifecycle] --out figures.json

Encoding uses an MPNet of random weights on random tokens: speed does not depend on the weights.
Parity of numbers does: `--model FOLDER` takes real ones. Runs on a CPU too, to test itself:

    python bench/gpu.py --device cpu --chunks 8 --budgets 1024 --layers 1 --vectors 5000 \
        --dimension 64 --repeats 1

Figures are written as they come: a run that is cut off keeps those it had.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import importlib.util
import json
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def _allow_bare_machine() -> None:
    """Make the encoder's modules importable where torch is and the rest of us is not.

    The package's own __init__ needs pydantic, which a GPU machine's ready-made image may lack.
    """
    if importlib.util.find_spec("pydantic_settings") is None:
        package = types.ModuleType("calisota.rag")
        package.__path__ = [str(ROOT / "calisota" / "rag")]
        sys.modules["calisota.rag"] = package


_allow_bare_machine()

from bench import gpu_index  # noqa: E402
from bench.gpu_encode import (  # noqa: E402
    GIB,
    encode,
    encoded,
    encoder_of,
    model_of,
    random_texts,
    seconds_of,
)
from calisota.rag.precision import Precision  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Row = dict[str, Any]

_COLD_QUERY = """
import sys
import bench.gpu  # makes the rest importable on a bare machine
from bench.gpu_encode import random_mpnet
from calisota.rag.batch_encoder import BatchEncoder
import numpy as np
encoder = BatchEncoder(random_mpnet(int(sys.argv[2])), pad_id=1, device=sys.argv[1])
out = np.empty((1, encoder.dimension), np.float32)
encoder.encode_tokens([np.arange(5, 21, dtype=np.int32)], out=out)
"""


def main() -> None:
    """Run the stages asked for; exit 1 when one failed."""
    options = arguments()
    stages: dict[str, Callable[[argparse.Namespace], Iterable[Row]]] = {
        "smoke": smoke, "encode": encode, "index": index, "budget": budget, "lifecycle": lifecycle,
    }  # fmt: skip
    result: dict[str, Any] = {"machine": machine(), "options": vars(options) | {"out": None}}
    failed = False
    for name in options.stages or stages:
        rows: list[Row] = []
        result[name] = rows
        try:
            for row in stages[name](options):
                rows.append(row)
                keep(result, options.out)
        except (RuntimeError, ValueError, subprocess.CalledProcessError) as error:
            # torch and FAISS raise these for all that a device refuses; the other stages go on.
            failed = True
            rows.append({"failed": f"{type(error).__name__}: {error}"})
            keep(result, options.out)
        show(name, rows)
    raise SystemExit(failed)


def keep(result: dict[str, Any], path: Path | None) -> None:
    """Write what there is so far."""
    if path is not None:
        path.write_text(json.dumps(result, indent=2, default=str) + "\n")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ["smoke", "encode", "index", "budget", "lifecycle"]
    parser.add_argument("stages", nargs="*", help=f"of {', '.join(names)}; all when none is named")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--chunks", type=int, default=20_000, help="texts encoded")
    parser.add_argument("--budgets", type=int, nargs="+", default=[8_192, 32_768, 131_072])
    parser.add_argument("--layers", type=int, default=12, help="of the random MPNet")
    parser.add_argument("--model", type=Path, help="a folder with real weights instead")
    parser.add_argument("--compile", action="store_true", help="one more row, with torch.compile")
    parser.add_argument("--vectors", type=int, default=1_000_000, help="rows of the index")
    parser.add_argument("--dimension", type=int, default=768)
    parser.add_argument("--vram-gib", type=float, default=16, help="the card that budget plans for")
    parser.add_argument("--repeats", type=int, default=3, help="medians are of so many")
    parser.add_argument("--out", type=Path, help="where the figures go as JSON")
    options = parser.parse_args()
    if unknown := set(options.stages) - set(names):
        parser.error(f"no such stage: {', '.join(sorted(unknown))}")
    if options.device == "auto":
        options.device = "cuda" if torch.cuda.is_available() else "cpu"
    return options


def machine() -> Row:
    """Names and versions, without which no figure means anything."""
    found: Row = {"python": platform.python_version(), "torch": torch.__version__}
    for package in ("transformers", "faiss-cpu", "faiss-gpu"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    if shutil.which("nvidia-smi"):
        asked = "name,driver_version,memory.total,clocks.sm,clocks.max.sm,clocks.mem"
        found["nvidia-smi"] = subprocess.run(
            ["nvidia-smi", f"--query-gpu={asked}", "--format=csv,noheader"],
            capture_output=True, text=True, check=False,
        ).stdout.strip()  # fmt: skip
    return found


def show(stage: str, rows: Sequence[Row]) -> None:
    """Print `rows` as a table, with the columns that any of them has."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(*columns, title=stage)
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in columns))
    Console(width=160).print(table)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1_000 else f"{value:.6g}"
    return "" if value is None else str(value)


def smoke(options: argparse.Namespace) -> list[Row]:
    """Whether torch, and FAISS beside it in one process, compute what they should."""
    rows = min(100_000, options.vectors)
    device = torch.device(options.device)
    vectors = gpu_index.mixture(rows, options.dimension, seed=1)
    queries = gpu_index.mixture(100, options.dimension, seed=2)
    torch.set_float32_matmul_precision("highest")
    on_device = torch.from_numpy(vectors).to(device)
    asked = torch.from_numpy(queries).to(device)
    truth = gpu_index.exact(on_device, asked)
    before = _matmul_tflops(device)
    faiss = gpu_index.load_faiss()
    row: Row = {"device": device.type, "matmul_tflops_before": before}
    if gpu_index.has_faiss_gpu(faiss):
        assert faiss is not None  # noqa: S101  # has_faiss_gpu says so
        flat = faiss.GpuIndexFlatIP(faiss.StandardGpuResources(), options.dimension)
        flat.add(vectors)
        row["faiss_gpu_same_top10"] = gpu_index.recall(flat.search(queries, 10)[1], truth)
    else:
        row["faiss_gpu_same_top10"] = "not measured: no FAISS with a GPU"
    row["matmul_tflops_after"] = _matmul_tflops(device)
    return [row]


def _matmul_tflops(device: torch.device) -> float:
    """Of a large product in the device's usual precision, on random data; median of 5."""
    cuda = device.type == "cuda"
    size = 8_192 if cuda else 512
    a = torch.randn(size, size, device=device, dtype=torch.float16 if cuda else torch.float32)
    seconds = [seconds_of(lambda: a @ a) for _ in range(6)][1:]
    return 2 * size**3 / statistics.median(seconds) / 1e12


@contextlib.contextmanager
def _at_most(size: float) -> Iterator[None]:
    """Let torch take no more than `size` bytes of the GPU."""
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(min(1.0, size / torch.cuda.mem_get_info()[1]))
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def index(options: argparse.Namespace) -> Iterator[Row]:
    """IVF-PQ with float16 refinement on the GPU, and on this machine's CPU where FAISS is."""
    return gpu_index.compare(
        options.vectors, options.dimension, torch.device(options.device), repeats=options.repeats
    )


def budget(options: argparse.Namespace) -> list[Row]:
    """How many vectors a card of `--vram-gib` holds beside the encoder, by real bytes."""
    if options.device != "cuda":
        return [{"not measured": "needs a GPU"}]
    torch.cuda.empty_cache()
    free, total = torch.cuda.mem_get_info()
    outside = total - free - torch.cuda.memory_reserved()
    vectors = gpu_index.mixture(options.vectors, options.dimension, seed=1)
    lists = gpu_index.list_count(len(vectors))
    with _at_most(options.vram_gib * GIB):
        torch.cuda.reset_peak_memory_stats()
        encoder = encoder_of(options, model_of(options), Precision.FLOAT16)
        encoded(encoder, random_texts(min(2_000, options.chunks)))
        peak = torch.cuda.max_memory_reserved()
        ann = gpu_index.contenders(options.dimension, lists, torch.device("cuda"))[0]
        ann.train(vectors[: 64 * lists])
        torch.cuda.empty_cache()
        before = torch.cuda.mem_get_info()[0]
        ann.add(vectors)
        torch.cuda.empty_cache()
        per_vector = (before - torch.cuda.mem_get_info()[0]) / len(vectors)
    room = options.vram_gib * GIB - outside - peak - GIB
    return [{
        "index": ann.name, "context_gib": outside / GIB, "encoder_peak_gib": peak / GIB,
        "temporary_gib": 1.0, "bytes_per_vector": per_vector, "vectors": len(vectors),
        "fits_millions": room / per_vector / 1e6,
    }]  # fmt: skip


def lifecycle(options: argparse.Namespace) -> list[Row]:
    """A cold process, memory running out, and an index's way from a file to the GPU and back."""
    rows: list[Row] = [_cold(options)]
    if options.device != "cuda":
        return [
            *rows,
            {"step": "out of memory, file to GPU", "result": "not measured: needs a GPU"},
        ]
    rows.append(_out_of_memory(options))
    faiss = gpu_index.load_faiss()
    if gpu_index.has_faiss_gpu(faiss):
        return rows + _round_trip(options, faiss)
    return [*rows, {"step": "file to GPU", "result": "not measured: no FAISS with a GPU"}]


def _cold(options: argparse.Namespace) -> Row:
    """Seconds of a new process until it has encoded one query; building random weights counts."""
    seconds = []
    for _ in range(options.repeats):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", _COLD_QUERY, options.device, str(options.layers)],
            cwd=ROOT, check=True,
        )  # fmt: skip
        seconds.append(time.perf_counter() - began)
    return {"step": "cold query, s", "result": statistics.median(seconds)}


def _out_of_memory(options: argparse.Namespace) -> Row:
    """A budget of a million tokens in 2 GiB: halved until it fits, with the same vectors."""
    model, texts = model_of(options), random_texts(options.chunks)
    wanted = encoded(encoder_of(options, model, Precision.FLOAT16), texts)
    with _at_most(2 * GIB):
        encoder = encoder_of(options, model, Precision.FLOAT16, budget_tokens=1 << 20)
        found = encoded(encoder, texts)
    cosine = float((found * wanted).sum(1).min())
    return {
        "step": "1,048,576 tokens in 2 GiB",
        "result": f"halved to {encoder.budget_tokens}, min cosine {cosine:.6f}",
    }


def _round_trip(options: argparse.Namespace, faiss: Any) -> list[Row]:
    """Built on the GPU, written, mapped on the CPU, copied to the GPU: seconds and agreement."""
    vectors = gpu_index.mixture(options.vectors, options.dimension, seed=1)
    queries = gpu_index.mixture(1_000, options.dimension, seed=2)
    lists = gpu_index.list_count(len(vectors))
    ann = gpu_index.FaissIvfPq(faiss, options.dimension, lists, gpu=True)
    ann.train(vectors[: 64 * lists])
    ann.add(vectors)
    on_gpu = ann.search(queries, 10, nprobe=64)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "ann.faiss")
        written = seconds_of(lambda: faiss.write_index(faiss.index_gpu_to_cpu(ann.index), path))
        mapped = faiss.read_index(path, faiss.IO_FLAG_MMAP_IFC)
        mapped.nprobe = 64
        on_cpu = mapped.search(queries, 10)[1]
        resources = faiss.StandardGpuResources()
        copied = seconds_of(
            lambda: faiss.index_cpu_to_gpu(resources, 0, mapped, gpu_index.cloner(faiss))
        )
        size = Path(path).stat().st_size
    return [
        {"step": "GPU to file, s", "result": written},
        {"step": "mapped file to GPU, s", "result": copied},
        {"step": "mapped file to GPU, GB/s", "result": size / copied / 1e9},
        {"step": "top 10 alike on GPU and CPU", "result": gpu_index.recall(on_gpu, on_cpu)},
    ]


if __name__ == "__main__":
    main()
