"""The operator's maxima of what one process may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.errors import InputError
from calisota.models import Limits

if TYPE_CHECKING:
    from calisota.settings import Settings


def within_maxima(limits: Limits, settings: Settings) -> Limits:
    """`limits`, where one that the client did not name is lowered to the operator's maximum.

    Raises: InputError: a limit it named is beyond; each is in the message with its maximum.
    """
    most = {
        "wall_s": settings.sandbox_max_wall_s,
        "cpu_s": settings.sandbox_max_cpu_s,
        "memory_mb": settings.sandbox_max_memory_mb,
        "output_kb": settings.sandbox_max_output_kb,
    }
    beyond = {name: top for name, top in most.items() if getattr(limits, name) > top}
    named = {name: top for name, top in beyond.items() if name in limits.model_fields_set}
    if named:
        faults = "; ".join(
            f"limits.{name}: {getattr(limits, name):g} is more than the {top:g} allowed here"
            for name, top in named.items()
        )
        raise InputError(
            f"{faults}.", remedy="ask for less, or let the operator raise CALISOTA_SANDBOX_MAX_*."
        )
    return Limits.model_validate({**limits.model_dump(), **beyond}) if beyond else limits
