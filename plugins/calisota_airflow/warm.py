"""Start an Airflow command with the libraries of our tasks already imported.

    python -m calisota_airflow.warm scheduler

LocalExecutor forks its workers from the scheduler and each task from a worker, so what the
scheduler has imported no task imports again, and all of them share its memory. Without this an
LLM step spends two seconds on the `openai` SDK alone. It changes nothing else: a task still runs
in a process of its own.
"""

from __future__ import annotations

import importlib
import sys

# What the operators import when they run. No module here may open files, threads or sockets at
# import: they would be shared by every task.
MODULES = (
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "calisota.agents",
    "calisota.llm.openai_chat",
    "calisota.rag",
    "calisota.sandbox.engine",
    "calisota.stages",
    "calisota_airflow.operators",
    "calisota_airflow.params",
    "calisota_airflow.policy",
    "openai.resources.chat",
)


def main() -> None:
    """Import, then hand over to `airflow` with the same arguments."""
    for name in MODULES:
        importlib.import_module(name)
    from airflow.__main__ import main as airflow  # noqa: PLC0415  # last: it reads the arguments

    sys.argv[0] = "airflow"
    airflow()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
