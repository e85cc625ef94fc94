"""The versions of one corpus's index on disk: written beside, published whole, never changed.

<indexes>/<corpus>/CURRENT              the name of the version that is served
<indexes>/<corpus>/served.jsonl         what was served, and why, line by line
<indexes>/<corpus>/<version>/           manifest.json and the files it lists
<indexes>/<corpus>/.building-<key>/     a build; one that was killed goes on there
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime, Field, ValidationError

from calisota.errors import IndexUnusable
from calisota.models.base import Frozen
from calisota.rag.precision import Precision
from calisota.rag.search_way import Search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_VERSION = re.compile(r"^\d{8}T\d{6}Z-[0-9a-f]{12}$")
_MANIFEST = "manifest.json"
_BUILDING = ".building-"
_CURRENT = "CURRENT"
_SERVED = "served.jsonl"
_REMEDY = "run `calisota index build` to build it."
_LEFT_AFTER_S = 48 * 3600
"""When the workspace of a build that nobody goes on with is removed."""


class IndexInputs(Frozen):
    """What an index is made from: equal inputs make equal files."""

    corpus: str
    partition: str | None = None
    """The day or interval that this is the corpus of; None: as it was at the build."""
    documents_sha256: str
    """Of all documents: path, label, language, text."""
    chunker_version: str
    model: str
    weights_sha256: str
    precision: Precision
    """In which the chunks were embedded; queries are always embedded in float32."""


class GateFigures(Frozen):
    """What was measured of a version before it could serve."""

    recall: float = Field(ge=0, le=1)
    """Of the true 10 nearest of each of `queries` queries, by comparing all."""
    known_items: float = Field(ge=0, le=1)
    """Share of the queries whose own chunk is among the first 10 hits."""
    queries: int = Field(ge=0)


class Manifest(Frozen):
    """What one index version is, and what its files must hash to."""

    created_at: AwareDatetime
    as_of: AwareDatetime
    """Whose corpus this is: the end of the partition, or the moment of the build."""
    inputs: IndexInputs
    dimension: int = Field(ge=1)
    metric: Literal["inner_product"] = "inner_product"
    max_tokens: int = Field(ge=1)
    """Of a query; the encoder does not see the rest."""
    factory: str | None
    """FAISS's, of the approximate index; None: all vectors are compared."""
    search: Search
    documents: int = Field(ge=1)
    chunks: int = Field(ge=1)
    skipped: dict[str, int] = Field(default={})
    """Documents that were left out, by reason."""
    gate: GateFigures
    files: dict[str, str]
    """Name -> sha256 of every other file of the version."""

    @property
    def version(self) -> str:
        """The version's name: when it was made, and a hash of this manifest."""
        digest = hashlib.sha256(self.model_dump_json().encode()).hexdigest()
        return f"{self.created_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest[:12]}"


class Serving(Frozen):
    """One change of what is served."""

    at: AwareDatetime
    version: str
    why: str


class IndexVersions:
    """The versions of one corpus; one writer at a time, any number of readers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def alias(self) -> Path:
        """The file that names the version that is served; replaced whole, never written into."""
        return self._folder / _CURRENT

    def current(self) -> tuple[Path, Manifest]:
        """The folder of the version that is served and its manifest, all checksums verified.

        Raises: IndexUnusable: there is none, or it is damaged; build it.
        """
        return self.verified(self.serving())

    def serving(self) -> str:
        """The name of the version that is served. Raises: IndexUnusable."""
        try:
            version = self.alias.read_text().strip()
        except FileNotFoundError:
            raise IndexUnusable("There is no retrieval index yet.", remedy=_REMEDY) from None
        except UnicodeDecodeError:
            version = ""
        if not _VERSION.match(version):
            raise IndexUnusable(
                "The retrieval index is damaged: CURRENT names no version.", remedy=_REMEDY
            )
        return version

    def alias_text(self) -> str | None:
        """What the alias says, whatever that leads to; None: nothing was ever served."""
        try:
            return self.alias.read_text(errors="replace").strip() or None
        except FileNotFoundError:
            return None

    def usable(self) -> tuple[Path, Manifest]:
        """As `current`; where that is damaged, the newest version before it that is whole.

        Raises: IndexUnusable: there is none.
        """
        try:
            return self.current()
        except IndexUnusable as unusable:
            for version in self._served_before():
                with suppress(IndexUnusable):
                    return self.verified(version)
            raise unusable from None

    def verified(self, version: str) -> tuple[Path, Manifest]:
        """The folder and the manifest of a version, all checksums verified.

        Raises: IndexUnusable: there is no such version, or it is damaged.
        """
        folder = self._folder / version
        if not _VERSION.match(version) or not folder.is_dir():
            raise IndexUnusable(
                f"There is no index version {version!r}.", remedy="see `calisota index list`."
            )
        return folder, _verified(folder)

    def manifests(self) -> list[Manifest]:
        """Of every version whose manifest can be read, oldest first; files are not verified."""
        found = []
        for name in self.names():
            with suppress(OSError, ValidationError):
                data = (self._folder / name / _MANIFEST).read_bytes()
                manifest = Manifest.model_validate_json(data)
                if manifest.version == name:
                    found.append(manifest)
        return found

    def names(self) -> list[str]:
        """Of every version, whole or damaged, oldest first."""
        return sorted(
            folder.name for folder in self._folder.glob("*") if _VERSION.match(folder.name)
        )

    def made_from(self, inputs: IndexInputs) -> Manifest | None:
        """The newest version with these inputs."""
        return next((one for one in reversed(self.manifests()) if one.inputs == inputs), None)

    def history(self) -> list[Serving]:
        """What was served, oldest first."""
        try:
            lines = (self._folder / _SERVED).read_text().splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            with suppress(ValidationError):  # the last line of a process that was killed
                found.append(Serving.model_validate_json(line))
        return found

    def serve(self, version: str, *, why: str) -> None:
        """Serve `version` from now on; needs the writer lock.

        Raises: IndexUnusable: there is no such version, or it is damaged.
        """
        self.verified(version)
        with (self._folder / _SERVED).open("a") as log:
            # The line that a killed process tore is ended first.
            log.write("\n" + Serving(at=now(), version=version, why=why).model_dump_json() + "\n")
            log.flush()
            os.fsync(log.fileno())
        alias = self._folder / f".{_CURRENT}"  # of a killed process, it is written over
        alias.write_text(version + "\n")
        _sync(alias)
        alias.replace(self.alias)
        _sync(self._folder)

    def roll_back(self) -> str:
        """The version served before the present one, which serves again; needs the writer lock.

        Raises: IndexUnusable: there is none that is whole.
        """
        present = self.alias_text()
        for version in self._served_before():
            if version != present:
                with suppress(IndexUnusable):
                    self.serve(version, why=f"rollback from {present}")
                    return version
        raise IndexUnusable(
            "No version was served before that is still whole.",
            remedy="`calisota index list` shows what there is; `promote` serves any of it.",
        )

    def remove_old(self, *, keep: int, partitions: int) -> list[str]:
        """The versions that were removed; needs the writer lock.

        Kept are what serves, what served before it, the newest of each of the latest `partitions`,
        and the newest `keep` without one. Who has a removed version open keeps reading it.
        """
        manifests = self.manifests()
        newest = {one.inputs.partition: one for one in manifests if one.inputs.partition}
        days = sorted(newest.values(), key=lambda one: one.as_of)[-partitions:]
        rest = [one for one in manifests if not one.inputs.partition][-keep:]
        kept = {one.version for one in (*days, *rest)} | set(self._served_before()[:1])
        with suppress(IndexUnusable):
            kept.add(self.serving())
        removed = [name for name in self.names() if name not in kept]
        for version in removed:
            # Its name goes first, so that nobody opens half a version.
            doomed = self._folder / f"{_BUILDING}removed-{version}"
            (self._folder / version).rename(doomed)
            shutil.rmtree(doomed)
        for left in self._folder.glob(f"{_BUILDING}*"):
            with suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > _LEFT_AFTER_S:
                    shutil.rmtree(left, ignore_errors=True)
        return removed

    def _served_before(self) -> list[str]:
        """What was served before the present version and is still there, latest first."""
        try:
            present = self.serving()
        except IndexUnusable:
            present = ""
        names = [one.version for one in reversed(self.history()) if one.version != present]
        return [name for name in dict.fromkeys(names) if (self._folder / name).is_dir()]

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

    def workspace(self, key: str, *, empty: bool = False) -> Path:
        """The folder of one build, by a name that a second try of the same build has too."""
        folder = self._folder / f"{_BUILDING}{key}"
        if empty and folder.is_dir():
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def own_key(self) -> str:
        """The key of a build that lives and dies with this process; removes those of dead ones."""
        host = f"here-{platform.node()}-"
        for left in self._folder.glob(f"{_BUILDING}{host}*"):
            if not Path(f"/proc/{left.name.rpartition('-')[2].partition('.')[0]}").exists():
                shutil.rmtree(left, ignore_errors=True)
        return f"{host}{os.getpid()}.{time.monotonic_ns()}"

    def publish(self, workspace: Path, manifest: Manifest) -> None:
        """Make the files in `workspace` a version; needs the writer lock. It serves nobody yet.

        Every byte is on disk before the name that leads to it. What the manifest does not list is
        left out.
        """
        (workspace / _MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")
        for path in workspace.iterdir():
            if path.name not in {*manifest.files, _MANIFEST}:
                path.unlink()
        for name in [*manifest.files, _MANIFEST]:
            _sync(workspace / name)
        _sync(workspace)
        workspace.rename(self._folder / manifest.version)
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
