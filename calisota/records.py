"""What a Solve stored so far, read back from its artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from calisota import engine
from calisota.errors import ArtifactDamaged
from calisota.models import Admitted, CandidateSet, HitSet, Planned, RoundResult

if TYPE_CHECKING:
    from calisota.artifacts import ArtifactStore
    from calisota.engine import SolveRecord

M = TypeVar("M", bound=BaseModel)


def read_record(
    store: ArtifactStore, solve_id: str, *, before_round: int | None = None
) -> SolveRecord:
    """What was stored so far, following the decisions from the first round on.

    Raises: ArtifactDamaged: the first steps stored nothing.
    """
    rounds = []
    problem = load(store, solve_id, "problem", Admitted).problem
    last = before_round if before_round is not None else problem.options.rounds + 1
    for number in range(1, last):
        drawn = store.find(solve_id, f"round_{number}/candidates", CandidateSet)
        result = store.find(solve_id, f"round_{number}/result", RoundResult)
        if drawn is None or result is None:
            break
        rounds.append((drawn, result))
        if result.decision.verdict is not None:
            break
    return engine.SolveRecord(
        problem=problem,
        hits=load(store, solve_id, "hits", HitSet),
        planned=store.find(solve_id, "plan", Planned),
        rounds=rounds,
    )


def load(store: ArtifactStore, solve_id: str, name: str, kind: type[M]) -> M:
    """What a step stored under `name`. Raises: ArtifactDamaged: it did not; clear the Dag run."""
    value = store.find(solve_id, name, kind)
    if value is None:
        raise ArtifactDamaged(
            f"Solve {solve_id} has no {name}.", remedy="clear the Dag run from `retrieve` on."
        )
    return value
