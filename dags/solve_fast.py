"""The DAG `solve_fast`: the steps of `solve` in one task, for latency. Wiring only."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from calisota_airflow.causes import keep_cause
from calisota_airflow.operators import FastSolveOperator
from calisota_airflow.params import solve_params
from calisota_airflow.policy import RemedyRetryPolicy

with DAG(
    dag_id="solve_fast",
    description="Solve one coding problem in one task: fewer hops, no single step to clear.",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=16,
    dagrun_timeout=timedelta(hours=2),
    tags=["calisota"],
    params=solve_params(),
) as dag:
    FastSolveOperator(
        task_id="solve",
        pool="sandbox",
        retries=3,
        retry_delay=timedelta(seconds=5),
        retry_exponential_backoff=2,
        retry_policy=RemedyRetryPolicy(),
        on_failure_callback=keep_cause,
        execution_timeout=timedelta(hours=1),
    )
