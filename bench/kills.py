"""Executions while their processes are killed and their connections cut: what comes of them.

    python bench/kills.py [--executions 500] [--workers 3] [--seed 1] [--most-s 1800]

Workers run programs whose outcome is known; at random moments one is killed with SIGKILL, or some
of the connections to the Docker Engine are cut. Every outcome must be the right one, or say that
the sandbox broke; and the reaper must leave no container. Exits with 1 where that does not hold.
Prints a table and writes bench/out/kills.json.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from bench.rig import ROOT, write_result
from calisota.errors import TransientError
from calisota.models import Brief, Candidate, Outcome, Problem, Usage
from calisota.sandbox.engine import DockerSandbox, connect
from calisota.sandbox.pool import WarmPool
from calisota.settings import Settings

if TYPE_CHECKING:
    import docker

PROGRAMS = {
    "print(int(input()) * 2)": Outcome.ACCEPTED,
    "import time\ntime.sleep(0.3)\nprint(int(input()) * 2)": Outcome.ACCEPTED,
    "print(int(input()) * 2 + 1)": Outcome.WRONG_ANSWER,
    "print(int(input()) * 2)\nraise SystemExit(3)": Outcome.RUNTIME_ERROR,
    "import time\ntime.sleep(60)": Outcome.TIME_LIMIT,
    "print(int(input(": Outcome.COMPILE_ERROR,
    "x = bytearray(b'x') * 2**29": Outcome.MEMORY_LIMIT,
}
PAUSE_S = 0.1, 1.2
"""Between two blows."""
END_S = 60
"""How long containers may take to go after the last blow."""


def main() -> None:
    """Run the bench, or be one of its workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=500)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most-s", type=float, default=1800, help="end earlier, with fewer")
    parser.add_argument("--work-in", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work_in:
        work(Path(chosen.work_in), chosen.seed)
        return
    result = torment(chosen.executions, chosen.workers, chosen.seed, most_s=chosen.most_s)
    table = Table("", "", title=f"executions under kills, seed {chosen.seed}")
    for name, value in result.items():
        table.add_row(name, str(value))
    Console(width=100).print(table)
    write_result("kills", result)
    sys.exit(0 if result["wrong"] == result["left after the reaper"] == 0 else 1)


def torment(executions: int, workers: int, seed: int, *, most_s: float = 1800) -> dict[str, Any]:
    """What came of at least so many executions, or of what was begun in `most_s`."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    with tempfile.TemporaryDirectory(prefix="kills-", dir="/tmp") as folder:
        home = Path(folder)
        client = connect(Settings())
        wire = Wire(client, home / "wire.sock")
        sandbox = DockerSandbox(client, Settings(home=home))
        crowd = [Worker(home, seed * 1000 + number) for number in range(workers)]
        blows: Counter[str] = Counter()
        began = time.monotonic()
        lines: list[dict[str, Any]] = []
        try:
            while (
                sum(one.started + one.before for one in crowd) < executions
                and time.monotonic() - began < most_s
            ):
                time.sleep(chance.uniform(*PAUSE_S))
                at_work = [one for one in crowd if one.started]
                if at_work and chance.random() < 0.5:
                    chance.choice(at_work).process.kill()
                    blows["workers killed"] += 1
                else:
                    blows["connections cut"] += wire.cut(chance)
                for number, one in enumerate(crowd):
                    if one.process.poll() is not None:
                        lines += one.lines()
                        fresh = Worker(home, chance.randrange(2**30))
                        fresh.before = one.started + one.before
                        crowd[number] = fresh
        finally:
            for one in crowd:
                one.process.kill()
                lines += one.lines()
            wire.close()
        left = settle(sandbox, END_S)
        sandbox.reap(time.time() + 3600)
        after = settle(sandbox, 10)
        client.close()
    ends = Counter(line["end"] for line in lines if "end" in line)
    started = sum("start" in line for line in lines)
    return {
        "started": started,
        "right": ends["right"],
        "internal_error": ends["internal_error"],
        "lost with their worker": started - sum(ends.values()),
        "wrong": ends["wrong"],
        **blows,
        "left before the reaper": left,
        "left after the reaper": after,
        "seconds": round(time.monotonic() - began),
        "wrong ones": [line for line in lines if line.get("end") == "wrong"],
    }


def settle(sandbox: DockerSandbox, within_s: float) -> int:
    """How many containers are left once none goes any more."""
    until = time.monotonic() + within_s
    while sandbox.list_ours() and time.monotonic() < until:
        time.sleep(0.2)
    return len(sandbox.list_ours())


class Worker:
    """A process that runs executions until it is killed."""

    def __init__(self, home: Path, seed: int) -> None:
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed by lines()
        self.started = self.before = 0
        """Executions it began, and those of the workers whose place it took."""
        env = os.environ | {
            "CALISOTA_HOME": str(home),
            "CALISOTA_DOCKER_HOST": f"unix://{home / 'wire.sock'}",
            "PYTHONPATH": str(ROOT),
        }
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--work-in", str(home), "--seed", str(seed)],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            stderr=self._log,
            env=env,
            text=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._lines.append(line)
            self.started += '"start"' in line

    def lines(self) -> list[dict[str, Any]]:
        """All it said, once it has ended. Raises: RuntimeError: it broke down by itself."""
        status = self.process.wait()
        self._reader.join()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._log.seek(0)
        said = self._log.read()
        self._log.close()
        if status != -9:
            raise RuntimeError(f"a worker ended with status {status}: {said[-2000:]}")
        whole = [line for line in self._lines if line.endswith("\n")]
        return [json.loads(line) for line in whole]


def work(home: Path, seed: int) -> None:
    """Run programs for ever, and tell the start and the end of each."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    settings = Settings(home=home)
    client = None
    while client is None:
        with suppress(TransientError):
            client = connect(settings)
    with WarmPool(client, settings) as pool:
        sandbox = DockerSandbox(client, settings, pool if seed % 2 else None)
        while True:
            source, expected = chance.choice(list(PROGRAMS.items()))
            tell(start=source)
            numbers = [chance.randrange(10**6) for _ in range(3)]
            got = outcome(sandbox, source, numbers)
            if got is Outcome.INTERNAL_ERROR:
                tell(end="internal_error")
            else:
                right = got is expected
                tell(end="right" if right else "wrong", source=source, got=got.value)


def outcome(sandbox: DockerSandbox, source: str, numbers: list[int]) -> Outcome:
    """What the sandbox says of it; an Engine that does not answer is an `internal_error`."""
    problem = Problem.model_validate(
        {
            "statement": "Print the double.",
            "language": "python",
            "tests": [{"stdin": f"{n}\n", "stdout": f"{n * 2}\n"} for n in numbers],
            "limits": {"wall_s": 2, "cpu_s": 2, "memory_mb": 128},
        }
    )
    brief = Brief(number=0, approach=None, with_passages=False, temperature=0, prompt="p")
    candidate = Candidate(id="r1c0", brief=brief, source=source, usage=Usage())
    try:
        return sandbox.run_candidate(problem, candidate, solve_id="kills").outcome
    except TransientError:
        return Outcome.INTERNAL_ERROR


def tell(**what: str) -> None:
    """One line for the parent, at once."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


class Wire:
    """The way to the Engine; each connection through it can be cut."""

    def __init__(self, client: docker.APIClient, path: Path) -> None:
        adapter: Any = client.get_adapter(client.base_url)
        self._engine = adapter.socket_path
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._engine)
                self._pairs.append((near, far))
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=(one, other), daemon=True).start()

    def cut(self, chance: random.Random) -> int:
        """How many connections were cut: about half of them."""
        pairs, self._pairs = self._pairs, []
        chosen = [pair for pair in pairs if chance.random() < 0.5]
        self._pairs += [pair for pair in pairs if pair not in chosen]
        return sum(map(hang_up, chosen))

    def close(self) -> None:
        """Cut all and take no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            hang_up(pair)


def hang_up(pair: tuple[socket.socket, socket.socket]) -> bool:
    """Whether it was a live connection."""
    alive = 0
    for one in pair:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
            alive += 1
        one.close()
    return alive == len(pair)


def pump(one: socket.socket, other: socket.socket) -> None:
    """Pass on what comes, the end included."""
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main()
