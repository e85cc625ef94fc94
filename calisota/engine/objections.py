"""What the critic expects to fail: run, and named where it does. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.agents.prompts import asked_text
from calisota.engine.inputs import sendable
from calisota.models import Outcome

if TYPE_CHECKING:
    from calisota.engine.report import SolveRecord
    from calisota.models import ExecutionMatrix, Probe, Trials

MAX_OBJECTIONS = 4
_FAILS = {Outcome.RUNTIME_ERROR, Outcome.TIME_LIMIT, Outcome.MEMORY_LIMIT, Outcome.OUTPUT_LIMIT}


def objections_to(record: SolveRecord, candidate_id: str) -> list[Probe]:
    """The critic's inputs that can be sent, those against this candidate first.

    Those against another one count as well: what is handed out may be a program that does the same
    and that no critic saw.
    """
    critiques = [result.critique for _, result in record.rounds if result.critique]
    critiques.sort(key=lambda critique: critique.candidate_id != candidate_id)
    found = [probe for critique in critiques for probe in critique.objections]
    calls = [probe.call for probe in record.trials.inputs if probe.call is not None]
    return [p for p in found if sendable(record.problem, p, calls)][:MAX_OBJECTIONS]


def with_objections(record: SolveRecord, candidate_id: str) -> Trials:
    """The trials with the critic's inputs at their end."""
    trials = record.trials
    return trials.model_copy(
        update={"inputs": [*trials.inputs, *objections_to(record, candidate_id)]}
    )


def upheld(record: SolveRecord, second: ExecutionMatrix) -> list[str]:
    """The objections that came true in the second run, in words."""
    probes = objections_to(record, second.candidate_id)
    results = second.observed[len(record.trials.inputs) :]
    return [
        f"The critic was right: it fails for {asked_text(record.problem, probe)} "
        f"({result.outcome})."
        for probe, result in zip(probes, results, strict=False)
        if result.outcome in _FAILS
    ]
