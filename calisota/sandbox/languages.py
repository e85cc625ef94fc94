"""What the sandbox knows of each language: one row here makes one image."""

from __future__ import annotations

from calisota.models import Frozen, Language

SRC = "/work/src"
BUILD = "/work/build"
DRIVER = "/opt/calisota/driver.pyc"
SUITE = "trixie"


class LanguageSpec(Frozen):
    """How programs of one language are stored, built and run in their container."""

    language: Language
    packages: tuple[str, ...]
    """Debian packages of the image, beside the essential ones."""
    source: str
    """Name of the candidate's file."""
    build: tuple[str, ...]
    """Run once, before any test; a failure is a compile error."""
    run: tuple[str, ...]
    """The program as a whole; a test's own arguments follow."""
    exec_needed: bool
    """Whether the build puts a program into the writable space, which then must allow exec."""
    call: tuple[str, ...] | None = None
    """The call driver, where there is one; its mode follows."""


_PYTHON = "/usr/bin/python3"
# Only parses: a program that does not compile is told apart from one that fails.
_PARSE = (
    "import sys; sys.tracebacklimit = 0; "
    f"compile(open('{SRC}/solution.py', 'rb').read(), 'solution.py', 'exec')"
)

LANGUAGES: dict[Language, LanguageSpec] = {
    spec.language: spec
    for spec in (
        LanguageSpec(
            language=Language.C,
            packages=("gcc", "libc6-dev"),
            source="solution.c",
            # gnu17: getline, strdup and their like are in most C programs people write.
            build=(
                *("/usr/bin/gcc", "-O2", "-std=gnu17", "-pipe"),
                *("-o", f"{BUILD}/solution", f"{SRC}/solution.c", "-lm"),
            ),
            run=(f"{BUILD}/solution",),
            exec_needed=True,
        ),
        LanguageSpec(
            language=Language.PYTHON,
            packages=("python3",),
            source="solution.py",
            build=(_PYTHON, "-I", "-S", "-c", _PARSE),
            run=(_PYTHON, f"{SRC}/solution.py"),
            exec_needed=False,
            call=(_PYTHON, "-S", DRIVER),
        ),
    )
}
"""C comes first: its image compiles the runner that every image holds."""
