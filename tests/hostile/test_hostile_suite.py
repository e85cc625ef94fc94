"""Every hostile program against a real container: none gets more than it should."""

import contextlib
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from calisota.errors import CalisotaError, EngineUnavailable
from calisota.models import Brief, Candidate, Language, Outcome, Problem, Usage
from calisota.sandbox.engine import DockerSandbox, connect
from calisota.sandbox.images import build_images
from calisota.sandbox.languages import LANGUAGES
from calisota.settings import Settings
from calisota.text import printable

from .header import read

# One fixture runs all programs, and its time counts for the first test.
pytestmark = [pytest.mark.docker, pytest.mark.timeout(1200)]

PROGRAMS = Path(__file__).parent / "programs"
AT_ONCE = 3
SOLVE_ID = "hostile-suite"
MB = 2**20
MAX_DISK_GROWTH = 64 * MB
MAX_MEMORY_GROWTH = 4096 * MB
"""Other tests run a whole system meanwhile."""
MAX_HOST_S = 2
"""CPU time of our own process for one program: to plan it, talk to the Engine and judge."""

ALL = [read(path) for path in sorted(PROGRAMS.glob("*/*")) if path.is_file()]
RUNNABLE = [program for program in ALL if program.language in LANGUAGES]

HONEST = {
    Language.C: '#include <stdio.h>\nint main(void) { puts("42"); }\n',
    Language.CPP: "#include <bits/stdc++.h>\nint main() { std::cout << 42; }\n",
    Language.GO: 'package main\n\nimport "os"\n\nfunc main() { os.Stdout.WriteString("42") }\n',
    Language.PERL: "print 42;\n",
    Language.PYTHON: "print(42)\n",
    Language.RUST: 'fn main() { println!("42"); }\n',
}


class ShortBuild(DockerSandbox):
    """A sandbox whose builds may take only so long, so that a bomb does not hold us up."""

    def __init__(self, client, settings, build_s):
        super().__init__(client, settings)
        self._build_s = build_s

    def execute(self, plan, **how):
        if self._build_s is not None:
            limits = {"wall_s": self._build_s, "cpu_s": self._build_s}
            plan = plan.model_copy(update={"build": plan.build.model_copy(update=limits)})
        return super().execute(plan, **how)


def candidate(source):
    brief = Brief(number=0, approach=None, with_passages=False, temperature=0, prompt="p")
    return Candidate(id="r1c0", brief=brief, source=source, usage=Usage())


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    settings = Settings()
    try:
        client = connect(settings)
    except EngineUnavailable as error:
        pytest.skip(f"no Docker Engine answers: {error.message}")
    with contextlib.closing(client):
        build_images(client, settings, print)
    # A home of its own, so that the containers of a running installation are not ours.
    home = tmp_path_factory.mktemp("home")
    return settings.model_copy(
        update={
            "home": home,
            "docker_host": client.base_url if settings.docker_host else _host(settings),
            "sandbox_concurrency": AT_ONCE,
        }
    )


def _host(settings):
    """The Engine of the real home, which another home would not find."""
    socket = settings.home / "engine" / "docker.sock"
    return f"unix://{socket}" if socket.exists() else None


@pytest.fixture(scope="module")
def client(settings):
    with contextlib.closing(connect(settings)) as client:
        yield client


class Host:
    """What the programs could take from the machine that runs them."""

    def __init__(self, client):
        self._root = Path(client.info()["DockerRootDir"])
        self.memory = psutil.virtual_memory().available
        self.disk = self.measure_disk()

    def measure_disk(self):
        """Bytes of the Engine's data folder without its layers, which no container of ours writes.

        None: the Engine is on another machine. Layers change when others build images meanwhile.
        """
        if not self._root.is_dir():
            return None
        others = [f"--exclude={self._root}/{name}" for name in ("overlay2", "image", "tmp")]
        done = subprocess.run(
            ["du", "-sxB1", *others, self._root], check=False, capture_output=True, text=True
        )
        return int(done.stdout.split()[0])


@pytest.fixture(scope="module")
def host(client):
    return Host(client)


@pytest.fixture(scope="module")
def matrices(request, settings, host):  # noqa: ARG001  # the host is measured first
    """Program -> its matrix, or our error, and our CPU time; of those that this run asks for."""
    here = [item for item in request.session.items if item.path == Path(__file__)]
    asked = [
        item.callspec.params["program"]
        for item in here
        if "program" in getattr(getattr(item, "callspec", None), "params", ())
    ]

    def run(program):
        began = time.thread_time()
        with contextlib.closing(connect(settings)) as client:
            sandbox = ShortBuild(client, settings, program.build_s)
            try:
                matrix = sandbox.run_candidate(
                    program.problem(), candidate(program.source), solve_id=SOLVE_ID
                )
            except CalisotaError as error:
                return error, 0
        return matrix, time.thread_time() - began

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip([program.name for program in asked], pool.map(run, asked), strict=True))


def test_there_are_enough_programs_in_every_language():
    assert len(ALL) >= 120
    assert {program.language for program in ALL} == set(Language)


def test_every_language_with_programs_has_its_sandbox():
    assert {program.language for program in ALL} - set(LANGUAGES) == set()


def _parameters():
    for program in RUNNABLE:
        marks = [pytest.mark.xfail(reason=program.hole, strict=True)] if program.hole else []
        yield pytest.param(program, id=program.name, marks=marks)


@pytest.mark.parametrize("program", list(_parameters()))
def test_the_sandbox_holds_against(program, matrices):
    matrix, host_s = matrices[program.name]
    assert not isinstance(matrix, Exception), matrix
    seen = [
        "cooperative" if test.cooperative and test.outcome == "accepted" else str(test.outcome)
        for test in matrix.tests
    ]
    report = "\n".join(_shown(matrix))
    assert len(seen) == len(program.expected), report
    for outcome, expected in zip(seen, program.expected, strict=True):
        assert outcome in expected, report
    assert host_s < MAX_HOST_S, f"our own process worked {host_s:.1f} s"
    assert report == printable(report)
    assert [text for text in program.says if text not in report] == [], report


def _shown(matrix):
    yield f"{matrix.outcome} {matrix.wall_s:.1f} s"
    yield f"build: {matrix.build_stderr}"
    for test in matrix.tests:
        yield f"{test.name} {test.outcome}: {test.detail}; signal {test.signal}"
        yield f"{test.cpu_s} s CPU, {test.wall_s} s, {test.memory_bytes} bytes"
        yield f"stdout: {test.stdout}"
        yield f"stderr: {test.stderr}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_afterwards_an_honest_program_passes(language, settings, client, matrices):  # noqa: ARG001
    problem = Problem(
        statement="Print 42.",
        language=language,
        tests=[{"stdout": "42"}, {"stdout": "43"}],
    )
    matrix = DockerSandbox(client, settings).run_candidate(
        problem, candidate(HONEST[language]), solve_id=SOLVE_ID
    )
    assert [test.outcome for test in matrix.tests] == [Outcome.ACCEPTED, Outcome.WRONG_ANSWER]


def test_afterwards_no_container_is_left(settings, client, matrices):  # noqa: ARG001
    sandbox = DockerSandbox(client, settings)
    until = time.monotonic() + 20
    while sandbox.list_ours() and time.monotonic() < until:
        time.sleep(0.1)
    assert sandbox.list_ours() == []


def test_afterwards_the_host_is_as_it_was(host, matrices):  # noqa: ARG001
    until = time.monotonic() + 30
    while psutil.virtual_memory().available < host.memory - MAX_MEMORY_GROWTH:
        assert time.monotonic() < until, "the programs still hold memory of the host"
        time.sleep(1)
    if host.disk is None:
        pytest.skip("the Engine is on another machine")
    assert host.measure_disk() - host.disk < MAX_DISK_GROWTH
