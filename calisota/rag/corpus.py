"""The embedded corpus: a slice of the running interpreter's standard library."""

from __future__ import annotations

import sys
import sysconfig
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

from calisota.errors import PermanentError
from calisota.models.base import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_TEST_FOLDERS = frozenset({"test", "tests"})


class SourceFile(Frozen):
    """One file of a corpus; `path` is relative to the corpus and uses `/`."""

    path: str
    text: str


def stdlib_sources(modules: Iterable[str], progress: Callable[[str], None]) -> list[SourceFile]:
    """The source files of `modules`, their submodules included and tests left out, by path.

    A module compiled from C has no source and is reported through `progress`.
    Raises: PermanentError: a name that is no standard library module; correct the setting.
    """
    root = Path(sysconfig.get_path("stdlib"))
    files: dict[str, SourceFile] = {}
    without: list[str] = []
    for module in modules:
        if module.partition(".")[0] not in sys.stdlib_module_names:
            raise PermanentError(
                f"{module!r} is no module of the standard library.",
                remedy="correct CALISOTA_INDEX_MODULES.",
            )
        found = {path.relative_to(root).as_posix(): path for path in _files(root, module)}
        for name, path in found.items():
            with tokenize.open(path) as file:
                files[name] = SourceFile(path=name, text=file.read())
        if not found:
            without.append(module)
    if without:
        progress(f"Not indexed, they have no Python source: {', '.join(without)}.")
    if not files:
        raise PermanentError(
            "None of the modules to index has Python source.",
            remedy="name some in CALISOTA_INDEX_MODULES.",
        )
    return [files[name] for name in sorted(files)]


def _files(root: Path, module: str) -> Iterator[Path]:
    base = root.joinpath(*module.split("."))
    if base.with_suffix(".py").is_file():
        yield base.with_suffix(".py")
    elif (base / "__init__.py").is_file():
        for path in base.rglob("*.py"):
            if not _TEST_FOLDERS.intersection(path.relative_to(root).parts):
                yield path
