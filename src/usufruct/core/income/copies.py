"""Near copies: which records are counted, which are copies of another, and who is paid for both.

Every rule of division can be gamed by whoever brings the same thing twice. Exactness is impossible: no rule is fair,
divides everything and cannot be gained from by false names (Burnat and Davidson 2026, arXiv 2605.07663). What helps most is
to let copies not be players at all. So before anything is measured, records go through a sieve in the order in which they
came:

    a record counts, unless one that counts, with the same label, lies within the radius; then it is a copy of the earliest such

Only what came before decides about a record. So nobody can, by bringing something later, take away what another is paid.

How near is near follows from the data: from how distances grow from one neighbour to the next. Of records scattered in D
dimensions let r(k) be how far a record's k-th nearest other lies, and ρ^D = 1/2. Then r(1) is below ρ r(2) for half of
them, and r(8) below ρ r(16), whether they lie densely or not, for all that counts is which share of a ball another ball
fills (Facco et al. 2017, "Estimating the intrinsic dimension of datasets by a minimal neighborhood information", Scientific
Reports 7:12140). So ρ is the smaller of these two medians. By the same law r(1) is below ρ^11 r(16) for one in 137; of two so near
the earlier counts, so by chance at most some 0.4 % of honest records are taken for copies. That times the r(16) which a
twentieth of the records are below is the radius, for what is dense must not be merged because the rest is sparse. It is
never more than 0.6 of the median of r(1).

Copies lie close to each other and would make the radius smaller. While there are no more than six of a record, r(8) and r(16)
are still distances to others. And what lies within the radius is passed over and the radius taken again, until it grows no more.

All of it is whole numbers: squared distances on the grid (see `neighbours`).

This is the definition, plain and slow; `engine.valuation.copies` does the same for many records.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TypeVar

_Number = TypeVar("_Number", int, Fraction)

ROUNDS = 8  # in which a radius may grow
SAMPLE = 512  # points at which it is looked how far the next ones lie
NEAREST = 16  # of them at each
HALVES = 11  # times that the ball with sixteen neighbours is halved, until few honest records have one in it


def radius_squared(nearest: Sequence[Sequence[int]]) -> int:
    """The square of the radius, from squared distances of points to as many of their nearest others, in order; 0 if there
    are not two each."""
    if not nearest or len(nearest[0]) < 2:
        return 0
    many = len(nearest[0])
    steps = [
        _median([Fraction(row[low - 1], row[high - 1]) for row in nearest]) for low, high in ((1, 2), (many // 2, many))
    ]
    dense = sorted(row[-1] for row in nearest)[len(nearest) // 20]
    return math.floor(min(Fraction(9, 25) * _median([row[0] for row in nearest]), min(steps) ** HALVES * dense))


def _median(of: Sequence[_Number]) -> _Number:
    return sorted(of)[len(of) // 2]


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
    many = min(NEAREST, len(different) - 1)
    radius = 0
    for _ in range(ROUNDS):
        nearest = []
        for place in sampled(len(different)):
            away = (_squared(different[place], there) for there in different)
            nearest.append(sorted(one for one in away if one > radius)[:many])
        grown = radius_squared([row for row in nearest if len(row) == many])
        if grown <= radius:
            break
        radius = grown
    return radius


def _squared(here: Sequence[int], there: Sequence[int]) -> int:
    return sum((a - b) ** 2 for a, b in zip(here, there, strict=True))
