"""`DockerSandbox`: one candidate on every test, in one fresh container, judged on the host."""

from __future__ import annotations

import signal
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from calisota.models import Compare, Execution, Observation, Outcome, StdioTest
from calisota.sandbox.cells import (
    BUILD_WALL_S,
    MB,
    OPTIONAL_WALL_S,
    CandidatePlan,
    plan_candidate,
)
from calisota.sandbox.checker import plan_checks, with_checks
from calisota.sandbox.compare import one_line
from calisota.sandbox.connection import connect, engine_errors
from calisota.sandbox.container import (
    CANDIDATE_LABEL,
    EXPIRES_LABEL,
    HOME_LABEL,
    SOLVE_LABEL,
    START_GRACE_S,
    Container,
    ContainerLimits,
    MemoryInUse,
    RunnerOutOfMemory,
    SandboxFault,
    home_label,
    remove_container,
)
from calisota.sandbox.images import image_tag
from calisota.sandbox.judge import CandidateRun, judge, judge_test, no_program
from calisota.sandbox.languages import LANGUAGES
from calisota.sandbox.slots import slot
from calisota.sandbox.trust import require_trusted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import docker

    from calisota.models import Candidate, ExecutionMatrix, Problem
    from calisota.sandbox.pool import WarmPool
    from calisota.settings import Settings

__all__ = ["DockerSandbox", "connect"]

MAX_SOURCE_BYTES = 6 * MB
"""The runner takes a file in one record of 8 MB at most."""
MAX_CANDIDATE_S = 900
"""One candidate on all tests; well below the time limit of the Airflow task that runs it."""


class DockerSandbox:
    """Runs candidates on a Docker Engine.

    With a `pool`, which the caller closes, most of them find a container that waits. Such a
    container does not carry the labels of what runs in it, so only this object's `remove` finds it
    by them; the reaper finds it by its expiry like any other. An Engine that failed its self-test
    runs nothing but what is `on_trial`: the self-test itself.
    """

    def __init__(
        self,
        client: docker.APIClient,
        settings: Settings,
        pool: WarmPool | None = None,
        *,
        on_trial: bool = False,
    ) -> None:
        self._client = client
        self._settings = settings
        self._home = home_label(settings.home)
        self._pool = pool
        self._on_trial = on_trial
        self._pooled: dict[str, Mapping[str, str]] = {}
        """Labels of what runs in a container of the pool, by the container's id."""

    def run_candidate(
        self,
        problem: Problem,
        candidate: Candidate,
        *,
        solve_id: str,
        optional: int = 0,
        while_like: Sequence[Observation] = (),
        on_line: Callable[[str], None] | None = None,
    ) -> ExecutionMatrix:
        """The candidate on every test. A program that fails is a matrix, never an exception.

        The last `optional` tests share a few seconds; those that do not fit end as `not_run`.
        `while_like`, one for each test: after the first that ends otherwise, or for an optional one
        gives another answer, the rest ends as `not_run`. A test with a checker is not compared.
        `on_line` gets one printable line for the build and for each test as it ends.
        Raises: EngineUnavailable: try again. ImageMissing: run `calisota setup`. InputError: the
            Problem's files cannot lie together.
        """
        say = on_line or _nothing
        why = _not_runnable(candidate.source)
        if candidate.source is None or why is not None:
            tag = image_tag(problem.language, self._settings)
            return no_program(problem, why or "", candidate_id=candidate.id, image=tag)
        plan = plan_candidate(
            problem,
            candidate.source,
            tmpfs_mb=self._settings.sandbox_tmpfs_mb,
            optional=optional,
        )
        binding = len(problem.tests) - optional

        def on_cell(number: int, execution: Execution) -> None:
            if number < binding:
                say(_line(problem, number, execution))

        began = time.monotonic()

        def differs(number: int, execution: Execution) -> bool:
            if number >= len(while_like) or _has_checker(problem, number):
                return False
            result = judge_test(problem, number, execution)
            if number < binding:
                return result.outcome is not while_like[number].outcome
            return Observation.of(result) != while_like[number]

        run = self.execute(
            plan,
            labels={SOLVE_LABEL: solve_id, CANDIDATE_LABEL: candidate.id},
            wall_s=min(problem.options.budget.wall_s, MAX_CANDIDATE_S),
            on_cell=on_cell,
            stop_after=differs,
        )
        run = self._check(problem, run, {SOLVE_LABEL: solve_id, CANDIDATE_LABEL: candidate.id})
        return judge(
            problem,
            run,
            candidate_id=candidate.id,
            image=image_tag(problem.language, self._settings),
            wall_s=time.monotonic() - began,
        )

    def _check(
        self, problem: Problem, run: CandidateRun, labels: Mapping[str, str]
    ) -> CandidateRun:
        """`run` with the word of the Problem's checker, where it has one."""
        planned = plan_checks(problem, run.cells, tmpfs_mb=self._settings.sandbox_tmpfs_mb)
        if planned is None:
            return run
        numbers, plan = planned
        checked = self.execute(plan, labels=labels, wall_s=MAX_CANDIDATE_S)
        return with_checks(run, numbers, checked)

    def execute(
        self,
        plan: CandidatePlan,
        *,
        labels: Mapping[str, str],
        wall_s: float,
        on_cell: Callable[[int, Execution], None] | None = None,
        stop_after: Callable[[int, Execution], bool] | None = None,
        while_waiting: Callable[[], None] | None = None,
        cut_short: bool = False,
    ) -> CandidateRun:
        """What the runner measured of `plan`, in one fresh container with `labels`; not judged.

        It waits for a free place on this machine; `while_waiting` is called now and then, and what
        it raises ends the wait. `wall_s` bounds the container's time; cells that find it spent do
        not run, and with `cut_short` one that is still running then counts as not run either.
        `on_cell` gets the number and the Execution of each; `stop_after` says whether the rest need
        not run.
        Raises: EngineUnavailable: try again. ImageMissing: run `calisota setup`. PermanentError:
            this Engine does not enforce the limits.
        """
        if not self._on_trial:
            require_trusted(self._settings)
        # One that is missing is found out by the start: to ask first would cost every start a call.
        image = image_tag(plan.language, self._settings)
        limits = ContainerLimits(
            memory_bytes=plan.build_memory_mb * MB,
            tmpfs_bytes=plan.tmpfs_bytes,
            exec_needed=LANGUAGES[plan.language].compiled,
            runtime=self._settings.sandbox_runtime,
        )
        converse = partial(
            _converse,
            limits=limits,
            plan=plan,
            wall_s=wall_s,
            on_cell=on_cell,
            stop_after=stop_after,
            cut_short=cut_short,
        )
        with slot(self._settings, while_waiting):
            if self._pool is not None:
                waiting = self._pool.take(image, limits, wall_s=wall_s)
                if waiting is not None:
                    run = self._in_waiting(self._pool, waiting, labels, converse)
                    if run is not None:
                        return run
            container = Container(
                self._client,
                image=image,
                limits=limits,
                labels={
                    **labels,
                    HOME_LABEL: self._home,
                    EXPIRES_LABEL: str(int(time.time() + wall_s + BUILD_WALL_S + START_GRACE_S)),
                },
            )
            try:
                with container:
                    return converse(container)
            except SandboxFault as fault:  # it did not start
                return CandidateRun(cells_planned=len(plan.cells), fault=str(fault))

    def _in_waiting(
        self,
        pool: WarmPool,
        container: Container,
        labels: Mapping[str, str],
        converse: Callable[[Container], CandidateRun],
    ) -> CandidateRun | None:
        """What came of a container of the pool; None: it was dead already when it was taken."""
        name = container.id or ""
        self._pooled[name] = dict(labels)
        try:
            with pool.lent(container):
                run = converse(container)
        finally:
            removed = self._pooled.pop(name, None) is None
        return None if run.fault is not None and run.build is None and not removed else run

    def close(self) -> None:
        """Remove the containers that wait in the pool; the sandbox runs nothing afterwards."""
        if self._pool is not None:
            self._pool.close()
        self._client.close()

    def remove(self, solve_id: str, candidate_id: str | None = None) -> int:
        """How many containers of this Solve, or of this candidate of it, were removed.

        Idempotent. Raises: EngineUnavailable.
        """
        labels = [f"{SOLVE_LABEL}={solve_id}"]
        if candidate_id is not None:
            labels.append(f"{CANDIDATE_LABEL}={candidate_id}")
        found = {one["Id"] for one in self.list_ours(*labels)}
        wanted = {SOLVE_LABEL: solve_id, CANDIDATE_LABEL: candidate_id}
        for name, labelled in self._pooled.copy().items():
            if all(
                labelled.get(key) == value for key, value in wanted.items() if value is not None
            ):
                self._pooled.pop(name, None)  # not to be run again elsewhere
                found.add(name)
        return sum(remove_container(self._client, name) for name in found)

    def reap(self, now: float) -> int:
        """How many containers had outlived their time at `now` (seconds since the epoch).

        A killed task leaves its container to this. Raises: EngineUnavailable.
        """
        old = [one for one in self.list_ours() if _expires(one) < now]
        return sum(remove_container(self._client, container["Id"]) for container in old)

    def list_ours(self, *labels: str) -> list[dict[str, Any]]:
        """The containers of this installation, running or not, as the Engine lists them.

        Raises: EngineUnavailable.
        """
        wanted = [f"{HOME_LABEL}={self._home}", *labels]
        with engine_errors():
            found: list[dict[str, Any]] = self._client.containers(
                all=True, filters={"label": wanted}
            )
        return found


def _converse(
    container: Container,
    *,
    limits: ContainerLimits,
    plan: CandidatePlan,
    wall_s: float,
    on_cell: Callable[[int, Execution], None] | None,
    stop_after: Callable[[int, Execution], bool] | None,
    cut_short: bool,
) -> CandidateRun:
    """What the runner sent back, up to the first failed build, broken sandbox or spent time."""
    build: Execution | None = None
    cells: list[Execution] = []
    planned = len(plan.cells)
    deadline = time.monotonic() + wall_s
    try:
        build = _built(container, limits, plan)
        if build.exit_code != 0 or build.output_exceeded:
            container.quit()
            return CandidateRun(build=build, cells_planned=planned)
        if plan.memory_mb < plan.build_memory_mb:
            try:
                container.limit_memory(plan.memory_mb * MB)
            except MemoryInUse:
                none = [_out_of_memory(plan.memory_mb * MB)] * planned
                return CandidateRun(build=build, cells=none, cells_planned=planned)
        results = _cut(container, plan, deadline) if cut_short else container.run_all(plan.cells)
        for cell in _in_time(results, plan, deadline):
            cells.append(cell)
            if on_cell is not None:
                on_cell(len(cells) - 1, cell)
            if stop_after is not None and stop_after(len(cells) - 1, cell):
                return CandidateRun(build=build, cells=cells, cells_planned=planned, stopped=True)
        if len(cells) == planned:
            container.quit()
    except RunnerOutOfMemory:
        cells.append(_out_of_memory(plan.memory_mb * MB))
        return CandidateRun(build=build, cells=cells, cells_planned=planned)
    except SandboxFault as fault:
        return CandidateRun(build=build, cells=cells, cells_planned=planned, fault=str(fault))
    return CandidateRun(
        build=build, cells=cells, cells_planned=planned, out_of_time=len(cells) < planned
    )


def _in_time(
    results: Iterator[Execution], plan: CandidatePlan, deadline: float
) -> Iterator[Execution]:
    """The results up to the deadline, which is nearer for the optional cells."""
    for number in range(len(plan.cells)):
        if number == plan.optional_from:
            deadline = min(deadline, time.monotonic() + OPTIONAL_WALL_S)
        cell = next(results, None) if time.monotonic() <= deadline else None
        if cell is None:
            return
        yield cell


def _built(container: Container, limits: ContainerLimits, plan: CandidatePlan) -> Execution:
    """The build, after the container got the memory and the files for it."""
    if container.memory_bytes != limits.memory_bytes:
        container.limit_memory(limits.memory_bytes)
    for path, data in plan.files.items():
        container.put_file(path, data)
    try:
        return container.run(plan.build)
    except RunnerOutOfMemory:
        return _out_of_memory(limits.memory_bytes)


def _not_runnable(source: str | None) -> str | None:
    """Why there is nothing to run; None: there is."""
    if source is None:
        return "the model's answer held no program"
    if len(source.encode(errors="backslashreplace")) > MAX_SOURCE_BYTES:
        return f"the program is too large: at most {MAX_SOURCE_BYTES} bytes are run"
    return None


def _out_of_memory(limit_bytes: int) -> Execution:
    """What a process comes to that has no memory to start in."""
    return Execution(
        exit_code=None,
        signal=signal.SIGKILL,
        cpu_s=0,
        wall_s=0,
        peak_bytes=limit_bytes,
        stdout=b"",
        stderr=b"",
        out_of_memory=True,
    )


def _cut(container: Container, plan: CandidatePlan, deadline: float) -> Iterator[Execution]:
    """Each cell, up to the one that the deadline cuts short: that one did not have its time."""
    for job in plan.cells:
        left = deadline - time.monotonic()
        if left <= 0:
            return
        cell = container.run(job.model_copy(update={"wall_s": min(left, job.wall_s)}))
        if left < job.wall_s and cell.timed_out and cell.cpu_s <= job.cpu_s:
            return
        yield cell


def _has_checker(problem: Problem, number: int) -> bool:
    test = problem.tests[number]
    return isinstance(test, StdioTest) and test.compare is Compare.CHECKER


def _nothing(_line: str) -> None:
    """Where nobody listens."""


def _line(problem: Problem, number: int, execution: Execution) -> str:
    if _has_checker(problem, number):
        return f"{one_line(problem.test_name(number))} ran {execution.wall_s:.2f} s"
    result = judge_test(problem, number, execution)
    detail = "" if result.outcome is Outcome.ACCEPTED or not result.detail else f" {result.detail}"
    return f"{one_line(result.name)} {result.outcome} {execution.wall_s:.2f} s{detail}"


def _expires(container: dict[str, Any]) -> int:
    """When it should be gone; a label that does not parse counts as long ago."""
    text = str(container["Labels"].get(EXPIRES_LABEL, "0"))
    return int(text) if text.isdecimal() else 0
