"""Memory: Problems that were solved before, each shown to nobody but its owner's Solves."""

from __future__ import annotations

from calisota.memory.memories import Memory, Recalled

__all__ = ["Memory", "Recalled"]
