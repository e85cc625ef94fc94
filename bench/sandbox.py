"""Latency, throughput, compile time and footprint of the sandbox, beside plain Docker.

    python bench/sandbox.py [--repeat 10] [--cells 200]

Needs a Docker Engine and the images (`calisota setup`); the `docker` program for one of the rows.
All in one run, the ways in turn, so that load on the machine meets all of them: trust the ratios.
The plain ways have the same hardening. Prints tables and writes bench/out/sandbox.json.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from rich.console import Console
from rich.table import Table

from bench.rig import write_result
from calisota.models import Language, Problem
from calisota.paths import include
from calisota.sandbox.cells import MB, CandidatePlan, plan_candidate
from calisota.sandbox.container import (
    EXPIRES_LABEL,
    HOME_LABEL,
    POOL_LABEL,
    Container,
    ContainerLimits,
    home_label,
    host_config,
)
from calisota.sandbox.engine import DockerSandbox, connect
from calisota.sandbox.images import image_tag
from calisota.sandbox.languages import LANGUAGES, SRC
from calisota.sandbox.pool import WarmPool
from calisota.sandbox.protocol import Job
from calisota.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker

HELLO = "print('hello')"
PYTHON = ["/usr/bin/python3", "-c", HELLO]
BARE_PYTHON = "/usr/bin/python3", "-I", "-S", "-c", "pass"
LIMITS = ContainerLimits(memory_bytes=256 * MB, tmpfs_bytes=64 * MB, exec_needed=False)
CPP = """
#include <bits/stdc++.h>
int main() { std::map<int, std::string> m{{1, "one"}}; std::cout << m[1] << '\\n'; }
"""
GOALS = {
    "hardened docker run / pool, p50": 8,
    "call cells per second": 80,
    "compile CPU without / with PCH": 3,
    "fresh containers per second, ours / SDK": 1,
}


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=10, help="rounds of each comparison")
    parser.add_argument("--cells", type=int, default=200, help="cells of one batch")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings()
        client = connect(settings)
        bench = Bench(client, settings.model_copy(update={"home": Path(folder)}))
        result = {
            "load_before": os.getloadavg()[0],
            "latency_ms": bench.latency(chosen.repeat),
            "cells_per_s": bench.cells(chosen.cells, max(3, chosen.repeat // 3)),
            "fresh_per_s": bench.fresh(max(2, chosen.repeat // 3)),
            "compile_cpu_s": bench.compile(max(2, chosen.repeat // 3)),
            "pool_slot": bench.slot(),
            "load_after": os.getloadavg()[0],
        }
        client.close()
    result["goals"] = goals(result)
    report(result)
    write_result("sandbox", result)


class Bench:
    """What is measured, on one Engine."""

    def __init__(self, client: docker.APIClient, settings: Settings) -> None:
        self.client = client
        self.settings = settings
        self.sandbox = DockerSandbox(client, settings)
        self.python = image_tag(Language.PYTHON, settings)

    def latency(self, repeat: int) -> dict[str, dict[str, float]]:
        """Milliseconds from the order to run hello-python to its output."""
        with WarmPool(self.client, self.settings) as pool:
            warm = DockerSandbox(self.client, self.settings, pool)
            self.hello(warm)
            ways: dict[str, Callable[[], None]] = {
                "docker run, hardened": self.docker_run,
                "SDK create-start-wait-remove": self.sdk,
                "ours, cold": lambda: self.hello(self.sandbox),
                "ours, pool": lambda: self.hello(warm),
            }
            if shutil.which("docker") is None:
                del ways["docker run, hardened"]
            times: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(repeat):
                for name, way in ways.items():
                    if way is ways["ours, pool"]:
                        self.wait_for_pool()
                    times[name].append(timed(way) * 1000)
        return {name: spread(values) for name, values in times.items()}

    def hello(self, sandbox: DockerSandbox) -> None:
        """Run it in our sandbox: parsed first, then run, as any candidate."""
        expect_all_fine(sandbox, plan(HELLO, [{"stdout": "hello"}]), b"hello\n")

    def docker_run(self) -> None:
        """Run it by the command line of Docker, with our limits."""
        seccomp = include("sandbox", "seccomp.json")
        tmpfs = host_config(self.client, LIMITS)["Tmpfs"]["/work"]
        command = [
            *("docker", "--host", engine_url(self.client), "run", "--rm", "--network=none"),
            *("--read-only", "--ipc=none", f"--tmpfs=/work:{tmpfs}", "--memory=256m"),
            *("--memory-swap=256m", "--cpus=1", "--pids-limit=64", "--ulimit=core=0"),
            *("--ulimit=nofile=256", "--cap-drop=ALL", "--security-opt=no-new-privileges"),
            *(f"--security-opt=seccomp={seccomp}", "--log-driver=none", "--user=10001"),
            *(f"--entrypoint={PYTHON[0]}", self.python, *PYTHON[1:]),
        ]
        done = subprocess.run(command, capture_output=True, check=True)
        if done.stdout != b"hello\n":
            raise RuntimeError(f"docker run said {done.stdout!r}")

    def sdk(self) -> None:
        """Run it by the Docker SDK, with our limits."""
        config = host_config(self.client, LIMITS) | {"AutoRemove": False}
        made = self.client.create_container(
            self.python, host_config=config, entrypoint=PYTHON, user="10001", network_disabled=True
        )
        stream = self.client.attach(made["Id"], stream=True)
        self.client.start(made["Id"])
        self.client.wait(made["Id"])
        if b"".join(stream) != b"hello\n":
            raise RuntimeError("the SDK's container said something else")
        self.client.remove_container(made["Id"], force=True)

    def wait_for_pool(self) -> None:
        """Return once a container waits, and what was used is gone."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            found = self.sandbox.list_ours()
            if [one["State"] for one in found] == ["running"] and POOL_LABEL in found[0]["Labels"]:
                time.sleep(0.2)
                return
            time.sleep(0.05)
        raise RuntimeError("no container waits")

    def wait_for_none(self) -> None:
        """Return once every container of ours is gone."""
        until = time.monotonic() + 30
        while self.sandbox.list_ours():
            if time.monotonic() > until:
                raise RuntimeError("a container stays")
            time.sleep(0.01)

    def cells(self, count: int, repeat: int) -> dict[str, float]:
        """Python processes per second in one container; its start counts only where it says so."""
        call = plan(
            "def f(x):\n    return x\n",
            [{"call": {"args": [n]}, "returns": n} for n in range(count)],
            entry_point="f",
        )
        stdio = plan(HELLO, [{"stdout": "hello"}] * count)
        # What no sandbox can go below: the interpreter's own start, which imports nothing.
        bare = stdio.model_copy(
            update={
                "cells": [cell.model_copy(update={"argv": BARE_PYTHON}) for cell in stdio.cells]
            }
        )
        rates: dict[str, list[float]] = {}
        for _ in range(repeat):
            for name, one in (("bare interpreter", bare), ("call", call), ("stdio", stdio)):
                ends: list[float] = []
                began = time.monotonic()
                run = self.sandbox.execute(
                    one,
                    labels={},
                    wall_s=300,
                    on_cell=lambda _n, _e, ends=ends: ends.append(time.monotonic()),  # type: ignore[misc]
                )
                if [cell.exit_code for cell in run.cells] != [0] * count:
                    raise RuntimeError(f"the batch did not end well: {run}")
                rates.setdefault(name, []).append((count - 1) / (ends[-1] - ends[0]))
                cpu = sum(cell.cpu_s for cell in run.cells) / count * 1000
                rates.setdefault(f"{name}, CPU ms per cell", []).append(cpu)
                with_start = rates.setdefault(f"{name}, with the container's start", [])
                with_start.append(count / (ends[-1] - began))
        return {name: statistics.median(values) for name, values in rates.items()}

    def fresh(self, repeat: int, each: int = 8) -> dict[str, float]:
        """Containers per second from start until all are gone, two at a time."""
        ways = {"SDK": self.sdk, "ours": lambda: self.hello(self.sandbox)}
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(repeat):
            for name, way in ways.items():
                threads = [
                    threading.Thread(target=lambda way=way: [way() for _ in range(each)])  # type: ignore[misc]
                    for _ in range(2)
                ]
                began = time.monotonic()
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                self.wait_for_none()
                rates[name].append(2 * each / (time.monotonic() - began))
        return {name: statistics.median(values) for name, values in rates.items()}

    def compile(self, repeat: int) -> dict[str, float] | None:
        """CPU seconds to compile a small program that includes everything; None: no C++ image."""
        spec = LANGUAGES.get(Language.CPP)
        if spec is None or not self.client.images(image_tag(Language.CPP, self.settings)):
            return None
        # A precompiled header is only taken before the first token.
        sources = {"with PCH": CPP, "without PCH": f"int first;\n{CPP}"}
        limits = ContainerLimits(memory_bytes=1024 * MB, tmpfs_bytes=64 * MB, exec_needed=True)
        cpu: dict[str, list[float]] = {name: [] for name in sources}
        with self.container(image_tag(Language.CPP, self.settings), limits) as container:
            for number, source in enumerate(sources.values()):
                container.put_file(f"{number}.cpp", source.encode())
            for _ in range(repeat):
                for number, name in enumerate(sources):
                    job = Job(
                        argv=(*spec.compile, "-o", "program", f"{SRC}/{number}.cpp"),
                        wall_s=100,
                        cpu_s=100,
                        output_bytes=4096,
                        value_bytes=0,
                        file_bytes=32 * MB,
                    )
                    done = container.run(job)
                    if done.exit_code != 0:
                        raise RuntimeError(f"{name}: {done}")
                    cpu[name].append(done.cpu_s)
            container.quit()
        return {name: statistics.median(values) for name, values in cpu.items()}

    def container(self, image: str, limits: ContainerLimits) -> Container:
        """A container of the bench's own."""
        home = home_label(self.settings.home)
        labels = {HOME_LABEL: home, EXPIRES_LABEL: str(int(time.time()) + 900)}
        return Container(self.client, image=image, limits=limits, labels=labels)

    def slot(self) -> dict[str, int]:
        """Bytes that one waiting container holds."""
        with WarmPool(self.client, self.settings) as pool:
            self.hello(DockerSandbox(self.client, self.settings, pool))
            self.wait_for_pool()
            time.sleep(1)
            (one,) = self.sandbox.list_ours()
            told = self.client.inspect_container(one["Id"])
            runner = psutil.Process(told["State"]["Pid"])
            shim = runner.parent()
            stats: dict[str, Any] = self.client.stats(one["Id"], stream=False, one_shot=True)  # type: ignore[no-untyped-call]
            layer = Path(told["GraphDriver"]["Data"]["UpperDir"]).parent
            config = Path(told["ResolvConfPath"]).parent
            return {
                "runner, PSS": runner.memory_full_info().pss,
                "containerd-shim, PSS": shim.memory_full_info().pss if shim is not None else 0,
                "cgroup": int(stats["memory_stats"]["usage"]),
                "disk": disk_bytes(layer) + disk_bytes(config),
            }


def plan(source: str, tests: list[dict[str, Any]], **fields: Any) -> CandidatePlan:
    """What our sandbox is to run."""
    problem = Problem.model_validate(
        {"statement": "x", "language": "python", "tests": tests, **fields}
    )
    return plan_candidate(problem, source, tmpfs_mb=64)


def expect_all_fine(sandbox: DockerSandbox, what: CandidatePlan, stdout: bytes) -> None:
    """Run it; a wrong answer would make the figures worthless."""
    run = sandbox.execute(what, labels={}, wall_s=60)
    if [cell.stdout for cell in run.cells] != [stdout]:
        raise RuntimeError(f"hello did not come back: {run}")


def engine_url(client: docker.APIClient) -> str:
    """What the command line is to talk to."""
    adapter = client.get_adapter(client.base_url)
    path = getattr(adapter, "socket_path", None)
    return f"unix://{path}" if path else client.base_url.replace("http", "tcp", 1)


def disk_bytes(folder: Path) -> int:
    """What a folder takes, without what is mounted in it."""
    du = ["du", "--summarize", "--one-file-system", "--block-size=1", str(folder)]
    done = subprocess.run(du, capture_output=True, text=True, check=False)
    return int(done.stdout.split()[0]) if done.stdout else 0


def timed(way: Callable[[], None]) -> float:
    """Seconds it took."""
    began = time.monotonic()
    way()
    return time.monotonic() - began


def spread(values: list[float]) -> dict[str, float]:
    """The middle and the far end."""
    ordered = sorted(values)
    return {"p50": statistics.median(ordered), "p95": ordered[int(len(ordered) * 0.95)]}


def goals(result: dict[str, Any]) -> dict[str, float | None]:
    """The figures that have a goal; None: could not be measured here."""
    latency, compiled = result["latency_ms"], result["compile_cpu_s"]
    run = latency.get("docker run, hardened")
    values = (
        run["p50"] / latency["ours, pool"]["p50"] if run else None,
        result["cells_per_s"]["call"],
        compiled["without PCH"] / compiled["with PCH"] if compiled else None,
        result["fresh_per_s"]["ours"] / result["fresh_per_s"]["SDK"],
    )
    return dict(zip(GOALS, values, strict=True))


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    out = Console(width=100)
    load = f"load {result['load_before']:.1f} to {result['load_after']:.1f}"
    table = Table("hello python", "p50, ms", "p95, ms", title=load)
    for name, times in result["latency_ms"].items():
        table.add_row(name, f"{times['p50']:.0f}", f"{times['p95']:.0f}")
    out.print(table)
    for title, key, form in (
        ("per second: cells in one container", "cells_per_s", "{:.1f}"),
        ("per second: fresh containers, two at a time", "fresh_per_s", "{:.2f}"),
        ("bits/stdc++.h, CPU seconds", "compile_cpu_s", "{:.2f}"),
        ("one waiting container, KiB", "pool_slot", "{:,.0f}"),
    ):
        table = Table(title, "")
        scale = 1024 if key == "pool_slot" else 1
        for name, value in (result[key] or {"not measured: no C++ image": 0}).items():
            table.add_row(name, form.format(value / scale))
        out.print(table)
    table = Table("goal", "at least", "measured")
    for name, least in GOALS.items():
        got = result["goals"][name]
        table.add_row(name, str(least), "-" if got is None else f"{got:.2f}")
    out.print(table)


if __name__ == "__main__":
    main()
