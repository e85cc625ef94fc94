"""Under which models, limits and versions a Solve runs: what its evidence says of it."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

from pydantic import Field

from calisota.llm.chat import ALWAYS_THERE, EMBEDDED_MODEL
from calisota.models import Frozen, Language, Limits, Route

if TYPE_CHECKING:
    from calisota.settings import Settings


class Conditions(Frozen):
    """What of the installation bears on programs and verdict; never a key, never an address."""

    models: dict[Route, str]
    """Route -> the model's name."""
    fallback_model: str | None
    """That answered while an endpoint was down, if one was; None: there is none."""
    mutants: int = Field(ge=0, le=100)
    """Changes of an accepted program that are run."""
    maxima: Limits
    """The most that a Problem may ask for."""
    tmpfs_mb: int
    """Writable space of one container."""
    runtime: str | None
    """OCI runtime of the containers; None: the Engine's default."""
    packages: dict[Language, tuple[str, ...]]
    """Debian packages added to the image of a language."""
    calisota: str
    """Its version."""
    python: str
    """Of the host."""


def conditions_of(settings: Settings) -> Conditions:
    """The conditions under `settings`, here and now."""
    return Conditions(
        models=models_of(settings),
        fallback_model=settings.llm_fallback_model if settings.llm_fallback_base_url else None,
        mutants=settings.mutants,
        maxima=Limits(
            wall_s=settings.sandbox_max_wall_s,
            cpu_s=settings.sandbox_max_cpu_s,
            memory_mb=settings.sandbox_max_memory_mb,
            output_kb=settings.sandbox_max_output_kb,
        ),
        tmpfs_mb=settings.sandbox_tmpfs_mb,
        runtime=settings.sandbox_runtime,
        packages=settings.sandbox_packages,
        calisota=version("calisota"),
        python=platform.python_version(),
    )


def models_of(settings: Settings) -> dict[Route, str]:
    """The name of the model behind each route."""
    if settings.llm_is_embedded:
        return dict.fromkeys(ALWAYS_THERE, EMBEDDED_MODEL)
    named = {
        Route.SLOW: settings.llm_model_slow,
        Route.FAST: settings.llm_model_fast,
        Route.CRITIC: settings.llm_model_critic,
        Route.FRONTIER: settings.llm_model_frontier,
    }
    return {route: name for route, name in named.items() if name}
