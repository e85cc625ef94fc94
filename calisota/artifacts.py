"""The artifact store: typed values by reference, on a folder or any fsspec URL."""

from __future__ import annotations

import hashlib
import os
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError
from upath import UPath

from calisota.errors import ArtifactDamaged, InputError
from calisota.models import ArtifactRef, Frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

M = TypeVar("M", bound=BaseModel)

# What Airflow itself allows in a dag_run_id, less what could leave the folder.
_SOLVE_ID = re.compile(r"^(?!\.)[A-Za-z0-9_.~:+-]{1,250}$")

# What fsspec's file systems call the time of the last write.
_WRITTEN = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")


class Folder(Frozen):
    """All that is stored under one name: a Solve's steps, or a Problem that was too large for one.

    The second kind is named `<solve_id>~<random>`.
    """

    name: str
    size_bytes: int
    written: float | None
    """When its newest file was written, seconds since the epoch; None: the store does not tell."""


def solves_of(folder: str) -> list[str]:
    """The ids of the Solves that a folder may belong to: an id may hold a `~` of its own."""
    return sorted({folder, folder.rpartition("~")[0] or folder})


class ArtifactStore:
    """Values of one Solve under `<base>/solves/<solve_id>/<name>.json`.

    A name is written anew when a step runs again, so a re-run leaves nothing half-done behind.
    Another `kind` than `solves` is a store beside it, which the housekeeping leaves alone.
    """

    def __init__(self, base: str, *, kind: str = "solves") -> None:
        self._base = UPath(base) / kind

    def _path(self, solve_id: str, name: str) -> UPath:
        if not _SOLVE_ID.match(solve_id):
            raise InputError(
                f"{solve_id!r} is no solve id.", remedy="use the id that POST /v1/solves returned."
            )
        return self._base / solve_id / f"{name}.json"

    def put(self, solve_id: str, name: str, value: BaseModel) -> ArtifactRef:
        """Write `value`; on a local folder the write is atomic."""
        data = value.model_dump_json().encode()
        return self._write(self._path(solve_id, name), data)

    def put_file(self, solve_id: str, name: str, data: bytes) -> ArtifactRef:
        """Write a file for people, whose `name` has its ending; it is not among the `names`."""
        return self._write(self._path(solve_id, name).with_name(name), data)

    @staticmethod
    def _write(path: UPath, data: bytes) -> ArtifactRef:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.protocol in {"", "file"}:
            partial = path.with_name(f".{path.name}.{os.getpid()}")
            partial.write_bytes(data)
            os.replace(str(partial), str(path))  # noqa: PTH105  # UPath.rename is not atomic
        else:
            path.write_bytes(data)
        return ArtifactRef(
            uri=str(path), sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data)
        )

    def get(self, ref: ArtifactRef, kind: type[M]) -> M:
        """Read what `ref` points at.

        Raises: ArtifactDamaged: absent, or changed since it was referred to; run the step again.
        """
        data = self._read(UPath(ref.uri))
        if hashlib.sha256(data).hexdigest() != ref.sha256:
            raise ArtifactDamaged(
                f"The artifact {ref.uri} is not what was written.",
                remedy="clear the step that wrote it, so that it runs again.",
            )
        return kind.model_validate_json(data)

    def find(self, solve_id: str, name: str, kind: type[M]) -> M | None:
        """The value under this name, or None when it was never written.

        Raises: ArtifactDamaged: it does not parse.
        """
        path = self._path(solve_id, name)
        try:
            return kind.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise ArtifactDamaged(
                f"The artifact {path} does not parse: {error.error_count()} faults.",
                remedy="clear the step that wrote it.",
            ) from error

    def names(self, solve_id: str) -> Iterator[str]:
        """The names written so far for this Solve, sorted; none when it is unknown."""
        folder = self._path(solve_id, "_").parent
        if folder.exists():
            yield from sorted(path.stem for path in folder.rglob("*.json"))

    def below(self, solve_id: str, group: str) -> list[str]:
        """The names `<group>/<one>` there are now, sorted; other processes write them, too."""
        folder = self._path(solve_id, f"{group}/_").parent
        folder.fs.invalidate_cache(folder.path)
        try:
            found = sorted(path.stem for path in folder.iterdir() if path.suffix == ".json")
        except (FileNotFoundError, NotADirectoryError):  # the latter where folders are but names
            return []
        return [f"{group}/{one}" for one in found]

    def remove(self, solve_id: str, name: str) -> None:
        """Forget the value under this name; nothing happens when there is none."""
        self._path(solve_id, name).unlink(missing_ok=True)

    def folders(self) -> Iterator[Folder]:
        """Every folder that could be ours, in no order; links and other things are passed over."""
        if not self._base.exists():
            return
        for path in self._base.iterdir():
            if _SOLVE_ID.match(path.name) and path.is_dir() and not path.is_symlink():
                files = path.fs.find(path.path, detail=True).values()
                times = [_written(file) for file in files] or [_written(path.fs.info(path.path))]
                known = [time for time in times if time is not None]
                yield Folder(
                    name=path.name,
                    size_bytes=sum(file.get("size") or 0 for file in files),
                    written=max(known) if len(known) == len(times) else None,
                )

    def delete(self, solve_id: str) -> None:
        """Forget this Solve; nothing happens when it is unknown."""
        folder = self._path(solve_id, "_").parent
        if folder.exists():
            folder.fs.rm(folder.path, recursive=True)

    @staticmethod
    def _read(path: UPath) -> bytes:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise ArtifactDamaged(
                f"The artifact {path} is gone.", remedy="clear the step that wrote it."
            ) from None


def _written(info: dict[str, Any]) -> float | None:
    """The time of the last write in what fsspec says of a file."""
    found = next((info[key] for key in _WRITTEN if info.get(key) is not None), None)
    if isinstance(found, datetime):
        return found.timestamp()
    return float(found) if isinstance(found, int | float) else None
