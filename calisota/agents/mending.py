"""Small faults of writing in a Python program, mended before it is judged. Pure.

A model that is stopped by its limit, or that goes on past the end, leaves a last definition
unfinished; and weak models use `List` or `math` and forget to import it. Neither says anything of
the program that was asked for. What is mended is said in the candidate's note; a name that means
more than one thing is left alone.
"""

from __future__ import annotations

import ast
import builtins

from calisota.models import Frozen
from calisota.models.python_source import parse_python

MOST_CUTS = 20
"""So many ends are tried: each costs a reading of the program."""
_MODULES = frozenset(
    "bisect collections copy datetime decimal fractions functools hashlib heapq itertools json "
    "math operator random re statistics string sys".split()
)
_FROM = {
    "typing": "Any Callable Dict Iterable Iterator List Optional Sequence Set Tuple Union",
    "collections": "Counter OrderedDict defaultdict deque",
    "functools": "lru_cache reduce",
}
_NAMES = {name: module for module, names in _FROM.items() for name in names.split()}


class Mended(Frozen):
    """A program, and what was mended in it, in words; nothing: it is as it was written."""

    source: str
    note: str | None = None


def mended(source: str, entry_point: str | None) -> Mended:
    """The program without an unfinished end, and with the imports that it needs and lacks.

    An end is cut only where a new statement of the module begins, after the whole entry point; a
    program that still does not parse comes back as it was.
    """
    notes = []
    try:
        tree = parse_python(source)
    except SyntaxError:
        whole = _without_its_end(source, entry_point)
        if whole is None:
            return Mended(source=source)
        source, tree = whole
        notes.append("its unfinished end was left out")
    lines = _imports_lacked(tree)
    if lines:
        source = _with_imports(source, tree, lines)
        notes.append(f"`{'; '.join(lines)}` was added")
    return Mended(source=source, note=", ".join(notes) or None)


def _without_its_end(source: str, entry_point: str | None) -> tuple[str, ast.Module] | None:
    if entry_point is None:
        return None  # the end of a program is what makes it run
    lines = source.splitlines(keepends=True)
    starts = [at for at, line in enumerate(lines) if line[:1].strip() and line[0] not in ")]}#"]
    for at in reversed(starts[-MOST_CUTS:]):
        text = "".join(lines[:at])
        try:
            tree = parse_python(text)
        except SyntaxError:
            continue
        return (text.rstrip() + "\n", tree) if _defines(tree, entry_point) else None
    return None


def _defines(tree: ast.Module, name: str) -> bool:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(isinstance(node, kinds) and node.name == name for node in tree.body)


def _imports_lacked(tree: ast.Module) -> list[str]:
    """Import lines for well-known names that are used and bound nowhere."""
    used: set[str] = set()
    bound = set(dir(builtins))
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                bound.add(name)
            case ast.ClassDef(name=name) | ast.ExceptHandler(name=str(name)) | ast.arg(arg=name):
                bound.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                bound |= {(one.asname or one.name).partition(".")[0] for one in names}
    if "*" in bound:
        return []
    lacked = sorted(used - bound)
    return [f"import {name}" for name in lacked if name in _MODULES] + [
        f"from {_NAMES[name]} import {name}" for name in lacked if name in _NAMES
    ]


def _with_imports(source: str, tree: ast.Module, lines: list[str]) -> str:
    """The import lines first, but after what must come before them."""
    place = 0
    for node in tree.body:
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not future and not (docstring and node is tree.body[0]):
            break
        place = node.end_lineno or place
    written = source.splitlines(keepends=True)
    return "".join([*written[:place], *(f"{line}\n" for line in lines), *written[place:]])
