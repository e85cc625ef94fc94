"""Many Solves against one ledger, with crashes: does what was really called stay below the caps?

The truth is kept apart from the ledger: a file to which each simulated endpoint writes what it was
called for, before it answers. Used by a test with hundreds of Solves and by bench/ledger.py.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from calisota.errors import BudgetExhausted
from calisota.ledger.amounts import Amount, Cap
from calisota.ledger.ledger import Ledger
from calisota.models import Frozen

if TYPE_CHECKING:
    from pathlib import Path

CAP_TOKENS = 500
CAP_CALLS = 6
CLIENT_CAP_TOKENS = 40_000
CLIENTS = 19
"""A prime: all processes call for each of them."""
WORST = 120
CRASH = 0.01
"""Chance that the process kills itself at one of the places of a call."""


class Outcome(Frozen):
    """What the simulation found."""

    solves: int
    calls: int
    """Really made."""
    crashes: int
    over_solve_cap: int
    """Solves whose true tokens or calls exceed the cap."""
    over_client_cap: int
    paid_twice: int
    """Calls that were made again though an answer was stored."""
    replayed: int
    """Answers that were taken from the ledger."""


def simulate(
    folder: Path,
    url: str,
    *,
    solves: int,
    processes: int,
    client_cap: int = CLIENT_CAP_TOKENS,
    seed: int = 0,
) -> Outcome:
    """Run `solves` Solves in `processes` processes that crash and are started again.

    `url` is the ledger's; the truth is kept in `folder`. `client_cap` is in tokens.
    """
    parts = [range(at, solves, processes) for at in range(processes)]

    def supervise(at: int) -> int:
        crashes = 0
        while True:
            done = subprocess.run(
                [sys.executable, "-m", "bench.ledger_simulation", url, str(folder), str(at),
                 str(solves), str(processes), str(client_cap), str(seed + crashes * 1000)],
                check=False,
            )  # fmt: skip
            if done.returncode == 0:
                return crashes
            if done.returncode != -signal.SIGKILL:
                raise RuntimeError(f"a worker of the simulation ended with {done.returncode}")
            crashes += 1

    with ThreadPoolExecutor(processes) as pool:
        crashes = sum(pool.map(supervise, range(len(parts))))
    return _judge(folder, solves, crashes, client_cap)


def _judge(folder: Path, solves: int, crashes: int, client_cap: int) -> Outcome:
    tokens: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    by_client: Counter[str] = Counter()
    made = twice = replayed = 0
    for path in folder.glob("truth.*"):
        for line in path.read_text().splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue  # the process died while it wrote
            if row.get("replayed"):
                replayed += 1
                continue
            made += 1
            twice += row["known"]
            tokens[row["solve"]] += row["tokens"]
            calls[row["solve"]] += 1
            by_client[row["client"]] += row["tokens"]
    return Outcome(
        solves=solves,
        calls=made,
        crashes=crashes,
        over_solve_cap=sum(tokens[s] > CAP_TOKENS or calls[s] > CAP_CALLS for s in tokens),
        over_client_cap=sum(value > client_cap for value in by_client.values()),
        paid_twice=twice,
        replayed=replayed,
    )


class _Worker:
    def __init__(self, url: str, folder: str, at: int, client_cap: int, seed: int) -> None:
        self._client_cap = Cap(tokens=client_cap)
        self._ledger = Ledger(url)
        self._dice = random.Random(f"{seed} {at}")  # noqa: S311  # a simulation
        self._truth = open(f"{folder}/truth.{at}", "a", buffering=1)  # noqa: SIM115, PTH123
        self._done = open(f"{folder}/done.{at}", "a+", buffering=1)  # noqa: SIM115, PTH123
        self._done.seek(0)
        self._finished = set(self._done.read().split())

    def run(self, numbers: range) -> None:
        for number in numbers:
            solve = f"solve_{number}"
            if solve in self._finished:
                continue
            client = f"client_{number % CLIENTS}"
            self._ledger.open_account(
                solve,
                Cap(tokens=CAP_TOKENS, calls=CAP_CALLS),
                client=client,
                client_cap=self._client_cap,
                day="2026-01-01",
            )
            # Candidates of one round are sampled at once, from the same account.
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda key: self._call(solve, client, f"k{key}"), range(4)))  # noqa: B023
            self._done.write(f"{solve}\n")

    def _call(self, solve: str, client: str, key: str) -> None:
        if self._ledger.answered(solve, key) is not None:
            self._truth.write(json.dumps({"replayed": True}) + "\n")
            return
        try:
            entry = self._ledger.reserve(
                solve,
                Amount(tokens=WORST, calls=1),
                route="fast",
                model="m",
                client=client,
                day="2026-01-01",
            )
        except BudgetExhausted:
            return
        self._maybe_die()
        if self._dice.random() < 0.05:  # the endpoint refused
            self._ledger.release(entry)
            return
        tokens = self._dice.randint(1, WORST)
        known = self._ledger.answered(solve, key) is not None
        row = {"solve": solve, "client": client, "tokens": tokens, "known": known}
        self._truth.write(json.dumps(row) + "\n")
        self._maybe_die()
        missing = self._dice.random() < 0.1  # no usage: the upper bound counts
        actual = Amount(tokens=WORST if missing else tokens, calls=1)
        self._ledger.settle(entry, actual, key=key, answer=b"answer")
        if self._dice.random() < 0.1:  # delivered twice
            self._ledger.settle(entry, actual, key=key, answer=b"answer")
        self._maybe_die()

    def _maybe_die(self) -> None:
        if self._dice.random() < CRASH / 3:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """One worker of the simulation."""
    url, folder, at, solves, processes, client_cap, seed = sys.argv[1:]
    worker = _Worker(url, folder, int(at), int(client_cap), int(seed))
    worker.run(range(int(at), int(solves), int(processes)))


if __name__ == "__main__":
    main()
