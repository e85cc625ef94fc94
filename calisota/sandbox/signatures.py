"""What a C or Rust function takes, read from its head, and the glue that calls it. Pure.

C++ and Go find it out by themselves, from templates and by reflection. The text is a client's
signature or a candidate's source, so it is hostile: it only ever becomes source code that is
compiled in the candidate's own container.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Patterns take time in proportion to the text: it is a candidate's, and they run on the host.
_COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_C_TYPE = re.compile(r"[A-Za-z_][\w\s*]{0,199}[\s*]\Z")
MAX_HEADS = 200
MAX_HEAD_CHARS = 4000
_C_PARAMETER = re.compile(r"^(?P<type>.*?)(?P<name>\b[A-Za-z_]\w*)?\s*(?P<array>\[[^\]]*\]\s*)*$")
_C_NOISE = re.compile(r"\b(const|volatile|restrict|static|inline|extern|register|struct)\b")
_C_INTS = {"signed", "unsigned", "short", "int", "long", "size_t", "ssize_t", "ptrdiff_t"}
_C_FIXED = re.compile(r"^u?int(8|16|32|64|max|ptr)_t$")
_C_REALS = {"float", "double", "long double"}
_RUST_REF = re.compile(r"^&\s*(?:'\w+\s+)?(?P<mut>mut\s+)?")
_LIFETIME = re.compile(r"'\w+\s*,?\s*")


class Unreadable(ValueError):
    """The function's head is missing, or holds a type that no JSON value can become."""


def c_glue(signature: str | None, source: str, entry: str) -> str:
    """A `main` for the driver that calls `entry`.

    Raises: Unreadable.
    """
    returns, parameters = _c_head(signature, source, entry)
    lines = [_c_argument(number, text) for number, text in enumerate(parameters)]
    names = ", ".join(f"a{number}" for number in range(len(parameters)))
    if returns == "void":
        lines.append(f"    {entry}({names});\n    cal_put_null();\n")
    else:
        lines.append(f"    cal_put({entry}({names}));\n")
    return (
        "int main(int argc, char **argv)\n{\n"
        f"    const struct cal_json *args = cal_begin(argc, argv, {len(parameters)});\n"
        f"{''.join(lines)}    return cal_end();\n}}\n"
    )


def _c_head(signature: str | None, source: str, entry: str) -> tuple[str, list[str]]:
    for text in (_COMMENT.sub(" ", source), _COMMENT.sub(" ", signature or "").strip()):
        found = list(_c_heads(text, entry))
        # The definition counts, not a prototype before it.
        for returns, inside, end in sorted(found, key=lambda head: head[2] == ";"):
            if end in {"{", ";", ""}:
                plain = " ".join(_C_NOISE.sub(" ", returns).split())
                empty = inside in {"", "void"}
                return plain, [] if empty else [part.strip() for part in inside.split(",")]
    raise Unreadable(f"no function {entry} was found in the program")


def _c_heads(text: str, entry: str) -> Iterator[tuple[str, str, str]]:
    """Return type, parameters and the character after, wherever `entry` seems to be declared."""
    calls = re.finditer(rf"\b{re.escape(entry)}\s{{0,9}}\(", text)
    for match in itertools.islice(calls, MAX_HEADS):
        returns = _C_TYPE.search(text[max(match.start() - 200, 0) : match.start()])
        inside, closed, rest = text[match.end() : match.end() + MAX_HEAD_CHARS].partition(")")
        if returns and closed and not set(inside) & set("(){};"):
            yield returns[0], inside.strip(), rest.lstrip()[:1]


def _c_argument(number: int, text: str) -> str:
    match = _C_PARAMETER.match(" ".join(_C_NOISE.sub(" ", text).split()))
    if match is None:
        raise Unreadable(f"the parameter `{text}` is not understood")
    base = match["type"].strip()
    name = match["name"] or ""
    if not base or name in _C_INTS | _C_REALS | {"char", "bool"}:  # no name, only a type
        base = f"{base} {name}".strip()
    depth = base.count("*") + bool(match["array"])
    base = base.replace("*", " ").strip()
    item = f"cal_item(args, {number})"
    convert = _c_convert(base)
    if base == "char" and depth:
        convert, depth = "cal_text", depth - 1
        base = "char *"
    if convert is None or depth > 1:
        raise Unreadable(
            f"the parameter `{text}` has no JSON form; numbers, strings and arrays of them have"
        )
    if depth:
        return f"    CAL_ARRAY({base}, a{number}, {item}, {convert});\n"
    return f"    {base} a{number} = {convert}({item});\n"


def _c_convert(base: str) -> str | None:
    words = base.split()
    if base in {"bool", "_Bool"}:
        return "cal_bool"
    if base in _C_REALS:
        return "cal_real"
    if base == "char":
        return "cal_char"
    if words and all(word in _C_INTS or word == "char" for word in words):
        return "cal_int"
    return "cal_int" if _C_FIXED.match(base) else None


def rust_glue(signature: str | None, source: str, entry: str) -> str:
    """`call`, which turns JSON arguments into the parameters of `entry`.

    Raises: Unreadable.
    """
    types = [_rust_type(part) for part in _rust_parameters(signature, source, entry)]
    lines, names = [], []
    for number, kind in enumerate(types):
        declared, passed = _rust_argument(number, kind)
        lines.append(declared)
        names.append(passed)
    return (
        "pub fn call(args: &[driver::Json]) -> Result<String, String> {\n"
        f"driver::arity(args, {len(types)})?;\n{''.join(lines)}"
        f"let value = {entry}({', '.join(names)});\ndriver::to_json(&value)\n}}\n"
    )


def _rust_parameters(signature: str | None, source: str, entry: str) -> list[str]:
    name = re.escape(entry)
    head = re.compile(rf"\bfn\s{{1,9}}{name}\s{{0,9}}(?:<(?P<generics>[^>]{{0,500}})>)?\s{{0,9}}\(")
    for text in (_COMMENT.sub(" ", source), _COMMENT.sub(" ", signature or "")):
        found = head.search(text)
        if found is None:
            continue
        if _LIFETIME.sub("", found["generics"] or "").strip():
            raise Unreadable(f"{entry} is generic; give its parameters concrete types")
        inside = _balanced(text, found.end())
        return [part.strip() for part in _split(inside) if part.strip()]
    raise Unreadable(f"no function {entry} was found in the program")


def _balanced(text: str, start: int) -> str:
    """From `start` to the bracket that closes the one before it."""
    depth = 1
    for at in range(start, min(len(text), start + MAX_HEAD_CHARS)):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if depth == 0:
            return text[start:at]
    raise Unreadable("the parameters do not end")


def _split(text: str) -> list[str]:
    """At the commas that are in no bracket."""
    parts, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += (char in "([{<") - (char in ")]}>")
        if char == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _rust_type(parameter: str) -> str:
    _, colon, kind = parameter.partition(":")
    if not colon:
        raise Unreadable(f"the parameter `{parameter}` is not understood")
    return " ".join(kind.split())


def _rust_argument(number: int, kind: str) -> tuple[str, str]:
    """The declaration of an argument, and how it is passed."""
    taken = f"driver::take(args, {number})?"
    name = f"a{number}"
    reference = _RUST_REF.match(kind)
    inner = kind[reference.end() :] if reference else kind
    mutable = "mut " if reference and reference["mut"] else ""
    owned = _rust_owned(inner, referenced=reference is not None)
    passed = f"&{mutable}{name}" if reference else name
    if re.fullmatch(r"Vec<\s*&\s*(?:'\w+\s+)?str\s*>", owned):
        declared = (
            f"let o{number}: Vec<String> = {taken};\n"
            f"let mut {name}: Vec<&str> = o{number}.iter().map(String::as_str).collect();\n"
        )
        return declared, passed
    if "&" in owned or "impl " in owned or "dyn " in owned:
        raise Unreadable(f"the type `{kind}` has no JSON form; use owned types, &str or slices")
    return f"let mut {name}: {owned} = {taken};\n", passed


def _rust_owned(inner: str, *, referenced: bool) -> str:
    if referenced and inner == "str":
        return "String"
    if referenced and inner.startswith("[") and ";" not in inner:
        return f"Vec<{inner[1:-1].strip()}>"
    return inner
