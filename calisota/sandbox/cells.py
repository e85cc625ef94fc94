"""What to run for one candidate: its files, its build, and a cell for each test. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.errors import InputError
from calisota.models import Frozen, Language
from calisota.sandbox.languages import LANGUAGES
from calisota.sandbox.orders import as_build, orders, source_name
from calisota.sandbox.protocol import Job

if TYPE_CHECKING:
    from calisota.models import Problem

BUILD_CPU_S = 30
BUILD_WALL_S = 90
"""Three times the CPU time: a busy host is not the candidate's fault."""
BUILD_OUTPUT_BYTES = 64 * 1024
MAX_VALUE_BYTES = 1024 * 1024
MB = 1024 * 1024
OPTIONAL_WALL_S = 10.0
OPTIONAL_CPU_S = 1.0
"""Of one optional cell: a program that hangs on generated inputs must not hang on all of them."""


class CandidatePlan(Frozen):
    """All that enters the container, in order. No expected output is in it, but code tests' own."""

    language: Language
    files: dict[str, bytes]
    build: Job
    cells: list[Job]
    optional_from: int | None = None
    """The cells from this one on share `OPTIONAL_WALL_S`; what does not fit is left out."""
    memory_mb: int
    """Of the container while the cells run."""
    build_memory_mb: int
    """Of the container before."""
    tmpfs_bytes: int


def tmpfs_bytes(problem: Problem, tmpfs_mb: int) -> int:
    """Writable space of the container: at most half its memory, so files alone cannot fill it.

    A compiler that needs more for its own output gets it.
    """
    least = LANGUAGES[problem.language].build_tmpfs_mb * MB
    return max(least, min(tmpfs_mb * MB, problem.limits.memory_mb * MB // 2))


def plan_candidate(
    problem: Problem, source: str, *, tmpfs_mb: int, optional: int = 0
) -> CandidatePlan:
    """The plan for `source`; without tests, at most one cell that loads it.

    The last `optional` tests of the Problem are worth less time than the others.

    Raises: InputError: the files cannot lie in one folder together.
    """
    spec = LANGUAGES[problem.language]
    name = source_name(problem)
    planned = orders(problem, source)
    space = tmpfs_bytes(problem, tmpfs_mb)
    limits = problem.limits
    files = {path: _bytes(text) for path, text in (problem.files | planned.files).items()}
    # Not before the others: no file of the Problem or of a suite may replace the candidate's.
    files[name] = _bytes(source)
    _refuse_file_as_folder(files)
    build = Job(
        argv=as_build(planned.commands),
        is_build=True,
        wall_s=BUILD_WALL_S,
        cpu_s=BUILD_CPU_S,
        output_bytes=BUILD_OUTPUT_BYTES,
        value_bytes=0,
        file_bytes=space,
    )
    optional_from = len(problem.tests) - optional if optional else None
    cells = [
        Job(
            argv=cell.argv,
            stdin=cell.stdin,
            wall_s=limits.wall_s,
            cpu_s=limits.cpu_s,
            output_bytes=limits.output_kb * 1024,
            value_bytes=MAX_VALUE_BYTES,
            file_bytes=space,
        )
        for cell in planned.cells
    ]
    if optional_from is not None:
        cells[optional_from:] = [
            cell.model_copy(
                update={
                    "cpu_s": min(cell.cpu_s, OPTIONAL_CPU_S),
                    "wall_s": min(cell.wall_s, 3 * OPTIONAL_CPU_S),
                }
            )
            for cell in cells[optional_from:]
        ]
    return CandidatePlan(
        language=problem.language,
        files=files,
        build=build,
        cells=cells,
        optional_from=optional_from,
        memory_mb=limits.memory_mb,
        build_memory_mb=max(limits.memory_mb, spec.build_memory_mb),
        tmpfs_bytes=space,
    )


def _bytes(text: str) -> bytes:
    """Replies hold lone surrogates of a model's answer as they are; a file cannot."""
    return text.encode(errors="backslashreplace")


def _refuse_file_as_folder(files: dict[str, bytes]) -> None:
    """The Problem has seen to its own files; suites and the candidate's name come on top."""
    for path in files:
        parents = path.split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            folder = "/".join(parents[:depth])
            if folder in files:
                raise InputError(
                    f"The files {folder!r} and {path!r} cannot both exist.",
                    remedy="rename one of them.",
                )
