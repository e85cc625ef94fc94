"""What every plot begins and ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calisota.errors import InputError, PermanentError

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure


def blank(*, width: float = 9, height: float = 3.6) -> Figure:
    """An empty figure; asked for before the work, so that a missing package costs none.

    Raises: PermanentError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  # heavy
    except ImportError as error:
        raise PermanentError(
            f"A plot cannot be drawn: {error}.", remedy="pip install 'calisota[plot]'"
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, path: Path) -> None:
    """Write `figure` to `path`. Raises: InputError: matplotlib cannot write such a file."""
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise InputError(
            f"The plot cannot be written: {error}.", remedy="name a .png, .svg or .pdf to write."
        ) from error
