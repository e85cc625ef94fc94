"""How an approximate index is searched; kept in its manifest."""

from __future__ import annotations

from pydantic import Field

from calisota.models.base import Frozen


class Search(Frozen):
    """How an approximate index is searched."""

    nprobe: int = Field(default=64, ge=1)
    """Lists looked at, of each query."""
    k_factor: int = Field(default=10, ge=1)
    """Candidates scored again for each hit asked for."""
