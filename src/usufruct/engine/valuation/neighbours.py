"""Nearest-neighbour values of many records, exact and the same bytes everywhere (see `core.income.neighbours`).

For a block of validation rows and a tile of records one matrix product gives squared distances: with a record as
(x, x·x, 1) and a validation row as (-2t, 1, t·t), it is x·x - 2x·t + t·t. All of these are whole numbers below 2^53, so every
BLAS comes to the same ones, whatever order it adds in. Distance, place and whether the label is right go into one number of
64 bits; sorting these sorts records by distance, and nothing needs to be looked up afterwards. From the sorted numbers the
values follow in one pass from the farthest to the nearest.

Values are floats. They are added in a published order: rows of a block one after another, then the blocks. So a block is
the unit of work: whoever works it out, on whatever machine, and in whatever order the records stand, each record has the
same bytes in the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from usufruct.core.income.neighbours import BLOCK, DISTANCE_BITS, RECORDS_MAX

Points: TypeAlias = NDArray[np.int32]
Whole: TypeAlias = NDArray[np.int64]
Values: TypeAlias = NDArray[np.float64]

_PLACE_BITS = RECORDS_MAX.bit_length() - 1
_TILE = 4096  # records in one matrix product: distances to a block stay in the processor's cache
_CHUNK = 1 << 24  # sorted numbers that are held at once
_RIGHT, _PLACE = np.uint64(1), np.uint64(RECORDS_MAX - 1)
_DISTANCE = np.uint64(_PLACE_BITS + 1)
assert DISTANCE_BITS + _PLACE_BITS + 1 == 64


def blocks(rows: int) -> Iterator[slice]:
    """The blocks that validation rows are worked out in."""
    for first in range(0, rows, BLOCK):
        yield slice(first, min(first + BLOCK, rows))


def values(points: Points, labels: Whole, rows: Points, told: Whole, k: int, apart: int = 0) -> Values:
    """The mean value of each record over all validation rows; zero without any."""
    parts = (block(points, labels, rows[part], told[part], k, apart) for part in blocks(len(rows)))
    return together(parts, len(points), len(rows))


def together(parts: Iterable[Values], players: int, rows: int) -> Values:
    """The mean over all validation rows, from the sums of the blocks in their order."""
    whole = np.zeros(players)
    for part in parts:
        whole += part
    return whole / max(rows, 1)


def block(points: Points, labels: Whole, rows: Points, told: Whole, k: int, apart: int = 0) -> Values:
    """The sum of each record's values for the validation `rows` of one block, which are labelled as `told`. Coordinates are on
    the grid; a record's label is right if it is no further than `apart`."""
    count = len(points)
    assert count <= RECORDS_MAX
    found, steps = np.zeros(count), _Steps(count, k)
    at_once = max(1, _CHUNK // max(count, 1))
    for first in range(0, len(rows), at_once):
        part = slice(first, first + at_once)
        keys = np.empty((len(rows[part]), count), np.uint64)
        for tile, distances in _distances(points, rows[part]):
            distances *= float(1 << _PLACE_BITS + 1)
            keys[:, tile] = distances
            keys[:, tile] |= np.arange(tile.start, tile.stop, dtype=np.uint64) << _RIGHT
            keys[:, tile] |= _right(labels[tile], told[part], apart)
        for key in keys:
            key.sort()
            right = (key & _RIGHT).astype(np.float64)
            value = steps.values(key >> _DISTANCE, right)
            key >>= _RIGHT
            key &= _PLACE
            found[key.view(np.int64)] += value  # every place once
    return found


def owner_block(
    points: Points, labels: Whole, owner: Whole, count: int, rows: Points, told: Whole, apart: int = 0
) -> Values:
    """The sum of each owner's values for the validation rows of one block, where her nearest record speaks for her and one
    neighbour tells. `owner` is a number below `count` for each record, in ascending order."""
    found = np.zeros(count)
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    there = owner[starts]
    steps = _Steps(len(there), 1)
    nearest, share = _nearest(points, labels, starts, rows, told, apart)
    for distance, good in zip(nearest, share, strict=True):
        order = np.argsort(distance, kind="stable")
        found[there[order]] += steps.values(distance[order], good[order])
    return found


def _distances(points: Points, rows: Points) -> Iterator[tuple[slice, Values]]:
    """Squared distances of all rows to each tile of records."""
    dimensions = points.shape[1]
    right = np.empty((len(rows), dimensions + 2))
    right[:, :dimensions] = rows
    right[:, dimensions + 1] = np.einsum("ij,ij->i", right[:, :dimensions], right[:, :dimensions])
    right[:, dimensions] = 1
    right[:, :dimensions] *= -2
    left = np.empty((_TILE, dimensions + 2))
    left[:, dimensions + 1] = 1
    for first in range(0, len(points), _TILE):
        tile = slice(first, min(first + _TILE, len(points)))
        here = left[: tile.stop - tile.start]
        here[:, :dimensions] = points[tile]
        here[:, dimensions] = np.einsum("ij,ij->i", here[:, :dimensions], here[:, :dimensions])
        yield tile, right @ here.T


def _right(labels: Whole, told: Whole, apart: int) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.abs(labels[None, :] - told[:, None]) <= apart if apart else labels == told[:, None]
    return found


def _nearest(
    points: Points, labels: Whole, starts: NDArray[np.intp], rows: Points, told: Whole, apart: int
) -> tuple[Values, Values]:
    """For each validation row and owner, whose records begin at `starts`: the distance of her nearest record, and the share of
    right ones among those that are as near."""
    nearest = np.full((len(rows), len(starts)), np.inf)
    good, many = np.zeros_like(nearest), np.zeros_like(nearest)
    for tile, distances in _distances(points, rows):
        first = int(np.searchsorted(starts, tile.start, side="right")) - 1
        inside = np.maximum(starts[first : int(np.searchsorted(starts, tile.stop))] - tile.start, 0)
        at = slice(first, first + len(inside))
        least = np.minimum.reduceat(distances, inside, axis=1)
        tied = distances == np.repeat(least, np.diff(inside, append=tile.stop - tile.start), axis=1)
        number = np.add.reduceat(tied, inside, axis=1, dtype=np.float64)
        hits = np.add.reduceat(tied & _right(labels[tile], told, apart), inside, axis=1, dtype=np.float64)
        # An owner's records may lie in two tiles.
        closer, equal = least < nearest[:, at], least == nearest[:, at]
        good[:, at] = np.where(closer, hits, good[:, at] + hits * equal)
        many[:, at] = np.where(closer, number, many[:, at] + number * equal)
        nearest[:, at] = np.minimum(least, nearest[:, at])
    return nearest, good / many


class _Steps:
    """The weights of the ranks, and the values that follow from them."""

    def __init__(self, count: int, k: int) -> None:
        self._weight = 1.0 / np.maximum(np.arange(count + 1), k)  # by rank, from 0
        self._step = np.diff(self._weight)
        self._sum = np.concatenate(([0.0], np.cumsum(self._weight[1:])))

    def values(self, distance: NDArray[np.uint64] | Values, right: Values) -> Values:
        """The value of each of the records, which stand by their distance, the nearest first."""
        new = distance[1:] != distance[:-1]
        return self._apart(right) if new.all() else self._tied(new, right)

    def _apart(self, right: Values) -> Values:
        """Without ties: T + c / w(i)."""
        tails = right * self._step
        found = right * self._weight[1:]
        found[:-1] += np.cumsum(tails[:0:-1])[::-1]
        return found

    def _tied(self, new: NDArray[np.bool_], right: Values) -> Values:
        """With ties, group by group."""
        first = np.concatenate(([0], np.flatnonzero(new) + 1))
        size = np.diff(first, append=len(right))
        last = first + size
        sure = np.add.reduceat(right, first)
        end = self._weight[last]
        tails = sure / size * (end - self._weight[first])
        tail = np.concatenate((np.cumsum(tails[:0:-1])[::-1], [0.0]))
        average = np.where(size == 1, end, (self._sum[last] - self._sum[first]) / size)
        others = (np.repeat(sure, size) - right) / np.repeat(np.maximum(size - 1, 1), size)
        others *= np.repeat(size > 1, size)
        average = np.repeat(average, size)
        found: Values = np.repeat(tail, size) + others * np.repeat(end, size) + (right - others) * average
        return found
