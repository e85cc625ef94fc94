"""What happened in the sandbox, and what the judge made of it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from calisota.models.base import Frozen


class Outcome(StrEnum):
    """The judge's word for one test (the words of DMOJ and ICPC).

    `not_run` is apart from `accepted` and from `internal_error`: a result that is missing is
    neither a pass nor, by itself, our fault.
    """

    INTERNAL_ERROR = "internal_error"
    COMPILE_ERROR = "compile_error"
    OUTPUT_LIMIT = "output_limit"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    RUNTIME_ERROR = "runtime_error"
    WRONG_ANSWER = "wrong_answer"
    NOT_RUN = "not_run"
    ACCEPTED = "accepted"


OUTCOME_PRECEDENCE: tuple[Outcome, ...] = tuple(Outcome)
"""Worst first: the outcome of a whole matrix is the first of these that any test has."""


class Execution(Frozen):
    """One process run in the sandbox, as the in-container runner measured it."""

    exit_code: int | None
    """None: it never exited by itself."""
    signal: int | None
    cpu_s: float = Field(ge=0)
    wall_s: float = Field(ge=0)
    peak_bytes: int = Field(ge=0)
    stdout: bytes
    stderr: bytes
    value: bytes | None = None
    """What the call driver wrote on its own descriptor: the return value, still undecoded."""
    timed_out: bool = False
    out_of_memory: bool = False
    output_exceeded: bool = False


class TestResult(Frozen):
    """One cell of the matrix: one candidate on one test."""

    __test__ = False  # not a pytest class

    name: str
    outcome: Outcome
    detail: str | None = None
    """One line a person reads: expected and got, the exception, the limit that was hit."""
    cooperative: bool = False
    """True: decided inside the candidate's own process, so a hostile candidate could forge it."""
    held_out: bool = False
    """True: never shown to a model."""
    cpu_s: float | None = None
    wall_s: float | None = None
    memory_bytes: int | None = None
    exit_code: int | None = None
    signal: int | None = None
    stdout: str = ""
    stderr: str = ""
    answer: str | None = None
    """What came back, where something did: a call's value as JSON, a program's words; of a long
    answer its digest. Two programs that answer alike have the same."""
    cases: dict[str, bool] | None = None
    """Of a suite: each test it reported, and whether it passed."""


class Observation(Frozen):
    """What a candidate did on one generated input, of which no right answer is known."""

    outcome: Outcome
    """`accepted`: it ended well."""
    answer: str | None = None
    """As `TestResult.answer`."""

    @classmethod
    def of(cls, result: TestResult) -> Observation:
        """That an answer is not the one expected means nothing: none was."""
        ended_well = result.outcome in {Outcome.ACCEPTED, Outcome.WRONG_ANSWER}
        return cls(outcome=Outcome.ACCEPTED if ended_well else result.outcome, answer=result.answer)


class ExecutionMatrix(Frozen):
    """One candidate on every test, in the Problem's order."""

    candidate_id: str
    outcome: Outcome
    """The worst of the tests; without tests, whether it builds and loads."""
    build_stderr: str | None = None
    tests: list[TestResult]
    """The client's."""
    examples: list[TestResult] = Field(default_factory=list)
    """Those of the statement, and what a person answered: as binding as the client's."""
    observed: list[Observation] = Field(default_factory=list)
    """On each generated input, in their order."""
    refused: bool = False
    """Not run: the budget allows no further execution."""
    trace: list[str] = Field(default_factory=list)
    """Of the smallest failure that a model may see, block by block."""
    image: str
    wall_s: float = Field(ge=0)
    cpu_s: float | None = Field(default=None, ge=0)
    """Of everything that ran: build, tests, generated inputs, checker; None: not measured."""

    def ran(self) -> int:
        """On how many of the generated inputs it ran: time may have ended before the others."""
        return sum(one.outcome is not Outcome.NOT_RUN for one in self.observed)

    def passed(self) -> int:
        """How many tests were accepted."""
        return sum(test.outcome is Outcome.ACCEPTED for test in self.tests)


def worst(outcomes: list[Outcome]) -> Outcome:
    """The outcome that decides: the first in precedence; of none, `not_run`."""
    return min(outcomes, key=OUTCOME_PRECEDENCE.index, default=Outcome.NOT_RUN)
