"""The records that host and runner exchange; include/sandbox/runner.c documents them."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

from pydantic import Field

from calisota.models import Execution, Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_REPLY_BYTES = 16 * 2**20
MAX_STDERR_BYTES = 4096

_RECORD = struct.Struct(">BI")
_RUN = struct.Struct(">BIIIIIH")
_REPLY = struct.Struct(">BIQQQIII")
_DOCKER_FRAME = struct.Struct(">BxxxI")

_SIGNALED, _TIMED_OUT, _OOM, _OUTPUT, _CPU = 1, 2, 4, 8, 16


class BrokenReply(ValueError):
    """What the runner sent is no reply; the sandbox, not the candidate, is at fault."""


class RunnerFault(ValueError):
    """The runner says that it could not carry out an order."""


class Job(Frozen):
    """One process to run: the build, or a cell of the matrix."""

    argv: tuple[str, ...]
    stdin: bytes = b""
    is_build: bool = False
    wall_s: float = Field(gt=0)
    cpu_s: float = Field(gt=0)
    output_bytes: int
    """Of stdout and stderr each."""
    value_bytes: int
    file_bytes: int
    """Largest file the process may write."""


def file_record(path: str, data: bytes) -> bytes:
    """The order to write `data` below the source folder."""
    name = path.encode()
    return _record(b"F", struct.pack(">H", len(name)) + name + data)


def run_record(job: Job) -> bytes:
    """The order to run `job`."""
    head = _RUN.pack(
        0 if job.is_build else 1,
        math.ceil(job.wall_s * 1000),
        math.ceil(job.cpu_s * 1000),
        job.output_bytes,
        job.value_bytes,
        job.file_bytes,
        len(job.argv),
    )
    words = [word.encode() for word in job.argv]
    argv = b"".join(struct.pack(">I", len(word)) + word for word in words)
    return _record(b"X", head + argv + job.stdin)


def quit_record() -> bytes:
    """The order to end."""
    return _record(b"Q", b"")


def _record(kind: bytes, payload: bytes) -> bytes:
    return _RECORD.pack(kind[0], len(payload)) + payload


def read_reply(kind: int, payload: bytes) -> Execution:
    """The Execution that a reply record tells of.

    Raises: BrokenReply: it is no reply. RunnerFault: it is the runner's own error.
    """
    if kind == ord("E"):
        raise RunnerFault(payload[:300].decode(errors="backslashreplace"))
    if kind != ord("R") or len(payload) < _REPLY.size:
        raise BrokenReply(f"a record of kind {kind} and {len(payload)} bytes")
    flags, code, cpu_us, wall_us, peak, *sizes = _REPLY.unpack_from(payload)
    if len(payload) != _REPLY.size + sum(sizes):
        raise BrokenReply("the lengths in a reply do not add up")
    at = _REPLY.size
    stdout = payload[at : at + sizes[0]]
    stderr = payload[at + sizes[0] : at + sizes[0] + sizes[1]]
    value = payload[len(payload) - sizes[2] :] if sizes[2] else None
    signaled = bool(flags & _SIGNALED)
    return Execution(
        exit_code=None if signaled else code,
        signal=code if signaled else None,
        cpu_s=cpu_us / 1e6,
        wall_s=wall_us / 1e6,
        peak_bytes=peak,
        stdout=stdout,
        stderr=stderr,
        value=value,
        timed_out=bool(flags & (_TIMED_OUT | _CPU)),
        out_of_memory=bool(flags & _OOM),
        output_exceeded=bool(flags & _OUTPUT),
    )


class Replies:
    """Turns the bytes of a Docker attach stream into runner records, in whatever pieces they come.

    Docker frames stdout and stderr; our records lie in stdout, and what the runner's stderr says
    is kept, up to a bound, for the error message.
    """

    def __init__(self) -> None:
        self._raw = bytearray()
        self._stdout = bytearray()
        self.stderr = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The records that `data` completes.

        Raises: BrokenReply: the stream holds something else.
        """
        self._raw += data
        while len(self._raw) >= _DOCKER_FRAME.size:
            stream, size = _DOCKER_FRAME.unpack_from(self._raw)
            end = _DOCKER_FRAME.size + size
            if stream not in {1, 2} or size > MAX_REPLY_BYTES:
                raise BrokenReply("the stream is not framed as Docker frames it")
            if len(self._raw) < end:
                break
            body = bytes(self._raw[_DOCKER_FRAME.size : end])
            del self._raw[:end]
            if stream == 1:
                self._stdout += body
            else:
                self.stderr = (self.stderr + body)[:MAX_STDERR_BYTES]
        yield from self._records()

    def _records(self) -> Iterator[tuple[int, bytes]]:
        while len(self._stdout) >= _RECORD.size:
            kind, size = _RECORD.unpack_from(self._stdout)
            if size > MAX_REPLY_BYTES:
                raise BrokenReply(f"a record of {size} bytes")
            end = _RECORD.size + size
            if len(self._stdout) < end:
                return
            payload = bytes(self._stdout[_RECORD.size : end])
            del self._stdout[:end]
            yield kind, payload
