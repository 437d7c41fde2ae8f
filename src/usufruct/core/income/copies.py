"""Near copies: which records are counted, which are copies of another, and who is paid for both.

Every rule of division can be gamed by whoever brings the same thing twice. Exactness is impossible: no rule is fair,
divides everything and cannot be gained from by false names (Burnat and Davidson 2026, arXiv 2605.07663). What helps most is
to let copies not be players at all. So before anything is measured, records go through a sieve in the order in which they
came:

    a record counts, unless one that counts, with the same label, lies within the radius; then it is a copy of the earliest such

Only what came before decides about a record. So nobody can, by bringing something later, take away what another is paid.

How near is near follows from the data: from how the distances grow from one neighbour to the next. Where records scatter
in D dimensions, that of two neighbours of a record the nearer is in the inner half of what the farther reaches around is
a matter of their numbers alone, wherever records are dense or sparse: the second nearest lies at most 1/ρ times as far as
the nearest for half of the records, with ρ^D = 1/2, and so does the 16th nearest beside the eighth (by the laws of order
statistics; Facco et al. 2017, "Estimating the intrinsic dimension of datasets by a minimal neighborhood information",
Scientific Reports 7). So ρ is taken as the smaller of these two medians. A record then has another within ρ^11 times the
distance to its 16th nearest by chance in one of 137 cases, and of two so near the earlier counts. For that distance stands the
one that a twentieth of the records are below, for what is dense should not be merged because the rest is sparse; and the
radius is never more than 0.6 of the median distance to the nearest.

Copies lie close to each other and would make the radius smaller. Up to seven of a record leave its neighbours from the
eighth on among other records'. And what lies within the radius is passed over and the radius taken again, until it grows no more.

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
HALVES = 11  # by which what a record reaches is halved


def radius_squared(nearest: Sequence[Sequence[int]]) -> int:
    """The square of the radius, from squared distances of points to as many of their nearest others, in order; 0 if there
    are not two each."""
    if not nearest or len(nearest[0]) < 2:
        return 0
    many = len(nearest[0])
    steps = [_median([Fraction(row[low - 1], row[high - 1]) for row in nearest]) for low, high in ((1, 2), (many // 2, many))]
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
