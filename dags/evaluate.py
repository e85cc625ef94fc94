"""The DAG `evaluate`: the engine on Problems whose truth is known.

Each Solve is made by the engine itself, in shares that run side by side, and kept as it ends: a
share that is cleared or tried again makes only what is missing. The report compares with the last
evaluation of the same plan and fails where something is worse beyond doubt.
`calisota evaluate list` names the evaluations, `calisota evaluate show` shows one as a page.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from calisota_airflow.causes import keep_cause
from calisota_airflow.evaluation import (
    BeginOperator,
    EvaluateOperator,
    EvaluationReportOperator,
    evaluation_params,
    schedule,
)
from calisota_airflow.policy import RemedyRetryPolicy

with DAG(
    dag_id="evaluate",
    description="Measure the engine on Problems whose truth is known.",
    doc_md=__doc__,
    schedule=schedule(),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=24),
    tags=["calisota"],
    params=evaluation_params(),
    default_args={
        "retries": 3,
        "retry_delay": timedelta(seconds=10),
        "retry_exponential_backoff": 2,
        "retry_policy": RemedyRetryPolicy(),
        "on_failure_callback": keep_cause,
        "execution_timeout": timedelta(hours=12),
    },
) as dag:
    begin = BeginOperator(task_id="begin")
    solve = EvaluateOperator.partial(task_id="solve", pool="evaluate").expand(share=begin.output)
    begin >> solve >> EvaluationReportOperator(task_id="report")
