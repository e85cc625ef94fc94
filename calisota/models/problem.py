"""A Problem: what a client wants solved, in which language, and which tests decide."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Discriminator, Field, JsonValue, Tag, field_validator, model_validator

from calisota.models.base import Frozen
from calisota.models.python_source import parse_python

MAX_STATEMENT_CHARS = 64_000
MAX_TESTS = 500
MAX_FILES_BYTES = 512 * 1024
MAX_PATH_CHARS = 200

_FILE_PART = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")


OnAmbiguous = Literal["ask", "best_guess", "fail"]


class Language(StrEnum):
    """The languages a Problem can be solved in: one sandbox image each."""

    PYTHON = "python"
    RUST = "rust"
    GO = "go"
    C = "c"
    CPP = "cpp"
    PERL = "perl"


class Compare(StrEnum):
    """How an answer is compared with the expected one, always on the host.

    `exact`: same bytes, or same typed JSON value (`True` is not `1`, `1` is not `1.0`).
    `tokens`: stdout split at white space. `float`: numbers within 1e-6 relative or absolute.
    `unordered`: lines (stdout) or list items (values) in any order. `checker`: the Problem's own
    checker decides (stdout).
    """

    EXACT = "exact"
    TOKENS = "tokens"
    FLOAT = "float"
    UNORDERED = "unordered"
    CHECKER = "checker"


class Call(Frozen):
    """The arguments of one call of the entry point, as JSON."""

    args: list[JsonValue] = Field(default_factory=list)
    kwargs: dict[str, JsonValue] = Field(default_factory=dict)


class CallTest(Frozen):
    """Call the entry point; the typed return value is compared on the host."""

    name: str | None = Field(default=None, max_length=200)
    call: Call
    returns: JsonValue
    compare: Literal[Compare.EXACT, Compare.FLOAT, Compare.UNORDERED] = Compare.EXACT


class StdioTest(Frozen):
    """Run the whole program on stdin and argv; its stdout is compared on the host."""

    name: str | None = Field(default=None, max_length=200)
    stdin: str = Field(default="", max_length=1_000_000)
    argv: list[Annotated[str, Field(max_length=4096)]] = Field(default_factory=list, max_length=64)
    stdout: str = Field(max_length=1_000_000)
    compare: Compare = Compare.TOKENS

    @field_validator("argv")
    @classmethod
    def _no_nul(cls, argv: list[str]) -> list[str]:
        if any("\0" in arg for arg in argv):
            raise ValueError("an argument holds a NUL byte; no program can receive it")
        return argv


class CodeTest(Frozen):
    """Statements run in the candidate's own process: forgeable, so `cooperative`.

    In C and C++ the code may define a `main` instead, which must return 0.
    """

    name: str | None = Field(default=None, max_length=200)
    code: str = Field(min_length=1, max_length=64_000)


class Suite(Frozen):
    """Test sources of the language's own framework, and the names of all tests in them."""

    files: dict[str, str] = Field(min_length=1, max_length=32)
    """Relative path -> text; the candidate's files lie beside them."""
    names: list[Annotated[str, Field(min_length=1, max_length=300)]] = Field(
        min_length=1, max_length=2000
    )
    """Exactly these must be reported passed, and no other reported at all."""

    @field_validator("files")
    @classmethod
    def _files_stay_inside(cls, files: dict[str, str]) -> dict[str, str]:
        return _plain_files(files)


class SuiteTest(Frozen):
    """A test suite in the candidate's own process: forgeable, so `cooperative`.

    unittest or pytest, `#[test]`, `go test`, Test2 or Test::More, Unity, Catch2.
    """

    name: str | None = Field(default=None, max_length=200)
    suite: Suite


_KINDS: dict[type[Frozen], str] = {
    CallTest: "call",
    StdioTest: "stdio",
    CodeTest: "code",
    SuiteTest: "suite",
}


def _plain_files(files: dict[str, str]) -> dict[str, str]:
    for path in files:
        parts = PurePosixPath(path).parts
        plain = parts and all(_FILE_PART.fullmatch(part) for part in parts)
        if not plain or path != "/".join(parts) or len(path) > MAX_PATH_CHARS:
            raise ValueError(f"file name {path!r} is not a plain relative path")
    for path in files:
        if any(other.startswith(f"{path}/") for other in files):
            raise ValueError(f"{path!r} is a file and a folder at once")
    if sum(len(text.encode()) for text in files.values()) > MAX_FILES_BYTES:
        raise ValueError(f"the files hold more than {MAX_FILES_BYTES} bytes together")
    return files


def _kind_of_test(value: object) -> str | None:
    if isinstance(value, Frozen):
        return _KINDS.get(type(value))
    if not isinstance(value, dict):
        return None
    marks = (("call", "call"), ("code", "code"), ("suite", "suite"), ("stdout", "stdio"))
    return next((kind for mark, kind in marks if mark in value), None)


Test = Annotated[
    Annotated[CallTest, Tag("call")]
    | Annotated[StdioTest, Tag("stdio")]
    | Annotated[CodeTest, Tag("code")]
    | Annotated[SuiteTest, Tag("suite")],
    Discriminator(
        _kind_of_test,
        custom_error_type="unknown_test",
        custom_error_message=(
            "not a test: give `call` with `returns`, `stdin` with `stdout`, `code`, or `suite`"
        ),
    ),
]


class Checker(Frozen):
    """A program that decides about an output, in a sandbox of its own.

    It reads one JSON object on stdin, `{"stdin", "argv", "stdout", "expected"}`, and prints one,
    `{"accepted": true}` or `{"accepted": false, "detail": "why"}`. Anything else, and any exit code
    but 0, is a fault of the checker: the test then ends as `internal_error`.
    """

    language: Language = Language.PYTHON
    source: str = Field(min_length=1, max_length=64_000)


class Limits(Frozen):
    """What one process of a candidate may use, per test."""

    wall_s: float = Field(default=10, gt=0, le=60)
    cpu_s: float = Field(default=5, gt=0, le=60)
    memory_mb: int = Field(default=256, ge=16, le=2048)
    """Of the whole container, its files in memory included."""
    output_kb: int = Field(default=64, ge=1, le=1024)
    """Of stdout and stderr each; a process is killed when it writes more."""


class Budget(Frozen):
    """What one Solve may spend in all; a call that could exceed it is not made."""

    tokens: int = Field(default=60_000, ge=1, le=10_000_000)
    calls: int = Field(default=32, ge=1, le=1000)
    wall_s: int = Field(default=600, ge=1, le=7200)
    usd: float | None = Field(default=None, ge=0, le=1000)
    """Of models whose price is known; null: tokens and calls alone bound it."""
    cpu_s: float | None = Field(default=None, gt=0, le=36_000)
    """Of the sandbox."""


class Options(Frozen):
    """How to solve, where the defaults do not fit."""

    mode: Literal["dag", "fast"] = "dag"
    """`dag`: each step is a task that can be watched and cleared. `fast`: one task for all."""
    on_ambiguous: OnAmbiguous = "best_guess"
    """Where programs disagree and the statement does not say: ask a person, take the likeliest, or
    end the Solve as `needs_clarification`."""
    index: Literal["current"] = "current"
    candidates: int = Field(default=3, ge=1, le=8)
    """Programs sampled in each round."""
    rounds: int = Field(default=3, ge=1, le=3)
    budget: Budget = Budget()


class Problem(Frozen):
    """One coding problem, as a client posts it in YAML or JSON."""

    statement: str = Field(max_length=MAX_STATEMENT_CHARS)
    language: Language
    entry_point: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")
    """The function to write; absent: a whole program on stdin and stdout."""
    signature: str | None = Field(default=None, max_length=1000)
    files: dict[str, str] = Field(default_factory=dict, max_length=32)
    """Relative path -> text, given to every candidate."""
    source_name: str | None = Field(default=None, max_length=MAX_PATH_CHARS)
    """Relative path of the candidate's own file; absent: `solution` with the language's ending."""
    checker: Checker | None = None
    """Decides tests whose `compare` is `checker`."""
    tests: list[Test] = Field(default_factory=list, max_length=MAX_TESTS)
    limits: Limits = Limits()
    options: Options = Options()

    @field_validator("statement")
    @classmethod
    def _statement_says_something(cls, statement: str) -> str:
        if not statement.strip():
            raise ValueError("the statement is empty; say what the program must do")
        return statement

    @field_validator("files")
    @classmethod
    def _files_stay_inside(cls, files: dict[str, str]) -> dict[str, str]:
        return _plain_files(files)

    @field_validator("source_name")
    @classmethod
    def _source_stays_inside(cls, name: str | None) -> str | None:
        if name is not None:
            _plain_files({name: ""})
        return name

    @model_validator(mode="after")
    def _is_text_and_finite(self) -> Problem:
        """JSON has no NaN, and UTF-8 no lone surrogate: neither would arrive as it was sent."""
        try:
            json.dumps(self.model_dump(), ensure_ascii=False, allow_nan=False).encode()
        except UnicodeEncodeError:
            raise ValueError("a text holds a lone surrogate, which is no character") from None
        except ValueError:
            raise ValueError("NaN and Infinity are no JSON numbers; give a finite one") from None
        return self

    @model_validator(mode="after")
    def _tests_fit(self) -> Problem:
        files: dict[str, str] = {}
        for number, test in enumerate(self.tests):
            self._check_test(number, test)
            for path, text in test.suite.files.items() if isinstance(test, SuiteTest) else ():
                if files.setdefault(path, text) != text:
                    raise ValueError(
                        f"tests[{number}].suite.files: another suite has another {path!r}; "
                        "rename one of them"
                    )
        return self

    def _check_test(self, number: int, test: Test) -> None:
        where = f"tests[{number}]"
        if isinstance(test, StdioTest):
            self._check_stdio(where, test)
        elif isinstance(test, CallTest):
            self._check_call(where, test)
        elif isinstance(test, CodeTest) and self.language is Language.PYTHON:
            try:
                parse_python(test.code)
            except SyntaxError as error:
                raise ValueError(f"{where}.code does not parse as Python: {error}") from None

    def _check_stdio(self, where: str, test: StdioTest) -> None:
        if self.entry_point is not None:
            raise ValueError(
                f"{where} is a stdin/stdout test, but entry_point asks for a function; drop one"
            )
        if test.compare is Compare.CHECKER and self.checker is None:
            raise ValueError(f"{where} is to be compared by a checker, but there is none")

    def _check_call(self, where: str, test: CallTest) -> None:
        if self.entry_point is None:
            raise ValueError(f"{where} calls a function, but no entry_point names it")
        if test.call.kwargs and self.language is not Language.PYTHON:
            raise ValueError(f"{where}.call.kwargs: only Python has them; give args instead")

    def canonical_json(self) -> str:
        """The same text for equal Problems: sorted keys, defaults filled in."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)

    def test_name(self, number: int) -> str:
        """The name a report shows for test `number` (from 0)."""
        return self.tests[number].name or f"test_{number + 1}"
