"""Where our data files lie: the checkout's folders, or their copy inside the wheel."""

from __future__ import annotations

from pathlib import Path


def root() -> Path:
    """The folder that holds include/, dags/, plugins/ and airflow.cfg."""
    package = Path(__file__).resolve().parent
    packaged = package / "_data"
    return packaged if packaged.is_dir() else package.parent


def include(*parts: str) -> Path:
    """A file or folder under include/."""
    return root().joinpath("include", *parts)
