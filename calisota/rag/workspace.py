"""What the steps of a build leave for each other: any of them can be killed and repeated."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from pydantic import AwareDatetime, BaseModel, Field

from calisota.errors import PermanentError, TransientError
from calisota.models.base import Frozen
from calisota.rag.encoders import EncoderModel
from calisota.rag.search_way import Search
from calisota.rag.versions import GateFigures, IndexInputs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

M = TypeVar("M", bound=BaseModel)


class Order(Frozen):
    """What one build makes; written once, when its documents are known."""

    inputs: IndexInputs
    as_of: AwareDatetime
    """Whose corpus this is: the end of the partition, or the moment of the build."""
    encoder: EncoderModel
    documents: int = Field(ge=1)
    shards: int = Field(ge=0)
    """Lists of documents to embed; 0: a version of the same content lends its files."""
    same_as: str | None = None
    skipped: dict[str, int] = Field(default={})


class ShardDone(Frozen):
    """What came of one list of documents."""

    documents: int
    chunks: int
    embedded: int
    """Chunks that no build had embedded before."""


class Assembled(Frozen):
    """The whole index, measured, before anyone may search it."""

    chunks: int = Field(ge=1)
    factory: str | None
    search: Search
    gate: GateFigures
    files: tuple[str, ...]


class Workspace:
    """The folder of one build."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Of a file in it."""
        return self.folder / name

    def documents(self, shard: int) -> Path:
        """One Document a line."""
        return self.folder / f"shard-{shard:03}.documents.jsonl"

    def chunks(self, shard: int) -> Path:
        """One Chunk a line."""
        return self.folder / f"shard-{shard:03}.chunks.jsonl"

    def vectors(self, shard: int) -> Path:
        """(chunks, d) float16."""
        return self.folder / f"shard-{shard:03}.f16"

    def done(self, shard: int) -> str:
        """The name of what tells that a shard is embedded."""
        return f"shard-{shard:03}.json"

    def put(self, name: str, value: BaseModel) -> None:
        """Keep `value`; it is there whole, or not at all."""
        with self.writing(name) as path:
            path.write_text(value.model_dump_json())

    def find(self, name: str, kind: type[M]) -> M | None:
        """What `put` kept, or None."""
        try:
            return kind.model_validate_json(self.path(name).read_bytes())
        except FileNotFoundError:
            return None

    def get(self, name: str, kind: type[M]) -> M:
        """What `put` kept.

        Raises: TransientError: a step before has not ended, or the build was tidied away.
        """
        found = self.find(name, kind)
        if found is None:
            raise TransientError(
                f"The build {self.folder.name} lacks {name}: an earlier step did not end.",
                remedy="clear the run's `discover` task, or start the build again.",
            )
        return found

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A path to write to; what lies there becomes `name` when the block ends well."""
        scratch = self.folder / f"{name}.{os.getpid()}.part"
        try:
            yield scratch
            scratch.replace(self.path(name))
        finally:
            scratch.unlink(missing_ok=True)


def write_lines(path: Path, values: Iterable[BaseModel]) -> int:
    """How many lines of JSON were written."""
    count = 0
    with path.open("w") as out:
        for value in values:
            out.write(value.model_dump_json())
            out.write("\n")
            count += 1
    return count


def read_lines(path: Path, kind: type[M]) -> Iterator[M]:
    """What `write_lines` wrote."""
    with path.open() as lines:
        for line in lines:
            yield kind.model_validate_json(line)


@contextmanager
def disk_faults(folder: Path) -> Iterator[None]:
    """Says what a full disk means. Raises: PermanentError."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise PermanentError(
            f"The disk of {folder} is full; the version that serves is untouched.",
            remedy="free some space, or run `calisota index gc`, and start the build again.",
        ) from error
