"""What the DAG `evaluate` does: one operator per step of `calisota.evaluation.solve_run`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from calisota_airflow.operators import generation_of, open_sandbox, open_stages

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from calisota.evaluation.solve_cases import SolveCase
    from calisota.evaluation.solve_run import EvaluationRun

_VERSION = "version"
_BEGIN = "begin"
SHARES = 16
"""Tasks that the Solves are shared out to, at most; the pool `evaluate` lets some of them run."""


def schedule() -> str | None:
    """When it runs; None: only when a person starts it."""
    from calisota.settings import settings  # noqa: PLC0415  # not before a DAG is parsed

    return settings().evaluate_schedule or None


def evaluation_params() -> dict[str, Any]:
    """What the trigger form asks for."""
    from airflow.sdk import Param  # noqa: PLC0415

    return {
        "suite": Param(
            "humaneval",
            type="string",
            minLength=1,
            title="Suite",
            description="`humaneval`, or the path of a file of JSON lines on the workers.",
        ),
        "limit": Param(20, type="integer", minimum=0, title="Cases", description="0: all."),
        "pick": Param(
            "spread",
            enum=["spread", "shortest"],
            title="Which cases",
            description="Evenly spread, or those of the shortest reference programs.",
        ),
        "seeds": Param(1, type="integer", minimum=1, maximum=20, title="Solves of each case"),
        "client_tests": Param(
            0,
            type="integer",
            minimum=0,
            maximum=50,
            title="Client's tests",
            description="humaneval: so many of the asserts are given to the engine.",
        ),
        "candidates": Param(
            None, type=["null", "integer"], minimum=1, maximum=8, title="Programs of a round"
        ),
        "rounds": Param(None, type=["null", "integer"], minimum=1, maximum=3, title="Rounds"),
        "without": Param(
            [],
            type="array",
            items={"type": "string", "enum": ["retrieval", "critic", "repair"]},
            title="Without",
            description="Parts of the engine to do without, one a line.",
        ),
        "level": Param(
            default=False,
            type="boolean",
            title="Level",
            description="Let best-of-N spend as many tokens as the engine did.",
        ),
        "memory": Param(
            default=False,
            type="boolean",
            title="Memory",
            description="Let the Solves of one seed remember each other.",
        ),
    }


class BeginOperator(BaseOperator):
    """Begins an evaluation, or goes on with the same one that was stopped."""

    ui_color = "#dbe9f6"

    def execute(self, context: Context) -> list[int]:
        """A number for each share of the Solves."""
        from calisota.evaluation.solve_run import (  # noqa: PLC0415
            EvaluationPlan,
            Evaluations,
            about_now,
        )
        from calisota.settings import settings  # noqa: PLC0415

        plan = EvaluationPlan.model_validate(
            {name: context["params"][name] for name in EvaluationPlan.model_fields}
        )
        cases = len(plan.cases())
        version = Evaluations(settings().artifacts).begin(about_now(plan, settings()))
        context["ti"].xcom_push(key=_VERSION, value=version)
        shares = min(SHARES, os.cpu_count() or 1, cases * plan.seeds)
        self.log.info("%s: %d cases, %d Solves of each.", version, cases, plan.seeds)
        return list(range(shares))


class EvaluateOperator(BaseOperator):
    """Makes one share of the Solves; what an earlier try made is not made again."""

    ui_color = "#fdebd0"

    def __init__(self, *, share: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.share = share
        self._solve_id: str | None = None

    def execute(self, context: Context) -> dict[str, int]:
        """How many Solves were made, and how many of them were right."""
        from calisota.evaluation.solve_run import EvaluationRun, alone_with  # noqa: PLC0415
        from calisota.settings import settings  # noqa: PLC0415

        shares = context["ti"].xcom_pull(task_ids=_BEGIN)
        version = _version(context)
        with alone_with(settings(), version, shared=True):
            run = EvaluationRun(settings(), version, open_sandbox())
            pending = run.pending(share=self.share, of=len(shares))
            return self._solve_all(run, pending, generation_of(context))

    def _solve_all(
        self, run: EvaluationRun, pending: list[tuple[SolveCase, int]], generation: int
    ) -> dict[str, int]:
        right = 0
        for number, (case, seed) in enumerate(pending, start=1):
            self._solve_id = run.solve_id(case, seed)
            open_sandbox().remove(self._solve_id)  # what a try that was killed left
            row = run.solve(case, seed, generation=generation)
            right += row.right
            said = "right" if row.right else "wrong"
            self.log.info("%d of %d: %s %s, %s", number, len(pending), case.name, row.verdict, said)
        return {"made": len(pending), "right": right}

    def on_kill(self) -> None:
        """Remove the containers of the Solve that is being made; it killed nobody."""
        if self._solve_id is not None:
            open_stages().excuse(self._solve_id)
            open_sandbox().remove(self._solve_id)


class EvaluationReportOperator(BaseOperator):
    """Makes the figures and the page, and compares them with the last evaluation of the plan."""

    ui_color = "#d5f5e3"

    def execute(self, context: Context) -> dict[str, Any]:
        """The figures in short. Raises: AirflowFailException: something is worse than before."""
        from calisota.evaluation.solve_run import EvaluationRun, Evaluations  # noqa: PLC0415
        from calisota.evaluation.solving_compare import compare  # noqa: PLC0415
        from calisota.evaluation.solving_page import page  # noqa: PLC0415
        from calisota.settings import settings  # noqa: PLC0415

        version = _version(context)
        evaluations = Evaluations(settings().artifacts)
        rows = EvaluationRun(settings(), version, open_sandbox()).rows()
        report = evaluations.finish(version, rows)
        last = evaluations.before(version)
        before = evaluations.report(last) if last else None
        comparison = compare(before, report) if before else None
        kept = evaluations.put_page(version, page(report, evaluations.about(version), comparison))
        for mode in report.modes:
            self.log.info(
                "%s: %.3f right (%.3f to %.3f)", mode.mode, mode.right, mode.low, mode.high
            )
        for one in report.verdicts:
            self.log.info("%s: %d, %d of them wrong", one.verdict, one.count, one.wrong)
        self.log.info("Page: %s", kept.uri)
        worse = comparison.regressions if comparison else []
        context["ti"].xcom_push(key="page", value=kept.uri)
        if worse:
            raise AirflowFailException(f"Worse than {last}: {'; '.join(worse)}")
        return {
            "version": version,
            "right": round(report.full, 3),
            "claims": {one.verdict.value: [one.count, one.wrong] for one in report.verdicts},
            "compared_with": last,
        }


def _version(context: Context) -> str:
    found: str = context["ti"].xcom_pull(task_ids=_BEGIN, key=_VERSION)
    return found
