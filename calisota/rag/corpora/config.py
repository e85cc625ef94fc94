"""The corpora file: a name and a typed source for each corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from calisota.errors import InputError
from calisota.models import readable_faults
from calisota.models.base import Frozen
from calisota.rag.documents import PUBLIC
from calisota.settings import CorpusName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from calisota.settings import Settings

Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@/-]{0,99}$")]


class LabelRule(Frozen):
    """The label of some documents."""

    glob: str
    """As in a .gitignore file."""
    label: Label


class _Source(Frozen):
    include: tuple[str, ...] = ()
    """Globs as in a .gitignore file; empty: all."""
    exclude: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    """Empty: every language that is known."""
    max_file_kb: int = Field(default=512, ge=1, le=16_384)
    licences: tuple[str, ...] = ()
    """SPDX identifiers; a document that names another one is left out, one that names none stays.
    Empty: all."""
    label: Label = PUBLIC
    labels: tuple[LabelRule, ...] = ()
    """The last rule that fits a document wins over `label`."""


class Stdlib(_Source):
    """Modules of the running interpreter's standard library, tests left out."""

    kind: Literal["stdlib"]
    modules: tuple[str, ...] = ()
    """Empty: those of CALISOTA_INDEX_MODULES."""


class Folder(_Source):
    """A folder of this machine; what its .gitignore files name is left out."""

    kind: Literal["folder"]
    path: Path


class Git(_Source):
    """A git repository of this machine at a revision, without a checkout."""

    kind: Literal["git"]
    path: Path
    revision: str = Field(default="HEAD", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./@{}^~+-]{0,199}$")


class Distribution(_Source):
    """An installed Python distribution."""

    kind: Literal["distribution"]
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")


class Jsonl(_Source):
    """A file with one JSON object a line: id, text, and if need be language, label and date."""

    kind: Literal["jsonl"]
    path: Path


Corpus = Stdlib | Folder | Git | Distribution | Jsonl
_FILE = TypeAdapter(dict[CorpusName, Annotated[Corpus, Field(discriminator="kind")]])


def load_corpora(settings: Settings) -> Mapping[str, Corpus]:
    """The corpora there are, by name; without a file, `stdlib` alone.

    Raises: InputError: the file cannot be read, or a field in it is wrong; it is named.
    """
    path = settings.corpora
    if path is None:
        return {"stdlib": Stdlib(kind="stdlib", modules=settings.index_modules)}
    try:
        data = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(
            f"The corpora file {path} cannot be read: {error}.",
            remedy="correct it, or unset CALISOTA_CORPORA.",
        ) from None
    try:
        found = _FILE.validate_python(data)
    except ValidationError as error:
        faults = "; ".join(str(fault) for fault in readable_faults(error))
        raise InputError(
            f"The corpora file {path} is wrong: {faults}.", remedy="correct the fields named."
        ) from None
    return {name: _completed(corpus, path, settings) for name, corpus in found.items()}


def _completed(corpus: Corpus, file: Path, settings: Settings) -> Corpus:
    """With what the file leaves to the settings, and paths from where the file lies."""
    if isinstance(corpus, Stdlib):
        return corpus.model_copy(update={"modules": corpus.modules or settings.index_modules})
    if isinstance(corpus, Distribution):
        return corpus
    return corpus.model_copy(update={"path": file.parent / corpus.path.expanduser()})
