"""What the DAG `index_build` does: one operator per step of `calisota.rag.build`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator
from airflow.sdk.exceptions import AirflowSkipException
from airflow.timetables.interval import CronDataIntervalTimetable

if TYPE_CHECKING:
    from datetime import datetime

    from airflow.sdk.definitions.context import Context

    from calisota.settings import Settings

INDEX = Asset("calisota_index", uri="x-calisota://index", group="calisota")
"""Updated when a new version was published; `extra` tells which, its counts and its gate."""
_KEY, _UNCHANGED = "key", "unchanged"


def timetable() -> CronDataIntervalTimetable | None:
    """Days with a start and an end, which a backfill goes through; None: on demand only."""
    from calisota.settings import settings  # noqa: PLC0415  # not before a DAG is parsed

    cron = settings().index_schedule
    return CronDataIntervalTimetable(cron, timezone="UTC") if cron else None


def index_params() -> dict[str, Any]:
    """What the trigger form asks for."""
    from airflow.sdk import Param  # noqa: PLC0415

    return {
        "corpus": Param(
            None, type=["null", "string"], title="Corpus", description="Empty: the one that serves."
        ),
        "force": Param(
            default=False,
            type="boolean",
            title="Publish without the gate",
            description="Serve the new version even where the gate finds it too bad.",
        ),
    }


class IndexOperator(BaseOperator):
    """A step of an index build; which corpus and which day, it takes from the Dag run."""

    ui_color = "#dbe9f6"

    @staticmethod
    def settings() -> Settings:
        """Of this installation."""
        from calisota.settings import settings  # noqa: PLC0415

        return settings()

    def corpus(self, context: Context) -> str:
        """The run's, else the one that searches look into."""
        return context["params"].get("corpus") or self.settings().index_corpus

    @staticmethod
    def partition(context: Context) -> tuple[str | None, datetime | None]:
        """The day that is built and its end; a run that a person starts builds the present."""
        run = context["dag_run"]
        start, end = run.data_interval_start, run.data_interval_end
        if run.run_type == "manual" or start is None or end is None:
            return None, None
        return start.strftime("%Y-%m-%d"), end

    def key(self, context: Context) -> str:
        """The build that `discover` began."""
        found: str = context["ti"].xcom_pull(task_ids="discover", key=_KEY)
        return found

    def skip_unchanged(self, context: Context) -> None:
        """Raises: AirflowSkipException: `discover` found the version there already."""
        version = context["ti"].xcom_pull(task_ids="discover", key=_UNCHANGED)
        if version is not None:
            raise AirflowSkipException(
                f"Nothing changed: {version} is the index of these documents."
            )


class DiscoverOperator(IndexOperator):
    """Reads the corpus and shares its documents out."""

    def execute(self, context: Context) -> list[int]:
        """A number for each share; none where nothing changed."""
        from calisota.rag.build import begin  # noqa: PLC0415

        partition, as_of = self.partition(context)
        begun = begin(
            self.settings(),
            self.log.info,
            corpus=self.corpus(context),
            key=hashlib.sha256(context["run_id"].encode()).hexdigest()[:16],
            partition=partition,
            as_of=as_of,
        )
        context["ti"].xcom_push(key=_KEY, value=begun.key)
        context["ti"].xcom_push(key=_UNCHANGED, value=begun.unchanged)
        return list(range(begun.shards))


class EmbedOperator(IndexOperator):
    """Cuts and embeds one share of the documents; what was embedded before is not again."""

    def __init__(self, *, shard: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.shard = shard

    def execute(self, context: Context) -> dict[str, int]:
        """Documents, chunks, and how many chunks had to be embedded."""
        from calisota.rag.build import embed_shard  # noqa: PLC0415

        done = embed_shard(
            self.settings(),
            self.log.info,
            corpus=self.corpus(context),
            key=self.key(context),
            shard=self.shard,
        )
        return done.model_dump()


class BuildOperator(IndexOperator):
    """Makes the files of the version and measures it."""

    def execute(self, context: Context) -> dict[str, Any]:
        """Chunks, the kind of index, and what was measured."""
        from calisota.rag.build import assemble  # noqa: PLC0415

        self.skip_unchanged(context)
        made = assemble(
            self.settings(), self.log.info, corpus=self.corpus(context), key=self.key(context)
        )
        return made.model_dump(mode="json", exclude={"files"})


class GateOperator(IndexOperator):
    """Fails, with the reasons, where the new version is not good enough to serve."""

    ui_color = "#fdebd0"

    def execute(self, context: Context) -> dict[str, Any]:
        """What was measured."""
        from calisota.rag.build import gate  # noqa: PLC0415

        self.skip_unchanged(context)
        if context["params"].get("force"):
            raise AirflowSkipException("The run was started with `force`.")
        figures = gate(
            self.settings(), self.log.info, corpus=self.corpus(context), key=self.key(context)
        )
        return figures.model_dump(mode="json")


class PublishOperator(IndexOperator):
    """Makes the new version one to open, and the one that serves unless a later one does."""

    ui_color = "#d5f5e3"

    def execute(self, context: Context) -> dict[str, Any]:
        """What the asset event shows of the version."""
        from calisota.rag.build import Begun, publish  # noqa: PLC0415

        self.skip_unchanged(context)
        corpus = self.corpus(context)
        begun = Begun(key=self.key(context), shards=0)
        manifest = publish(self.settings(), self.log.info, corpus=corpus, begun=begun)
        told: dict[str, Any] = {
            "corpus": corpus,
            "version": manifest.version,
            "partition": manifest.inputs.partition,
            "documents": manifest.documents,
            "chunks": manifest.chunks,
            "model": manifest.inputs.model,
            "gate": manifest.gate.model_dump(mode="json"),
        }
        context["outlet_events"][INDEX].extra = told
        return told
