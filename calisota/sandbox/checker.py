"""The Problem's own checker: what it is asked about the outputs of one candidate. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from calisota.models import Compare, Problem, StdioTest
from calisota.sandbox.cells import CandidatePlan, plan_candidate

if TYPE_CHECKING:
    from calisota.models import Execution
    from calisota.sandbox.judge import CandidateRun


def plan_checks(
    problem: Problem, cells: list[Execution], *, tmpfs_mb: int
) -> tuple[list[int], CandidatePlan] | None:
    """The tests to be checked and the plan that checks them, in order; None: there are none.

    Only cells that ended well are worth a question: the others have their outcome. The checker runs
    in a container of its own, under the Problem's limits, so no candidate ever meets it.
    """
    if problem.checker is None:
        return None
    asked = [
        (number, _question(test, cell))
        for number, (test, cell) in enumerate(zip(problem.tests, cells, strict=False))
        if isinstance(test, StdioTest) and test.compare is Compare.CHECKER and cell.exit_code == 0
    ]
    if not asked:
        return None
    program = Problem(
        statement="checker",
        language=problem.checker.language,
        tests=[StdioTest(stdout="")] * len(asked),
        limits=problem.limits,
    )
    plan = plan_candidate(program, problem.checker.source, tmpfs_mb=tmpfs_mb)
    jobs = [
        job.model_copy(update={"stdin": question})
        for job, (_, question) in zip(plan.cells, asked, strict=True)
    ]
    return [number for number, _ in asked], plan.model_copy(update={"cells": jobs})


def with_checks(run: CandidateRun, numbers: list[int], checked: CandidateRun) -> CandidateRun:
    """`run` with what the checker came to on the tests of these numbers."""
    failed = checked.build if not checked.cells else None
    words = [failed] * len(numbers) if failed is not None else checked.cells
    return run.model_copy(update={"checks": dict(zip(numbers, words, strict=False))})


def _question(test: StdioTest, cell: Execution) -> bytes:
    return json.dumps(
        {
            "stdin": test.stdin,
            "argv": test.argv,
            "stdout": cell.stdout.decode(errors="replace"),
            "expected": test.stdout,
        }
    ).encode()
