"""What a test suite reported about its tests. Pure, total on hostile output.

The report comes from the candidate's own process, which can forge it: hence `cooperative`. That
all names, and no others, must be there catches early exits and suites that never ran.
"""

from __future__ import annotations

import ast
import html
import re
from typing import TYPE_CHECKING

from calisota.models import Language
from calisota.models.python_source import parse_python
from calisota.sandbox.compare import NotStrictJson, decode_strict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from calisota.models import Execution

MAX_CASES = 5000
MAX_LINE = 1000

_RUST = re.compile(r"^test (\S+)(?: - should panic)? \.\.\. (ok|FAILED)", re.MULTILINE)
_GO = re.compile(r"^--- (PASS|FAIL): (\S+) \(", re.MULTILINE)
_TAP = re.compile(r"(not )?ok (\d{1,9})(?: - (.*))?", re.IGNORECASE)
_TAP_MARK = re.compile(r"# ?(TODO|SKIP)\b", re.IGNORECASE)
_UNITY = re.compile(r"^[^\s:]+:\d+:(\w+):(PASS|FAIL)", re.MULTILINE)
_JUNIT_NAME = re.compile(r'\bname="([^"]*)"')
_JUNIT_BAD = re.compile(r"<(failure|error)\b")


def reported(language: Language, cell: Execution) -> dict[str, bool]:
    """Each test that ran in `cell` -> whether it passed, in its order; at most 5,000.

    One that was skipped did not run, and so is missing where it is required. A name reported twice
    gets `#2` and so on, so that no report hides another.
    """
    if language is Language.PYTHON:
        return dict(_python(cell.value))
    text = cell.stdout.decode(errors="backslashreplace")
    cases: dict[str, bool] = {}
    for name, passed in _PARSERS[language](text):
        count, unique = 1, name
        while unique in cases and count < MAX_CASES:
            count += 1
            unique = f"{name}#{count}"
        cases[unique] = passed
        if len(cases) >= MAX_CASES:
            break
    return cases


def _python(value: bytes | None) -> Iterable[tuple[str, bool]]:
    try:
        record = decode_strict(value or b"null")
    except NotStrictJson:
        return []
    cases = record.get("cases") if isinstance(record, dict) else None
    if not isinstance(cases, dict):
        return []
    return [(name, passed is True) for name, passed in list(cases.items())[:MAX_CASES]]


def _rust(text: str) -> Iterable[tuple[str, bool]]:
    return ((match[1], match[2] == "ok") for match in _RUST.finditer(text))


def _go(text: str) -> Iterable[tuple[str, bool]]:
    return ((match[2], match[1] == "PASS") for match in _GO.finditer(text))


def _tap(text: str) -> Iterable[tuple[str, bool]]:
    for line in text.splitlines():
        match = _TAP.match(line[:MAX_LINE])
        if match is None:
            continue
        mark = _TAP_MARK.search(match.string)
        name = (match[3] or "").partition(" # ")[0].strip() or match[2]
        if mark is None or mark[1].upper() != "SKIP":
            yield name, not match[1] and mark is None


def _unity(text: str) -> Iterable[tuple[str, bool]]:
    return ((match[1], match[2] == "PASS") for match in _UNITY.finditer(text))


def _junit(text: str) -> Iterable[tuple[str, bool]]:
    for piece in text.split("<testcase ")[1:]:
        case = piece.partition("</testcase>")[0]
        name = _JUNIT_NAME.search(case[:MAX_LINE])
        if name is not None and "<skipped" not in case:
            yield html.unescape(name[1]), not _JUNIT_BAD.search(case)


_PARSERS: dict[Language, Callable[[str], Iterable[tuple[str, bool]]]] = {
    Language.RUST: _rust,
    Language.GO: _go,
    Language.PERL: _tap,
    Language.C: _unity,
    Language.CPP: _junit,
}

_RUST_TEST = re.compile(
    r"^(?:pub )?mod (?P<module>\w+) \{|^(?P<end>\})"
    r"|(?P<attributes>(?:#\[[^\]]*\]\s*)+)(?:pub\s+)?fn\s+(?P<test>\w+)",
    re.MULTILINE,
)
_CATCH = re.compile(r'^\s*TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)', re.MULTILINE)
_COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)
_DECLARED = {
    Language.GO: re.compile(r"^func (Test\w+)\(\s*\w+\s+\*testing\.T\s*\)", re.MULTILINE),
    Language.C: re.compile(r"\bRUN_TEST\(\s*(\w+)"),
}


def declared(language: Language, files: dict[str, str]) -> list[str]:
    """The names of the tests in a suite's sources, where they can be read from them.

    Empty for Perl, whose tests are named while they run, and for parametrized ones.
    """
    if language is Language.PYTHON:
        return [name for text in files.values() for name in _declared_python(text)]
    texts = [_COMMENT.sub(r"\1", text) for text in files.values()]
    if language is Language.RUST:
        return [name for text in texts for name in _declared_rust(text)]
    if language is Language.CPP:
        found = (match for text in texts for match in _CATCH.findall(text))
        return ["".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals)) for literals in found]
    pattern = _DECLARED.get(language)
    if pattern is None:
        return []
    return [name for text in texts for name in pattern.findall(text)]


def _declared_rust(text: str) -> Iterable[str]:
    """With the module before the name; only modules whose lines begin where a line does count."""
    module = ""
    for match in _RUST_TEST.finditer(text):
        if match["test"]:
            attributes = match["attributes"]
            if "#[test]" in attributes and "cfg(feature" not in attributes:
                yield f"{module}{match['test']}"
        else:
            module = f"{match['module']}::" if match["module"] else ""


def _declared_python(text: str) -> Iterable[str]:
    try:
        tree = parse_python(text)
    except SyntaxError:
        return
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if not isinstance(inner, ast.FunctionDef) or not inner.name.startswith("test"):
                    continue
                if not any("skip" in ast.unparse(mark) for mark in inner.decorator_list):
                    yield f"{node.name}.{inner.name}"
