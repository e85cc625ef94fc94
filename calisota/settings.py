"""The configuration: environment variables `CALISOTA_*`, read once, frozen."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from calisota.errors import InputError
from calisota.models import Language, readable_faults

DebianPackage = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]{1,99}$")]
CorpusName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
"""Names a folder of the indexes, and the socket of its service."""
Port = Annotated[int, Field(ge=1, le=65535)]

Part = Literal["retrieval", "critic", "repair"]
"""Of the engine, that it can do without."""

MAX_SOCKET_PATH_BYTES = 107
"""Source: unix(7), sun_path with its closing NUL."""


class Settings(BaseSettings):
    """Every setting, its default and its unit. docs/configuration.md is made from this class."""

    model_config = SettingsConfigDict(env_prefix="CALISOTA_", frozen=True, extra="ignore")

    home: Path = Field(
        default=Path("~/.calisota"),
        description="The one folder that holds all data: database, index, artifacts, logs.",
    )
    host: str = Field(default="127.0.0.1", description="Address the servers listen on.")
    api_port: Port = Field(default=8000, description="Port of the REST API.")
    airflow_port: Port = Field(default=8080, description="Port of Airflow's UI and REST API.")
    llm_port: Port = Field(default=8091, description="Port of the embedded model server.")

    airflow_url: str | None = Field(
        default=None, description="Airflow to use instead of the one `calisota up` starts."
    )
    airflow_parallelism: int = Field(
        default=0,
        ge=0,
        le=256,
        description="Tasks that run at once; 0: twice the CPU cores, at least 4.",
    )

    llm_base_url: str | None = Field(
        default=None,
        description="An OpenAI-compatible endpoint, up to `/v1`. Unset: the embedded model.",
    )
    llm_api_key: SecretStr | None = Field(default=None, description="Its key.")
    llm_model_slow: str | None = Field(default=None, description="Model of the planner.")
    llm_model_fast: str | None = Field(default=None, description="Model of the coder.")
    llm_model_critic: str | None = Field(default=None, description="Model of the critic.")
    llm_model_frontier: str | None = Field(
        default=None,
        description="Model that writes a program where the others fail, and with `on_ambiguous: "
        "ask` is asked what a statement means before a person is. Unset: none.",
    )
    llm_fallback_base_url: str | None = Field(
        default=None,
        description="A second endpoint, which answers while the first is down. Unset: none.",
    )
    llm_fallback_api_key: SecretStr | None = Field(default=None, description="Its key.")
    llm_fallback_model: str | None = Field(default=None, description="Its model, for every route.")
    llm_timeout_s: float = Field(
        default=180,
        gt=0,
        le=3600,
        description="Of one model call, until its answer is whole.",
    )
    llm_max_tokens: int | None = Field(
        default=None,
        ge=16,
        le=131_072,
        description="Longest answer of one call. Unset: 256 for the embedded model, else 4096.",
    )
    llm_context_tokens: int | None = Field(
        default=None,
        ge=1024,
        description="The model's context; an eighth of it, at most 1500 tokens, is for passages. "
        "Unset: 4096 for the embedded model, else 16384.",
    )
    llm_temperature: float | None = Field(
        default=None,
        ge=0,
        le=2,
        description="Temperature of programs that are to differ. Unset: 0.4 for the "
        "embedded model, which loses its thread above, else 0.8.",
    )
    llm_concurrency: int = Field(
        default=4,
        ge=1,
        le=64,
        description="Calls in flight per step, and answers at once of the embedded model.",
    )
    llm_gguf: Path | None = Field(
        default=None, description="Your own GGUF weights for the embedded model server."
    )

    without: Annotated[tuple[Part, ...], NoDecode] = Field(
        default=(),
        description="Parts of the engine to do without, separated by spaces: `retrieval`, "
        "`critic`, `repair`. `calisota evaluate solve --without` measures what each brings.",
    )
    deferrable: bool = Field(
        default=False,
        description="Whether steps that wait for models do so in Airflow's triggerer, where they "
        "hold no worker: for many Solves at once with slow models.",
    )
    mutants: int = Field(
        default=6,
        ge=0,
        le=100,
        description="Small changes of an accepted program that are run, to see whether the tests "
        "notice them; 0: none, and `verified` then rests on the number of tests.",
    )
    answer_timeout_s: float = Field(
        default=86_400,
        gt=0,
        le=7 * 86_400,
        description="How long a question waits for a person before a Solve goes on without.",
    )

    ledger_url: SecretStr | None = Field(
        default=None,
        description="Database of what is spent, as `postgresql+psycopg://user:password@host/base`. "
        "Unset: a file in the data home; machines that share the work need one PostgreSQL.",
    )
    prices: Path | None = Field(
        default=None, description="Your own prices of models. Unset: include/prices.yaml."
    )
    memory: bool = Field(
        default=False,
        description="Whether solved Problems are remembered, in the ledger's database, and the "
        "nearest one of the same client is shown as an example.",
    )
    memory_min_similarity: float = Field(
        default=0.6,
        ge=-1,
        le=1,
        description="Memories whose statement is less like the new one's (cosine) are not shown.",
    )
    memory_retention_days: int = Field(
        default=90,
        ge=0,
        description="Days after which a memory that was not used is forgotten; 0: never.",
    )
    client_daily_tokens: int | None = Field(
        default=None, ge=0, description="Tokens that one API key may spend in a day (UTC)."
    )
    client_daily_usd: float | None = Field(
        default=None, ge=0, description="The same in USD, of models whose price is known."
    )

    docker_host: str | None = Field(
        default=None, description="Docker Engine, as in DOCKER_HOST. Unset: found by itself."
    )
    sandbox_concurrency: int = Field(
        default=0, ge=0, le=256, description="Containers at once; 0: one per CPU core."
    )
    sandbox_tmpfs_mb: int = Field(
        default=64, ge=8, le=1024, description="Writable space of one container, in memory."
    )
    sandbox_max_wall_s: float = Field(
        default=60, gt=0, le=60, description="Most wall seconds a request may ask for, per test."
    )
    sandbox_max_cpu_s: float = Field(
        default=60, gt=0, le=60, description="Most CPU seconds a request may ask for, per test."
    )
    sandbox_max_memory_mb: int = Field(
        default=2048, ge=16, le=2048, description="Most memory a request may ask for."
    )
    sandbox_max_output_kb: int = Field(
        default=1024,
        ge=1,
        le=1024,
        description="Most output a request may ask for, of stdout and stderr each.",
    )
    sandbox_runtime: str | None = Field(
        default=None,
        min_length=1,
        description="OCI runtime of the containers, such as `runsc`. Unset: the Engine's default.",
    )
    sandbox_pool: int = Field(
        default=1,
        ge=0,
        le=16,
        description="Started containers that the API keeps waiting per language in use; 0: none.",
    )
    sandbox_pool_idle_s: int = Field(
        default=300,
        ge=10,
        le=3600,
        description="How long one waits before it is let go.",
    )
    sandbox_packages: dict[Language, tuple[DebianPackage, ...]] = Field(
        default={},
        description="Debian packages to add to the image of a language, as JSON: "
        '`{"python": ["python3-numpy"]}`. Run `calisota setup` after a change.',
    )
    debian_mirror: str | None = Field(
        default=None,
        description="Debian mirror of the sandbox images. Unset: the host's, else Debian's.",
    )

    corpora: Path | None = Field(
        default=None,
        description="YAML file with the corpora that can be indexed. Unset: `stdlib` alone.",
    )
    index_corpus: CorpusName = Field(
        default="stdlib", description="The corpus that Solves and searches look into."
    )
    index_min_recall: float = Field(
        default=0.95,
        gt=0,
        le=1,
        description="Least recall@10 against comparing all vectors for an index to serve.",
    )
    index_keep: int = Field(
        default=5,
        ge=1,
        description="Versions kept of a corpus that were built on demand.",
    )
    index_keep_partitions: int = Field(
        default=30, ge=1, description="Partitions of a corpus whose newest version is kept."
    )
    index_schedule: str | None = Field(
        default="0 3 * * *",
        description="Cron expression of the DAG `index_build`, in UTC. Empty: on demand only.",
    )
    gpu_memory_gb: float = Field(
        default=16,
        gt=0,
        description="Memory of a GPU that a build may take, in GB. An index that needs more is "
        "made on the CPU; batches of the encoder that need more are halved.",
    )
    embedding_model: str = Field(
        default="auto",
        min_length=1,
        description="`all-mpnet-base-v2`, `all-MiniLM-L6-v2` or the folder of a "
        "sentence-transformers model. `auto`: MPNet on a GPU, MiniLM elsewhere.",
    )
    index_modules: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(
            "bisect collections contextlib copy csv fnmatch fractions functools graphlib heapq "
            "json queue random statistics string textwrap"
        ).split(),
        description="Standard library modules in the embedded index, separated by spaces.",
        validate_default=True,
    )
    retrieval_min_score: float = Field(
        default=0.25, ge=-1, le=1, description="Passages that score less are not shown to a model."
    )

    evaluate_schedule: str | None = Field(
        default=None,
        description="Cron expression of the DAG `evaluate`, in UTC. Unset: on demand only.",
    )

    artifacts_uri: str | None = Field(
        default=None,
        description="Where artifacts are kept, as an fsspec URL. Unset: a folder in the data home.",
    )
    artifact_retention_days: int = Field(
        default=30,
        ge=0,
        description="Days after which the housekeeping deletes a Solve's artifacts; 0: never.",
    )
    ledger_retention_days: int = Field(
        default=90,
        ge=0,
        description="Days after which the housekeeping deletes what was spent; 0: never.",
    )
    housekeeping_minutes: int = Field(
        default=60,
        ge=0,
        le=10_080,
        description="Between two runs of the DAG `housekeeping`; 0: only when a person starts it.",
    )
    max_body_bytes: int = Field(
        default=1_048_576, ge=1024, description="Largest request body the API reads."
    )
    api_execution_wall_s: float = Field(
        default=60,
        gt=0,
        le=900,
        description="Seconds one execution may wait, and then run, in `/v1/executions`.",
    )
    api_batch_wall_s: float = Field(
        default=600, gt=0, le=7200, description="Seconds until a batch begins no further item."
    )
    log_level: str = Field(default="INFO", description="Of our own logs.")

    @field_validator("home")
    @classmethod
    def _expand(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @field_validator("index_modules", "without", mode="before")
    @classmethod
    def _split(cls, words: object) -> object:
        return tuple(words.split()) if isinstance(words, str) else words

    @property
    def artifacts(self) -> str:
        """URL or folder of the artifact store."""
        return self.artifacts_uri or str(self.home / "artifacts")

    @property
    def ledger(self) -> str:
        """SQLAlchemy's URL of the ledger."""
        if self.ledger_url is not None:
            return self.ledger_url.get_secret_value()
        return f"sqlite:///{self.home / 'ledger.db'}"

    @property
    def airflow(self) -> str:
        """Base URL of Airflow, without a trailing slash."""
        return (self.airflow_url or f"http://{self.host}:{self.airflow_port}").rstrip("/")

    @property
    def api(self) -> str:
        """Base URL of our API."""
        return f"http://{self.host}:{self.api_port}"

    @property
    def llm(self) -> str:
        """Base URL of the model endpoint."""
        return self.llm_base_url or f"http://{self.host}:{self.llm_port}/v1"

    @property
    def llm_is_embedded(self) -> bool:
        """Whether our own small model serves."""
        return self.llm_base_url is None

    @property
    def answer_tokens(self) -> int:
        """Longest answer of one call."""
        return self.llm_max_tokens or (256 if self.llm_is_embedded else 4096)

    @property
    def varied_temperature(self) -> float:
        """Temperature of programs that are to differ."""
        if self.llm_temperature is not None:
            return self.llm_temperature
        return 0.4 if self.llm_is_embedded else 0.8

    @property
    def context_tokens(self) -> int:
        """The model's context."""
        return self.llm_context_tokens or (4096 if self.llm_is_embedded else 16_384)

    @property
    def secrets(self) -> Path:
        """Folder of the generated credentials, mode 0700."""
        return self.home / "secrets"

    @property
    def indexes(self) -> Path:
        """Folder of the retrieval index versions."""
        return self.home / "indexes"

    @property
    def run(self) -> Path:
        """Folder of locks, sockets and the state of what runs."""
        return self.home / "run"

    @property
    def breakers(self) -> Path:
        """File of the endpoints that failed of late; see `calisota.llm.breaker_file`."""
        return self.run / "llm_breakers.json"

    @property
    def dialects(self) -> Path:
        """File of what endpoints were learned to refuse; see `calisota.llm.dialect_file`."""
        return self.run / "llm_dialects.json"

    @property
    def retriever_socket(self) -> Path | None:
        """Where the retriever service listens; None: the path is too long for a socket."""
        # A service answers from one corpus: who wants another must not reach it.
        path = self.run / f"retriever-{self.index_corpus}.sock"
        return path if len(bytes(path)) <= MAX_SOCKET_PATH_BYTES else None

    @property
    def logs(self) -> Path:
        """The one log folder."""
        return self.home / "logs"


@cache
def settings() -> Settings:
    """The settings of this process, read from the environment at the first call.

    Raises: InputError: a variable does not fit; its name is in the message.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(
            f"CALISOTA_{fault.where.upper()}: {fault.message}" for fault in readable_faults(error)
        )
        raise InputError(
            f"The environment is not right: {faults}.", remedy="see docs/configuration.md."
        ) from None
