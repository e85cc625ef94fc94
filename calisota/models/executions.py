"""A program to run in the sandbox alone, and what came of it: `calisota exec`, `/v1/executions`."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue, field_validator, model_validator

from calisota.models.base import Frozen
from calisota.models.execution import Outcome
from calisota.models.problem import Checker, Language, Limits, Problem, StdioTest, Test

MAX_SOURCE_BYTES = 512 * 1024
MAX_RUNS = 500
MAX_OUTPUT_BYTES = 64 * 1024 * 1024
"""What all processes of one request may write together: their results are held in memory."""


class PlainRun(Frozen):
    """One start of the whole program; nothing is expected of it but to end well."""

    name: str | None = Field(default=None, max_length=200)
    stdin: str = Field(default="", max_length=1_000_000)
    argv: list[Annotated[str, Field(max_length=4096)]] = Field(default_factory=list, max_length=64)

    @field_validator("argv")
    @classmethod
    def _no_nul(cls, argv: list[str]) -> list[str]:
        if any("\0" in arg for arg in argv):
            raise ValueError("an argument holds a NUL byte; no program can receive it")
        return argv


class ExecutionRequest(Frozen):
    """A program, and either plain runs of it or the tests of a Problem."""

    language: Language
    source: str
    files: dict[str, str] = Field(
        default_factory=dict,
        max_length=32,
        description="Relative path -> text; they lie in the folder the program starts in.",
    )
    runs: list[PlainRun] = Field(
        default_factory=list,
        max_length=MAX_RUNS,
        description="Each starts the program anew. Neither runs nor tests: one run without input.",
    )
    tests: list[Test] = Field(
        default_factory=list, max_length=MAX_RUNS, description="As a Problem's `tests`."
    )
    entry_point: str | None = Field(
        default=None, description="The function that `call` and `code` tests are about."
    )
    signature: str | None = Field(default=None, description="As a Problem's; not checked.")
    source_name: str | None = Field(
        default=None, description="Path of the source; absent: `solution` and the usual ending."
    )
    checker: Checker | None = Field(
        default=None, description="Decides tests whose `compare` is `checker`."
    )
    limits: Limits = Limits()

    @field_validator("source")
    @classmethod
    def _source_is_small_text(cls, source: str) -> str:
        try:
            size = len(source.encode())
        except UnicodeEncodeError:
            raise ValueError("a lone surrogate is no character; send UTF-8") from None
        if size > MAX_SOURCE_BYTES:
            raise ValueError(f"the source holds {size} bytes; at most {MAX_SOURCE_BYTES} are run")
        if not source.strip():
            raise ValueError("the source is empty")
        return source

    @model_validator(mode="after")
    def _is_one_of_both(self) -> ExecutionRequest:
        if self.runs and self.tests:
            raise ValueError("give `runs` or `tests`, not both")
        if self.entry_point is not None and not self.tests:
            raise ValueError("`entry_point` names a function, but there are no tests that call it")
        self.problem()  # its faults are ours, and in the same places
        return self

    @property
    def plain(self) -> bool:
        """Whether nothing is expected of the answers."""
        return not self.tests

    @property
    def output_bytes(self) -> int:
        """The most that all processes together may write."""
        return 2 * self.limits.output_kb * 1024 * max(len(self.runs), len(self.tests), 1)

    def problem(self) -> Problem:
        """The Problem with these tests; a plain run stands there as a test of any answer."""
        tests = self.tests or [
            StdioTest(
                name=run.name or f"run_{number}", stdin=run.stdin, argv=list(run.argv), stdout=""
            )
            for number, run in enumerate(self.runs or [PlainRun()], start=1)
        ]
        return Problem(
            statement="Run this program.",
            language=self.language,
            entry_point=self.entry_point,
            signature=self.signature,
            files=self.files,
            source_name=self.source_name,
            checker=self.checker,
            tests=tests,
            limits=self.limits,
        )


class ExecutedTest(Frozen):
    """One process: one plain run, or one test."""

    name: str
    outcome: Outcome
    """Of a plain run `accepted`: it ended with exit code 0 and within its limits."""
    detail: str | None = None
    """One line a person reads: expected and got, the exception, the limit that was hit."""
    cooperative: bool = False
    """True: decided inside the program's own process, so a hostile one could forge it."""
    cpu_s: float | None = None
    wall_s: float | None = None
    memory_bytes: int | None = None
    """Peak of the process; null here and beside: it did not run."""
    exit_code: int | None = None
    signal: int | None = None
    stdout: str = ""
    """All that was written, up to `limits.output_kb`; a byte that is no UTF-8 reads `\\xff`."""
    stderr: str = ""
    cases: dict[str, bool] | None = None
    """Of a suite: each test it reported, and whether it passed."""


_EXAMPLE: JsonValue = {
    "outcome": "accepted",
    "tests": [
        {
            "name": "run_1",
            "outcome": "accepted",
            "detail": None,
            "cooperative": False,
            "cpu_s": 0.013,
            "wall_s": 0.014,
            "memory_bytes": 8_519_680,
            "exit_code": 0,
            "signal": None,
            "stdout": "42\n",
            "stderr": "",
            "cases": None,
        }
    ],
    "build_stderr": None,
    "image": "calisota/sandbox-python:0123456789ab",
    "wall_s": 0.412,
    "language": "python",
}


class ExecutionResult(Frozen):
    """What came of an ExecutionRequest, test by test in its order."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    outcome: Outcome
    """The worst of the tests."""
    tests: list[ExecutedTest]
    build_stderr: str | None = None
    """What the compiler said; null: nothing."""
    image: str
    wall_s: float = Field(ge=0)
    """From the start of the container to the last result, the build included."""
    language: Language
