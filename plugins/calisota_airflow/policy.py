"""When Airflow tries a task again: only what another try can mend."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy

from calisota.errors import CalisotaError, TransientError

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context


class RemedyRetryPolicy(RetryPolicy):
    """A transient fault is tried again, after as long as the service asks for; ours never is.

    A fault that is none of our errors keeps Airflow's own rule (the task's `retries`).
    """

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,  # noqa: ARG002  # Airflow's interface
        max_tries: int,  # noqa: ARG002
        context: Context | None = None,  # noqa: ARG002
    ) -> RetryDecision:
        """The decision for this fault."""
        if isinstance(exception, TransientError):
            wait = exception.retry_after_s
            delay = timedelta(seconds=wait) if wait is not None else None
            return RetryDecision.retry(delay=delay, reason=str(exception))
        if isinstance(exception, CalisotaError):
            return RetryDecision.fail(reason=str(exception))
        return RetryDecision.default()

    def serialize(self) -> dict[str, Any]:
        """Nothing to keep: the policy has no settings."""
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> RemedyRetryPolicy:
        """The one policy there is."""
        del data
        return cls()
