"""Every error CALISOTA raises, named by what remedies it.

CalisotaError
├── InputError              change the request: the Problem, a file, an argument
├── TransientError          try again; Airflow retries these and nothing else
│   ├── EngineUnavailable   the Docker Engine does not answer
│   ├── SandboxBusy         no place for a container became free in time
│   ├── RetrieverBusy       the retriever has more queries than it can hold, or is ending
│   ├── ModelUnavailable    the model endpoint is down, slow or rate-limiting
│   ├── LedgerUnavailable   the database of what is spent does not answer
│   └── AirflowUnavailable  Airflow's REST API does not answer
├── PermanentError          change the installation or its configuration
│   ├── ImageMissing        build the sandbox images
│   ├── ModelRejected       key, model name or option refused by the endpoint
│   ├── IndexUnusable       the retrieval index is absent or damaged
│   ├── GateFailed          a new index is not good enough to serve
│   ├── ArtifactDamaged     a stored artifact is absent or not what was written
│   └── StepQuarantined     a step died with its process, again and again
└── BudgetExhausted         raise the Problem's budget

A candidate program that fails is never an error: it is data (`Outcome`).
"""

from __future__ import annotations


class CalisotaError(Exception):
    """Base of all our errors: what happened, and what the reader can do about it."""

    code = "calisota_error"
    retryable = False

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} Remedy: {self.remedy}"


class InputError(CalisotaError):
    """The request cannot be served as it is; change it."""

    code = "invalid_input"


class TransientError(CalisotaError):
    """A service failed for now; the same call may succeed later."""

    code = "transient"
    retryable = True

    def __init__(self, message: str, *, remedy: str, retry_after_s: float | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class EngineUnavailable(TransientError):
    """The Docker Engine does not answer."""

    code = "docker_unavailable"


class SandboxBusy(TransientError):
    """Other programs held every place of the sandbox for too long."""

    code = "sandbox_busy"


class RetrieverBusy(TransientError):
    """The retriever has as many queries as it can hold, or is about to end."""

    code = "retriever_busy"


class ModelUnavailable(TransientError):
    """The model endpoint is down, slow, or asks us to wait."""

    code = "model_unavailable"

    def __init__(
        self,
        message: str,
        *,
        remedy: str,
        retry_after_s: float | None = None,
        perhaps_charged: bool = False,
    ) -> None:
        """`perhaps_charged`: the request arrived, so an answer may have been made and billed."""
        super().__init__(message, remedy=remedy, retry_after_s=retry_after_s)
        self.perhaps_charged = perhaps_charged


class LedgerUnavailable(TransientError):
    """The database of what is spent does not answer; without it nothing is spent."""

    code = "ledger_unavailable"


class AirflowUnavailable(TransientError):
    """Airflow's REST API does not answer."""

    code = "airflow_unavailable"


class PermanentError(CalisotaError):
    """Trying again changes nothing; the installation or its configuration must change."""

    code = "misconfigured"


class ImageMissing(PermanentError):
    """A sandbox image is not in the Docker Engine."""

    code = "image_missing"


class ModelRejected(PermanentError):
    """The endpoint refused the key, the model name or the request."""

    code = "model_rejected"


class IndexUnusable(PermanentError):
    """The retrieval index is absent, damaged, or made for another model."""

    code = "index_unusable"


class GateFailed(PermanentError):
    """A new index was measured and is not good enough to serve; the one before it goes on."""

    code = "gate_failed"


class ArtifactDamaged(PermanentError):
    """A stored artifact is absent or its checksum does not match."""

    code = "artifact_damaged"


class StepQuarantined(PermanentError):
    """A step killed the process that ran it too often to be given another."""

    code = "step_quarantined"


class BudgetExhausted(CalisotaError):
    """The next call could exceed the Problem's budget."""

    code = "budget_exhausted"
