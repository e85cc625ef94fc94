"""Small faults of writing in a Python program, mended before it is judged. Pure.

A model that is stopped by its limit, or that goes on past the end, leaves a last definition
unfinished; and weak models use `List` or `math` and forget to import it. Neither says anything of
the program that was asked for. What is mended is said in the candidate's note.
"""

from __future__ import annotations

import ast
import builtins
import re

from calisota.models import Frozen
from calisota.models.python_source import parse_python

MOST_CUTS = 20
"""So many ends are tried: each costs a reading of the program."""
MOST_CHARS = 64 * 1024
"""A longer program is left as it is."""
_BINDS = re.compile(
    r"^(?:async\s+)?(?:def|class|type)\s+(\w+)|^(\w+)\s*(?::[^=\n]*)?=|^(?:from\s+\S+\s+)?import\s+(\w+)",
    re.MULTILINE,
)
"""What a statement of the module may bind."""
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
    if len(source) > MOST_CHARS:
        return Mended(source=source)
    notes = []
    text = source.replace("\r\n", "\n").replace("\r", "\n")
    try:
        tree = parse_python(text)
    except SyntaxError:
        whole = _without_its_end(text, entry_point)
        if whole is None:
            return Mended(source=source)
        text, tree = whole
        notes.append("its unfinished end was left out")
    lines = _imports_lacked(tree)
    if lines:
        text = _with_imports(text, tree, lines)
        notes.append(f"`{'; '.join(lines)}` was added")
    return Mended(source=text, note=", ".join(notes)) if notes else Mended(source=source)


def _without_its_end(source: str, entry_point: str | None) -> tuple[str, ast.Module] | None:
    """The part before what does not parse; None where it needs what would be cut.

    A newer Python than ours may read what we cannot: it is cut only where nothing misses it.
    """
    if entry_point is None:
        return None  # the end of a program is what makes it run
    lines = source.split("\n")
    starts = [at for at, line in enumerate(lines) if line[:1].strip() and line[0] not in ")]}#"]
    for at in reversed(starts[-MOST_CUTS:]):
        text = "\n".join(lines[:at])
        try:
            tree = parse_python(text)
        except SyntaxError:
            continue
        found = _BINDS.findall("\n".join(lines[at:]))
        cut = {name for names in found for name in names} - {"", entry_point}
        needed = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        whole = _defines(tree, entry_point) and not needed & cut
        return (text.rstrip() + "\n", tree) if whole else None
    return None


def _defines(tree: ast.Module, name: str) -> bool:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(isinstance(node, kinds) and node.name == name for node in tree.body)


def _imports_lacked(tree: ast.Module) -> list[str]:
    """Import lines for well-known names that are used and bound nowhere.

    A module only where something is taken from it: `copy` alone may mean anything.
    """
    used: set[str] = set()
    opened: set[str] = set()
    bound = set(dir(builtins))
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name)):
                opened.add(name)
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
        bound |= _bound_by(node)
    if "*" in bound:
        return []
    modules = sorted((opened & _MODULES) - bound)
    return [f"import {name}" for name in modules] + [
        f"from {_NAMES[name]} import {name}" for name in sorted(used - bound) if name in _NAMES
    ]


def _bound_by(node: ast.AST) -> set[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            return {name}
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            return {name}
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            return {name}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {(one.asname or one.name).partition(".")[0] for one in names}
        case _:
            return set()


def _with_imports(source: str, tree: ast.Module, lines: list[str]) -> str:
    """The import lines first, but after what must come before them."""
    place = 0
    for node in tree.body:
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not future and not (docstring and node is tree.body[0]):
            break
        place = node.end_lineno or place
    written = source.split("\n")
    return "\n".join([*written[:place], *lines, *written[place:]])
