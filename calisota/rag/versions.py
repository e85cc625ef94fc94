"""The versions of one corpus's index on disk: written beside, published whole, never changed.

<indexes>/<corpus>/CURRENT              the name of the version that is served
<indexes>/<corpus>/<version>/           manifest.json and the files it lists
<indexes>/<corpus>/.building-<pid>/     a build; the next one removes it if it was killed
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, Field, ValidationError

from calisota.errors import IndexUnusable
from calisota.models.base import Frozen
from calisota.rag.precision import Precision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_VERSION = re.compile(r"^\d{8}T\d{6}Z-[0-9a-f]{12}$")
_MANIFEST = "manifest.json"
_BUILDING = ".building-"
_REMEDY = "run `calisota setup` to build it."


class IndexInputs(Frozen):
    """What an index is made from: equal inputs need no new build."""

    corpus: str
    modules: tuple[str, ...]
    sources_sha256: str
    """Of all source files with their paths."""
    python: str
    chunker_version: str
    model: str
    weights_sha256: str


class Manifest(Frozen):
    """What one index version is, and what its files must hash to."""

    created_at: AwareDatetime
    inputs: IndexInputs
    precision: Precision
    """In which the chunks were embedded; queries are always embedded in float32."""
    dimension: int = Field(ge=1)
    source_files: int = Field(ge=1)
    chunks: int = Field(ge=1)
    files: dict[str, str]
    """Name -> sha256 of every other file of the version."""

    @property
    def version(self) -> str:
        """The version's name: when it was made, and a hash of this manifest."""
        digest = hashlib.sha256(self.model_dump_json().encode()).hexdigest()
        return f"{self.created_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest[:12]}"


class IndexVersions:
    """The versions of one corpus; one writer at a time, any number of readers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def current(self) -> tuple[Path, Manifest]:
        """The folder of the version that is served and its manifest, all checksums verified.

        Raises: IndexUnusable: there is none, or it is damaged; build it.
        """
        try:
            version = (self._folder / "CURRENT").read_text().strip()
        except FileNotFoundError:
            raise IndexUnusable("There is no retrieval index yet.", remedy=_REMEDY) from None
        except UnicodeDecodeError:
            version = ""
        if not _VERSION.match(version):
            raise IndexUnusable(
                "The retrieval index is damaged: CURRENT names no version.", remedy=_REMEDY
            )
        folder = self._folder / version
        return folder, _verified(folder)

    @contextmanager
    def writing(self, progress: Callable[[str], None]) -> Iterator[None]:
        """Holds the one writer lock; it goes with the process, however that ends."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                progress("Another build of this index is running; waiting for it.")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """An empty folder for a build; needs the writer lock, and removes what builds left."""
        for left in self._folder.glob(f"{_BUILDING}*"):
            shutil.rmtree(left)
        folder = self._folder / f"{_BUILDING}{os.getpid()}"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # gone already when it was published

    def publish(self, workspace: Path, manifest: Manifest) -> None:
        """Serve the files in `workspace` from now on; readers of older versions keep theirs.

        Every byte is on disk before the name that leads to it.
        """
        (workspace / _MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")
        for name in [*manifest.files, _MANIFEST]:
            _sync(workspace / name)
        _sync(workspace)
        workspace.rename(self._folder / manifest.version)
        _sync(self._folder)
        alias = self._folder / ".CURRENT"  # of a killed build, it is written over
        alias.write_text(manifest.version + "\n")
        _sync(alias)
        alias.replace(self._folder / "CURRENT")
        _sync(self._folder)


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def file_sha256(path: Path) -> str:
    """The hex sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _verified(folder: Path) -> Manifest:
    try:
        manifest = Manifest.model_validate_json((folder / _MANIFEST).read_bytes())
        damaged = [
            name for name, sha256 in manifest.files.items() if file_sha256(folder / name) != sha256
        ]
    except (FileNotFoundError, ValidationError) as error:
        raise IndexUnusable(
            f"The retrieval index {folder.name} is damaged: {_fault(error)}.", remedy=_REMEDY
        ) from error
    if manifest.version != folder.name:
        damaged.insert(0, _MANIFEST)
    if damaged:
        raise IndexUnusable(
            f"The retrieval index {folder.name} is damaged: {', '.join(damaged)} changed.",
            remedy=_REMEDY,
        )
    return manifest


def _fault(error: FileNotFoundError | ValidationError) -> str:
    if isinstance(error, ValidationError):
        return f"{_MANIFEST} does not parse"
    return f"{os.path.basename(error.filename)} is missing"  # noqa: PTH119  # a plain string


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
