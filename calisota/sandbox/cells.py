"""What to run for one candidate: its files, its build, and a cell for each test. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from calisota.errors import InputError
from calisota.models import CallTest, CodeTest, Frozen, Language
from calisota.sandbox.languages import LANGUAGES, LanguageSpec
from calisota.sandbox.protocol import Job

if TYPE_CHECKING:
    from calisota.models import Problem, StdioTest

BUILD_WALL_S = 30
BUILD_MEMORY_MB = 256
"""A compiler needs this much even for a Problem that allows less; lowered before the tests run."""
BUILD_OUTPUT_BYTES = 64 * 1024
MAX_VALUE_BYTES = 1024 * 1024
MB = 1024 * 1024


class CandidatePlan(Frozen):
    """All that enters the container, in order. No expected output is in it, but code tests' own."""

    language: Language
    files: dict[str, bytes]
    build: Job
    cells: list[Job]
    memory_mb: int
    """Of the container while the cells run."""
    build_memory_mb: int
    """Of the container before."""
    tmpfs_bytes: int


def tmpfs_bytes(problem: Problem, tmpfs_mb: int) -> int:
    """Writable space of the container: at most half its memory, so files alone cannot fill it."""
    return min(tmpfs_mb * MB, problem.limits.memory_mb * MB // 2)


def plan_candidate(problem: Problem, source: str, *, tmpfs_mb: int) -> CandidatePlan:
    """The plan for `source`; without tests, at most one cell that loads it.

    Raises: InputError: the Problem's files cannot lie in one folder together.
    """
    spec = LANGUAGES[problem.language]
    file_bytes = tmpfs_bytes(problem, tmpfs_mb)
    files = {path: text.encode() for path, text in problem.files.items() if path != spec.source}
    _refuse_file_as_folder(problem, {*files, spec.source})
    build = Job(
        argv=spec.build,
        is_build=True,
        wall_s=BUILD_WALL_S,
        cpu_s=BUILD_WALL_S,
        output_bytes=BUILD_OUTPUT_BYTES,
        value_bytes=0,
        file_bytes=file_bytes,
    )
    orders = [_order(spec, problem, test) for test in problem.tests] or _load(spec, problem)
    limits = problem.limits
    cells = [
        Job(
            argv=argv,
            stdin=stdin,
            wall_s=limits.wall_s,
            cpu_s=limits.cpu_s,
            output_bytes=limits.output_kb * 1024,
            value_bytes=MAX_VALUE_BYTES,
            file_bytes=file_bytes,
        )
        for argv, stdin in orders
    ]
    # Replies hold lone surrogates of a model's answer as they are; a file cannot.
    files[spec.source] = source.encode(errors="backslashreplace")
    return CandidatePlan(
        language=problem.language,
        files=files,
        build=build,
        cells=cells,
        memory_mb=limits.memory_mb,
        build_memory_mb=max(limits.memory_mb, BUILD_MEMORY_MB),
        tmpfs_bytes=file_bytes,
    )


# Among themselves the Problem has seen to it; our own source file is not among them.
def _refuse_file_as_folder(problem: Problem, paths: set[str]) -> None:
    for path in problem.files:
        parents = path.split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            folder = "/".join(parents[:depth])
            if folder in paths:
                raise InputError(
                    f"The files {folder!r} and {path!r} cannot both exist.",
                    remedy="rename one of them.",
                )


def _order(
    spec: LanguageSpec, problem: Problem, test: CallTest | StdioTest | CodeTest
) -> tuple[tuple[str, ...], bytes]:
    if isinstance(test, CallTest):
        call = {"entry_point": problem.entry_point, **test.call.model_dump()}
        return _driven(spec, "call", call)
    if isinstance(test, CodeTest):
        return _driven(spec, "code", {"code": test.code})
    return (*spec.run, *test.argv), test.stdin.encode()


def _load(spec: LanguageSpec, problem: Problem) -> list[tuple[tuple[str, ...], bytes]]:
    """A whole program is only built: to load it would be to run it without its input."""
    if spec.call is None or problem.entry_point is None:
        return []
    return [_driven(spec, "load", {"entry_point": problem.entry_point})]


def _driven(
    spec: LanguageSpec, mode: str, order: dict[str, object]
) -> tuple[tuple[str, ...], bytes]:
    if spec.call is None:
        raise InputError(
            f"There is no call driver for {spec.language}.", remedy="give stdin and stdout instead."
        )
    return (*spec.call, mode), json.dumps(order).encode()
