"""Keep why a step failed, where the REST API finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

MAX_CHARS = 2000


def keep_cause(context: Context) -> None:
    """Store the fault of a task that is not tried again; Airflow calls this.

    A process that was killed has no exception to tell of: then nothing is stored.
    """
    error = context.get("exception")
    if error is None:
        return
    from calisota.artifacts import ArtifactStore  # noqa: PLC0415  # not when a DAG is parsed
    from calisota.models import StepFault  # noqa: PLC0415
    from calisota.settings import settings  # noqa: PLC0415
    from calisota.text import printable  # noqa: PLC0415

    fault = StepFault(
        step=context["ti"].task_id, message=printable(f"{error}")[:MAX_CHARS] or repr(error)
    )
    ArtifactStore(settings().artifacts).put(context["run_id"], "fault", fault)
