"""What a hostile program says about itself: the comments at its top.

The first lines say in words what it tries. Then, in any order:

    expect: OUTCOME ...         of one test that wants `held` on stdout
    test: JSON -> OUTCOME ...   instead: a test as in a Problem, once for each test
    entry: NAME                 the entry point of `call` tests
    limits: NAME=NUMBER ...     that differ from LIMITS
    build_s: NUMBER             wall and CPU time of the build
    says: TEXT                  must be found in what the report shows; for a failed build, always
    append: JSON                {"text": ..., "times": ...}, put after the program
    problem: JSON               further fields of the Problem
    hole: WORDS                 what happens today instead; the expectation stays

`cooperative` stands for an accepted test that is marked so, `accepted` for one that is not. The
program itself runs without these lines, so that it cannot read from them what it wants to forge.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from calisota.models import Language, Problem

if TYPE_CHECKING:
    from pathlib import Path

LIMITS = {"wall_s": 4, "cpu_s": 2, "memory_mb": 64, "output_kb": 16}
HELD = {"stdout": "held"}
WORDS = frozenset(
    "compile_error output_limit time_limit memory_limit runtime_error wrong_answer accepted"
    " cooperative".split()
)
# Neither `internal_error` nor `not_run`: no program may break the sandbox or hide its own result.

_COMMENTS = {"#": re.compile(r"^#(?!!) ?(.*)$"), "//": re.compile(r"^//(?!go:) ?(.*)$")}
_SCRIPTS = frozenset({Language.PYTHON, Language.PERL})
_DIRECTIVE = re.compile(r"^(expect|test|entry|limits|build_s|says|append|problem|hole): (.*)$")


@dataclass(frozen=True)
class Program:
    """One hostile program and what must become of it."""

    path: Path
    tries: str
    source: str
    tests: list[dict[str, Any]]
    expected: list[frozenset[str]]
    entry: str | None = None
    limits: dict[str, float] = field(default_factory=dict)
    build_s: float | None = None
    says: list[str] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)
    hole: str | None = None

    @property
    def language(self) -> Language:
        return Language(self.path.parent.name)

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    def problem(self) -> Problem:
        return Problem(
            statement=self.tries,
            language=self.language,
            entry_point=self.entry,
            tests=self.tests,
            limits=LIMITS | self.limits,
            **self.fields,
        )


def read(path: Path) -> Program:
    """The program at `path`.

    Raises: ValueError: its header is not as this module says.
    """
    mark = _COMMENTS["#" if path.parent.name in _SCRIPTS else "//"]
    lines = path.read_text().splitlines(keepends=True)
    words: list[str] = []
    found: dict[str, list[str]] = {}
    top = 0
    for line in lines:
        comment = mark.match(line.rstrip("\n"))
        if comment is None:
            break
        top += 1
        directive = _DIRECTIVE.match(comment[1])
        if directive:
            found.setdefault(directive[1], []).append(directive[2].strip())
        else:
            words.append(comment[1])
    tries = " ".join(words).strip()
    if not tries:
        raise ValueError(f"{path} does not say what it tries")
    source = "\n" * top + "".join(lines[top:])
    for text in found.get("append", []):
        more = json.loads(text)
        source += more["text"] * more["times"]
    tests, expected = _tests(path, found)
    return Program(
        path=path,
        tries=tries,
        source=source,
        tests=tests,
        expected=expected,
        entry=_one(found, "entry"),
        limits=_limits(_one(found, "limits")),
        build_s=None if "build_s" not in found else float(found["build_s"][0]),
        says=found.get("says", []),
        fields=json.loads(_one(found, "problem") or "{}"),
        hole=_one(found, "hole"),
    )


def _one(found: dict[str, list[str]], name: str) -> str | None:
    return found[name][0] if name in found else None


def _limits(text: str | None) -> dict[str, float]:
    pairs = (pair.split("=") for pair in (text or "").split())
    return {name: float(value) for name, value in pairs}


def _tests(
    path: Path, found: dict[str, list[str]]
) -> tuple[list[dict[str, Any]], list[frozenset[str]]]:
    if ("expect" in found) == ("test" in found):
        raise ValueError(f"{path} must have either an expectation or tests")
    pairs = [(json.dumps(HELD), text) for text in found.get("expect", [])]
    pairs += [tuple(text.rsplit(" -> ", 1)) for text in found.get("test", [])]
    expected = [frozenset(text.split()) for _, text in pairs]
    for one in expected:
        if not one or not one <= WORDS:
            raise ValueError(f"{path} expects {sorted(one)}, of which some is no outcome")
        if one == {"compile_error"} and "says" not in found:
            raise ValueError(f"{path}: a failed build must say why, since a slip fails it too")
    return [json.loads(text) for text, _ in pairs], expected
