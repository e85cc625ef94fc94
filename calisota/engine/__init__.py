"""The pure middle of a Solve: what to write next, what to keep, when to stop, what to claim."""

from calisota.engine.block_trace import read_trace, traced_program
from calisota.engine.briefs import make_briefs
from calisota.engine.claim import claim_of
from calisota.engine.decide import decide, rivals
from calisota.engine.evidence import (
    failures_for_model,
    held_out,
    mark_held_out,
    shown_tests,
    smallest_failure,
)
from calisota.engine.mutants import Mutant, mutants_of
from calisota.engine.objections import with_objections
from calisota.engine.quoted import same_answer
from calisota.engine.report import SolveRecord, make_report
from calisota.engine.standing import Standing
from calisota.engine.state import failing, repair_of, state_after
from calisota.engine.strength import behaviour_of, strength_of
from calisota.engine.trials import sorted_out, trials_for, with_trials

__all__ = [
    "Mutant",
    "SolveRecord",
    "Standing",
    "behaviour_of",
    "claim_of",
    "decide",
    "failing",
    "failures_for_model",
    "held_out",
    "make_briefs",
    "make_report",
    "mark_held_out",
    "mutants_of",
    "read_trace",
    "repair_of",
    "rivals",
    "same_answer",
    "shown_tests",
    "smallest_failure",
    "sorted_out",
    "state_after",
    "strength_of",
    "traced_program",
    "trials_for",
    "with_objections",
    "with_trials",
]
