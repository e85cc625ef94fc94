"""The pure middle of a Solve: what to write next, what to keep, when to stop, what to claim."""

from calisota.engine.briefs import make_briefs
from calisota.engine.budget import BudgetedChat
from calisota.engine.claim import claim_of
from calisota.engine.decide import best_candidate, decide
from calisota.engine.evidence import failures_for_model, held_out, mark_held_out, shown_tests
from calisota.engine.report import SolveRecord, make_report
from calisota.engine.state import repair_of, state_after

__all__ = [
    "BudgetedChat",
    "SolveRecord",
    "best_candidate",
    "claim_of",
    "decide",
    "failures_for_model",
    "held_out",
    "make_briefs",
    "make_report",
    "mark_held_out",
    "repair_of",
    "shown_tests",
    "state_after",
]
