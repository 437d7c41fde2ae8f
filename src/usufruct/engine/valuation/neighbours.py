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

from collections.abc import Callable, Iterable, Iterator
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
_PLACE, _RIGHT = np.uint64(RECORDS_MAX - 1), np.uint64(RECORDS_MAX)
_DISTANCE = np.uint64(_PLACE_BITS + 1)
_NONE = np.empty(0, np.intp)
_EVEN = float(1 << 52)  # from here to its double, a float's lower bits are a whole number
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
    found, old, steps = np.zeros(count), np.empty(count), _Steps(count, k)
    at_once = max(1, _CHUNK // max(count, 1))
    for first in range(0, len(rows), at_once):
        part = slice(first, first + at_once)
        for key in _keys(points, labels, rows[part], told[part], apart):
            key.sort()
            value = steps.of_keys(key)
            key &= _PLACE
            place = key.view(np.int64)
            value += np.take(found, place, out=old, mode="clip")
            found[place] = value  # every place once
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
        found[there[order]] += steps.of_owners(distance[order], good[order])
    return found


def _keys(points: Points, labels: Whole, rows: Points, told: Whole, apart: int) -> NDArray[np.uint64]:
    """For each row and record one number: the squared distance, whether the label is right, and the place."""
    keys = np.empty((len(rows), len(points)), np.uint64)
    lower: dict[int, NDArray[np.uint64]] = {}
    for tile, distances in _distances(points, rows, _EVEN):
        np.left_shift(distances.view(np.uint64), _DISTANCE, out=keys[:, tile])  # the exponent falls off at the top
        places = np.arange(tile.start, tile.stop, dtype=np.uint64)
        lower.clear()
        for key, label in zip(keys[:, tile], told.tolist(), strict=True):
            if label not in lower:
                lower[label] = np.where(_right(labels[tile], told.dtype.type(label), apart), places | _RIGHT, places)
            key |= lower[label]
    return keys


def _distances(points: Points, rows: Points, more: float = 0) -> Iterator[tuple[slice, Values]]:
    """Squared distances of all rows to each tile of records, with `more` added to each. The next takes the place of the last."""
    dimensions = points.shape[1]
    right = np.empty((len(rows), dimensions + 2))
    right[:, :dimensions] = rows
    right[:, dimensions + 1] = np.einsum("ij,ij->i", right[:, :dimensions], right[:, :dimensions])
    right[:, dimensions + 1] += more
    right[:, dimensions] = 1
    right[:, :dimensions] *= -2
    found = np.empty((len(rows), _TILE))
    left = np.empty((_TILE, dimensions + 2))
    left[:, dimensions + 1] = 1
    for first in range(0, len(points), _TILE):
        tile = slice(first, min(first + _TILE, len(points)))
        here = left[: tile.stop - tile.start]
        here[:, :dimensions] = points[tile]
        here[:, dimensions] = np.einsum("ij,ij->i", here[:, :dimensions], here[:, :dimensions])
        yield tile, np.matmul(right, here.T, out=found[:, : len(here)] if len(here) == _TILE else None)


def _right(labels: Whole, told: Whole | np.int64, apart: int) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.abs(labels - told) <= apart if apart else labels == told
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
        hits = np.add.reduceat(tied & _right(labels[tile], told[:, None], apart), inside, axis=1, dtype=np.float64)
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
        self._bits = np.empty(count, np.uint64)
        self._tails, self._own, self._sums = np.empty(count), np.empty(count), np.empty(count)

    def of_keys(self, key: NDArray[np.uint64]) -> Values:
        """The values of sorted keys; the next takes the place of the last."""
        same = np.bitwise_xor(key[1:], key[:-1], out=self._bits[1:])
        ties = np.flatnonzero(same < np.uint64(1) << _DISTANCE) if len(same) and not same.min() >> _DISTANCE else _NONE
        # All bits of who is right, none of others; so no number needs to be made of them.
        np.left_shift(key, np.uint64(DISTANCE_BITS), out=self._bits)
        mask = self._bits.view(np.int64)
        mask >>= 63
        np.bitwise_and(self._step.view(np.int64), mask, out=self._tails.view(np.int64))
        np.bitwise_and(self._weight[1:].view(np.int64), mask, out=self._own.view(np.int64))
        if len(ties):
            self._tied(ties, lambda place: -mask[place].astype(np.float64))
        return self._added_up()

    def of_owners(self, distance: Values, right: Values) -> Values:
        """The values of owners, who stand by their distance; the next takes the place of the last."""
        ties = np.flatnonzero(distance[1:] == distance[:-1])
        np.multiply(right, self._step, out=self._tails)
        np.multiply(right, self._weight[1:], out=self._own)
        if len(ties):
            self._tied(ties, lambda place: right[place])
        return self._added_up()

    def _added_up(self) -> Values:
        """T + c / w(i), where what a group of ties adds to T stands at the first of them."""
        self._own[:-1] += np.cumsum(self._tails[:0:-1], out=self._sums[1:])[::-1]
        return self._own

    def _tied(self, ties: NDArray[np.intp], right: Callable[[NDArray[np.intp]], Values]) -> None:
        """Puts right what ties are: `ties` are the ranks, from 0, of records that are as far as the next."""
        first = ties[np.diff(ties, prepend=-2) != 1]
        last = ties[np.diff(ties, append=-2) != 1] + 2  # ranks from 1
        size = last - first
        group = np.repeat(np.arange(len(first)), size)
        start = np.cumsum(size) - size
        place = np.arange(len(group)) - start[group] + first[group]
        good = right(place)
        sure = np.add.reduceat(good, start)
        end = self._weight[last]
        self._tails[place] = 0
        self._tails[first] = sure / size * (end - self._weight[first])
        others = (sure[group] - good) / (size - 1)[group]
        average = (self._sum[last] - self._sum[first]) / size
        self._own[place] = others * end[group] + (good - others) * average[group]
