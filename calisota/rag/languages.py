"""Which language a file is in, by its name; C and C++ headers by what is in them."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_SUFFIXES = {
    **dict.fromkeys((".py", ".pyi"), "python"),
    ".rs": "rust",
    ".go": "go",
    **dict.fromkeys((".c",), "c"),
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx"), "cpp"),
    **dict.fromkeys((".pl", ".pm", ".t"), "perl"),
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), "javascript"),
    **dict.fromkeys((".ts", ".mts", ".cts", ".tsx"), "typescript"),
    ".java": "java",
    **dict.fromkeys((".md", ".markdown"), "markdown"),
    **dict.fromkeys((".rst", ".txt"), "text"),
}
_CPP = re.compile(r"^\s*(?:class|namespace|template|using)\b|std::", re.MULTILINE)


def language_of(path: str, text: str | None = None) -> str | None:
    """The language's name as `Document.language` has it; None: it is none that we know."""
    suffix = PurePosixPath(path).suffix.lower()
    if suffix == ".h":
        return "cpp" if text is not None and _CPP.search(text) else "c"
    return _SUFFIXES.get(suffix)
