"""The sieve for near copies, for many records (see `core.income.copies`).

That records within the radius of each other are few makes it quick: a first look, at any two records, only notes which
have another within the radius at all. The sieve itself, which must go in the order of deposit, is for those alone.

The first look is a matrix product for each pair of tiles. Records stand by their widest column, so tiles that are further apart
in it than the radius are passed over. In few dimensions that leaves little to do; in many it leaves nearly all, and then it
takes time with the square of the number of records.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from usufruct.core.income import copies
from usufruct.engine.valuation.neighbours import Points, Values, Whole

_TILE = 2048


def in_order(points: NDArray[np.signedinteger], labels: Whole, deposit: Whole) -> NDArray[np.intp]:
    """The order of deposit; what came together stands by its contents, so that no order of rows matters."""
    return np.lexsort((labels, *points.T[::-1], deposit))


def scale(points: Points) -> int:
    """The square of the radius for records at these points."""
    different = np.unique(points, axis=0)
    here = different[copies.sampled(len(different))]
    many = min(copies.NEAREST, len(different) - 1)
    if many < 2:
        return 0
    radius = 0
    for _ in range(copies.ROUNDS):
        nearest = np.full((len(here), many), np.inf)
        for first in range(0, len(different), _TILE):
            distances = squared(here, different[first : first + _TILE])
            distances[distances <= radius] = np.inf
            nearest = np.partition(np.hstack((nearest, distances)), many - 1, axis=1)[:, :many]
        nearest.sort(axis=1)
        whole = nearest[np.isfinite(nearest).all(axis=1)]
        grown = copies.radius_squared(whole.astype(np.int64).tolist())
        if grown <= radius:
            break
        radius = grown
    return radius


def sieve(points: Points, labels: Whole, order: NDArray[np.intp], radius: int, apart: int = 0) -> Whole:
    """For each record the one that counts for it, itself or the earliest of which it is a copy."""
    found = np.arange(len(points))
    close = _close(points, labels, radius, apart)
    counting = np.empty(0, np.intp)
    left = order[close[order]]
    for first in range(0, len(left), _TILE):
        new = left[first : first + _TILE]
        for tile in range(0, len(counting), _TILE):
            there = counting[tile : tile + _TILE]
            near = _near(points, labels, new, there, radius, apart)
            hit = near.any(axis=1)
            found[new[hit]] = there[near[hit].argmax(axis=1)]
            new = new[~hit]
        near = np.tril(_near(points, labels, new, new, radius, apart), -1)
        counts = np.ones(len(new), np.bool_)
        for place in np.flatnonzero(near.any(axis=1)):
            before = near[place] & counts
            if before.any():
                counts[place] = False
                found[new[place]] = new[before.argmax()]
        counting = np.concatenate((counting, new[counts]))
    return found


def sieve_each(
    points: Points, labels: Whole, order: NDArray[np.intp], who: Whole, radius: int, apart: int = 0
) -> Whole:
    """The sieve among each person's own records alone."""
    found = np.arange(len(points))
    by_person = order[np.argsort(who[order], kind="stable")]
    whose = who[by_person]
    close = np.zeros(len(who), np.bool_)
    for step in range(1, len(who)):
        pairs = np.flatnonzero(whose[step:] == whose[:-step])
        if not len(pairs):
            break
        here, there = by_person[pairs], by_person[pairs + step]
        away = points[here].astype(np.int64) - points[there]
        near = np.einsum("ij,ij->i", away, away) <= radius
        near &= np.abs(labels[here] - labels[there]) <= apart
        close[pairs[near]] = True
    first = np.flatnonzero(np.diff(whose, prepend=-1))
    last = np.append(first[1:], len(whose))
    for number in np.unique(np.searchsorted(first, np.flatnonzero(close), side="right") - 1):
        mine = by_person[first[number] : last[number]]
        found[mine] = mine[sieve(points[mine], labels[mine], np.arange(len(mine)), radius, apart)]
    return found


def squared(here: Points, there: Points) -> Values:
    """Squared distances, exact."""
    a, b = here.astype(np.float64), there.astype(np.float64)
    found: Values = a @ b.T
    found *= -2
    found += np.einsum("ij,ij->i", a, a)[:, None]
    found += np.einsum("ij,ij->i", b, b)
    return found


def _near(
    points: Points, labels: Whole, here: NDArray[np.intp], there: NDArray[np.intp], radius: int, apart: int
) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = squared(points[here], points[there]) <= radius
    found &= np.abs(labels[here][:, None] - labels[there]) <= apart
    return found


def _close(points: Points, labels: Whole, radius: int, apart: int) -> NDArray[np.bool_]:
    """Which records have another within the radius, with the same label."""
    found = np.zeros(len(points), np.bool_)
    for here, there in _pairs(points, isqrt(radius)):
        near = squared(points[here], points[there]) <= radius
        if here is there:
            np.fill_diagonal(near, False)
        a, b = np.nonzero(near)
        same = np.abs(labels[here[a]] - labels[there[b]]) <= apart
        found[here[a[same]]] = True
        found[there[b[same]]] = True
    return found


def _pairs(points: Points, radius: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Tiles of records, by twos, that may hold two within the radius."""
    if not len(points):
        return
    widest = points[:, int(points.std(axis=0).argmax())]
    order = np.argsort(widest, kind="stable")
    tiles = [order[first : first + _TILE] for first in range(0, len(order), _TILE)]
    for place, here in enumerate(tiles):
        yield here, here
        for there in tiles[place + 1 :]:
            if int(widest[there[0]]) - int(widest[here[-1]]) > radius:
                break
            yield here, there
