"""The DAG `housekeeping`: removes containers, artifacts and entries that nobody needs."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from calisota_airflow.housekeeping import (
    ForgetSpendingOperator,
    PruneArtifactsOperator,
    ReapContainersOperator,
    TidyMemoryOperator,
    schedule,
)
from calisota_airflow.policy import RemedyRetryPolicy

with DAG(
    dag_id="housekeeping",
    description="Remove containers past their time and artifacts and entries past their retention.",
    doc_md=__doc__,
    schedule=schedule(),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=1),
    tags=["calisota"],
    default_args={
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "retry_policy": RemedyRetryPolicy(),
        "execution_timeout": timedelta(minutes=30),
    },
) as dag:
    ReapContainersOperator(task_id="containers")
    PruneArtifactsOperator(task_id="artifacts")
    ForgetSpendingOperator(task_id="ledger")
    TidyMemoryOperator(task_id="memory")
