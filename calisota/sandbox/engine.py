"""`DockerSandbox`: one candidate on every test, in one fresh container, judged on the host."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from calisota.models import Execution, Outcome
from calisota.sandbox.cells import (
    BUILD_MEMORY_MB,
    BUILD_WALL_S,
    MB,
    CandidatePlan,
    plan_candidate,
    tmpfs_bytes,
)
from calisota.sandbox.compare import one_line
from calisota.sandbox.connection import connect, engine_errors
from calisota.sandbox.container import (
    CANDIDATE_LABEL,
    EXPIRES_LABEL,
    HOME_LABEL,
    SOLVE_LABEL,
    Container,
    ContainerLimits,
    SandboxFault,
    home_label,
    remove_container,
)
from calisota.sandbox.images import image_tag, require_image
from calisota.sandbox.judge import CandidateRun, judge, judge_test, no_program
from calisota.sandbox.languages import LANGUAGES
from calisota.sandbox.slots import slot

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker

    from calisota.models import Candidate, ExecutionMatrix, Problem
    from calisota.settings import Settings

__all__ = ["DockerSandbox", "connect"]

START_GRACE_S = 120
MAX_CANDIDATE_S = 900
"""One candidate on all tests; well below the time limit of the Airflow task that runs it."""


class DockerSandbox:
    """Runs candidates on a Docker Engine; holds no state but the client."""

    def __init__(self, client: docker.APIClient, settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._home = home_label(settings.home)

    def run_candidate(
        self,
        problem: Problem,
        candidate: Candidate,
        *,
        solve_id: str,
        on_line: Callable[[str], None] | None = None,
    ) -> ExecutionMatrix:
        """The candidate on every test. A program that fails is a matrix, never an exception.

        `on_line` gets one printable line for the build and for each test as it ends.
        Raises: EngineUnavailable: try again. ImageMissing: run `calisota setup`. InputError: the
            Problem's files cannot lie together.
        """
        say = on_line or _nothing
        if candidate.source is None:
            tag = image_tag(problem.language)
            return no_program(problem, candidate_id=candidate.id, image=tag)
        plan = plan_candidate(problem, candidate.source, tmpfs_mb=self._settings.sandbox_tmpfs_mb)
        image = require_image(self._client, problem.language)
        with slot(self._settings):
            began = time.monotonic()
            container = self._container(problem, candidate, solve_id, image)
            run = self._converse(container, problem, plan, say)
        matrix = judge(
            problem,
            run,
            candidate_id=candidate.id,
            image=image,
            wall_s=time.monotonic() - began,
        )
        say(f"{candidate.id} {matrix.outcome} {matrix.passed()}/{len(matrix.tests)}")
        return matrix

    def _container(
        self, problem: Problem, candidate: Candidate, solve_id: str, image: str
    ) -> Container:
        memory_mb = max(problem.limits.memory_mb, BUILD_MEMORY_MB)
        lifetime = problem.options.budget.wall_s + BUILD_WALL_S + START_GRACE_S
        return Container(
            self._client,
            image=image,
            limits=ContainerLimits(
                memory_bytes=memory_mb * MB,
                tmpfs_bytes=tmpfs_bytes(problem, self._settings.sandbox_tmpfs_mb),
                exec_needed=LANGUAGES[problem.language].exec_needed,
            ),
            labels={
                HOME_LABEL: self._home,
                SOLVE_LABEL: solve_id,
                CANDIDATE_LABEL: candidate.id,
                EXPIRES_LABEL: str(int(time.time() + lifetime)),
            },
        )

    def _converse(
        self,
        container: Container,
        problem: Problem,
        plan: CandidatePlan,
        say: Callable[[str], None],
    ) -> CandidateRun:
        """What the runner sent back, up to the first failed build, broken sandbox or spent budget.

        The Solve's wall budget and `MAX_CANDIDATE_S` bound it, counted from its container's start.
        """
        build: Execution | None = None
        cells: list[Execution] = []
        planned = len(plan.cells)
        deadline = time.monotonic() + min(problem.options.budget.wall_s, MAX_CANDIDATE_S)
        try:
            with container:
                for path, data in plan.files.items():
                    container.put_file(path, data)
                build = container.run(plan.build)
                if build.exit_code != 0 or build.output_exceeded:
                    return CandidateRun(build=build, cells_planned=planned)
                if problem.limits.memory_mb < BUILD_MEMORY_MB:
                    container.lower_memory(problem.limits.memory_mb * MB)
                for number, job in enumerate(plan.cells):
                    if time.monotonic() > deadline:
                        break
                    cells.append(container.run(job))
                    if problem.tests:
                        say(_line(problem, number, cells[-1]))
                container.quit()
        except SandboxFault as fault:
            return CandidateRun(build=build, cells=cells, cells_planned=planned, fault=str(fault))
        return CandidateRun(
            build=build, cells=cells, cells_planned=planned, out_of_time=len(cells) < planned
        )

    def remove(self, solve_id: str, candidate_id: str | None = None) -> int:
        """How many containers of this Solve, or of this candidate of it, were removed.

        Idempotent. Raises: EngineUnavailable.
        """
        labels = [f"{SOLVE_LABEL}={solve_id}"]
        if candidate_id is not None:
            labels.append(f"{CANDIDATE_LABEL}={candidate_id}")
        found = self.list_ours(*labels)
        return sum(remove_container(self._client, container["Id"]) for container in found)

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


def _nothing(_line: str) -> None:
    """Where nobody listens."""


def _line(problem: Problem, number: int, execution: Execution) -> str:
    result = judge_test(problem, number, execution)
    detail = "" if result.outcome is Outcome.ACCEPTED or not result.detail else f" {result.detail}"
    return f"{one_line(result.name)} {result.outcome} {execution.wall_s:.2f} s{detail}"


def _expires(container: dict[str, Any]) -> int:
    """When it should be gone; a label that does not parse counts as long ago."""
    text = str(container["Labels"].get(EXPIRES_LABEL, "0"))
    return int(text) if text.isdecimal() else 0
