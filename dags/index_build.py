"""The DAG `index_build`: one Dag run builds, measures and publishes one version of an index.

A run of the schedule, or of a backfill, builds the corpus as it was at the end of its day where
the corpus keeps its history (a git repository, documents with a date). A run that a person starts
builds it as it is now. A run that finds nothing changed skips. A version that fails the gate is
not published: the one before it goes on serving.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, TriggerRule

from calisota_airflow.causes import keep_cause
from calisota_airflow.indexing import (
    INDEX,
    BuildOperator,
    DiscoverOperator,
    EmbedOperator,
    GateOperator,
    PublishOperator,
    index_params,
    timetable,
)
from calisota_airflow.policy import RemedyRetryPolicy

with DAG(
    dag_id="index_build",
    description="Build, gate and publish a version of a retrieval index.",
    doc_md=__doc__,
    schedule=timetable(),
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=2,
    dagrun_timeout=timedelta(hours=12),
    tags=["calisota"],
    params=index_params(),
    default_args={
        "retries": 3,
        "retry_delay": timedelta(seconds=10),
        "retry_exponential_backoff": 2,
        "retry_policy": RemedyRetryPolicy(),
        "on_failure_callback": keep_cause,
        "execution_timeout": timedelta(hours=6),
    },
) as dag:
    discover = DiscoverOperator(task_id="discover")
    embed = EmbedOperator.partial(task_id="embed", pool="gpu").expand(shard=discover.output)
    build = BuildOperator(task_id="build", pool="gpu", trigger_rule=TriggerRule.NONE_FAILED)
    gate = GateOperator(task_id="gate")
    publish = PublishOperator(
        task_id="publish", outlets=[INDEX], trigger_rule=TriggerRule.NONE_FAILED
    )
    discover >> embed >> build >> gate >> publish
