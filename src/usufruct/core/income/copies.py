"""Near copies: which records are counted, which are copies of another, and who is paid for both.

Every rule of division can be gamed by whoever brings the same thing twice. Exactness is impossible: no rule is fair,
divides everything and cannot be gained from by false names (Burnat and Davidson 2026, arXiv 2605.07663). What helps most is
to let copies not be players at all. So before anything is measured, records go through a sieve in the order in which they
came:

    a record counts, unless one that counts, with the same label, lies within the radius; then it is a copy of the earliest such

Only what came before decides about a record. So nobody can, by bringing something later, take away what another is paid.

How near is near follows from the data: from how far honest records lie apart. Let m be the median of the distances from
records to their nearest other point, and q the distance that three quarters are within. If such distances follow a Weibull
law, as those of points scattered in any number of dimensions do, (m/q)^7 m is the distance that one in 185 is within; of
two so near the earlier counts, so by chance some 0.3 % of honest records are taken for copies. So the radius is that, and
never more than 0.6 m.

Copies lie close to each other and would make m smaller. So what lies within the radius is passed over and the radius taken
again, until it grows no more.

All of it is whole numbers: squared distances on the grid (see `neighbours`).

This is the definition, plain and slow; `engine.valuation.copies` does the same for many records.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

ROUNDS = 8  # in which a radius may grow
SAMPLE = 1024  # points at which it is looked how far the next one lies


def radius_squared(nearest: Sequence[int]) -> int:
    """The square of the radius, from squared distances of points to their nearest other; 0 if there are none."""
    if not nearest:
        return 0
    ordered = sorted(nearest)
    median, upper = ordered[len(ordered) // 2], ordered[len(ordered) * 3 // 4]
    if not upper:
        return 0
    return math.floor(min(Fraction(9, 25) * median, Fraction(median**8, upper**7)))


def sieve(
    points: Sequence[Sequence[int]], labels: Sequence[int], order: Sequence[int], radius: int, apart: int = 0
) -> list[int]:
    """For each record the one that counts for it, itself or the earliest of which it is a copy, in the `order` of deposit.
    `radius` is squared; labels are the same if they are no more than `apart`."""
    counting: list[int] = []
    found = list(range(len(points)))
    for place in order:
        for other in counting:
            if _squared(points[place], points[other]) <= radius and abs(labels[place] - labels[other]) <= apart:
                found[place] = other
                break
        else:
            counting.append(place)
    return found


def sampled(count: int) -> list[int]:
    """Which of so many different points, in the order of their coordinates, are looked at."""
    return [place * count // min(count, SAMPLE) for place in range(min(count, SAMPLE))]


def scale(points: Sequence[Sequence[int]]) -> int:
    """The square of the radius for records at these points."""
    different = sorted({tuple(point) for point in points})
    radius = 0
    for _ in range(ROUNDS):
        nearest = []
        for place in sampled(len(different)):
            away = (_squared(different[place], there) for there in different)
            nearest += sorted(one for one in away if one > radius)[:1]
        grown = radius_squared(nearest)
        if grown <= radius:
            break
        radius = grown
    return radius


def _squared(here: Sequence[int], there: Sequence[int]) -> int:
    return sum((a - b) ** 2 for a, b in zip(here, there, strict=True))
