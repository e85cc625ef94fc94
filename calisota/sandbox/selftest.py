"""Proof that this host enforces the sandbox's limits: small hostile programs that must fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.errors import PermanentError
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
from calisota.sandbox.engine import DockerSandbox
from calisota.sandbox.trust import last_trial, record_trial, require_trusted, subject

if TYPE_CHECKING:
    import docker

    from calisota.settings import Settings

SOLVE_ID = "calisota-self-test"
REMEDY = (
    "see docs/operations.md for the kernel and cgroup features the sandbox needs; mend it, or name"
    " another Engine with CALISOTA_DOCKER_HOST, then run `calisota doctor --sandbox`."
)
PATIENT = Limits(wall_s=20, cpu_s=5, memory_mb=96, output_kb=4)
"""For a second look: on a busy machine a program may not come as far as the limit it tries."""
LIMITS = Limits(wall_s=2, cpu_s=1, memory_mb=96, output_kb=4)

# Attack (a word that hostile.py knows) -> what must come out: a line, or the broken limit's word.
ATTACKS: dict[str, tuple[str, str | Outcome]] = {
    "user": ("another user, no capabilities, no new privileges", "held"),
    "read_only": ("read-only root", "held"),
    "tmpfs_size": ("size of the writable space", "held"),
    "inodes": ("number of files", "held"),
    "pids": ("number of processes", "held"),
    "network": ("network", "held"),
    "vsock": ("vsock", "held"),
    "sockets": ("netlink, packet and crypto sockets", "held"),
    "io_uring": ("io_uring", "held"),
    "ptrace": ("ptrace, memory of the same user's processes", "held"),
    "system_calls": ("bpf, keyctl, userfaultfd, new namespaces", "held"),
    "runner": ("another user's memory, descriptors and environment", "held"),
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
    """One check for each limit; about 8 seconds, and more where one seems not to hold.

    Raises: EngineUnavailable, ImageMissing: there is nothing to test yet.
    Not covered: limits that no single container can show, such as what two of them share.
    """
    checks = look(sandbox, list(ATTACKS), LIMITS)
    again = [name for name, check in checks.items() if not check.held]
    if again:
        checks |= look(sandbox, again, PATIENT)
    return list(checks.values())


def look(sandbox: DockerSandbox, attacks: list[str], limits: Limits) -> dict[str, Check]:
    """The check of each attack.

    Raises: PermanentError: the sandbox broke down under them, which tells nothing of the limits.
    """
    matrix = attack(sandbox, attacks, limits)
    if matrix.outcome is Outcome.INTERNAL_ERROR:
        raise PermanentError(
            f"The self-test of the sandbox could not be run: {_cause(matrix)}.",
            remedy="try again; if it stays so, read the Docker Engine's own log.",
        )
    return {test.name: _check(*ATTACKS[test.name], test) for test in matrix.tests}


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


def _cause(matrix: ExecutionMatrix) -> str:
    return next((t.detail for t in matrix.tests if t.outcome is matrix.outcome and t.detail), "")


def _check(name: str, wanted: str | Outcome, test: TestResult) -> Check:
    if isinstance(wanted, Outcome):
        held = test.outcome is wanted
        detail = f"stopped: {test.detail}" if held else f"{test.outcome}, not {wanted}"
    else:
        held = test.outcome is Outcome.ACCEPTED
        detail = "denied" if held else (test.stdout.strip() or test.detail or test.outcome)
    return Check(name=name, held=held, detail=detail, remedy=REMEDY)


def try_engine(client: docker.APIClient, settings: Settings) -> list[Check]:
    """The checks of this Engine, kept on record: one that does not hold blocks all execution.

    Raises: EngineUnavailable, ImageMissing.
    """
    checks = self_test(DockerSandbox(client, settings, on_trial=True))
    failed = [check.name for check in checks if not check.held]
    record_trial(settings, subject(client, settings), failed)
    return checks


def ensure_tried(client: docker.APIClient, settings: Settings) -> str:
    """How the Engine stands, after testing it where it, its kernel or our images have changed.

    Raises: PermanentError: a limit does not hold. EngineUnavailable, ImageMissing.
    """
    trial = last_trial(settings)
    if trial is None or trial.failed or trial.subject != subject(client, settings):
        try_engine(client, settings)
        require_trusted(settings)
        return f"all {len(ATTACKS)} limits hold"
    return f"all limits held on {trial.at:%Y-%m-%d}"
