"""Which texts an encoder takes together: those of about one length, up to a number of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def token_batches(
    lengths: Sequence[int], *, budget_tokens: int, multiple: int = 1
) -> list[list[int]]:
    """The positions of `lengths` in batches, longest texts first; every position once.

    A batch costs its longest text, rounded up to `multiple`, times the number of its texts. That
    stays within `budget_tokens`, padding included, unless a text alone exceeds it. The largest
    matrices come first, so memory that does not suffice shows at the first batch, not the last.
    """
    longest_first = sorted(range(len(lengths)), key=lambda position: -lengths[position])
    batches: list[list[int]] = []
    width = 0
    for position in longest_first:
        if batches and width * (len(batches[-1]) + 1) <= budget_tokens:
            batches[-1].append(position)
        else:
            width = padded_width(lengths[position], multiple)
            batches.append([position])
    return batches


def padded_width(tokens: int, multiple: int) -> int:
    """`tokens` rounded up to `multiple`."""
    return -(-tokens // multiple) * multiple
