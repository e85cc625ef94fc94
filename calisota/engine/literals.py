"""Plain values of a program or a test, flattened so that they can be compared."""

from __future__ import annotations

from typing import NamedTuple

MAX_SCALARS = 2000
_MAX_DEPTH = 50
_MAX_BITS = 1000  # a longer integer is no float, and far longer ones have no text

Scalar = str | int | float | bool | None
Scalars = tuple[Scalar, ...]


class Pair(NamedTuple):
    """Literals that an input is compared with, and those answered then; both flat, in order."""

    key: Scalars
    value: Scalars


def flat(value: object) -> Scalars | None:
    """The scalars of a plain value, in order; None: it is too large or nested too deeply."""
    found: list[Scalar] = []
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if isinstance(one, dict):
            one = [part for item in one.items() for part in item]
        if isinstance(one, (list, tuple)):
            waiting += [(part, depth + 1) for part in reversed(one)]
        elif isinstance(one, int) and one.bit_length() > _MAX_BITS:
            return None
        elif one is None or isinstance(one, (str, int, float, bool)):
            found.append(one)
        else:
            return None
        if depth > _MAX_DEPTH or len(found) + len(waiting) > MAX_SCALARS:
            return None
    return tuple(found)
