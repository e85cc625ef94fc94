"""Time of a search: through the warm service, and in a process that opens the index for it.

    python bench/retriever.py [--queries 400] [--cold 5] [--clients 16]

Every figure contains the encoding of the query, except where a row says that it is remembered. The
queries are first sentences of docstrings of the standard library. Uses the index of the
installation, and a service of its own in a data home of its own. Prints a table and writes
bench/out/retriever.json.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING

import httpx
from rich.console import Console
from rich.table import Table

from bench.rig import ROOT, main_home, write_result
from calisota.rag.documents import Query
from calisota.rag.served import ServedRetriever
from calisota.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MODULES = "argparse asyncio ast bisect collections copy csv datetime decimal difflib email.message "
MODULES += "fractions functools heapq inspect json logging pathlib random re shutil statistics "
MODULES += "string subprocess tarfile tempfile textwrap threading typing urllib.parse zipfile"
K = 8
READY_S = 60


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--cold", type=int, default=5, help="processes that open the index")
    parser.add_argument("--clients", type=int, default=16, help="at once")
    asked = parser.parse_args()
    texts = sentences()[: 2 * asked.queries]
    alone, together = texts[::2], texts[1::2]
    seconds: dict[str, list[float]] = {}
    with home() as env:
        seconds["cold process, index opened in it"] = commands(env, alone[: asked.cold])
        with service(env) as (served, health):
            served.search_many([Query(text="warm up", k=K)])
            one = timed(lambda text: served.search_many([Query(text=text, k=K)]))
            seconds["cold process, service"] = commands(env, alone[-asked.cold :])
            seconds["service, one client"] = [one(text) for text in alone]
            seconds["service, one client, remembered"] = [one(text) for text in alone[-100:]]
            before = health()
            began = time.perf_counter()
            with ThreadPoolExecutor(asked.clients) as pool:
                seconds[f"service, {asked.clients} clients"] = list(pool.map(one, together))
            wall = time.perf_counter() - began
            after = health()
    batches = after["batches"] - before["batches"]
    figures = {name: summary(values) for name, values in seconds.items()}
    show(figures)
    rate = len(together) / wall
    size = len(together) / max(1, batches)
    print(f"{asked.clients} clients: {rate:.0f} queries/s, {size:.1f} embedded together")
    write_result(
        "retriever",
        {"ms": figures, "queries_per_s": rate, "per_batch": size, "clients": asked.clients},
    )


def sentences() -> list[str]:
    """Different queries of a few to a few dozen words, the same on every run."""
    found: dict[str, None] = {}
    for module in map(importlib.import_module, MODULES.split()):
        for _, member in sorted(inspect.getmembers(module), key=lambda pair: pair[0]):
            for one in (member, *(vars(member).values() if inspect.isclass(member) else ())):
                text = inspect.getdoc(one) if callable(one) else None
                if text:
                    found[" ".join(text.split("\n\n")[0].split())[:400]] = None
    return list(found)


@contextmanager
def home() -> Iterator[dict[str, str]]:
    """The environment of a data home that has the installation's index and nothing else."""
    folder = Path(tempfile.mkdtemp(prefix="cali-"))  # a socket's path is short
    (folder / "indexes").symlink_to(main_home() / "indexes")
    try:
        yield os.environ | {"CALISOTA_HOME": str(folder)}
    finally:
        shutil.rmtree(folder)


@contextmanager
def service(
    env: dict[str, str],
) -> Iterator[tuple[ServedRetriever, Callable[[], dict[str, int]]]]:
    """A client of a running service, and what tells its counters."""
    socket = Settings(home=Path(env["CALISOTA_HOME"])).retriever_socket
    assert socket is not None  # noqa: S101  # the folder's name is short
    process = subprocess.Popen(calisota("retriever"), env=env, cwd=ROOT, stderr=subprocess.DEVNULL)
    transport = httpx.HTTPTransport(uds=str(socket))
    try:
        with httpx.Client(transport=transport, base_url="http://retriever", timeout=60) as http:
            until = time.monotonic() + READY_S
            while not socket.exists() and time.monotonic() < until:
                time.sleep(0.05)
            client = ServedRetriever(socket)
            yield client, lambda: dict(http.get("/health").raise_for_status().json())
            client.close()
    finally:
        process.terminate()
        process.wait()


def calisota(*arguments: str) -> list[str]:
    """A command line of this source tree."""
    return [sys.executable, "-m", "calisota.cli", *arguments]


def commands(env: dict[str, str], texts: Sequence[str]) -> list[float]:
    """Wall seconds of `calisota search`, a process for each text."""

    def search(text: str) -> None:
        command = calisota("search", "--json", "-k", str(K), "--", text)
        subprocess.run(command, env=env, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)

    return list(map(timed(search), texts))


def timed(work: Callable[[str], object]) -> Callable[[str], float]:
    """`work`, as what returns its wall seconds."""

    def measured(text: str) -> float:
        began = time.perf_counter()
        work(text)
        return time.perf_counter() - began

    return measured


def summary(seconds: Sequence[float]) -> dict[str, float]:
    """Milliseconds at the median and at the 99th percentile, and of how many."""
    cuts = quantiles(seconds, n=100, method="inclusive")
    return {"p50": round(cuts[49] * 1e3, 1), "p99": round(cuts[98] * 1e3, 1), "n": len(seconds)}


def show(figures: dict[str, dict[str, float]]) -> None:
    """Print the table."""
    table = Table("search", *("p50 ms", "p99 ms", "n"))
    for name, row in figures.items():
        table.add_row(name, *(f"{value:g}" for value in row.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
