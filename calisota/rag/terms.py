"""The terms of code and prose: what lexical search compares."""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"\w+")
_SEAM = re.compile(
    r"_+"
    r"|(?<=[^\W\d_A-Z])(?=[A-Z])"  # camel|Case
    r"|(?<=[A-Z])(?=[A-Z][a-z])"  # HTTP|Error
    r"|(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)"  # utf|8
)
_LONGEST = 64  # what is longer is data: a key, a digest, an encoded picture
_STOP = frozenset(
    "a an and are as at be by can do does for from has have how i if in into is it its of on or"
    " that the their then there this to use using was what when where which will with you".split()
)
_VOWELS = frozenset("aeiouy")


def terms(text: str) -> list[str]:
    """The terms of `text` in order, in lower case, stemmed; stop words are left out.

    An identifier that has parts gives its parts and then itself whole, not stemmed:
    `parse_HTTPHeaders` is `pars`, `http`, `header`, `parse_httpheaders`.
    Not covered: scripts that put no space between words; such a run of letters is one term.
    """
    return [term for word in _WORD.findall(text) for term in _terms_of(word)]


@lru_cache(maxsize=1 << 16)
def _terms_of(word: str) -> tuple[str, ...]:
    if len(word) > _LONGEST:
        return ()
    parts = [part.lower() for part in _SEAM.split(word) if part]
    found = tuple(stem(part) for part in parts if part not in _STOP)
    return (*found, word.strip("_").lower()) if len(parts) > 1 else found


def stem(word: str) -> str:
    """`word` without the ending of a plural or a participle: `merges` and `merging` are `merg`.

    Source: the first steps of Porter (1980), "An algorithm for suffix stripping", shortened.
    """
    if len(word) <= 3 or not word.isascii():  # noqa: PLR2004  # "ids", "bus": nothing to spare
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        root = word.removesuffix(ending)
        if root != word and len(root) > 2 and _VOWELS.intersection(root):  # noqa: PLR2004
            doubled = root[-1] == root[-2] and root[-1] not in "lsz"
            word = root[:-1] if doubled else root
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word  # noqa: PLR2004
