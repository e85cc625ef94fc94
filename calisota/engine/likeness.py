"""Programs that are the same but for layout and comments. Pure and total."""

from __future__ import annotations

import ast
import hashlib
from contextlib import suppress

from calisota.models import Language
from calisota.models.python_source import parse_python


def likeness_of(source: str, language: Language) -> str:
    """A short text, the same for like programs; of Python by the syntax tree, else by the words."""
    text = " ".join(source.split())
    if language is Language.PYTHON:
        with suppress(SyntaxError, RecursionError):
            text = ast.dump(parse_python(source))
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:16]
