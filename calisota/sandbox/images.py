"""The sandbox images: made from Debian packages on this machine, named by what went into them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from docker.errors import ImageNotFound

from calisota.errors import ImageMissing, PermanentError
from calisota.models import Language
from calisota.paths import include
from calisota.sandbox.connection import engine_errors
from calisota.sandbox.languages import LANGUAGES, SUITE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

    from calisota.settings import Settings

DEBIAN_MIRROR = "http://deb.debian.org/debian"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
BUILD_TIMEOUT_S = 1800
AT_ONCE = 3
"""Images in the making; unpacking packages is mostly one process each."""
LOG_LINES_SHOWN = 8

_COMPILE = (
    "/usr/bin/gcc -std=gnu17 -O2 -static -fstack-protector-strong -D_FORTIFY_SOURCE=2"
    " -Wall -Wextra -Werror -o /opt/calisota/runner /opt/calisota/runner.c"
)
_EXCLUDED = ("doc", "man", "info", "locale", "lintian")


def image_tag(language: Language, settings: Settings) -> str:
    """`calisota/sandbox-<language>:<hash>`; the hash covers all that decides its content."""
    return _tag(language, _packages(language, settings))


def _packages(language: Language, settings: Settings) -> tuple[str, ...]:
    """The row's own and the operator's, in one order."""
    return (*LANGUAGES[language].packages, *sorted(settings.sandbox_packages.get(language, ())))


@cache
def _tag(language: Language, packages: tuple[str, ...]) -> str:
    content = hashlib.sha256()
    for part in (
        SUITE.encode(),
        " ".join(packages).encode(),
        "\n".join(LANGUAGES[language].warm).encode(),
        _COMPILE.encode(),
        *(path.read_bytes() for path in _recipe(language)),
    ):
        content.update(hashlib.sha256(part).digest())
    return f"calisota/sandbox-{language}:{content.hexdigest()[:12]}"


def _recipe(language: Language) -> list[Path]:
    """The files that an image is made with, the drivers of its language last."""
    return [include("sandbox", "finish.sh"), include("sandbox", "runner.c"), *_drivers(language)]


def _drivers(language: Language) -> list[Path]:
    folder = include("sandbox", language.value)
    return sorted(folder.iterdir()) if folder.is_dir() else []


def require_image(client: docker.APIClient, language: Language, settings: Settings) -> str:
    """The tag of the language's image.

    Raises: ImageMissing: it was not built yet; run `calisota setup`. EngineUnavailable.
    """
    tag = image_tag(language, settings)
    if not _present(client, tag):
        raise ImageMissing(
            f"The sandbox image {tag} is not in the Docker Engine.", remedy="run `calisota setup`."
        )
    return tag


def _present(client: docker.APIClient, tag: str) -> bool:
    with engine_errors():
        try:
            client.inspect_image(tag)  # type: ignore[no-untyped-call]
        except ImageNotFound:
            return False
    return True


def build_images(
    client: docker.APIClient, settings: Settings, progress: Callable[[str], None]
) -> dict[Language, str]:
    """The tag of every language's image, after building those that are missing.

    Raises: PermanentError: mmdebstrap is missing or fails; the message says what to do.
        EngineUnavailable.
    """
    tags = {language: image_tag(language, settings) for language in LANGUAGES}
    with _alone(settings):
        missing = [language for language, tag in tags.items() if not _present(client, tag)]
        for language, tag in tags.items():
            if language not in missing:
                progress(f"{language}: {tag} is there")
        _build_missing(client, settings, missing, progress)
    return tags


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Held by one process of the installation at a time: two would build the same images."""
    folder = settings.home / "run"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "images.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_missing(
    client: docker.APIClient,
    settings: Settings,
    missing: list[Language],
    progress: Callable[[str], None],
) -> None:
    first = [Language.C] if Language.C in missing else []
    if missing and not _runner_path(settings).exists():
        first = [Language.C]  # its recipe compiles the runner
    for language in first:
        _build(client, settings, language, progress)
    rest = [language for language in missing if language not in first]
    with ThreadPoolExecutor(min(AT_ONCE, os.cpu_count() or 1)) as pool:
        for built in [pool.submit(_build, client, settings, one, progress) for one in rest]:
            built.result()


def _runner_path(settings: Settings) -> Path:
    """Where the compiled runner is kept; named by its source."""
    source = include("sandbox", "runner.c").read_bytes() + _COMPILE.encode()
    return settings.home / "cache" / f"runner-{hashlib.sha256(source).hexdigest()[:12]}"


def _build(
    client: docker.APIClient,
    settings: Settings,
    language: Language,
    progress: Callable[[str], None],
) -> None:
    tag = image_tag(language, settings)
    cache_folder = settings.home / "cache"
    cache_folder.mkdir(parents=True, exist_ok=True)
    settings.logs.mkdir(parents=True, exist_ok=True)
    log = settings.logs / f"image-{language}.log"
    mirror = find_mirror(settings)
    with TemporaryDirectory(prefix=f"image-{language}-", dir=cache_folder) as folder:
        work = Path(folder)
        work.chmod(0o755)  # mmdebstrap may enter it as another user
        progress(f"{language}: root file system from {mirror} (log: {log})")
        _bootstrap(language, settings, work, mirror, log)
        progress(f"{language}: importing {_megabytes(work / 'root.tar')} MB as {tag}")
        _import(client, work / "root.tar", tag, (work / "packages").read_text().splitlines())
    progress(f"{language}: {tag} is built")


def _megabytes(path: Path) -> int:
    return path.stat().st_size // 2**20


def _bootstrap(language: Language, settings: Settings, work: Path, mirror: str, log: Path) -> None:
    """Write `root.tar` and `packages` into `work`.

    Raises: PermanentError: mmdebstrap is missing or failed.
    """
    program = shutil.which("mmdebstrap")
    if program is None:
        raise PermanentError(
            "mmdebstrap is not installed; the sandbox images are made with it.",
            remedy="apt-get install mmdebstrap debian-archive-keyring",
        )
    runner = _runner_path(settings)
    command = [
        *(program, "--variant=essential", f"--include={','.join(_packages(language, settings))}"),
        *(f"--keyring={KEYRING}",) * KEYRING.exists(),
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _EXCLUDED),
        *(f"--customize-hook={hook}" for hook in _hooks(language, runner, work)),
        *(SUITE, str(work / "root.tar"), mirror),
    ]
    environment = {**os.environ, "TMPDIR": str(work), "LC_ALL": "C"}
    with log.open("wb") as out:
        try:
            done = subprocess.run(  # noqa: S603  # our own arguments, no shell
                command,
                check=False,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=BUILD_TIMEOUT_S,
            )
            failure = f"status {done.returncode}" if done.returncode else None
        except subprocess.TimeoutExpired:
            failure = f"no end after {BUILD_TIMEOUT_S} s"
    if failure is not None:
        lines = log.read_text(errors="backslashreplace").splitlines()[-LOG_LINES_SHOWN:]
        raise PermanentError(
            f"mmdebstrap failed for {language} ({failure}):\n" + "\n".join(lines),
            remedy=f"see {log}; check that {mirror} is reachable, or set CALISOTA_DEBIAN_MIRROR.",
        )
    if language is Language.C:
        os.replace(work / "runner", runner)  # noqa: PTH105  # within one file system, atomic
        runner.chmod(0o755)


def _hooks(language: Language, runner: Path, work: Path) -> Iterator[str]:
    """What mmdebstrap does in the new root, in order; the C image compiles the runner."""
    inside = "/opt/calisota"
    yield f'mkdir -p "$1"{inside}'
    for path in (include("sandbox", "finish.sh"), *_drivers(language)):
        yield f"upload {shlex.quote(str(path))} {inside}/{path.name}"
    if language is Language.C:
        yield f"upload {shlex.quote(str(include('sandbox', 'runner.c')))} {inside}/runner.c"
        yield f'chroot "$1" {_COMPILE}'
        yield f"download {inside}/runner {shlex.quote(str(work / 'runner'))}"
        yield f'rm "$1"{inside}/runner.c'
    else:
        yield f"upload {shlex.quote(str(runner))} {inside}/runner"
    for command in LANGUAGES[language].warm:
        # The host's own settings name places that the new root does not have.
        clean = "/usr/bin/env -i PATH=/usr/bin:/bin HOME=/root /bin/sh -euc"
        yield f'chroot "$1" {clean} {shlex.quote(command)}'
    yield f'chroot "$1" /bin/sh {inside}/finish.sh'
    yield f"download {inside}/packages {shlex.quote(str(work / 'packages'))}"


def _import(client: docker.APIClient, tar: Path, tag: str, packages: list[str]) -> None:
    """Make an image of `tar`, whose label lists what is installed in it, with versions."""
    repository, _, version = tag.partition(":")
    with engine_errors():
        client.import_image_from_file(
            str(tar),
            repository=repository,
            tag=version,
            changes=[
                f'LABEL calisota.packages="{", ".join(packages)}"',
                'ENTRYPOINT ["/opt/calisota/runner"]',
            ],
        )
    if not _present(client, tag):
        raise PermanentError(
            f"The Docker Engine did not take the image {tag}.",
            remedy="check its free disk space and its log, then run `calisota setup` again.",
        )


def find_mirror(settings: Settings) -> str:
    """The configured mirror, else the one this host's own apt uses, else Debian's."""
    if settings.debian_mirror is not None:
        return settings.debian_mirror
    apt = shutil.which("apt-get")
    if apt is None:
        return DEBIAN_MIRROR
    listed = subprocess.run(  # noqa: S603  # our own arguments, no shell
        [apt, "indextargets", "--format", "$(ORIGIN) $(LABEL) $(SITE)"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    for line in listed.stdout.splitlines():
        origin, _, rest = line.partition(" ")
        label, _, site = rest.partition(" ")
        if origin == label == "Debian" and site.startswith(("http://", "https://")):
            return site
    return DEBIAN_MIRROR
