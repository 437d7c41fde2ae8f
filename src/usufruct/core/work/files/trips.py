"""Paid trips as a file tells them, one by one, with no word about who drove: what can be added up, and what cannot.

From single trips follow the pay for the time with a passenger and for the time since somebody asked for a ride, what the
operator kept, and whether each trip was paid its floor. Time online does not follow, nor a shift, nor whether two trips
were driven at once: for that one must know who drove. So what stands here is never called an hourly wage.

Amounts are minor units and times whole milliseconds or seconds; distances are thousandths of a mile, as meters have them.
A rate is a fraction, so that a floor is exact before it is rounded once, to the nearest minor unit, halves up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm

from usufruct.core.base.instants import Instant

HOUR = 3_600_000  # milliseconds
MILLIMILES, SECONDS = 1000, 60  # in a mile, in a minute
# 1 mile is 1609.344 metres (international yard and pound agreement of 1959).
METRES = Fraction(1_609_344, 1_000_000)


@dataclass(frozen=True, slots=True)
class Trip:
    """One trip: times as instants, `seconds` as metered, amounts in minor units. `fare` is what the passenger paid before
    tips, taxes and surcharges, `pay` what the driver got without tips, `fund` the surcharge for the drivers' fund. `accessible`:
    a car that takes wheelchairs was asked for and came; `inside`: both ends are in the city.
    """

    row: int
    operator: str
    requested: Instant
    picked_up: Instant
    dropped_off: Instant
    millimiles: int
    seconds: int
    fare: int
    pay: int
    tips: int
    tolls: int
    fund: int
    surcharges: int
    shared: bool
    accessible: bool
    inside: bool

    @property
    def metres(self) -> int:
        """The distance in metres, cut to a whole one."""
        return int(self.millimiles * METRES)


@dataclass(frozen=True, slots=True)
class TripRates:
    """A floor for each trip: so much a mile and so much a minute, in minor units, whoever set them."""

    per_mile: Fraction
    per_minute: Fraction

    @property
    def scaled(self) -> tuple[int, int, int]:
        """Whole numbers `a`, `b`, `c`: a trip's floor is `(a * millimiles + b * seconds) / c` minor units."""
        mile, minute = self.per_mile / MILLIMILES, self.per_minute / SECONDS
        whole = lcm(mile.denominator, minute.denominator)
        return int(mile * whole), int(minute * whole), whole

    def floor(self, millimiles: int, seconds: int) -> int:
        """What a trip is paid at least, to the nearest minor unit, halves up."""
        a, b, whole = self.scaled
        return (2 * (a * millimiles + b * seconds) + whole) // (2 * whole)


RatesOf = Callable[[str, bool], TripRates | None]
"""The rates of a local day, as 2024-03-05, for a car that takes wheelchairs or another; None where nobody knows them."""


@dataclass(slots=True)
class Totals:
    """What the trips of one operator add up to. Times are milliseconds; `asked` counts from the request on, over the trips
    whose passenger was picked up after it, and `asked_pay` is what those paid. A floor is held against trips that stay in the
    city and were not shared, on days whose rates are known: so many were `checked`, of them so many are `below`, by `short`.
    """

    trips: int = 0
    shared: int = 0
    millimiles: int = 0
    driven: int = 0
    asked: int = 0
    asked_pay: int = 0
    fare: int = 0
    pay: int = 0
    tips: int = 0
    tolls: int = 0
    fund: int = 0
    surcharges: int = 0
    checked: int = 0
    below: int = 0
    short: int = 0

    @property
    def hourly(self) -> Fraction | None:
        """Pay for an hour with a passenger, in minor units; none without such time."""
        return Fraction(self.pay * HOUR, self.driven) if self.driven else None

    @property
    def hourly_asked(self) -> Fraction | None:
        """Pay for an hour between request and arrival."""
        return Fraction(self.asked_pay * HOUR, self.asked) if self.asked else None

    @property
    def take(self) -> Fraction | None:
        """The part of the fares that did not go to drivers; below nothing where they got more than was paid."""
        return Fraction(self.fare - self.pay, self.fare) if self.fare > 0 else None

    def add(self, trip: Trip, driven: int, asked: int, rates: TripRates | None = None) -> None:
        """Counts one trip that took `driven` milliseconds, and `asked` from the request on (below 0: it came later)."""
        self.trips += 1
        self.shared += trip.shared
        self.driven += driven
        for name in ("millimiles", "fare", "pay", "tips", "tolls", "fund", "surcharges"):
            setattr(self, name, getattr(self, name) + getattr(trip, name))
        if asked >= driven:
            self.asked += asked
            self.asked_pay += trip.pay
        if rates and trip.inside and not trip.shared:  # who shares a ride is not paid by her own miles alone
            missing = max(0, rates.floor(trip.millimiles, trip.seconds) - trip.pay)
            self.checked += 1
            self.below += missing > 0
            self.short += missing


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about one row of a file (the first is row 1)."""

    row: int
    what: str


@dataclass(slots=True)
class Reading:
    """How a file was read: how many rows, what was left out and why, what was read by a rule, and the first rows of each."""

    rows: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    noted: dict[str, int] = field(default_factory=dict)
    first: list[Remark] = field(default_factory=list)
    listed_most: int = 5

    def note(self, what: str, rows: Iterable[int], count: int, out: bool) -> None:
        """Counts `count` rows of which `what` is true, and lists the first ones; `out`: they are left out."""
        counts = self.left_out if out else self.noted
        listed = sum(1 for remark in self.first if remark.what == what)
        self.first += [Remark(row, what) for row, _ in zip(rows, range(self.listed_most - listed), strict=False)]
        counts[what] = counts.get(what, 0) + count
