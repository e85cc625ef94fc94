"""Problems whose truth is known: what a client would post, and hidden tests that decide."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pydantic import Field

from calisota.engine.examples import literal_of
from calisota.errors import InputError
from calisota.evaluation.datasets import humaneval_python, rows
from calisota.models import Call, CallTest, Frozen, Problem
from calisota.models.python_source import parse_python

if TYPE_CHECKING:
    from pathlib import Path


class SolveCase(Frozen):
    """One Problem, and what tells whether a program solves it."""

    name: str
    problem: Problem
    hidden: Problem
    """The same with the hidden tests in place of the client's."""
    reference: str | None = None
    """A program that solves it, where one is known."""
    known: list[CallTest] = Field(default_factory=list)
    """Hidden tests that are typed calls: what a good planner would try, and the right answers. Only
    a simulated planner may see them."""


def humaneval(path: Path, *, client_tests: int = 0) -> list[SolveCase]:
    """HumanEval's Problems; the client posts the prompt and the first few of the asserts as tests.

    All asserts are the hidden tests; only such of them become a client's test as compare a call
    with a literal.
    """
    checks = {row["task_id"]: row["test"] for row in rows(path)}
    return [
        SolveCase(
            name=case.name,
            problem=case.problem.model_copy(
                update={"tests": call_tests(checks[case.name])[:client_tests]}
            ),
            hidden=case.problem,
            reference=case.source,
            known=call_tests(checks[case.name])[client_tests:],
        )
        for case in humaneval_python(path)
    ]


def jsonl(path: Path) -> list[SolveCase]:
    """Problems in JSON lines, `{"name", "problem", "hidden_tests"}` each, gzipped or not.

    Raises: InputError: a line is no such object.
    """
    import gzip  # noqa: PLC0415  # only for such a file
    import json  # noqa: PLC0415

    opener = gzip.open if path.suffix == ".gz" else open
    cases = []
    try:
        with opener(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                row = json.loads(line)
                problem = Problem.model_validate(row["problem"])
                hidden = {**row["problem"], "tests": row["hidden_tests"]}
                cases.append(
                    SolveCase(
                        name=str(row.get("name", number)),
                        problem=problem,
                        hidden=Problem.model_validate(hidden),
                        reference=row.get("reference"),
                    )
                )
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} holds no Problems with hidden tests: {error}.",
            remedy='each line is {"name", "problem", "hidden_tests"}.',
        ) from None
    untested = next((case.name for case in cases if not case.hidden.tests), None)
    if untested is not None:
        raise InputError(
            f"The case {untested!r} in {path} has no hidden tests.",
            remedy="give it some: nothing is known of a program without.",
        )
    if len({case.name for case in cases}) < len(cases) or not cases:
        raise InputError(
            f"{path} has no case, or two of one name.", remedy="give each line its own name."
        )
    return cases


def call_tests(check: str) -> list[CallTest]:
    """The asserts of a HumanEval check that compare one call with a literal, as typed tests."""
    found = []
    for node in ast.walk(parse_python(check)):
        match node:
            case ast.Assert(
                test=ast.Compare(
                    left=ast.Call(func=ast.Name(id="candidate"), args=args, keywords=[]),
                    ops=[ast.Eq()],
                    comparators=[expected],
                )
            ):
                values = [literal_of(arg) for arg in (*args, expected)]
                if all(known for known, _ in values):
                    *given, returns = (value for _, value in values)
                    found.append(CallTest(call=Call(args=given), returns=returns))
    return found
