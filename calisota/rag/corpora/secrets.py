"""Keeps secrets out of an index: what looks like one is found by detect-secrets.

Its entropy detectors stay off: they take every hash and every test vector of source code for a
secret. No detector asks a network whether a key is live, and what was found goes nowhere.
Not covered: a password that looks like any other word.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detect_secrets.plugins.base import BasePlugin

_OFF = frozenset(
    {
        "Base64 High Entropy String",
        "Hex High Entropy String",
        "Secret Keyword",
        "Public IP (ipv4)",
        "Basic Auth Credentials",  # every documented URL with user:password@
        "NPM tokens",  # its pattern takes seconds on a long line
    }
)
_SCANNED, _LONGEST = 4_000, 500
"""Characters of a line that are looked at together, and how far the parts overlap."""
_MAYBE = re.compile(
    r"-----BEGIN|[A-Za-z0-9_\-/+=.]{20,}",  # no key that a provider issues is shorter
)


def find_secret(text: str) -> str | None:
    """The kind of the first secret and its line, as `Private Key, line 3`; None: there is none."""
    for number, line in enumerate(text.split("\n"), 1):
        for start in range(0, len(line), _SCANNED - _LONGEST):
            part = line[start : start + _SCANNED]
            if _MAYBE.search(part):
                for plugin in _plugins():
                    if any(plugin.analyze_string(part)):
                        return f"{plugin.secret_type}, line {number}"
    return None


@cache
def _plugins() -> Sequence[BasePlugin]:
    found: Mapping[str, type[BasePlugin]] = get_mapping_from_secret_type_to_class()
    return [kind() for name, kind in sorted(found.items()) if name not in _OFF]
