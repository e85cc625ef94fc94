"""One operator per step of a Solve: they translate between Airflow and `calisota.stages`.

Heavy libraries are imported when a task runs, never when a DAG file is parsed.
"""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.docker.operators.docker import DockerOperator
from airflow.providers.standard.utils.skipmixin import SkipMixin
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.observability import stats

from calisota_airflow.params import ROUNDS
from calisota_airflow.triggers import ModelTrigger, raise_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk.definitions.context import Context
    from docker import APIClient

    from calisota.models import SolveReport, Usage
    from calisota.sandbox.engine import DockerSandbox
    from calisota.stages import Stages
    from calisota_airflow.triggers import Step


def open_stages() -> Stages:
    """The steps of this installation."""
    from calisota.settings import settings  # noqa: PLC0415
    from calisota.stages import open_stages as open_them  # noqa: PLC0415

    return open_them(settings())


def open_sandbox() -> DockerSandbox:
    """The sandbox of this installation."""
    from calisota.sandbox.engine import DockerSandbox, connect  # noqa: PLC0415
    from calisota.settings import settings  # noqa: PLC0415

    return DockerSandbox(connect(settings()), settings())


def generation_of(context: Context) -> int:
    """How often a person cleared this task: then the models are asked anew.

    Airflow raises `max_tries` above the task's `retries` when a task is cleared, and at no other
    time; a try that follows a crash must not pay for the same answers again.
    """
    ti, task = context["ti"], context["task"]
    return max(0, int(getattr(ti, "max_tries", 0) or 0) - int(task.retries or 0))


def count_tokens(route: str, usage: Usage) -> None:
    """Send what a step spent to StatsD."""
    tags = {"route": route}
    stats.incr("calisota.llm.calls", usage.calls, tags=tags)
    stats.incr("calisota.llm.prompt_tokens", usage.prompt_tokens, tags=tags)
    stats.incr("calisota.llm.completion_tokens", usage.completion_tokens, tags=tags)


class StepOperator(BaseOperator):
    """A step of a Solve in a process of its own."""

    _solve_id: str | None = None

    def begin(self, context: Context) -> str:
        """The id of the Solve; from here on `on_kill` knows it."""
        self._solve_id = context["run_id"]
        return self._solve_id

    def on_kill(self) -> None:
        """A task that was told to end, as by `calisota down`, killed nobody."""
        if self._solve_id is not None:
            open_stages().excuse(self._solve_id)


class RetrieveOperator(StepOperator):
    """Takes in the Problem from the Dag run's params and finds passages for it."""

    ui_color = "#dbe9f6"

    def execute(self, context: Context) -> dict[str, Any]:
        """How many passages were found, in which index version."""
        found = open_stages().retrieve(
            self.begin(context), dict(context["params"]), generation=generation_of(context)
        )
        if found.note:
            self.log.warning("Solving without passages: %s", found.note)
        for hit in found.hits:
            self.log.info("%.3f %s:%d-%d", hit.score, hit.path, hit.start_line, hit.end_line)
        return {"index": found.index, "hits": len(found.hits)}


class ModelOperator(StepOperator):
    """A step that waits for models: here, or without a worker in the triggerer.

    Deferred, a step costs a hop more; of many Solves at once it costs less (docs/benchmarks.md).
    One that died with a triggerer runs here: should it be the cause, it takes nobody along again.
    """

    step: Step

    def __init__(self, *, round_number: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.round_number = round_number

    def execute(self, context: Context) -> Any:
        """What the step gave."""
        from calisota.settings import settings  # noqa: PLC0415

        solve_id = self.begin(context)
        trigger = ModelTrigger(
            step=self.step,
            solve_id=solve_id,
            round_number=self.round_number,
            generation=generation_of(context),
        )
        # Under load Airflow fails a task whose trigger resumed it before the scheduler heard that
        # its worker had ended (apache/airflow#67287, #71580). The next try has its answers already,
        # and its trigger would be quicker still: it stays in the worker.
        first = context["ti"].try_number <= generation_of(context) + 1
        if settings().deferrable and first and not trigger.deaths():
            self.defer(trigger=trigger, method_name="execute_complete")
        asyncio.run(trigger.carry_out())
        return self.outcome(solve_id)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """The same, after the triggerer did it."""
        raise_fault(event)
        return self.outcome(context["run_id"])

    def outcome(self, solve_id: str) -> Any:
        """What the step stored, logged and counted; the XCom."""
        raise NotImplementedError


class PlanOperator(ModelOperator):
    """Asks the slow model for a plan."""

    ui_color = "#fdebd0"
    step = "plan"

    def outcome(self, solve_id: str) -> dict[str, Any]:
        """The plan's approaches and what they cost."""
        planned = open_stages().planned(solve_id)
        count_tokens("slow", planned.usage)
        if planned.note:
            self.log.warning("Going on without a plan: %s", planned.note)
        self.log.info("Plan:\n%s", planned.plan.model_dump_json(indent=2))
        self.log.info(
            "Candidates run on %d examples of the statement and %d generated inputs.",
            len(planned.trials.examples),
            len(planned.trials.inputs),
        )
        return {"approaches": len(planned.plan.approaches), "tokens": planned.usage.tokens}


class CodeOperator(ModelOperator):
    """Samples the round's candidates from the fast model, concurrently."""

    ui_color = "#fcf3cf"
    step = "code"

    def outcome(self, solve_id: str) -> list[str]:
        """The ids of the candidates; `sandbox` is mapped over them."""
        from calisota.text import printable  # noqa: PLC0415

        drawn = open_stages().drawn(solve_id, self.round_number)
        count_tokens("fast", drawn.usage)
        for candidate in drawn.candidates:
            text = printable(candidate.source) if candidate.source else candidate.note
            self.log.info("%s (%s)\n%s", candidate.id, candidate.brief.prompt, text)
        if drawn.stopped:
            self.log.warning("Stopped sampling: %s", drawn.stopped)
        return [candidate.id for candidate in drawn.candidates]


class SandboxOperator(DockerOperator):
    """Runs one candidate on every test in a fresh, hardened container.

    DockerOperator gives the connection to the Docker Engine (`docker_conn_id`, TLS), its templates
    and its place in the UI. It can set neither the hard limits nor stdin, so the container itself
    is made by `calisota.sandbox`. A candidate that fails is data: the task succeeds and its name
    in Grid shows the outcome.
    """

    ui_color = "#d5f5e3"
    template_fields: Sequence[str] = ("candidate_id",)

    def __init__(self, *, candidate_id: str, **kwargs: Any) -> None:
        # The image depends on the Problem's language, which is known when the task runs.
        kwargs.setdefault("image", "calisota/sandbox")
        super().__init__(**kwargs)
        self.candidate_id = candidate_id
        self._solve_id: str | None = None

    @cached_property
    def sandbox(self) -> DockerSandbox:
        """Our sandbox on this operator's Docker Engine."""
        from calisota.sandbox.engine import DockerSandbox  # noqa: PLC0415
        from calisota.settings import settings  # noqa: PLC0415

        return DockerSandbox(self._engine(), settings())

    def _engine(self) -> APIClient:
        """The operator's own connection when one is named, else the installation's Engine."""
        if self.docker_conn_id:
            return self.cli
        from calisota.sandbox.engine import connect  # noqa: PLC0415
        from calisota.settings import settings  # noqa: PLC0415

        return connect(settings())

    def execute(self, context: Context) -> dict[str, Any]:  # type: ignore[override]
        """The candidate's outcome; the whole matrix is in the artifact store."""
        self._solve_id = context["run_id"]
        context["candidate_outcome"] = self.candidate_id  # type: ignore[typeddict-unknown-key]
        # A try that was killed may have left its container.
        self.sandbox.remove(self._solve_id, self.candidate_id)
        matrix = open_stages().sandbox(
            self._solve_id,
            self.candidate_id,
            self.sandbox,
            on_line=self.log.info,
            generation=generation_of(context),
        )
        stats.incr("calisota.sandbox.outcome", tags={"outcome": matrix.outcome.value})
        binding = [*matrix.tests, *matrix.examples]
        passed = sum(test.outcome == "accepted" for test in binding)
        score = f"{passed}/{len(binding)}" if binding else f"on {len(matrix.observed)} inputs"
        context["candidate_outcome"] = (  # type: ignore[typeddict-unknown-key]
            f"{self.candidate_id} {matrix.outcome} {score}"
        )
        self.log.info(
            "%s: %s, %s tests and examples passed, %d generated inputs",
            *(self.candidate_id, matrix.outcome, score, len(matrix.observed)),
        )
        for line in matrix.trace:
            self.log.info("%s", line)
        return {
            "candidate_id": self.candidate_id,
            "outcome": matrix.outcome.value,
            "passed": passed,
            "tests": len(binding),
        }

    def on_kill(self) -> None:
        """Remove the container of this candidate; a task that was told to end killed nobody."""
        if self._solve_id is not None:
            open_stages().excuse(self._solve_id)
            self.sandbox.remove(self._solve_id, self.candidate_id)


class CriticOperator(StepOperator, SkipMixin):
    """Reviews the round's best candidate, decides, and skips the rounds that are not needed."""

    ui_color = "#e8daef"

    def __init__(self, *, round_number: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.round_number = round_number

    def execute(self, context: Context) -> dict[str, Any]:
        """The decision and its reason."""
        result = asyncio.run(
            open_stages().critic(
                self.begin(context),
                self.round_number,
                open_sandbox(),
                generation=generation_of(context),
            )
        )
        count_tokens("critic", result.usage)
        if result.critique:
            self.log.info("Critique:\n%s", result.critique.model_dump_json(indent=2))
        for decision in (*result.path, result.decision):
            self.log.info("Decision: %s: %s", decision.action, decision.reason)
        stats.incr("calisota.solve.action", tags={"action": result.decision.action.value})
        summary = result.decision.model_dump(mode="json", exclude={"question"})
        unneeded = [] if result.decision.verdict is None else later_rounds(self, self.round_number)
        if result.decision.action != "clarify":
            unneeded += tasks_of(self, f"round_{self.round_number}.clarify")
        ti = context["ti"]
        # A skip ends the task by an exception, so the result is pushed before.
        ti.xcom_push(key="return_value", value=summary)
        self.skip(ti=ti, tasks=unneeded)
        return summary


def tasks_of(operator: BaseOperator, *prefixes: str) -> list[Any]:
    """The tasks of an operator's DAG whose ids begin so."""
    dag = operator.get_dag()
    return [task for task in dag.tasks if task.task_id.startswith(prefixes)] if dag else []


def later_rounds(operator: BaseOperator, number: int) -> list[Any]:
    """Every task of the rounds after `number`, all named: a skip that spreads costs hops."""
    after = [f"round_{later}." for later in range(number + 1, ROUNDS + 1)]
    return tasks_of(operator, *after)


class FastSolveOperator(StepOperator):
    """The whole Solve in one task: for latency, where nobody wants to clear a single step.

    The steps and the decisions are those of the DAG `solve`. There is nobody to ask: a question
    that only a person can answer ends the Solve as `needs_clarification`.
    """

    ui_color = "#d6eaf8"

    def execute(self, context: Context) -> dict[str, Any]:
        """The verdict and its claim; the whole report is in the artifact store."""
        from calisota.local import LocalSolve  # noqa: PLC0415

        solve_id = self.begin(context)
        sandbox = open_sandbox()
        # A try that was killed may have left its containers.
        sandbox.remove(solve_id)
        solve = LocalSolve(
            open_stages(), sandbox, on_step=self.log.info, generation=generation_of(context)
        )
        report = solve.run(dict(context["params"]), solve_id)
        for line in report.decisions:
            self.log.info("Decision: %s", line)
        for route, usage in report.usage_by_route.items():
            count_tokens(route.value, usage)
        return ended(self, report)

    def on_kill(self) -> None:
        """Remove the containers of this Solve, too."""
        super().on_kill()
        if self._solve_id is not None:
            open_sandbox().remove(self._solve_id)


def ended(operator: BaseOperator, report: SolveReport) -> dict[str, Any]:
    """The verdict and its claim, counted and logged. Raises: AirflowFailException: our fault."""
    stats.incr("calisota.solve.verdict", tags={"verdict": report.verdict.value})
    operator.log.info("%s: %s", report.verdict, report.claim)
    if report.state == "failed":
        raise AirflowFailException(report.claim)
    return {"verdict": report.verdict.value, "claim": report.claim}


class ReportOperator(StepOperator):
    """Runs an accepted program once more in a new container and writes the report."""

    ui_color = "#d6eaf8"

    def execute(self, context: Context) -> dict[str, Any]:
        """The verdict and its claim; the whole report is in the artifact store."""
        report = open_stages().report(
            self.begin(context), open_sandbox(), generation=generation_of(context)
        )
        return ended(self, report)
