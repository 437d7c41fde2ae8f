"""What records add to telling labels by nearest neighbours: the game, its grid and its exact values, plain and slow.

A buyer brings rows that are already labelled, to validate with. For one of them, a set of records is worth the share of right
labels among its K nearest:

    v(S) = 1/K · (how many of the min(K, |S|) records of S that are nearest to it have its label),    v(∅) = 0

where records at the same distance come in a random order and the worth is the mean over these orders. A record's
contribution is its Shapley value in that game, and over many validation rows the mean. So the values of all records sum to
the worth of all of them, exactly, and records that cannot be told apart get the same.

The values have a closed form (Jia et al. 2019, "Efficient Task-Specific Data Valuation for Nearest Neighbor Algorithms", PVLDB
12(11), theorem 1), from the farthest record to the nearest. Averaging over the orders of equal distances has one too: walk
groups of records at one distance, at the ranks a to b, g of them, of which p are right. With w(i) = max(K, i), for a record
that is right (c = 1) or not (c = 0), m = (p - c) / (g - 1), or 0 if it is alone, and A the mean of 1/w(i) over a to b:

    value = T + m / w(b) + (c - m) A,        then T becomes T + p/g · (1/w(b) - 1/w(a - 1)); T is 0 at the farthest

Distances are compared for equality, so they must be the same number on every machine. Rows are put on a grid of whole
numbers first: a column's public bounds are its ends, and the number of steps follows from the number of columns alone.
Squared distances are then whole numbers, and no library adds them up differently.

What is here is the definition. The node computes the same with numpy (`engine.valuation`), and tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

NEIGHBOURS = 5  # K
DISTANCE_BITS = 40  # of a squared distance
RECORDS_MAX = 1 << 23
BLOCK = 128  # validation rows: their values are summed in order, and then the sums of the blocks in order
SHARE_UNIT = 1 << 52  # a share of 1; records add less than 22 in all, for each adds 1/rank at most
COPIES = ("person", "first", "equal")


@dataclass(frozen=True, slots=True)
class Measure:
    """How the contribution to a training is measured: by the `k` nearest, or, if it is zero, by the data user's own model and all
    coalitions of few persons (see `engine.valuation.holders`). Near copies are paid by a rule of `COPIES` (see `copies`)."""

    k: int = NEIGHBOURS
    copies: str = "person"

    @property
    def name(self) -> str:
        """What the journal calls it; a change to anything that it rests on gets another number."""
        return f"{f'knn-shapley/2 k={self.k}' if self.k else 'model-shapley/2'} copies={self.copies}"


def grid_bits(dimensions: int) -> int:
    """Of how many bits a coordinate is, so that a squared distance has `DISTANCE_BITS` at most.

    Raises:
        ValueError: there are no dimensions, or so many that the grid would be useless.
    """
    bits = (DISTANCE_BITS - (dimensions - 1).bit_length()) // 2 if dimensions > 0 else 0
    if bits < 8:
        raise ValueError(f"{dimensions} dimensions cannot be put on a grid")
    return bits


def values(distances: Sequence[int], right: Sequence[Fraction | int], k: int) -> list[Fraction]:
    """The exact Shapley value of every record for one validation row. `right` is 1 for a record with its label and 0 for
    others; for owners it may be in between (see `owners`)."""
    found = [Fraction(0)] * len(distances)
    order = sorted(range(len(distances)), key=lambda place: distances[place])
    tail, last = Fraction(0), len(order)
    for _, group in groupby(reversed(order), key=lambda place: distances[place]):
        members = list(group)
        first, count = last - len(members) + 1, len(members)
        sure = sum((Fraction(right[place]) for place in members), Fraction(0))
        average = sum((_weight(rank, k) for rank in range(first, last + 1)), Fraction(0)) / count
        for place in members:
            others = (sure - right[place]) / (count - 1) if count > 1 else Fraction(0)
            found[place] = tail + others * _weight(last, k) + (right[place] - others) * average
        tail += sure / count * (_weight(last, k) - _weight(first - 1, k))
        last = first - 1
    return found


def _weight(rank: int, k: int) -> Fraction:
    return Fraction(1, max(k, rank))


def owners(distances: Sequence[int], right: Sequence[int], owner: Sequence[int], count: int) -> list[Fraction]:
    """The exact value of each of `count` owners for one validation row, where an owner brings all of her records or none and
    the single nearest record tells. Only her nearest matter; if several are equally near, she is right as often as they are.
    Who has no record adds nothing."""
    nearest: dict[int, tuple[int, int, int]] = {}
    for distance, good, who in zip(distances, right, owner, strict=True):
        known, hits, many = nearest.get(who, (distance, 0, 0))
        if distance < known:
            known, hits, many = distance, 0, 0
        if distance == known:
            nearest[who] = known, hits + good, many + 1
    there = sorted(nearest)
    shares = values([nearest[who][0] for who in there], [Fraction(*nearest[who][1:]) for who in there], 1)
    found = [Fraction(0)] * count
    for who, value in zip(there, shares, strict=True):
        found[who] = value
    return found
