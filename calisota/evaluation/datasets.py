"""Public problem sets as Cases: a Problem, a program, and whether it must be accepted.

The files are those that the sets publish, gzipped JSON lines; docs/evaluation.md names the sources.
They are read, never copied: none of them is part of this distribution.
"""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING, Any

from calisota.models import CodeTest, Frozen, Language, Problem, Suite, SuiteTest
from calisota.models.problem import Limits
from calisota.sandbox.suites import declared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LIMITS = Limits(wall_s=30, cpu_s=20, memory_mb=768, output_kb=512)
_GO_PACKAGES = tuple(
    f'"{name}"'
    for name in "bytes crypto/md5 fmt math math/rand regexp sort strconv strings time".split()
)
_GO_IMPORTS = re.compile(r"^import\s*\([^)]*\)|^import\s+\"[^\"]*\"", re.MULTILINE)
_RUST_USE = re.compile(r"^use (?:rand|regex|md5)\b[^;]*;\s*$", re.MULTILINE)


class Case(Frozen):
    """One program on one Problem."""

    name: str
    problem: Problem
    source: str
    accepted: bool = True
    """What the judge must say of it."""
    note: str | None = None
    """Why it cannot be judged here, where that is known."""


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a gzipped file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def humaneval_python(path: Path) -> Iterator[Case]:
    """HumanEval's reference solutions on its tests."""
    for row in rows(path):
        yield _python_case(row["task_id"], row, row["prompt"] + row["canonical_solution"])


def humanevalpack_buggy(path: Path) -> Iterator[Case]:
    """HumanEvalPack's buggy solutions: each must be rejected."""
    for row in rows(path):
        source = row["declaration"] + row["buggy_solution"]
        if "import" in row["prompt"].partition("def ")[0]:
            source = row["prompt"].partition("def ")[0] + source
        case = _python_case(row["task_id"], row, source)
        yield case.model_copy(update={"accepted": False})


def _python_case(name: str, row: dict[str, Any], source: str) -> Case:
    check = row["test"]
    if f"check({row['entry_point']})" not in check:
        check += f"\ncheck({row['entry_point']})"
    return Case(
        name=name,
        source=source,
        problem=Problem(
            statement=row["prompt"],
            language=Language.PYTHON,
            entry_point=row["entry_point"],
            tests=[CodeTest(code=check)],
            limits=LIMITS.model_copy(update={"wall_s": 10.0, "cpu_s": 8.0}),
        ),
    )


def humaneval_cpp(path: Path) -> Iterator[Case]:
    """HumanEval-X in C++; each test is a `main` with assertions."""
    for row in rows(path):
        # Only the declaration has all headers, and only the prompt has the functions given with it.
        lines = row["declaration"].splitlines()
        headers = [line for line in lines if line.startswith(("#include", "using "))]
        head = "\n".join(headers) + "\n" + row["prompt"]
        yield _case(row, Language.CPP, head, CodeTest(code=row["test"]))


def humaneval_go(path: Path) -> Iterator[Case]:
    """HumanEval-X in Go; the tests use testify."""
    for row in rows(path):
        # The set's own runner joins all in one file, and adds what some programs forgot to import.
        named = re.findall(r'"[\w./-]+"', row["import"] + row["test_setup"])
        imports = sorted({*named, *_GO_PACKAGES})
        body = _GO_IMPORTS.sub("", row["prompt"]) + row["canonical_solution"]
        source, test = (
            f"package main\n\n{_import_block([one for one in imports if _used(one, text)])}\n{text}"
            for text in (body, row["test"])
        )
        yield Case(
            name=row["task_id"],
            source=source,
            problem=_problem(
                row["prompt"], Language.GO, _suite(Language.GO, {"solution_test.go": test})
            ),
        )


def _used(line: str, text: str) -> bool:
    package = line.strip('"').rpartition("/")[2]
    return re.search(rf"\b{package}\.[A-Z]", text) is not None  # not the end of a sentence


def _import_block(lines: list[str]) -> str:
    return "import (\n" + "\n".join(lines) + "\n)\n" if lines else ""


def humaneval_rust(path: Path) -> Iterator[Case]:
    """HumanEval-X in Rust. Every file imports three crates that the image has not; few use them.

    So the imports go, and a program that really uses one fails to compile: it is noted.
    """
    for row in rows(path):
        body = row["declaration"] + row["canonical_solution"]
        without = _RUST_USE.sub("", body).replace("fn main(){", "fn main() {")
        used = re.search(r"\b(rand|md5|regex|Regex)::", without + row["test"])
        note = "needs a crate that Debian's rustc does not bring" if used else None
        files = {"tests.rs": row["test"]}
        yield Case(
            name=row["task_id"],
            source=without,
            problem=_problem(row["prompt"], Language.RUST, _suite(Language.RUST, files)),
            note=note,
        )


def _case(row: dict[str, Any], language: Language, head: str, test: CodeTest) -> Case:
    return Case(
        name=row["task_id"],
        source=head + row["canonical_solution"],
        problem=_problem(row["prompt"], language, test),
    )


def _problem(
    statement: str, language: Language, test: CodeTest | SuiteTest, **more: Any
) -> Problem:
    return Problem(
        statement=statement.strip() or "x", language=language, tests=[test], limits=LIMITS, **more
    )


def _suite(language: Language, files: dict[str, str]) -> SuiteTest:
    names = declared(language, files)
    return SuiteTest(suite=Suite(files=files, names=list(dict.fromkeys(names)) or ["?"]))


def exercism(path: Path) -> Iterator[Case]:
    """Exercism's example solutions on their own suites."""
    common: dict[str, str] = {}
    for row in rows(path):
        if "common_files" in row:
            common = row["common_files"]
            continue
        yield _EXERCISES[row["track"]](row["slug"], row["files"], common)


def _plan_of(files: dict[str, str]) -> tuple[list[str], list[str], list[str]]:
    """Paths of the solution, of the tests and of the example, as .meta/config.json names them."""
    named = json.loads(files[".meta/config.json"])["files"]
    return named["solution"], named["test"], named.get("example", named.get("exemplar", []))


_NOTES = {
    "go/bank-account": "needs Go 1.25 (sync.WaitGroup.Go)",
    "go/counter": "its suite is the student's work: the track gives none",
    "rust/alphametics": "needs the crate itertools",
    "rust/book-store": "needs Rust 1.88 (let chains)",
    "rust/bottle-song": "needs the crate pretty_assertions",
    "rust/decimal": "needs the crate num-bigint",
    "rust/diffie-hellman": "needs the crate rand",
    "rust/gigasecond": "needs the crate time",
    "rust/grep": "needs the crate anyhow",
    "rust/leap": "needs Rust 1.87 (is_multiple_of)",
    "rust/list-ops": "needs Rust 1.88 (let chains)",
    "cpp/bank-account": "starts 1,000 threads; a container has 64",
}


def _exercise(name: str, files: dict[str, str], language: Language, **parts: Any) -> Case:
    """`parts`: source, source_name, beside (files of the Problem), suite (files of the tests)."""
    names = parts.pop("names", None) or declared(language, parts["suite"])
    test = SuiteTest(suite=Suite(files=parts["suite"], names=list(dict.fromkeys(names)) or ["?"]))
    return Case(
        name=name,
        note=_NOTES.get(name),
        source=parts["source"],
        problem=_problem(
            files.get(".docs/instructions.md", name),
            language,
            test,
            source_name=parts["source_name"],
            files=parts.get("beside", {}),
        ),
    )


def _exercise_python(slug: str, files: dict[str, str], _common: dict[str, str]) -> Case:
    solution, tests, example = _plan_of(files)
    others = {path: files[path] for path in example[1:] if path in files}
    data = {
        path: text
        for path, text in files.items()
        if path.endswith(("_data.py", "_utils.py")) and not path.startswith(".")
    }
    return _exercise(
        f"python/{slug}",
        files,
        Language.PYTHON,
        source=files[example[0]],
        source_name=solution[0],
        beside={path.rpartition("/")[2]: text for path, text in (others | data).items()},
        suite={path: files[path] for path in tests},
    )


def _exercise_c(slug: str, files: dict[str, str], common: dict[str, str]) -> Case:
    solution, tests, example = _plan_of(files)
    main = next(path for path in solution if path.endswith(".c"))
    source = next(path for path in example if path.endswith(".c"))
    beside = {path: files[path] for path in solution if path.endswith(".h")}
    for path, text in files.items():
        if path.startswith(".meta/") and path.endswith(".h"):
            header = next((one for one in solution if one.endswith(".h")), path[6:])
            beside[header] = text
    suite = {path: files[path].replace("TEST_IGNORE();", "") for path in tests}
    return _exercise(
        f"c/{slug}",
        files,
        Language.C,
        source=files[source],
        source_name=main,
        beside=beside,
        suite=suite | common,
        names=declared(Language.C, suite),
    )


def _exercise_cpp(slug: str, files: dict[str, str], _common: dict[str, str]) -> Case:
    solution, tests, example = _plan_of(files)
    header = next(path for path in solution if path.endswith(".h"))
    main = next((path for path in solution if path.endswith(".cpp")), f"{header[:-2]}.cpp")
    beside = {header: next(files[path] for path in example if path.endswith(".h"))}
    source = next((files[path] for path in example if path.endswith(".cpp")), "")
    # Its own Catch2 takes a minute to compile; so the track's runner asks for a built one.
    macros = "#define EXERCISM_TEST_SUITE\n#define EXERCISM_RUN_ALL_TESTS\n"
    suite = {path: macros + files[path] for path in tests if path.endswith("_test.cpp")}
    return _exercise(
        f"cpp/{slug}",
        files,
        Language.CPP,
        source=source or f'#include "{header}"\n',
        source_name=main,
        beside=beside,
        suite=suite,
    )


def _exercise_go(slug: str, files: dict[str, str], _common: dict[str, str]) -> Case:
    solution, tests, example = _plan_of(files)
    go_tests = {path: files[path] for path in tests if path.endswith(".go")}
    cases = {path: files[path] for path in files if path.endswith("cases_test.go")}
    beside = {
        path: text
        for path, text in files.items()
        if path.endswith(".go")
        and not path.startswith(".")
        and path not in {*tests, *solution}
        and path not in cases
    }
    source = next(path for path in example if path.endswith(".go"))
    return _exercise(
        f"go/{slug}",
        files,
        Language.GO,
        source=files[source],
        source_name=solution[0],
        beside=beside,
        suite=go_tests | cases,
    )


def _exercise_rust(slug: str, files: dict[str, str], _common: dict[str, str]) -> Case:
    solution, tests, example = _plan_of(files)
    source = next(path for path in example if path.endswith(".rs"))
    manifest = next((path for path in example if path.endswith(".toml")), "Cargo.toml")
    return _exercise(
        f"rust/{slug}",
        files,
        Language.RUST,
        source=files[source],
        source_name=next(path for path in solution if path.endswith("lib.rs")),
        beside={"Cargo.toml": files[manifest]}
        | {
            path: text
            for path, text in files.items()
            if path.startswith("src/") and path not in solution
        },
        suite={path: files[path] for path in tests if path.endswith(".rs")},
    )


def _exercise_perl(slug: str, files: dict[str, str], _common: dict[str, str]) -> Case:
    solution, tests, example = _plan_of(files)
    suite = {path: files[path] for path in tests if path.endswith(".t")}
    # Test names are given at run time; the plan that is run is read from the sources.
    return _exercise(
        f"perl/{slug}",
        files,
        Language.PERL,
        source=files[example[0]],
        source_name=solution[0],
        suite=suite,
        names=["?"],
    )


_EXERCISES: dict[str, Callable[[str, dict[str, str], dict[str, str]], Case]] = {
    "python": _exercise_python,
    "c": _exercise_c,
    "cpp": _exercise_cpp,
    "go": _exercise_go,
    "rust": _exercise_rust,
    "perl5": _exercise_perl,
}
