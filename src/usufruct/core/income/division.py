"""Exact division: the parts always sum to the whole.

Largest remainder (Hamilton's method): everybody gets the whole units of her exact share, and the units left over go to
the largest remainders. Ties are broken by an order that is published beforehand and differs from one division to the
next, the SHA-256 of the division's name and the position, so that nobody is always first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def divide(total: int, weights: Sequence[int], name: str) -> list[int]:
    """`total` units in proportion to `weights`; `name` is the division's name, for ties.

    A weight of zero gets nothing. The sum of the parts is `total`.

    Raises:
        ValueError: a negative total or weight, or weights that are all zero.
    """
    whole = sum(weights)
    if total < 0 or min(weights, default=0) < 0:
        raise ValueError("a division needs a total and weights that are not negative")
    if whole == 0:
        raise ValueError("a division needs at least one weight above zero")
    parts = [total * weight // whole for weight in weights]
    spare = total - sum(parts)
    if spare:
        remainders = [total * weight % whole for weight in weights]
        for position in _first(remainders, spare, name):
            parts[position] += 1
    return parts


def _first(remainders: list[int], count: int, name: str) -> list[int]:
    """The positions of the `count` largest remainders; the published order decides among the equal ones only."""
    threshold = sorted(remainders, reverse=True)[count - 1]
    above = [i for i, r in enumerate(remainders) if r > threshold]
    tied = [i for i, r in enumerate(remainders) if r == threshold]
    tied.sort(key=lambda position: lot(name, position))
    return above + tied[: count - len(above)]


def lot(name: str, position: int) -> bytes:
    """The published order of ties: the SHA-256 of `name/position`; the smallest goes first."""
    return hashlib.sha256(f"{name}/{position}".encode()).digest()
