"""How the tests of a Problem are built and run in each language. Pure.

Call and code tests need a driver in the candidate's process: a script of the image for Python and
Perl; for compiled languages a source file, made here, that is compiled with the candidate and with
the driver's own sources in the image. No expected value of a call or of an output is in any of it.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

from pydantic import Field

from calisota.models import CallTest, CodeTest, Frozen, Language, StdioTest, SuiteTest
from calisota.sandbox.languages import BUILD, HOME, LANGUAGES, SRC, LanguageSpec
from calisota.sandbox.signatures import Unreadable, c_glue, rust_glue

if TYPE_CHECKING:
    from collections.abc import Callable

    from calisota.models import Problem
    from calisota.models.problem import Test

Argv = tuple[str, ...]

PROGRAM = f"{BUILD}/solution"
DRIVEN = f"{BUILD}/driven"
GENERATED = "calisota_driven"
"""Name of the files we make, without ending."""

_MAIN = re.compile(r"\bmain\s*\(")
_GO_PACKAGE = re.compile(r"^[ \t]*package[ \t]+(\w+)", re.MULTILINE)
_GO_IMPORT = re.compile(r"^import\s+(?:\([^)]*\)|.*)$", re.MULTILINE)
_GO_DRIVER = """import (
	"os"
	"testing"

	"calisota/driver"
)

func TestMain(m *testing.M) {
	if !driver.Drive(calisotaEntry, calisotaCodes) {
		os.Exit(m.Run())
	}
}
"""
_EDITION = re.compile(r'^\s*edition\s*=\s*"(20\d\d)"', re.MULTILINE)
_CRATE = re.compile(r'^\s*name\s*=\s*"([A-Za-z0-9_-]+)"', re.MULTILINE)


class Cell(Frozen):
    """One process to run for a test."""

    argv: Argv
    stdin: bytes = b""


class Orders(Frozen):
    """What the container gets beside the candidate's and the Problem's files."""

    files: dict[str, str] = Field(default_factory=dict)
    commands: tuple[Argv, ...]
    """The build, in order; the first that fails ends it."""
    cells: tuple[Cell, ...]


def source_name(problem: Problem) -> str:
    """Path of the candidate's own file below the source folder."""
    return problem.source_name or LANGUAGES[problem.language].source


def orders(problem: Problem, source: str) -> Orders:
    """What to build and run for `source`; without tests, at most one cell that loads it."""
    return _PLANNERS[problem.language](_Work(problem, source))


class _Work:
    """One Problem and one candidate, and what the planners of all languages ask of them."""

    def __init__(self, problem: Problem, source: str) -> None:
        self.problem = problem
        self.source = source
        self.name = source_name(problem)
        self.path = f"{SRC}/{self.name}"
        self.spec: LanguageSpec = LANGUAGES[problem.language]
        self.loads = not problem.tests and problem.entry_point is not None
        """Without tests a function is only loaded; a whole program would run without its input."""

    def numbered(self, kind: type[Frozen]) -> list[tuple[int, Test]]:
        """The tests of one kind with their numbers."""
        return [(n, test) for n, test in enumerate(self.problem.tests) if isinstance(test, kind)]

    def has(self, kind: type[Frozen]) -> bool:
        """Whether there is a test of that kind."""
        return bool(self.numbered(kind))

    def beside(self, *endings: str) -> list[str]:
        """Paths of the Problem's files with these endings, the candidate's own left out."""
        return [
            f"{SRC}/{path}"
            for path in self.problem.files
            if path.endswith(endings) and path != self.name
        ]

    def suite_files(self) -> dict[str, str]:
        """The sources of all suites."""
        suites = (test.suite for test in self.problem.tests if isinstance(test, SuiteTest))
        return {path: text for suite in suites for path, text in suite.files.items()}

    def program_cell(self, test: StdioTest, program: Argv) -> Cell:
        """The whole program on one test."""
        return Cell(argv=(*program, *test.argv), stdin=test.stdin.encode())

    def cells(self, program: Argv, other: Callable[[int, Test], Cell]) -> tuple[Cell, ...]:
        """A cell for each test; `other` plans those that are not of the whole program."""
        return tuple(
            self.program_cell(test, program) if isinstance(test, StdioTest) else other(n, test)
            for n, test in enumerate(self.problem.tests)
        )


def _call(test: CallTest) -> bytes:
    return json.dumps(test.call.model_dump()).encode()


def _scripted(work: _Work, driver: Argv) -> Orders:
    """Python and Perl: the driver is a script of the image."""
    interpreter = work.spec.run
    base = {"source": work.name, "entry_point": work.problem.entry_point}

    def driven(mode: str, **order: object) -> Cell:
        return Cell(
            argv=(*interpreter, *driver, mode), stdin=json.dumps({**base, **order}).encode()
        )

    def cell(_number: int, test: Test) -> Cell:
        if isinstance(test, CallTest):
            return driven("call", **test.call.model_dump())
        if isinstance(test, CodeTest):
            return driven("code", code=test.code)
        return driven("suite", files=[path for path in _suite(test) if _is_test(work, path)])

    return Orders(
        files=work.suite_files(),
        commands=((*work.spec.compile, work.path),),
        cells=(driven("load"),) if work.loads else work.cells((*interpreter, work.path), cell),
    )


def _suite(test: Test) -> dict[str, str]:
    return test.suite.files if isinstance(test, SuiteTest) else {}


def _is_test(work: _Work, path: str) -> bool:
    """Whether a file of a suite holds tests; others lie there to be imported."""
    if work.problem.language is Language.PERL:
        return path.endswith(".t")
    name = path.rpartition("/")[2]
    return name.endswith(".py") and (name.startswith("test") or name.endswith("_test.py"))


def _python(work: _Work) -> Orders:
    return _scripted(work, ("-S", f"{HOME}/driver.pyc"))


def _perl(work: _Work) -> Orders:
    planned = _scripted(work, (f"{HOME}/driver.pl",))
    check = shlex.join(
        (*work.spec.compile[:1], f"-I{SRC}/lib", f"-I{SRC}", *work.spec.compile[1:], work.path)
    )
    # Perl says on stderr that the syntax is good, too.
    quiet = f'said=$({check} 2>&1) || {{ printf "%s\\n" "$said" >&2; exit 1; }}'
    return planned.model_copy(update={"commands": (("/bin/sh", "-c", quiet),)})


def _native(work: _Work, argument_of: Callable[[int, Test], Cell]) -> tuple[Cell, ...]:
    """The cells of a compiled language; `driven load` writes its record at once."""
    if work.loads:
        return (Cell(argv=(DRIVEN, "load")),)
    return work.cells((PROGRAM,), argument_of)


def _c(work: _Work) -> Orders:
    """C and C++: one program, one driven binary for all calls, one for each code test and suite."""
    cpp = work.problem.language is Language.CPP
    endings = (".cpp", ".cc", ".cxx") if cpp else (".c",)
    compiler = (*work.spec.compile, f"-I{SRC}")
    others = work.beside(*endings)
    libraries = ("-lcrypto", "-lm") if cpp else ("-lm",)
    files = work.suite_files()
    commands: list[Argv] = []
    if work.has(StdioTest) or not (work.problem.tests or work.loads):
        commands.append((*compiler, "-o", PROGRAM, work.path, *others, *libraries))
    # The candidate's main, if it has one, must not be the driver's.
    included = f'#define main calisota_program_main\n#include "{work.path}"\n#undef main\n'
    if work.has(CallTest) or work.loads:
        name = f"{GENERATED}{endings[0]}"
        files[name] = _c_calls(work, included, cpp=cpp)
        commands.append((*compiler, "-o", DRIVEN, f"{SRC}/{name}", *others, *libraries))
    for number, test in work.numbered(CodeTest):
        if not isinstance(test, CodeTest):
            continue
        name, unit = f"{GENERATED}_{number}{endings[0]}", f"{BUILD}/code_{number}.o"
        files[name] = _c_code(included, test, cpp=cpp)
        commands += [
            (*compiler, "-c", "-o", unit, f"{SRC}/{name}"),
            # Renamed in the object, not in the source: only a real main returns 0 by itself.
            ("/usr/bin/objcopy", "--redefine-sym", "main=calisota_test_main", unit),
            (
                *(*compiler, "-o", f"{BUILD}/code_{number}", unit, f"{HOME}/code_main{endings[0]}"),
                *(*others, *libraries),
            ),
        ]
    for number, test in work.numbered(SuiteTest):
        sources = [f"{SRC}/{path}" for path in _suite(test) if path.endswith(endings)]
        own = [work.path] if work.name.endswith(endings) else []
        flags = ("-DUNITY_SUPPORT_64", "-DUNITY_INCLUDE_DOUBLE")
        linked = ("-lCatch2Main", "-lCatch2") if cpp else ()
        output = f"{BUILD}/suite_{number}"
        built = (*compiler, *flags, "-o", output, *own, *sources, *others, *linked, *libraries)
        commands.append(built if cpp else _or_iso(built))

    def cell(number: int, test: Test) -> Cell:
        if isinstance(test, CallTest):
            return Cell(argv=(DRIVEN, "call"), stdin=_call(test))
        if isinstance(test, CodeTest):
            return Cell(argv=(f"{BUILD}/code_{number}",))
        report = ("--reporter", "junit", "--order", "decl") if cpp else ()
        return Cell(argv=(f"{BUILD}/suite_{number}", *report))

    return Orders(files=files, commands=tuple(commands), cells=_native(work, cell))


def _or_iso(command: Argv) -> Argv:
    """Compiles as ISO C where GNU C's names are in a suite's way, `clock_t` for instance."""
    iso = shlex.join("-std=c99" if word.startswith("-std=") else word for word in command)
    script = (
        f"said=$({shlex.join(command)} 2>&1) || {iso} 2>/dev/null"
        ' || { printf "%s\\n" "$said" >&2; exit 1; }'
    )
    return ("/bin/sh", "-c", script)


def _c_calls(work: _Work, included: str, *, cpp: bool) -> str:
    entry = work.problem.entry_point or ""
    if cpp:
        return (
            f'#include <bits/stdc++.h>\n#include "{HOME}/driver.hpp"\n{included}'
            "int main(int argc, char **argv)\n{\n"
            f"    return calisota::drive(argc, argv, {entry});\n}}\n"
        )
    try:
        glue = c_glue(work.problem.signature, work.source, entry)
    except Unreadable as error:
        glue = f"#error {json.dumps(str(error))}\n"
    return f'#define _GNU_SOURCE\n#include "{HOME}/driver.h"\n{included}{glue}'


def _c_code(included: str, test: CodeTest, *, cpp: bool) -> str:
    headers = "#include <bits/stdc++.h>\n" if cpp else "#undef NDEBUG\n#include <assert.h>\n"
    if _MAIN.search(test.code):
        return f"{headers}{included}{test.code}\n"
    head = "#undef NDEBUG\n#include <cassert>\n" if cpp else ""
    return f"{headers}{included}{head}int main(void)\n{{\n{test.code}\nreturn 0;\n}}\n"


def _go(work: _Work) -> Orders:
    """Go: calls and code run from a test binary, in which the candidate's main is no obstacle."""
    folder = work.path.rpartition("/")[0]
    inside = work.name.rpartition("/")[0]
    prefix = f"{inside}/" if inside else ""
    build = (*work.spec.compile, "build", "-C", folder)
    test_build = (*work.spec.compile, "test", "-C", folder, "-c", "-vet=off")
    files = work.suite_files()
    commands: list[Argv] = []
    if work.has(StdioTest) or not (work.problem.tests or work.loads):
        commands.append((*build, "-o", PROGRAM, "."))
    driven = work.has(CallTest) or work.has(CodeTest) or work.loads
    if driven:
        files |= {f"{prefix}{name}": text for name, text in _go_driver(work).items()}
        commands.append((*test_build, "-o", DRIVEN, "."))
    if work.has(SuiteTest):
        commands.append((*test_build, "-o", f"{BUILD}/suite", "."))

    def cell(number: int, test: Test) -> Cell:
        if isinstance(test, CallTest):
            return Cell(argv=(DRIVEN, "call"), stdin=_call(test))
        if isinstance(test, CodeTest):
            return Cell(argv=(DRIVEN, "code", str(number)))
        return Cell(argv=(f"{BUILD}/suite", "-test.v", "-test.paniconexit0"))

    return Orders(files=files, commands=tuple(commands), cells=_native(work, cell))


def _go_driver(work: _Work) -> dict[str, str]:
    """The driver's files for the candidate's package."""
    found = _GO_PACKAGE.search(work.source)
    package = found.group(1) if found else "main"
    entry = work.problem.entry_point
    codes = [(n, test.code) for n, test in work.numbered(CodeTest) if isinstance(test, CodeTest)]
    table = "".join(f"\t{n}: calisotaCode{n},\n" for n, _ in codes)
    files = {
        f"{GENERATED}_test.go": (
            f"package {package}\n\n"
            f"var calisotaEntry any = {entry or 'nil'}\n\n"
            f"var calisotaCodes = map[int]func(){{\n{table}}}\n"
        ),
        f"{GENERATED}_main_test.go": f"package {package}\n\n{_GO_DRIVER}",
    }
    for number, code in codes:
        imports = "\n".join(_GO_IMPORT.findall(code))
        body = _GO_IMPORT.sub("", code)
        files[f"{GENERATED}_{number}_test.go"] = (
            f"package {package}\n\n{imports}\n\nfunc calisotaCode{number}() {{\n{body}\n}}\n"
        )
    return files


def _rust(work: _Work) -> Orders:
    """Rust: the driver is a child module of the candidate's, which sees what is private there."""
    entry = work.problem.entry_point
    files = work.suite_files()
    commands: list[Argv] = []
    if work.has(StdioTest) or not (work.problem.tests or work.loads):
        commands.append((*work.spec.compile, "-o", PROGRAM, work.path))
    if work.has(CallTest) or work.has(CodeTest) or work.loads:
        try:
            glue = rust_glue(work.problem.signature, work.source, entry) if entry else ""
        except Unreadable as error:
            glue = f"compile_error!({json.dumps(str(error))});"
        codes = [
            (n, test.code) for n, test in work.numbered(CodeTest) if isinstance(test, CodeTest)
        ]
        functions = "".join(f"fn code_{n}() {{\n{code}\n}}\n" for n, code in codes)
        arms = "".join(f"{n} => code_{n}(),\n" for n, _ in codes)
        folder = work.name.rpartition("/")[0]
        module = f"{folder}/{GENERATED}_module.rs" if folder else f"{GENERATED}_module.rs"
        files[module] = (
            f"{work.source}\n"
            "#[allow(unused)]\npub mod calisota_driven {\nuse super::*;\n"
            f"use crate::calisota_driver as driver;\n{glue}\n{functions}"
            f"pub fn code(number: usize) {{ match number {{ {arms} _ => panic!(), }} }}\n}}\n"
        )
        files[f"{GENERATED}.rs"] = (
            f'#[path = "{HOME}/driver.rs"]\nmod calisota_driver;\n'
            f'#[path = "{SRC}/{module}"]\n#[allow(dead_code, unused)]\nmod candidate;\n'
            "fn main() { calisota_driver::drive("
            f"{'candidate::calisota_driven::call' if glue else 'calisota_driver::no_call'}, "
            "candidate::calisota_driven::code) }\n"
        )
        commands.append((*work.spec.compile, "-Awarnings", "-o", DRIVEN, f"{SRC}/{GENERATED}.rs"))
    for number, test in work.numbered(SuiteTest):
        commands += _rust_suite(work, number, _suite(test), files)

    def cell(number: int, test: Test) -> Cell:
        if isinstance(test, CallTest):
            return Cell(argv=(DRIVEN, "call"), stdin=_call(test))
        if isinstance(test, CodeTest):
            return Cell(argv=(DRIVEN, "code", str(number)))
        options = "--test-threads=1 --include-ignored --color=never"
        script = f'for one in {BUILD}/suite_{number}_*; do "$one" {options} || bad=1; done'
        return Cell(argv=("/bin/sh", "-c", f"bad=0; {script}; exit $bad"))

    return Orders(files=files, commands=tuple(commands), cells=_native(work, cell))


def _rust_suite(
    work: _Work, number: int, suite: dict[str, str], files: dict[str, str]
) -> list[Argv]:
    """A library's suite is a crate of its own that uses it; another is part of the program."""
    manifest = work.problem.files.get("Cargo.toml", "")
    declared = _EDITION.search(manifest)
    options = (*work.spec.compile, "-Awarnings")
    if declared:
        rest = (option for option in options if not option.startswith("--edition="))
        options = (*rest, f"--edition={declared.group(1)}")
    output = f"{BUILD}/suite_{number}_"
    if not work.name.endswith("lib.rs"):
        joined = f"{GENERATED}_suite_{number}.rs"
        files[joined] = "\n".join([work.source, *suite.values()])
        return [(*options, "--test", "-o", f"{output}0", f"{SRC}/{joined}")]
    named = _CRATE.search(manifest)
    crate = named.group(1).replace("-", "_") if named else "solution"
    library = f"{BUILD}/lib{crate}.rlib"
    tests = [path for path in suite if path.endswith(".rs")]
    use = f"--extern={crate}={library}"
    return [
        (*options, "--crate-type=lib", f"--crate-name={crate}", "-o", library, work.path),
        *(
            (*options, "--test", use, "-o", f"{output}{at}", f"{SRC}/{path}")
            for at, path in enumerate(tests)
        ),
    ]


def as_build(commands: tuple[Argv, ...]) -> Argv:
    """One process for several commands; it ends with the first that fails."""
    if len(commands) == 1:
        return commands[0]
    script = "\n".join(shlex.join(command) for command in commands)
    return ("/bin/sh", "-eu", "-c", script)


_PLANNERS: dict[Language, Callable[[_Work], Orders]] = {
    Language.PYTHON: _python,
    Language.PERL: _perl,
    Language.C: _c,
    Language.CPP: _c,
    Language.GO: _go,
    Language.RUST: _rust,
}
