"""The artifact store: typed values by reference, on a folder or any fsspec URL."""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError
from upath import UPath

from calisota.errors import ArtifactDamaged, InputError
from calisota.models import ArtifactRef

if TYPE_CHECKING:
    from collections.abc import Iterator

M = TypeVar("M", bound=BaseModel)

# What Airflow itself allows in a dag_run_id, less what could leave the folder.
_SOLVE_ID = re.compile(r"^(?!\.)[A-Za-z0-9_.~:+-]{1,250}$")


class ArtifactStore:
    """Values of one Solve under `<base>/solves/<solve_id>/<name>.json`.

    A name is written anew when a step runs again, so a re-run leaves nothing half-done behind.
    """

    def __init__(self, base: str) -> None:
        self._base = UPath(base)

    def _path(self, solve_id: str, name: str) -> UPath:
        if not _SOLVE_ID.match(solve_id):
            raise InputError(
                f"{solve_id!r} is no solve id.", remedy="use the id that POST /v1/solves returned."
            )
        return self._base / "solves" / solve_id / f"{name}.json"

    def put(self, solve_id: str, name: str, value: BaseModel) -> ArtifactRef:
        """Write `value`; on a local folder the write is atomic."""
        data = value.model_dump_json().encode()
        path = self._path(solve_id, name)
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
        if not path.exists():
            return None
        try:
            return kind.model_validate_json(path.read_bytes())
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
