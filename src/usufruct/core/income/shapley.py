"""Shapley values of totals: what each player added to a sum, a mean, an extreme, a number of different values.

A *game* says what every coalition of players would have been worth; here, what the total over their rows alone would have
come to, and nothing for nobody. A player's Shapley value (Shapley 1953) is what she adds to those before her, on average
over all orders in which the players can come. It is the only rule that gives out exactly what all together are worth, the
same to equal players, nothing to whoever adds nothing, and of two games together the sum of both.

Worked out by that definition it takes two to the power of the players. For the totals people ask for there are closed forms,
and they stand here in exact fractions. What stands beside them for few players, `enumerated`, is the definition itself, and
the tests hold every closed form to it. Where there is none (a median, the mean of many holders of unequal size) the orders
are `sampled`, with a standard error.

*Who plays* matters more than the formula. A holder's share here is the sum of what her records get, each a player of its
own: so however she spreads them over names, they come to the same (Lee, Liu, Tang, Zhang 2025, "Faithful Group Shapley
Value"). Holders as players would reward splitting. Of different values, a holder's repeats of one count once.

The same stands as SQL in `engine.shares`, in whole numbers: there a fraction is a number of `UNIT`ths, rounded down where
this module is exact.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import factorial, isqrt
from typing import TypeVar

UNIT = 10**18
"""The parts of one in which shares are whole numbers."""

FEW = 12
"""Players of whom all coalitions are gone through rather than sampled."""

Owner = TypeVar("Owner", bound=Hashable)
Amount = int | Fraction


def enumerated(players: int, worth: Callable[[int], Amount]) -> list[Fraction]:
    """Each player's value, by the definition: over all coalitions, each a number whose bits are its players. Only what a
    coalition is worth beyond nobody counts."""
    worths = [worth(coalition) for coalition in range(1 << players)]
    orders = [Fraction(factorial(size) * factorial(players - size - 1), factorial(players)) for size in range(players)]
    values = []
    for player in range(players):
        added: list[Amount] = [0] * players
        for coalition in range(1 << players):
            if not coalition >> player & 1:
                added[coalition.bit_count()] += worths[coalition | 1 << player] - worths[coalition]
        values.append(sum((order * amount for order, amount in zip(orders, added, strict=True)), Fraction(0)))
    return values


# ---- records as players


def of_average(values: Sequence[Amount]) -> list[Fraction]:
    """Each record's share in their mean: (x + (x - mean of the others)(H - 1)) / n, with the n-th harmonic number H."""
    n, total = len(values), Fraction(sum(values))
    if n == 1:
        return [total]
    beyond = sum((Fraction(1, k) for k in range(2, n + 1)), Fraction(0))
    return [(x + (x - (total - x) / (n - 1)) * beyond) / n for x in values]


def of_maximum(values: Sequence[Amount]) -> list[Fraction]:
    """Each player's share in the largest value: every step up is split over those who reach it, as the cost of a runway over
    the aircraft that need it (Littlechild and Owen 1973, the airport game). Players are records, or whoever has several
    with the largest of hers."""
    shares, so_far, before = [Fraction(0)] * len(values), Fraction(0), Fraction(0)
    for place, player in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        so_far += (values[player] - before) / (len(values) - place)
        before = Fraction(values[player])
        shares[player] = so_far
    return shares


def of_minimum(values: Sequence[Amount]) -> list[Fraction]:
    """Each player's share in the smallest value."""
    return [-share for share in of_maximum([-value for value in values])]


def of_distinct(held: Sequence[Collection[Hashable]]) -> list[Fraction]:
    """Each holder's share in the number of different values: one for each, split equally over those who hold it."""
    holders = Counter(value for values in held for value in set(values))
    return [sum((Fraction(1, holders[value]) for value in set(values)), Fraction(0)) for values in held]


def of_rows(rows: Iterable[tuple[Collection[Owner], Amount]]) -> dict[Owner, Fraction]:
    """Each owner's share in a count or a sum over joined rows: what a row adds, it adds only if all are there whose tuples it
    needs, so it is split equally over them ("On Shapley Value in Data Assemblage Under Independent Utility", PVLDB 15(11),
    2022). An owner whom a row needs twice is one."""
    shares: dict[Owner, Fraction] = {}
    for owners, amount in rows:
        needed = set(owners)
        for owner in needed:
            shares[owner] = shares.get(owner, Fraction(0)) + Fraction(amount) / len(needed)
    return shares


# ---- holders as players


def of_average_by_holder(held: Sequence[tuple[int, Amount]]) -> list[Fraction]:
    """Each holder's share in the mean of all records, holders being the players: of each her number of records, at least one,
    and their sum.

    How many coalitions there are of each size with each number of records, and what their sums come to together, is counted
    for all holders at once, and for each with her taken out again: M^2 N steps for M holders of N records.
    """
    counted: list[dict[int, tuple[int, Fraction]]] = [{0: (1, Fraction(0))}, *({} for _ in held)]
    for rows, total in held:
        for size in range(len(held), 0, -1):
            for before, (coalitions, sums) in counted[size - 1].items():
                there, more = counted[size].get(before + rows, (0, Fraction(0)))
                counted[size][before + rows] = there + coalitions, more + sums + coalitions * total
    orders = [Fraction(factorial(s) * factorial(len(held) - s - 1), factorial(len(held))) for s in range(len(held))]
    shares = []
    for rows, total in held:
        others: dict[int, tuple[int, Fraction]] = {}
        share = Fraction(0)
        for size, order in enumerate(orders):
            others = _without(counted[size], others, rows, total)
            for n, (coalitions, sums) in others.items():
                share += order * ((sums + coalitions * total) / (n + rows) - (sums / n if n else 0))
        shares.append(share)
    return shares


def _without(
    every: dict[int, tuple[int, Fraction]], smaller: dict[int, tuple[int, Fraction]], rows: int, total: Amount
) -> dict[int, tuple[int, Fraction]]:
    """The coalitions of one size without a holder: all, less those that are one of the others' of a size less and she."""
    left = {}
    for n, (coalitions, sums) in every.items():
        with_her, theirs = smaller.get(n - rows, (0, Fraction(0)))
        if coalitions > with_her:
            left[n] = coalitions - with_her, sums - theirs - with_her * total
    return left


# ---- where there is no closed form


@dataclass(frozen=True, slots=True)
class Sampled:
    """Values from a number of `orders`, drawn by lot: of each player the sum of what she added in them, and the standard
    error of the mean of that, rounded up. All in the unit of the worth."""

    orders: int
    added: tuple[int, ...]
    errors: tuple[int, ...]

    @property
    def values(self) -> list[Fraction]:
        """The mean of what each player added. Their sum is the worth of all, exactly."""
        return [Fraction(sum_, self.orders) for sum_ in self.added]


def sampled(players: int, walk: Callable[[Sequence[int]], Iterable[int]], name: str, orders: int) -> Sampled:
    """Values from `orders` (at least two) orders of the players. `walk` says what is reached after each player of an order
    has come. The lot is the SHA-256 of the name, so whoever has the name draws the same orders."""
    added, squares = [0] * players, [0] * players
    lot = _lot(name)
    for _ in range(orders):
        order = _shuffled(players, lot)
        before = 0
        for player, reached in zip(order, walk(order), strict=True):
            added[player] += reached - before
            squares[player] += (reached - before) ** 2
            before = reached
    errors = (
        root_up(Fraction(square - Fraction(sum_ * sum_, orders), orders * (orders - 1)))
        for sum_, square in zip(added, squares, strict=True)
    )
    return Sampled(orders, tuple(added), tuple(errors))


def _lot(name: str) -> Iterator[int]:
    """64-bit numbers without end: the SHA-256 of the name and a counter, cut in four."""
    block = 0
    while True:
        digest = hashlib.sha256(f"{name}/{block}".encode()).digest()
        yield from (int.from_bytes(digest[place : place + 8], "big") for place in range(0, 32, 8))
        block += 1


def _shuffled(players: int, lot: Iterator[int]) -> list[int]:
    """An order in which each is as likely as any other (Fisher and Yates); numbers that would favour one are passed over."""
    order = list(range(players))
    for last in range(players - 1, 0, -1):
        fair = 2**64 - 2**64 % (last + 1)
        drawn = next(number for number in lot if number < fair)
        place = drawn % (last + 1)
        order[last], order[place] = order[place], order[last]
    return order


def root_up(square: Fraction) -> int:
    """A square root, rounded up to a whole number."""
    whole = -(-square.numerator // square.denominator)
    root = isqrt(whole)
    return root if root * root == whole else root + 1
