"""When agreement means something: programs that behave alike, written by different briefs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.engine.behaviour import telling
from calisota.engine.quoted import Dispute, dispute

if TYPE_CHECKING:
    from calisota.engine.standing import Standing
    from calisota.models import Tried

CONSENSUS_FIRST = 1.0
CONSENSUS_LATER = 5 / 6
"""Share of the largest cluster, after the first round and later."""
CONSENSUS_MEMBERS = 3
CONSENSUS_FAMILIES = 2
CONSENSUS_INPUTS = 8
CONSENSUS_TELLING = 3
"""The five were set beforehand; docs/evaluation.md holds them against programs with faults."""


def alike(s: Standing) -> list[Tried]:
    """The members of a cluster that is large and varied enough, whatever the planner says."""
    if s.tested or not s.clusters:
        return []
    top = s.clusters[0]
    one = s.by_id[top.members[0]]
    least = CONSENSUS_FIRST if s.state.round == 1 else CONSENSUS_LATER
    enough = (
        top.share >= least - 1e-9  # of sums of halves
        and len(top.members) >= CONSENSUS_MEMBERS
        and top.families >= CONSENSUS_FAMILIES
        and one.matrix.ran() >= CONSENSUS_INPUTS
        and telling(one) >= CONSENSUS_TELLING
    )
    return [s.by_id[name] for name in top.members] if enough else []


def agreed(s: Standing) -> list[Tried]:
    """Those of `alike` that nothing the planner quoted speaks against."""
    found = alike(s)
    return found if found and dispute(s, found[0]) is Dispute.NONE else []
