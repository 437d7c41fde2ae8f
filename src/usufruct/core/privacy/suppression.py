"""Which cells of a cube are withheld, so that none of them can be worked out from the others.

A cube is a table of figures by its keys, with every margin: each key also has a *total*. A cell is withheld of itself if it
stands for too few persons (none at all included, or who is new in an empty cell would show), or if one person makes up
too much of a sum. That is not enough: where one cell of a line is missing, it is the total less the others. So more cells
are withheld, until each can be *moved*.

A move takes for each key two places and changes the 2^d cells at their crossings by the same amount, up or down. Where the
two places are two values of the key, what is added at one is taken away at the other, and the line's total stays; where one
of them is the total, both change alike. Either way every line still adds up. So if all cells of a move are withheld, whoever
has only what is published, and knows that no figure is negative, cannot tell the table from the moved one. The amount can
be as large as the least of the figures that shrink. What a cell can be moved by, up and down together, is its *width*: no
linear programme over the published figures bounds it more narrowly. This is the hypercube method of official statistics
(Repsilber 1994; Giessing and Repsilber 2002), with lines to the totals added, so that it always comes to an end: at worst
everything is withheld.

A cell is protected if a move through it is at least as wide as `least` persons in its count and, in each sum, as the
largest part that one person has in the cell. Every withheld cell is protected so, not only those withheld of themselves.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

TOTAL = -1
"""The place of a key's total; its values are at 0, 1 and so on."""

Place = tuple[int, ...]


class Figures(NamedTuple):
    """What a cell stands for: how many different `persons`; the figures that are `told`, first the count, in which a person
    counts once for each inner cell that she is in, then sums, each the sum of those on its lines and none negative; and
    for each sum the `largest` part that one person has in it."""

    persons: int
    told: tuple[int, ...]
    largest: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Tableau:
    """A cube: how many values each key has, and what each cell stands for, every margin included. A cell is shown if at
    least `least` persons are in it and none makes up more than `share` per cent of a sum."""

    shape: tuple[int, ...]
    cells: Mapping[Place, Figures]
    least: int
    share: int

    def too_small(self, place: Place) -> bool:
        """Whether a cell is withheld of itself."""
        figures = self.cells[place]
        return figures.persons < self.least or any(
            largest * 100 > self.share * whole for largest, whole in zip(figures.largest, figures.told[1:], strict=True)
        )


def places(shape: tuple[int, ...]) -> Iterator[Place]:
    """Every cell of a cube, with its margins."""
    return product(*((*range(size), TOTAL) for size in shape))


def withhold(tableau: Tableau, also: Collection[Place] = (), known: Collection[Place] = ()) -> frozenset[Place] | None:
    """The cells to withhold: those that are of themselves, those in `also`, and what protects them. What is `known`, for
    it was published before, cannot be withheld, and protects nothing; None if it leaves no way."""
    withheld = {place for place in places(tableau.shape) if tableau.too_small(place) or place in also} - set(known)
    waiting = sorted(withheld, key=lambda place: (tableau.cells[place].told[0], place), reverse=True)
    while waiting:
        move = _Search(tableau, withheld, known).cheapest(waiting.pop())
        if move is None:
            return None
        fresh = sorted(move - withheld)
        withheld.update(fresh)
        waiting += fresh
    return frozenset(withheld)


def unprotected(tableau: Tableau, withheld: Collection[Place]) -> list[Place]:
    """The withheld cells that no move within them protects: the audit of a cube. A cell that ought to be withheld and is
    not is one of them."""
    shown = set(places(tableau.shape)) - set(withheld)
    search = _Search(tableau, withheld, shown)
    return sorted(place for place in places(tableau.shape) if (
        tableau.too_small(place) if place in shown else search.cheapest(place) is None
    ))  # fmt: skip


class _Search:
    """Looks for the move that protects a cell and takes the least away from what is shown, key by key. With each key a move
    has more cells, costs more and is narrower; so a way is given up as soon as it costs more than the best, or is too
    narrow."""

    def __init__(self, tableau: Tableau, withheld: Collection[Place], known: Collection[Place]) -> None:
        self._tableau, self._withheld, self._known = tableau, withheld, known

    def cheapest(self, place: Place) -> frozenset[Place] | None:
        """The move; None if there is none."""
        self._wanted = (self._tableau.least, *self._tableau.cells[place].largest)
        self._cost: float = math.inf
        self._best: list[tuple[Place, int]] = []
        own = self._tableau.cells[place].told
        self._go_on([(place, 1)], 0, own, (math.inf,) * len(own))
        return frozenset(cell for cell, _ in self._best) if self._best else None

    def _go_on(self, move: list[tuple[Place, int]], cost: int, down: tuple[float, ...], up: tuple[float, ...]) -> None:
        """Every way to extend a move along the next key. `down` and `up` are by how much each figure of it can be moved."""
        axis = (len(move) - 1).bit_length()
        if axis == len(self._tableau.shape):
            self._cost, self._best = cost, move
            return
        for other, sign in self._pairs(move[0][0], axis):
            more = [((*cell[:axis], other, *cell[axis + 1 :]), was * sign) for cell, was in move]
            dearer = cost + sum(self._price(cell) for cell, _ in more)
            if dearer >= self._cost:
                continue
            lower, upper = down, up
            for cell, now in more:
                told = self._tableau.cells[cell].told
                if now > 0:
                    lower = tuple(map(min, lower, told))
                else:
                    upper = tuple(map(min, upper, told))
            if all(a + b >= least for a, b, least in zip(lower, upper, self._wanted, strict=True)):
                self._go_on([*move, *more], int(dearer), lower, upper)
                if self._cost == cost:
                    return

    def _pairs(self, place: Place, axis: int) -> list[tuple[int, int]]:
        """The other places of a key that a cell can be paired with, and the sign of the change there; the cheaper first."""
        at, size = place[axis], self._tableau.shape[axis]
        if at == TOTAL:
            pairs = [(value, 1) for value in range(size)]
        else:
            pairs = [*((value, -1) for value in range(size) if value != at), (TOTAL, 1)]
        return sorted(pairs, key=lambda pair: self._price((*place[:axis], pair[0], *place[axis + 1 :])))

    def _price(self, place: Place) -> float:
        """What withholding a cell takes away from what is shown."""
        if place in self._withheld:
            return 0
        return math.inf if place in self._known else self._tableau.cells[place].told[0]
