"""Whether the sandbox and the judge say the right thing of programs whose truth is known."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from calisota.errors import InputError
from calisota.evaluation import datasets
from calisota.models import Brief, Candidate, Frozen, Outcome, Suite, SuiteTest, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from calisota.evaluation.datasets import Case
    from calisota.models import ExecutionMatrix
    from calisota.sandbox.engine import DockerSandbox

SETS: dict[str, tuple[str, Callable[[Path], Iterator[Case]]]] = {
    "humaneval python": ("human-eval/HumanEval.jsonl.gz", datasets.humaneval_python),
    "humanevalpack python, buggy": ("humanevalpack/python.jsonl.gz", datasets.humanevalpack_buggy),
    "humaneval-x go": ("humaneval-x/humaneval_go.jsonl.gz", datasets.humaneval_go),
    "humaneval-x c++": ("humaneval-x/humaneval_cpp.jsonl.gz", datasets.humaneval_cpp),
    "humaneval-x rust": ("humaneval-x/humaneval_rust.jsonl.gz", datasets.humaneval_rust),
    "exercism python": ("exercism/python.jsonl.gz", datasets.exercism),
    "exercism c": ("exercism/c.jsonl.gz", datasets.exercism),
    "exercism perl": ("exercism/perl5-a-to-m.jsonl.gz", datasets.exercism),
    "exercism go": ("exercism/go-a-to-m.jsonl.gz", datasets.exercism),
    "exercism rust": ("exercism/rust-a-to-m.jsonl.gz", datasets.exercism),
    "exercism c++": ("exercism/cpp-a-to-m.jsonl.gz", datasets.exercism),
}
"""Name of a set -> its file below the data folder, and what reads it."""

UNKNOWN = ["?"]


class Judged(Frozen):
    """One case and what the judge said."""

    name: str
    wanted: bool
    """Whether the program is right."""
    outcome: Outcome
    detail: str | None
    note: str | None
    wall_s: float

    @property
    def as_wanted(self) -> bool:
        """Whether the judge told right from wrong; our own fault is neither."""
        if self.outcome in {Outcome.INTERNAL_ERROR, Outcome.NOT_RUN}:
            return False
        return (self.outcome is Outcome.ACCEPTED) == self.wanted


class SetResult(Frozen):
    """One set, judged."""

    name: str
    cases: list[Judged]

    @property
    def right(self) -> int:
        """How many were judged as they should be."""
        return sum(case.as_wanted for case in self.cases)

    def misses(self) -> list[Judged]:
        """The others."""
        return [case for case in self.cases if not case.as_wanted]

    def outcomes(self) -> dict[str, int]:
        """How often each outcome came."""
        return dict(Counter(case.outcome.value for case in self.cases).most_common())


def chosen(folder: Path, names: list[str]) -> dict[str, list[Case]]:
    """The sets below `folder` whose name holds one of `names`; all that are there without names.

    Raises: InputError: there is none.
    """
    found = {}
    for name, (path, read) in SETS.items():
        wanted = not names or any(one.lower() in name for one in names)
        if wanted and (folder / path).is_file():
            found[name] = list(read(folder / path))
    if not found:
        raise InputError(
            f"No data set{' of these names' if names else ''} lies in {folder}.",
            remedy=f"put one there, for instance {next(iter(SETS.values()))[0]}; "
            "docs/evaluation.md says where each comes from.",
        )
    return found


def judge_set(
    sandbox: DockerSandbox,
    name: str,
    cases: list[Case],
    *,
    on_case: Callable[[Judged], None] | None = None,
    workers: int | None = None,
) -> SetResult:
    """Every case in a fresh container, several at once."""
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        judged = []
        for one in pool.map(lambda case: _judge(sandbox, case), cases):
            judged.append(one)
            if on_case is not None:
                on_case(one)
    return SetResult(name=name, cases=judged)


def _judge(sandbox: DockerSandbox, case: Case) -> Judged:
    matrix = _run(sandbox, case)
    test = matrix.tests[0]
    if isinstance(suite := case.problem.tests[0], SuiteTest) and suite.suite.names == UNKNOWN:
        # The sources do not tell the names: those of a first run are what a second must show.
        matrix = _run(sandbox, _with_names(case, list(test.cases or {})))
        test = matrix.tests[0]
    detail = matrix.build_stderr if test.outcome is Outcome.COMPILE_ERROR else test.detail
    return Judged(
        name=case.name,
        wanted=case.accepted,
        outcome=test.outcome,
        detail=detail,
        note=case.note,
        wall_s=matrix.wall_s,
    )


def _with_names(case: Case, names: list[str]) -> Case:
    (test,) = case.problem.tests
    if not names or not isinstance(test, SuiteTest):
        return case
    suite = SuiteTest(suite=Suite(files=test.suite.files, names=names))
    return case.model_copy(update={"problem": case.problem.model_copy(update={"tests": [suite]})})


def _run(sandbox: DockerSandbox, case: Case) -> ExecutionMatrix:
    brief = Brief(number=0, approach=None, with_passages=False, temperature=0, prompt="none")
    candidate = Candidate(id="r1c0", brief=brief, source=case.source, usage=Usage())
    return sandbox.run_candidate(case.problem, candidate, solve_id="evaluation")
