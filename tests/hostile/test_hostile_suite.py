"""Every program of tests/hostile/programs in a real container: it gets what it deserves.

A program's first comment lines say what it tries and what must come of it:

    # Tries: a fork bomb
    # expect: time_limit | runtime_error      any of these outcomes, of the worst test
    # test: {"stdin": "", "stdout": "x"}      repeatable; a Problem's test as JSON; one is made up
    #                                         whose answer nothing prints where there is none
    # expect_each: wrong_answer, accepted     instead of `expect`: one outcome for each test
    # field: {"entry_point": "f"}             more fields of the Problem
    # limits: {"memory_mb": 64}

A program that got through to an answer it could not know would be accepted: no program here may be,
unless its line says so, and then only for what an honest program may do.
"""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil
import pytest

from calisota.models import Brief, Candidate, ExecutionMatrix, Language, Outcome, Problem, Usage
from calisota.sandbox.engine import DockerSandbox, connect
from calisota.sandbox.images import build_images
from calisota.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = Path(__file__).parent / "programs"
COMMENTS = ("# ", "// ")
NEVER_PRINTED = {"stdin": "", "stdout": "an answer that no program here can know"}
LIMITS = {"wall_s": 3, "cpu_s": 2, "memory_mb": 128, "output_kb": 16}
WALL_BUDGET_S = 120
MAX_DISK_GROWTH = 64 * 2**20
MAX_MEMORY_GROWTH = 512 * 2**20


class Hostile(NamedTuple):
    """One program and what must come of it."""

    path: Path
    problem: Problem
    expect: list[set[Outcome]]
    """Of the worst test; with more than one entry, of each test."""

    @property
    def id(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"


def read(path: Path) -> Hostile:
    """A program with the directives of its first comment lines."""
    tests: list[dict[str, Any]] = []
    fields: dict[str, Any] = {}
    limits = dict(LIMITS)
    expect: list[set[Outcome]] = []
    for line in path.read_text(errors="surrogateescape").splitlines():
        mark = next((mark for mark in COMMENTS if line.startswith(mark)), None)
        if mark is None:
            break
        name, _, value = line[len(mark) :].partition(": ")
        if name == "test":
            tests.append(json.loads(value))
        elif name == "field":
            fields |= json.loads(value)
        elif name == "limits":
            limits |= json.loads(value)
        elif name == "expect":
            expect = [{Outcome(one.strip()) for one in value.split("|")}]
        elif name == "expect_each":
            expect = [{Outcome(one.strip())} for one in value.split(",")]
    problem = Problem.model_validate(
        {
            "statement": "hostile",
            "language": path.parent.name,
            "tests": tests or [NEVER_PRINTED],
            "limits": limits,
            "options": {"budget": {"wall_s": WALL_BUDGET_S}},
            **fields,
        }
    )
    return Hostile(path, problem, expect)


FILES = sorted(path for path in PROGRAMS.glob("*/*") if path.is_file())


class Arena(NamedTuple):
    """All programs on their way, and what the host looked like before."""

    sandbox: DockerSandbox
    runs: dict[Path, Future[ExecutionMatrix]]
    disk: int
    memory: int


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """Starts every program, as many at once as there are cores."""
    settings = Settings()
    client = connect(settings)
    build_images(client, settings, print)
    # A home of its own, so that the containers of a running installation are not ours.
    home = tmp_path_factory.mktemp("home")
    sandbox = DockerSandbox(client, settings.model_copy(update={"home": home}))
    disk, memory = shutil.disk_usage(settings.home).used, psutil.virtual_memory().used
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        runs = {path: pool.submit(fight, sandbox, path) for path in FILES}
        yield Arena(sandbox, runs, disk, memory)
    client.close()


def fight(sandbox: DockerSandbox, path: Path) -> ExecutionMatrix:
    """What came of one program."""
    hostile = read(path)
    brief = Brief(number=0, approach=None, with_passages=False, temperature=0, prompt="p")
    source = path.read_bytes().decode(errors="surrogateescape")
    candidate = Candidate(id="r1c0", brief=brief, source=source, usage=Usage())
    return sandbox.run_candidate(hostile.problem, candidate, solve_id=hostile.id)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_it_gets_what_it_deserves(arena: Arena, path: Path):
    hostile = read(path)
    assert hostile.expect, "the program does not say what must come of it"
    matrix = arena.runs[path].result()
    said = [(test.outcome.value, test.detail, test.stdout[-300:]) for test in matrix.tests]
    if len(hostile.expect) == 1:
        assert matrix.outcome in hostile.expect[0], said
    else:
        assert [{test.outcome} for test in matrix.tests] == hostile.expect, said


def test_nothing_of_it_is_left(arena: Arena):
    """After all of them: no container, no disk, no memory of the host's."""
    for run in arena.runs.values():
        run.result()
    assert arena.sandbox.list_ours() == []
    settings = Settings()
    assert shutil.disk_usage(settings.home).used - arena.disk < MAX_DISK_GROWTH
    assert psutil.virtual_memory().used - arena.memory < MAX_MEMORY_GROWTH


def test_there_are_enough_of_them_in_every_language():
    counts = {language: sum(p.parent.name == language for p in FILES) for language in Language}
    assert sum(counts.values()) >= 120, counts
    assert min(counts.values()) >= 10, counts
