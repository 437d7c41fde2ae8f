"""Exact division: the parts always sum to the whole.

Largest remainder (Hamilton's method): everybody gets the whole units of her exact share, and the units left over go to
the largest remainders. Ties are broken by an order that is published beforehand and differs from one division to the
next, so that nobody is always first. It is a lot that anybody can repeat: the division's name is hashed with SHA-256, its
first 64 bits seed the generator SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
OOPSLA 2014), and position n has the generator's n-th number. Under one seed no two positions have the same, and a
million of them are drawn at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

WORD = 2**64 - 1
GOLDEN, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # the constants of SplitMix64


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
    seed = seed_of(name)
    tied.sort(key=lambda position: lot(seed, position))
    return above + tied[: count - len(above)]


def seed_of(name: str) -> int:
    """What the lots of a division are drawn from: the first eight bytes of its name's SHA-256, little-endian."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")


def lot(seed: int, position: int) -> int:
    """The published order of ties: number `position` of SplitMix64 from that seed on; the smallest goes first."""
    mixed = (seed + (position + 1) * GOLDEN) & WORD
    mixed = (mixed ^ mixed >> 30) * FIRST & WORD
    mixed = (mixed ^ mixed >> 27) * SECOND & WORD
    return mixed ^ mixed >> 31
