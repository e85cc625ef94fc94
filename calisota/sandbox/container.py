"""One single-use container: its limits, its life, and the conversation with the runner in it."""

from __future__ import annotations

import hashlib
import select
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from docker.errors import NotFound
from docker.types import LogConfig, Ulimit

from calisota.errors import EngineUnavailable, PermanentError
from calisota.models import Frozen
from calisota.paths import include
from calisota.sandbox.connection import engine_errors
from calisota.sandbox.protocol import (
    BrokenReply,
    Job,
    Replies,
    RunnerFault,
    file_record,
    quit_record,
    read_reply,
    run_record,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    import docker

    from calisota.models import Execution

HOME_LABEL = "calisota.home"
SOLVE_LABEL = "calisota.solve_id"
POOL_LABEL = "calisota.pool"
CANDIDATE_LABEL = "calisota.candidate_id"
EXPIRES_LABEL = "calisota.expires"

START_GRACE_S = 120
"""How much longer than its work a container may exist; the reaper takes it then."""
MAX_PIDS = 64
MAX_INODES = 4096
MAX_OPEN_FILES = 256
MAX_ORDER_AHEAD_BYTES = 32 * 1024
"""Half of what a pipe holds."""
# What the Engine hides by itself; a list of ours replaces its own.
MASKED_BY_DOCKER = (
    *("/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats"),
    *("/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi"),
    *("/sys/firmware", "/sys/devices/virtual/powercap"),
)
# Which host this is, and what disks and devices it has.
MASKED_TOO = (
    *("/proc/cmdline", "/proc/diskstats", "/proc/partitions", "/proc/mdstat", "/sys/block"),
    *("/sys/dev", "/sys/class", "/sys/bus", "/sys/devices/virtual/dmi", "/sys/hypervisor"),
)
KILLED = "137"
"""The exit status that the Engine reports of a pid 1 that SIGKILL ended."""
REPLY_GRACE_S = 60
"""How much longer than its job's wall limit the runner may take; it gives up earlier itself."""


class SandboxFault(Exception):
    """The sandbox broke under this candidate while the Engine lives: an `internal_error`."""


class RunnerOutOfMemory(SandboxFault):
    """The candidate took so much memory that the kernel ended the container's pid 1 for it."""


class MemoryInUse(SandboxFault):
    """What the candidate's files hold leaves its tests no memory."""


class ContainerLimits(Frozen):
    """What differs between containers; the rest is the same for all."""

    memory_bytes: int
    tmpfs_bytes: int
    exec_needed: bool
    runtime: str | None = None
    """The Engine's OCI runtime; None: its default."""


def home_label(home: Path) -> str:
    """What marks the containers of one installation."""
    return hashlib.sha256(str(home).encode()).hexdigest()[:12]


def host_config(client: docker.APIClient, limits: ContainerLimits) -> dict[str, Any]:
    """The hard limits of a container, for the Engine.

    Safety: no network, no writable place but one small file system in memory, one CPU, memory
    without swap, few processes, no capability but those the runner drops privileges and kills
    with, a system call filter that denies by default, no output kept on the host.
    Not covered: the kernel is shared, so a hole in a system call we allow is a hole in the
    sandbox; /proc tells the host's memory size, load and kernel version. There is no nproc
    limit, since the kernel counts that one over all containers together: `pids_limit` stands in.
    """
    tmpfs = (
        f"rw,nosuid,nodev,{'exec' if limits.exec_needed else 'noexec'},"
        f"size={limits.tmpfs_bytes},nr_inodes={MAX_INODES},mode=0755"
    )
    seccomp = include("sandbox", "seccomp.json").read_text()
    config: dict[str, Any] = client.create_host_config(
        network_mode="none",
        read_only=True,
        ipc_mode="none",
        # The Engine mounts /dev/mqueue for all to write, ipc mode or not: this covers it.
        tmpfs={"/work": tmpfs, "/dev/mqueue": "ro,nosuid,nodev,noexec,size=4k,mode=0555"},
        mem_limit=limits.memory_bytes,
        memswap_limit=limits.memory_bytes,
        nano_cpus=1_000_000_000,
        pids_limit=MAX_PIDS,
        ulimits=[
            Ulimit(name="core", soft=0, hard=0),
            Ulimit(name="nofile", soft=MAX_OPEN_FILES, hard=MAX_OPEN_FILES),
            Ulimit(name="fsize", soft=limits.tmpfs_bytes, hard=limits.tmpfs_bytes),
        ],
        cap_drop=["ALL"],
        cap_add=["SETUID", "SETGID", "KILL"],
        security_opt=["no-new-privileges:true", f"seccomp={seccomp}"],
        runtime=limits.runtime,
        log_config=LogConfig(type=LogConfig.types.NONE or "none"),
        auto_remove=True,
    )
    config["MaskedPaths"] = [*MASKED_BY_DOCKER, *MASKED_TOO]
    return config


class Container:
    """A started container; leaving the `with` block removes it, whatever happened in it.

    It starts when the block is entered, or earlier by `start`; `idle_s` is then how long the
    runner waits for its first order before it ends itself.
    """

    def __init__(
        self,
        client: docker.APIClient,
        *,
        image: str,
        limits: ContainerLimits,
        labels: Mapping[str, str],
        idle_s: int | None = None,
    ) -> None:
        self._client = client
        self._image = image
        self._limits = limits
        self._labels = dict(labels)
        self._command = None if idle_s is None else ["--idle", str(idle_s)]
        self._id: str | None = None
        self._created = 0.0
        self._stream: Any = None
        self._ended = False
        self._replies = Replies()

    @property
    def id(self) -> str | None:
        """The Engine's name for it; None before it was created."""
        return self._id

    @property
    def memory_bytes(self) -> int:
        """What it may use now."""
        return self._limits.memory_bytes

    def __enter__(self) -> Self:
        if self._id is None:
            self.start()
        return self

    def start(self) -> None:
        """Start it, ready for orders; nothing of it stays behind when that fails.

        Raises: SandboxFault: it was removed meanwhile. EngineUnavailable. ImageMissing.
        """
        try:
            with engine_errors():
                self._start()
        except NotFound as error:
            self.remove()
            raise SandboxFault("the container was removed before it started") from error
        except BaseException:
            self.remove()
            raise

    def _start(self) -> None:
        self._created = time.time()
        created = self._client.create_container(
            self._image,
            self._command,
            host_config=host_config(self._client, self._limits),
            labels=self._labels,
            network_disabled=True,
            stdin_open=True,
            user="0:0",
        )
        self._id = created["Id"]
        # Attached before the start: what a container says at once is otherwise lost.
        self._stream = self._client.attach_socket(
            self._id, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        )
        self._client.start(self._id)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    def waits(self) -> bool:
        """Whether it still waits for its first order, as far as this end of its stream knows.

        It costs no call to the Engine: a runner that waits says nothing, so whatever can be read
        now, the stream's end included, tells that it does not.
        """
        if self._stream is None:
            return False
        poll = select.poll()  # unlike select(), whatever the descriptor's number
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def put_file(self, path: str, data: bytes) -> None:
        """Write one file of the candidate."""
        self._send(file_record(path, data), time.monotonic() + REPLY_GRACE_S)

    def run(self, job: Job) -> Execution:
        """What running `job` came to.

        Raises: SandboxFault: the runner broke or did not answer in time. EngineUnavailable.
        """
        return next(self.run_all([job]))

    def run_all(self, jobs: Sequence[Job]) -> Iterator[Execution]:
        """What running each of `jobs` came to, one after the other.

        A small order is sent while the job before it still runs, which hides the way there. Its
        input lies in the runner's pipe then, out of the candidate's reach. A large one would not
        fit into that pipe, and both ends could wait for each other.
        Raises: SandboxFault: the runner broke or did not answer in time. EngineUnavailable.
        """
        sent = 0
        for number, job in enumerate(jobs):
            deadline = time.monotonic() + job.wall_s + REPLY_GRACE_S
            if sent == number:
                self._send(run_record(job), deadline)
                sent += 1
            if sent < len(jobs):
                order = run_record(jobs[sent])
                if len(order) <= MAX_ORDER_AHEAD_BYTES:
                    self._send(order, deadline)
                    sent += 1
            yield self._reply(deadline)

    def _reply(self, deadline: float) -> Execution:
        try:
            data = b""  # a reply may have come along with the last one
            while True:
                for kind, payload in self._replies.feed(data):
                    return read_reply(kind, payload)
                data = self._receive(deadline)
        except BrokenReply as error:
            raise SandboxFault(f"the runner sent no proper reply: {error}") from error
        except RunnerFault as error:
            raise SandboxFault(f"the runner failed: {error}") from error

    def limit_memory(self, memory_bytes: int) -> None:
        """Allow so much memory from now on.

        Raises: MemoryInUse: the container holds more already. SandboxFault. EngineUnavailable.
        """
        if self._id is None:
            raise SandboxFault("the container is not started")
        try:
            with engine_errors():
                self._client.update_container(
                    self._id, mem_limit=memory_bytes, memswap_limit=memory_bytes
                )
        except EngineUnavailable as error:
            # The Engine reports the kernel's refusal as a failure of its own.
            said = str(error.__cause__)
            if "unable to set memory limit" in said or "device or resource busy" in said:
                raise MemoryInUse(said) from error
            raise
        except (NotFound, PermanentError) as error:
            raise SandboxFault(f"memory could not be limited: {error}") from error
        self._limits = self._limits.model_copy(update={"memory_bytes": memory_bytes})

    def quit(self) -> None:
        """Let the runner end; a container that is gone already is as good.

        The Engine removes it then by itself, which nobody has to wait for. The candidate has no
        process left that could hold the runner up, and the reaper knows when it should be gone.
        """
        with suppress(SandboxFault, EngineUnavailable):
            self._send(quit_record(), time.monotonic() + REPLY_GRACE_S)
            self._ended = True

    @property
    def _socket(self) -> Any:
        """The socket itself: docker-py hands out a file around it, whose timeout cannot be set."""
        return getattr(self._stream, "_sock", self._stream)

    def _send(self, data: bytes, deadline: float) -> None:
        try:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
            self._socket.sendall(data)
        except OSError as error:
            raise self._broken(error) from error

    def _receive(self, deadline: float) -> bytes:
        try:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
            data: bytes = self._socket.recv(65536)
        except OSError as error:
            raise self._broken(error) from error
        if not data:
            raise self._broken(None)
        return data

    def _broken(self, error: OSError | None) -> Exception:
        """Whose fault a broken conversation is: the Engine's when it does not answer either."""
        try:
            with engine_errors():
                self._client.ping()
        except (EngineUnavailable, PermanentError, NotFound) as unavailable:
            return unavailable
        if isinstance(error, TimeoutError):
            return SandboxFault("the runner did not answer in time")
        if error is None and self._died_of_memory():
            return RunnerOutOfMemory("the container ran out of memory")
        said = self._replies.stderr.decode(errors="backslashreplace").strip()
        return SandboxFault("the container ended before its time" + (f": {said}" if said else ""))

    def _died_of_memory(self) -> bool:
        """Whether memory ended the container, and nobody else did.

        A candidate can make the runner the process that the kernel chooses to kill: it may lower
        its own `oom_score_adj`, and hide memory where no process is blamed for it.
        """
        with suppress(EngineUnavailable, PermanentError, NotFound), engine_errors():
            past = self._client.events(
                since=int(self._created),
                until=int(time.time()) + 1,
                filters={"container": self._id},
                decode=True,
            )
            ends = {event["Action"]: event["Actor"]["Attributes"].get("exitCode") for event in past}
            # Without its death, an earlier program's lack of memory was met by a cut connection.
            return "oom" in ends and "kill" not in ends and ends.get("die") == KILLED
        return False

    def _close(self) -> None:
        if self._stream is not None:
            sock = self._socket
            # The response owns the stream; closed the other way round it would flush a closed file.
            getattr(self._stream, "_response", self._stream).close()
            sock.close()

    def remove(self) -> None:
        """Idempotent. An Engine that does not answer is met by the next call, or by the reaper."""
        self._close()
        if self._id is not None and not self._ended:
            with suppress(EngineUnavailable):
                remove_container(self._client, self._id)


def remove_container(client: docker.APIClient, container_id: str) -> bool:
    """Whether the container was there; it is gone, or going, afterwards.

    Raises: EngineUnavailable.
    """
    try:
        with engine_errors():
            client.remove_container(container_id, force=True, v=True)
    except NotFound:
        return False
    except PermanentError:  # "removal is already in progress": the Engine's own auto-remove
        return False
    return True
