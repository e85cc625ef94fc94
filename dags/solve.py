"""The DAG `solve`: one Dag run solves one Problem. Wiring only; the steps are in `calisota`."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, TaskGroup, TriggerRule

from calisota_airflow.causes import keep_cause
from calisota_airflow.clarify import ClarifyOperator
from calisota_airflow.operators import (
    CodeOperator,
    CriticOperator,
    PlanOperator,
    ReportOperator,
    RetrieveOperator,
    SandboxOperator,
)
from calisota_airflow.params import ROUNDS, answer_timeout_s, solve_params
from calisota_airflow.policy import RemedyRetryPolicy

with DAG(
    dag_id="solve",
    description="Solve one coding problem: retrieve, plan, code, execute, criticise, report.",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=16,
    dagrun_timeout=timedelta(hours=2, seconds=ROUNDS * answer_timeout_s()),
    tags=["calisota"],
    params=solve_params(),
    default_args={
        "retries": 3,
        "retry_delay": timedelta(seconds=5),
        "retry_exponential_backoff": 2,
        "retry_policy": RemedyRetryPolicy(),
        "on_failure_callback": keep_cause,
        "execution_timeout": timedelta(minutes=20),
    },
) as dag:
    plan = PlanOperator(task_id="plan", pool="llm_slow")
    RetrieveOperator(task_id="retrieve", pool="gpu") >> plan
    last = [plan]
    report = ReportOperator(
        task_id="report",
        pool="sandbox",
        trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
    )
    for number in range(1, ROUNDS + 1):
        with TaskGroup(f"round_{number}"):
            code = CodeOperator(
                task_id="code",
                round_number=number,
                pool="llm_fast",
                # Of what comes before it, `clarify` is skipped where nobody has to be asked.
                trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
            )
            sandbox = SandboxOperator.partial(
                task_id="sandbox",
                pool="sandbox",
                # The name of each instance in Grid: candidate, outcome, tests passed.
                map_index_template="{{ candidate_outcome }}",
            ).expand(candidate_id=code.output)
            critic = CriticOperator(
                task_id="critic",
                round_number=number,
                pool="llm_slow",
                # No candidate at all (no budget left) maps over nothing, which is a skip.
                trigger_rule=TriggerRule.NONE_FAILED,
            )
            clarify = ClarifyOperator(
                task_id="clarify", round_number=number, response_timeout_s=answer_timeout_s()
            )
            last >> code >> sandbox >> critic >> [clarify, report]
            clarify >> report
        last = [critic, clarify]
