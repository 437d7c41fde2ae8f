"""Each person's share in a training: copies are sieved out, the rest is measured, and what it adds is summed to persons.

Accounts are no players. Records are; a record that harms counts as zero, and so does its copy, each by itself: if a person's
sum were cut off at zero instead, harmful records could be moved to another account. Values become whole numbers before they
are added up, so no order of rows changes a sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from usufruct.core.income.neighbours import SHARE_UNIT, Measure
from usufruct.engine.valuation import copies, neighbours
from usufruct.engine.valuation.neighbours import Points, Values, Whole


@dataclass(frozen=True, slots=True)
class Records:
    """Records on the grid, each with its label, the number of the person whose it is and when it was deposited, as a number
    that grows."""

    points: Points
    labels: Whole
    who: Whole
    deposit: Whole


@dataclass(frozen=True, slots=True)
class Validation:
    """The buyer's rows on the same grid, and what she says of them."""

    points: Points
    labels: Whole


@dataclass(frozen=True, slots=True)
class Sieved:
    """Which record counts for each: itself, or the one it is a copy of."""

    by: Whole

    @property
    def counting(self) -> Whole:
        """The places of the records that count."""
        return np.flatnonzero(self.by == np.arange(len(self.by)))


@dataclass(frozen=True, slots=True)
class Paid:
    """What each person's records come to, in parts of `SHARE_UNIT`, and what was cut off at zero, in all."""

    shares: Whole
    cut: int

    def encode(self) -> bytes:
        """As a use keeps them: unsigned 64-bit, little-endian."""
        return self.shares.astype("<u8").tobytes()


def sieve(records: Records, measure: Measure, apart: int = 0) -> Sieved:
    """Tells copies from what counts."""
    radius = copies.scale(records.points)
    order = copies.in_order(records.points, records.labels, records.deposit)
    if measure.copies == "person":
        return Sieved(copies.sieve_each(records.points, records.labels, order, records.who, radius, apart))
    return Sieved(copies.sieve(records.points, records.labels, order, radius, apart))


def pay(records: Records, sieved: Sieved, values: Values, measure: Measure, persons: int) -> Paid:
    """What each of so many persons is due for the `values` of the records that count."""
    counting = sieved.counting
    units = np.rint(values * SHARE_UNIT).astype(np.int64)
    kept = np.maximum(units, 0)
    shares = np.zeros(persons, np.int64)
    if measure.copies != "equal":
        np.add.at(shares, records.who[counting], kept)
        return Paid(shares, int((kept - units).sum()))
    of = np.zeros(len(sieved.by), np.int64)
    of[counting] = kept
    holders = np.unique(
        np.stack((sieved.by, records.who), axis=1), axis=0
    )  # each person once for each record that counts
    first = np.flatnonzero(np.diff(holders[:, 0], prepend=-1))
    many = np.diff(first, append=len(holders))
    whole, rest = np.divmod(of[holders[first, 0]], many)
    nth = np.arange(len(holders)) - np.repeat(first, many)
    np.add.at(shares, holders[:, 1], np.repeat(whole, many) + (nth < np.repeat(rest, many)))
    return Paid(shares, int((kept - units).sum()))


def measured(records: Records, validation: Validation, measure: Measure, persons: int, apart: int = 0) -> Paid:
    """The whole way, on this machine."""
    sieved = sieve(records, measure, apart)
    at = sieved.counting
    values = neighbours.values(
        records.points[at], records.labels[at], validation.points, validation.labels, measure.k, apart
    )
    return pay(records, sieved, values, measure, persons)
