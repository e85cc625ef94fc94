"""Where documents come from: one reader per kind of source, each gives names and bytes."""

from __future__ import annotations

import errno
import importlib.metadata
import json
import os
import stat
import subprocess
import sys
import sysconfig
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from pathspec import GitIgnoreSpec

from calisota.errors import PermanentError
from calisota.rag.corpora.config import Corpus, Distribution, Folder, Git, Jsonl, Stdlib

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Progress = Callable[[str], None]

_TEST_FOLDERS = frozenset({"test", "tests"})
_GIT_WAIT_S = 300
_JSONL_FIELDS = frozenset({"id", "text", "language", "label", "date"})
_SYMLINK, _SUBMODULE = "120000", "160000"


class Found(NamedTuple):
    """A document that was not judged yet."""

    path: str
    read: Callable[[], bytes]
    size: int
    language: str | None = None
    label: str | None = None


def find(corpus: Corpus, progress: Progress, as_of: datetime | None) -> Iterator[Found]:
    """Every document of the source as it was at `as_of`, where it keeps its history.

    Raises: PermanentError: the source is not there, or not what it should be.
    """
    if isinstance(corpus, Stdlib):
        return _stdlib(corpus, progress)
    if isinstance(corpus, Folder):
        return _folder(corpus.path)
    if isinstance(corpus, Git):
        return _git(corpus, as_of)
    if isinstance(corpus, Distribution):
        return _distribution(corpus)
    return _jsonl(corpus, as_of)


def _stdlib(corpus: Stdlib, progress: Progress) -> Iterator[Found]:
    root = Path(sysconfig.get_path("stdlib"))
    without = []
    for module in corpus.modules:
        if module.partition(".")[0] not in sys.stdlib_module_names:
            raise PermanentError(
                f"{module!r} is no module of the standard library.",
                remedy="correct CALISOTA_INDEX_MODULES, or the corpora file.",
            )
        base = root.joinpath(*module.split("."))
        if base.with_suffix(".py").is_file():
            yield _file(base.with_suffix(".py"), root)
        elif (base / "__init__.py").is_file():
            for path in base.rglob("*.py"):
                if not _TEST_FOLDERS.intersection(path.relative_to(root).parts):
                    yield _file(path, root)
        else:
            without.append(module)
    if without:
        progress(f"Not indexed, they have no Python source: {', '.join(without)}.")


def _file(path: Path, root: Path) -> Found:
    return Found(path.relative_to(root).as_posix(), path.read_bytes, path.stat().st_size)


def _folder(root: Path) -> Iterator[Found]:
    if not root.is_dir():
        _gone(root, "folder")
    yield from _walk(root, root, [])
    if not root.is_dir():
        _gone(root, "folder")


def _walk(folder: Path, root: Path, ignored: list[tuple[Path, GitIgnoreSpec]]) -> Iterator[Found]:
    """Regular files below `folder`; links are not followed, so nothing outside is read."""
    rules = folder / ".gitignore"
    if rules.is_file() and not rules.is_symlink():
        lines = rules.read_text(errors="replace").splitlines()
        ignored = [*ignored, (folder, GitIgnoreSpec.from_lines(lines))]
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        path = Path(entry.path)
        if entry.name == ".git" or _ignored(
            path, ignored, folder=entry.is_dir(follow_symlinks=False)
        ):
            continue
        try:
            info = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue  # it went while we looked
        if stat.S_ISDIR(info.st_mode):
            yield from _walk(path, root, ignored)
        elif stat.S_ISREG(info.st_mode):
            yield Found(path.relative_to(root).as_posix(), path.read_bytes, info.st_size)


def _ignored(path: Path, rules: Iterable[tuple[Path, GitIgnoreSpec]], *, folder: bool) -> bool:
    end = "/" if folder else ""
    verdict = False
    for base, spec in rules:  # a rule of a deeper folder wins
        told = spec.check_file(path.relative_to(base).as_posix() + end).include
        verdict = verdict if told is None else told
    return verdict


def _git(corpus: Git, as_of: datetime | None) -> Iterator[Found]:
    if not corpus.path.is_dir():
        _gone(corpus.path, "repository")
    revision = corpus.revision
    if as_of is not None:
        before = f"--before={as_of.isoformat()}"
        revision = _ask(corpus, "rev-list", "-1", before, revision, "--").decode().strip()
        if not revision:
            raise PermanentError(
                f"{corpus.path} has no commit of {corpus.revision} before {as_of:%Y-%m-%d %H:%M}.",
                remedy="backfill later days, or name another revision in the corpora file.",
            )
    commit = _ask(corpus, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    listed = _ask(corpus, "ls-tree", "-r", "-z", "--long", "--full-tree", commit.decode().strip())
    with _blobs(corpus) as read:
        for line in listed.split(b"\0")[:-1]:
            about, _, name = line.partition(b"\t")
            mode, _, blob, size = about.decode().split()
            if mode not in {_SYMLINK, _SUBMODULE}:
                yield Found(name.decode("utf-8", "replace"), partial(read, blob), int(size))


@contextmanager
def _blobs(corpus: Git) -> Iterator[Callable[[str], bytes]]:
    """Reads blobs by one process of git's, however many there are."""
    with subprocess.Popen(  # noqa: S603  # no shell; what is passed cannot be an option
        [*_command(corpus), "cat-file", "--batch"],
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as git:
        assert git.stdin is not None  # noqa: S101  # both are pipes
        assert git.stdout is not None  # noqa: S101
        asked, answers = git.stdin, git.stdout

        def read(blob: str) -> bytes:
            asked.write(f"{blob}\n".encode())
            asked.flush()
            head = answers.readline().split()
            if len(head) != 3:  # noqa: PLR2004  # name, type, size; or that it is missing
                raise OSError(errno.EIO, f"git does not give {blob}")
            return answers.read(int(head[2]) + 1)[:-1]

        try:
            yield read
        finally:
            git.kill()


def _ask(corpus: Git, *arguments: str) -> bytes:
    """What git says; it runs no hook, no filter and no pager, and reads no other configuration."""
    command = [*_command(corpus), *arguments]
    try:
        done = subprocess.run(  # noqa: S603  # no shell; what is passed cannot be an option
            command, env=_environment(), capture_output=True, check=False, timeout=_GIT_WAIT_S
        )
    except FileNotFoundError:
        raise PermanentError(
            "The program `git` is not installed.", remedy="install it to index repositories."
        ) from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()[:300]
        raise PermanentError(
            f"git cannot read {corpus.path} at {corpus.revision}: {said}.",
            remedy="correct path and revision in the corpora file.",
        )
    return done.stdout


def _command(corpus: Git) -> list[str]:
    options = ("core.fsmonitor=false", "safe.directory=*")
    return ["git", "-C", str(corpus.path), *(part for one in options for part in ("-c", one))]


def _environment() -> dict[str, str]:
    """No configuration but the repository's own, and no way to fetch what a partial clone lacks."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def _distribution(corpus: Distribution) -> Iterator[Found]:
    try:
        found = importlib.metadata.distribution(corpus.name)
    except importlib.metadata.PackageNotFoundError:
        raise PermanentError(
            f"The distribution {corpus.name} is not installed.",
            remedy="install it, or correct its name.",
        ) from None
    for file in sorted(found.files or (), key=str):
        path = Path(str(found.locate_file(file)))
        if ".." not in file.parts and path.is_file() and not path.is_symlink():
            yield Found(file.as_posix(), path.read_bytes, path.stat().st_size)


def _jsonl(corpus: Jsonl, as_of: datetime | None) -> Iterator[Found]:
    if not corpus.path.is_file():
        _gone(corpus.path, "file")
    with corpus.path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                one = json.loads(line)
                unknown = sorted(one.keys() - _JSONL_FIELDS)
                name, text = one["id"], one["text"].encode("utf-8", "surrogatepass")
                day = date.fromisoformat(one["date"][:10]) if one.get("date") else None
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise PermanentError(
                    f"{corpus.path}, line {number} is no document: {error!r}.",
                    remedy='write {"id": …, "text": …} in each line; `date` is YYYY-MM-DD.',
                ) from None
            if unknown:  # a misspelt label would publish
                raise PermanentError(
                    f"{corpus.path}, line {number} has unknown fields: {', '.join(unknown)}.",
                    remedy=f"a line may have {', '.join(sorted(_JSONL_FIELDS))}.",
                )
            if as_of is None or day is None or datetime.combine(day, time(), UTC) < as_of:
                yield Found(
                    str(name),
                    lambda text=text: text,  # type: ignore[misc]
                    len(text),
                    one.get("language"),
                    one.get("label"),
                )


def _gone(path: Path, what: str) -> NoReturn:
    raise PermanentError(
        f"There is no {what} {path}.", remedy="put it back, or correct the corpora file."
    )
