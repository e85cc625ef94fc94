"""Proof that this host enforces the sandbox's limits: small hostile programs that must fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.models import (
    Brief,
    Candidate,
    ExecutionMatrix,
    Frozen,
    Language,
    Limits,
    Outcome,
    Problem,
    StdioTest,
    TestResult,
    Usage,
)
from calisota.paths import include

if TYPE_CHECKING:
    from calisota.sandbox.engine import DockerSandbox

SOLVE_ID = "calisota-self-test"
REMEDY = (
    "do not run programs you distrust on this Docker Engine; see docs/operations.md for the kernel"
    " and cgroup features the sandbox needs."
)
LIMITS = Limits(wall_s=2, cpu_s=1, memory_mb=96, output_kb=4)

# Attack (a word that hostile.py knows) -> what must come out: a line, or the broken limit's word.
ATTACKS: dict[str, tuple[str, str | Outcome]] = {
    "user": ("another user, no capabilities, no new privileges", "held"),
    "read_only": ("read-only root", "held"),
    "tmpfs_size": ("size of the writable space", "held"),
    "inodes": ("number of files", "held"),
    "pids": ("number of processes", "held"),
    "network": ("network", "held"),
    "vsock": ("vsock, netlink and packet sockets", "held"),
    "system_calls": ("io_uring, bpf, keyctl, new namespaces", "held"),
    "runner": ("the runner's memory and descriptors, ptrace", "held"),
    "environment": ("host environment", "held"),
    "cpu_quota": ("CPU quota", "held"),
    "memory": ("memory", Outcome.MEMORY_LIMIT),
    "output": ("output", Outcome.OUTPUT_LIMIT),
    "sleep": ("wall time", Outcome.TIME_LIMIT),
    "spin": ("CPU time", Outcome.TIME_LIMIT),
}


class Check(Frozen):
    """Whether one limit held."""

    name: str
    held: bool
    detail: str
    remedy: str


def self_test(sandbox: DockerSandbox) -> list[Check]:
    """One check for each limit, from one container; about 8 seconds.

    Raises: EngineUnavailable, ImageMissing: there is nothing to test yet.
    Not covered: limits that no single container can show, such as what two of them share.
    """
    matrix = attack(sandbox, list(ATTACKS), LIMITS)
    return [
        _check(*ATTACKS[test.name], test) if test.name in ATTACKS else _unknown(test)
        for test in matrix.tests
    ]


def attack(sandbox: DockerSandbox, attacks: list[str], limits: Limits) -> ExecutionMatrix:
    """The matrix of hostile.py, one test for each attack, which is its only argument."""
    problem = Problem(
        statement="Break out.",
        language=Language.PYTHON,
        tests=[StdioTest(name=name, argv=[name], stdout="held") for name in attacks],
        limits=limits,
    )
    brief = Brief(number=0, approach=None, with_passages=False, temperature=0, prompt="self-test")
    source = include("sandbox", "hostile.py").read_text()
    candidate = Candidate(id="r1c0", brief=brief, source=source, usage=Usage())
    return sandbox.run_candidate(problem, candidate, solve_id=SOLVE_ID)


def _check(name: str, wanted: str | Outcome, test: TestResult) -> Check:
    if isinstance(wanted, Outcome):
        held = test.outcome is wanted
        detail = f"stopped: {test.detail}" if held else f"{test.outcome}, not {wanted}"
    else:
        held = test.outcome is Outcome.ACCEPTED
        detail = "denied" if held else (test.stdout.strip() or test.detail or test.outcome)
    return Check(name=name, held=held, detail=detail, remedy=REMEDY)


def _unknown(test: TestResult) -> Check:
    return Check(name=test.name, held=False, detail="no such attack", remedy=REMEDY)
