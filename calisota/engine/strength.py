"""How well tests, or generated inputs, tell a program from its mutants. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.engine.quoted import same_answer
from calisota.models import Observation, Outcome, TestStrength

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from calisota.engine.mutants import Mutant
    from calisota.models import ExecutionMatrix

MAX_SURVIVORS = 5
_SAYS_NOTHING = {Outcome.COMPILE_ERROR, Outcome.INTERNAL_ERROR}


def strength_of(
    program: ExecutionMatrix,
    mutants: Iterable[tuple[Mutant, ExecutionMatrix]],
    *,
    expected: Sequence[str | None] = (),
    as_text: bool = False,
) -> TestStrength:
    """What became of the mutants of a program that passes its tests.

    `expected`: what the planner expects on each of the first generated inputs, None: nothing;
    `as_text`: answers are what was printed, and no values.
    A mutant that does not build says nothing; one that the budget or the time did not let run was
    not noticed. With tests, one that passes them all and does on the
    generated inputs what the program does is taken for the same program, and not counted.
    """
    counted, told_apart, by_answers, not_run = 0, 0, 0, 0
    survivors: list[str] = []
    for mutant, matrix in mutants:
        if matrix.outcome in _SAYS_NOTHING:
            continue
        if matrix.refused:
            counted, not_run = counted + 1, not_run + 1
            continue
        noticed = _fails(program, matrix)
        differs = _differs(program, matrix)
        if program.tests and not noticed and program.observed and not differs:
            continue
        counted += 1
        if noticed or (not program.tests and differs):
            told_apart += 1
            by_answers += noticed or _denies(program, matrix, expected, as_text=as_text)
        else:
            survivors.append(f"line {mutant.line}: {mutant.before} became {mutant.after}")
    return TestStrength(
        mutants=counted,
        told_apart=told_apart,
        by_answers=by_answers,
        not_run=not_run,
        survivors=survivors[:MAX_SURVIVORS],
    )


def behaviour_of(program: ExecutionMatrix) -> list[Observation]:
    """What the program did on each of its trials, in the order in which they are run.

    A mutant that does otherwise on one of them is noticed: the others need not run.
    """
    binding = [Observation(outcome=one.outcome) for one in (*program.tests, *program.examples)]
    return [*binding, *program.observed]


def _fails(program: ExecutionMatrix, mutant: ExecutionMatrix) -> bool:
    """Whether it fails a test or an example that the program passes."""
    pairs = zip((*program.tests, *program.examples), (*mutant.tests, *mutant.examples), strict=True)
    return any(
        one.outcome is Outcome.ACCEPTED and other.outcome not in {Outcome.ACCEPTED, Outcome.NOT_RUN}
        for one, other in pairs
    )


def _denies(
    program: ExecutionMatrix,
    mutant: ExecutionMatrix,
    expected: Sequence[str | None],
    *,
    as_text: bool,
) -> bool:
    """Whether it answers otherwise where the program gives the answer that was expected."""
    return any(
        said is not None
        and same_answer(one.answer, said, as_text=as_text)
        and other.outcome is not Outcome.NOT_RUN
        and not same_answer(other.answer, said, as_text=as_text)
        for one, other, said in zip(program.observed, mutant.observed, expected, strict=False)
    )


def _differs(program: ExecutionMatrix, mutant: ExecutionMatrix) -> bool:
    """Whether it does something else on a generated input; both ran there."""
    return any(
        one != other
        for one, other in zip(program.observed, mutant.observed, strict=True)
        if Outcome.NOT_RUN not in {one.outcome, other.outcome}
    )
