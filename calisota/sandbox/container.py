"""One single-use container: its limits, its life, and the conversation with the runner in it."""

from __future__ import annotations

import hashlib
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
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    import docker

    from calisota.models import Execution

HOME_LABEL = "calisota.home"
SOLVE_LABEL = "calisota.solve_id"
CANDIDATE_LABEL = "calisota.candidate_id"
EXPIRES_LABEL = "calisota.expires"

MAX_PIDS = 64
MAX_INODES = 4096
MAX_OPEN_FILES = 256
REPLY_GRACE_S = 30
"""How much longer than its job's wall limit the runner may take; it gives up earlier itself."""


class SandboxFault(Exception):
    """The sandbox broke under this candidate while the Engine lives: an `internal_error`."""


class ContainerLimits(Frozen):
    """What differs between containers; the rest is the same for all."""

    memory_bytes: int
    tmpfs_bytes: int
    exec_needed: bool


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
        log_config=LogConfig(type=LogConfig.types.NONE or "none"),
        auto_remove=True,
    )
    return config


class Container:
    """A started container; leaving the `with` block removes it, whatever happened in it."""

    def __init__(
        self,
        client: docker.APIClient,
        *,
        image: str,
        limits: ContainerLimits,
        labels: Mapping[str, str],
    ) -> None:
        self._client = client
        self._image = image
        self._limits = limits
        self._labels = dict(labels)
        self._id: str | None = None
        self._stream: Any = None
        self._replies = Replies()

    def __enter__(self) -> Self:
        try:
            with engine_errors():
                self._start()
        except NotFound as error:
            self._remove()
            raise SandboxFault("the container was removed before it started") from error
        except BaseException:
            self._remove()
            raise
        return self

    def _start(self) -> None:
        created = self._client.create_container(
            self._image,
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
        self._close()
        self._remove()

    def put_file(self, path: str, data: bytes) -> None:
        """Write one file of the candidate."""
        self._send(file_record(path, data), time.monotonic() + REPLY_GRACE_S)

    def run(self, job: Job) -> Execution:
        """What running `job` came to.

        Raises: SandboxFault: the runner broke or did not answer in time. EngineUnavailable.
        """
        deadline = time.monotonic() + job.wall_s + REPLY_GRACE_S
        self._send(run_record(job), deadline)
        try:
            while True:
                for kind, payload in self._replies.feed(self._receive(deadline)):
                    return read_reply(kind, payload)
        except BrokenReply as error:
            raise SandboxFault(f"the runner sent no proper reply: {error}") from error
        except RunnerFault as error:
            raise SandboxFault(f"the runner failed: {error}") from error

    def lower_memory(self, memory_bytes: int) -> None:
        """Allow less memory from now on.

        Raises: SandboxFault: more is in use. EngineUnavailable.
        """
        if self._id is None:
            raise SandboxFault("the container is not started")
        try:
            with engine_errors():
                self._client.update_container(
                    self._id, mem_limit=memory_bytes, memswap_limit=memory_bytes
                )
        except (NotFound, PermanentError) as error:
            raise SandboxFault(f"memory could not be limited: {error}") from error

    def quit(self) -> None:
        """Let the runner end; a container that is gone already is as good."""
        with suppress(SandboxFault):
            self._send(quit_record(), time.monotonic() + REPLY_GRACE_S)

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
        said = self._replies.stderr.decode(errors="backslashreplace").strip()
        return SandboxFault("the container ended before its time" + (f": {said}" if said else ""))

    def _close(self) -> None:
        if self._stream is not None:
            sock = self._socket
            # The response owns the stream; closed the other way round it would flush a closed file.
            getattr(self._stream, "_response", self._stream).close()
            sock.close()

    def _remove(self) -> None:
        """Idempotent. An Engine that does not answer is met by the next call, or by the reaper."""
        if self._id is not None:
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
