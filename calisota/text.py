"""Making hostile text safe to show: in a log, a terminal, a web page, a report."""

from __future__ import annotations

import unicodedata

_KEPT = frozenset("\n\t")
# Control, format (bidirectional overrides among them), surrogate and private-use characters, and
# the line and paragraph separators, which break a log line in two.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def printable(text: str) -> str:
    """`text` with every character that could steer a terminal or hide itself escaped.

    Line feeds and tabs stay. Source: CVE-2021-42574 (bidirectional overrides in source code).
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if character in _KEPT or unicodedata.category(character) not in _HIDDEN
        else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text
    )
