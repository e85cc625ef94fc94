"""What the DAG `housekeeping` does: remove what killed tasks and past Solves leave behind."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

SOLVE_DAGS = ("solve", "solve_fast")
ACTIVE = ["queued", "running"]
DAY_S = 86_400


def schedule() -> timedelta | None:
    """How often it runs; None: only when a person starts it."""
    from calisota.settings import settings  # noqa: PLC0415  # not before a DAG is parsed

    return timedelta(minutes=settings().housekeeping_minutes) or None


class ReapContainersOperator(BaseOperator):
    """Removes the sandbox containers of this installation that have outlived their time.

    A task, a worker or an API process that is killed leaves its container to this.
    Not covered: a Docker Engine on another machine than this task's.
    """

    ui_color = "#d5f5e3"

    def execute(self, context: Context) -> dict[str, Any]:
        """How many were there, and how many of them were removed."""
        del context
        from calisota.sandbox.engine import DockerSandbox, connect  # noqa: PLC0415
        from calisota.settings import settings  # noqa: PLC0415

        client = connect(settings())
        try:
            sandbox = DockerSandbox(client, settings())
            found = len(sandbox.list_ours())
            removed = sandbox.reap(time.time())
        finally:
            client.close()
        self.log.info("Removed %d of %d sandbox containers, whose time was over.", removed, found)
        return {"found": found, "removed": removed}


class PruneArtifactsOperator(BaseOperator):
    """Deletes the artifacts of Solves that nothing was written to for the retention time."""

    ui_color = "#fdebd0"

    def execute(self, context: Context) -> dict[str, Any]:
        """How many Solves were deleted, how many bytes that freed, and how many were kept."""
        from calisota.artifacts import ArtifactStore, solves_of  # noqa: PLC0415
        from calisota.settings import settings  # noqa: PLC0415

        days = settings().artifact_retention_days
        if days == 0:
            self.log.info("Everything is kept: CALISOTA_ARTIFACT_RETENTION_DAYS is 0.")
            return {"deleted": 0, "bytes": 0, "kept": None}
        store = ArtifactStore(settings().artifacts)
        before = time.time() - days * DAY_S
        deleted = freed = kept = 0
        for folder in store.folders():
            too_young = folder.written is None or folder.written >= before
            if too_young or self._runs(context, solves_of(folder.name)):
                kept += 1
                continue
            store.delete(folder.name)
            deleted += 1
            freed += folder.size_bytes
            self.log.info("Deleted %s: %d bytes.", folder.name, folder.size_bytes)
        self.log.info(
            "Deleted %d of %d folders, not written to for %d days: %d bytes.",
            *(deleted, deleted + kept, days, freed),
        )
        return {"deleted": deleted, "bytes": freed, "kept": kept}

    @staticmethod
    def _runs(context: Context, solve_ids: list[str]) -> bool:
        """Whether a Dag run of these waits or runs; in a paused DAG one may wait for months."""
        ti = context["ti"]
        return any(ti.get_dr_count(dag, run_ids=solve_ids, states=ACTIVE) > 0 for dag in SOLVE_DAGS)


class TidyMemoryOperator(BaseOperator):
    """Keeps the best memory of a Problem, and forgets those that nobody used for long."""

    ui_color = "#e8daef"

    def execute(self, context: Context) -> dict[str, int]:
        """How many were repeated, aged, or more than an owner may keep."""
        del context
        from calisota.memory.store import open_memory  # noqa: PLC0415
        from calisota.settings import settings  # noqa: PLC0415

        days = settings().memory_retention_days
        with open_memory(settings().ledger) as memory:
            gone = memory.tidy(unused_since=time.time() - days * DAY_S if days else None)
        self.log.info("Forgot %s.", ", ".join(f"{count} {why}" for why, count in gone.items()))
        return gone


class ForgetSpendingOperator(BaseOperator):
    """Deletes from the ledger what was spent long ago, and the answers that were kept for it."""

    ui_color = "#fcf3cf"

    def execute(self, context: Context) -> dict[str, Any]:
        """How many entries were deleted."""
        del context
        from calisota.ledger.ledger import open_ledger  # noqa: PLC0415
        from calisota.settings import settings  # noqa: PLC0415

        days = settings().ledger_retention_days
        if days == 0:
            self.log.info("Everything is kept: CALISOTA_LEDGER_RETENTION_DAYS is 0.")
            return {"deleted": 0}
        before = (datetime.now(UTC) - timedelta(days=days)).date().isoformat()
        with open_ledger(settings().ledger) as ledger:
            deleted = ledger.forget(before)
        self.log.info("Deleted %d entries of days before %s.", deleted, before)
        return {"deleted": deleted}
