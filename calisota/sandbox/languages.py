"""What the sandbox knows of each language: one row here makes one image.

To add a language: a member of `calisota.models.Language`, a row here, a function in
`calisota.sandbox.orders` if its call and code tests need a driver, and the driver's files in
include/sandbox/<language>. docs/sandbox.md goes through it.
"""

from __future__ import annotations

from calisota.models import Frozen, Language

SRC = "/work/src"
BUILD = "/work/build"
HOME = "/opt/calisota"
SUITE = "trixie"


class LanguageSpec(Frozen):
    """How programs of one language are stored, built and run in their container."""

    language: Language
    packages: tuple[str, ...]
    """Debian packages of the image, beside the essential ones."""
    source: str
    """Name of the candidate's file where the Problem names none."""
    compile: tuple[str, ...]
    """Checks or compiles; what it is given follows."""
    run: tuple[str, ...] = ()
    """Runs the program as a whole; its source, if it is interpreted, and arguments follow."""
    warm: tuple[str, ...] = ()
    """Shell commands run in the image at last, which make later builds fast."""
    compiled: bool = True
    """The build writes a program, which the writable space must then be allowed to execute."""
    build_memory_mb: int = 256
    """What the compiler needs even for a Problem that allows less; lowered before the tests run."""
    build_tmpfs_mb: int = 0
    """Writable space that the build needs at least."""


_GO_ENV = (
    *("/usr/bin/env", "GO111MODULE=off", "CGO_ENABLED=0", f"GOCACHE={HOME}/cache", "GOPROXY=off"),
    *(
        f"GOPATH={HOME}/go:/usr/share/gocode",
        "GOTOOLCHAIN=local",
        "GOTELEMETRY=off",
        "GOMAXPROCS=2",
    ),
)
_GO = "/usr/lib/go-1.24/bin/go"
_TESTIFY = tuple(f"github.com/stretchr/testify/{name}" for name in ("assert", "require"))
_CPP = ("/usr/bin/g++", "-O2", "-std=gnu++20", "-pipe")
_PRECOMPILE = (
    "for header in /usr/include/*/c++/*/bits/stdc++.h; "
    f"do {' '.join(_CPP)} -x c++-header $header -o $header.gch; done"
)
# Only parses: a program that does not compile is told apart from one that fails.
_PARSE = (
    "import sys; sys.tracebacklimit = 0; name = sys.argv[1]; "
    "compile(open(name, 'rb').read(), name.rpartition('/')[2], 'exec')"
)

_COMPILE_DRIVER = (
    "import py_compile as p; "
    f"p.compile('{HOME}/driver.py', '{HOME}/driver.pyc', doraise=True, "
    "invalidation_mode=p.PycInvalidationMode.UNCHECKED_HASH)"
)

LANGUAGES: dict[Language, LanguageSpec] = {
    spec.language: spec
    for spec in (
        LanguageSpec(
            language=Language.C,
            packages=("gcc", "libc6-dev"),
            source="solution.c",
            # gnu17: getline, strdup and their like are in most C programs people write.
            compile=("/usr/bin/gcc", "-O2", "-std=gnu17", "-pipe"),
        ),
        LanguageSpec(
            language=Language.CPP,
            packages=("g++", "libc6-dev", "libboost-dev", "libssl-dev", "catch2"),
            source="solution.cpp",
            compile=_CPP,
            # A header is only taken precompiled where all options are the same as ours.
            warm=(
                _PRECOMPILE,
                f"mv {HOME}/catch.hpp /usr/include/catch2",
            ),
            build_memory_mb=768,
            build_tmpfs_mb=32,
        ),
        LanguageSpec(
            language=Language.GO,
            packages=("golang-1.24-go", "golang-github-stretchr-testify-dev"),
            source="solution.go",
            compile=(*_GO_ENV, _GO),
            # Since Go 1.20 the standard library comes as source only.
            warm=(
                f"mkdir -p {HOME}/cache {HOME}/go/src/calisota/driver",
                f"mv {HOME}/driver.go {HOME}/go/src/calisota/driver",
                " ".join((*_GO_ENV, _GO, "build", "std", "calisota/driver", *_TESTIFY)),
            ),
            build_memory_mb=768,
            build_tmpfs_mb=64,
        ),
        LanguageSpec(
            language=Language.PERL,
            packages=("perl", "libfeature-compat-class-perl", "libtest-deep-perl"),
            source="solution.pl",
            compile=("/usr/bin/perl", "-c"),
            run=("/usr/bin/perl",),
            compiled=False,
        ),
        LanguageSpec(
            language=Language.PYTHON,
            packages=("python3", "python3-pytest"),
            source="solution.py",
            compile=("/usr/bin/python3", "-I", "-S", "-c", _PARSE),
            run=("/usr/bin/python3",),
            # The driver is compiled once here, not by each test.
            warm=(f'python3 -c "{_COMPILE_DRIVER}"',),
            compiled=False,
        ),
        LanguageSpec(
            language=Language.RUST,
            packages=("rustc",),
            source="solution.rs",
            # Overflow is a bug in every profile of a judge, so it panics as in a debug build.
            compile=(
                *("/usr/bin/rustc", "--edition=2021", "-Copt-level=2", "-Cdebug-assertions=on"),
                *("-Cstrip=debuginfo", "-Ccodegen-units=2", "--color=never"),
            ),
            build_memory_mb=768,
            build_tmpfs_mb=64,
        ),
    )
}
"""C comes first: its image compiles the runner that every image holds."""
