"""A day of deliveries: orders, couriers with their shifts, and who carried what. The one shape that files are read into.

Files of real work have many formats, and no names in common. A reader makes this of them, and so does whoever makes a day
up; what looks at a day (a dispatcher, a floor on pay, a table on the screen) then needs to know one thing only. Nothing
here is a fact: such a day comes from outside, and nobody on this node vouches for it.

Times are whole minutes since the day began, places metres on a plane, amounts minor units. Who is paid by the order with a
guarantee by the hour gets the larger of the two, worked out for each shift, as the Grubhub instances of the meal delivery
routing problem have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt


@dataclass(frozen=True, slots=True)
class Place:
    """A point on a plane, `x` and `y` in metres."""

    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Order:
    """Something to be brought from `pickup` to `dropoff`: `placed` by a customer with an `operator`, and `ready` at `shop`.

    `needs` are the skills without which nobody may bring it.
    """

    id: str
    placed: int
    ready: int
    shop: str
    pickup: Place
    dropoff: Place
    operator: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Courier:
    """Somebody who is logged in from minute `on` until just before `off`, first at `start`.

    `operators` are those that may give her orders (none named: all), `skills` what she has shown that she can, `refuses` the
    operators and shops for which she does not ride. In a pause, from its first minute until just before its second, she is
    not online.
    """

    id: str
    start: Place
    on: int
    off: int
    operators: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()
    pauses: tuple[tuple[int, int], ...] = ()

    @property
    def minutes(self) -> int:
        """How long her shift lasts."""
        return self.off - self.on

    @property
    def online(self) -> tuple[tuple[int, int], ...]:
        """The spans of her shift without the pauses, which are in order and do not meet."""
        edges = [self.on, *(edge for pause in self.pauses for edge in pause), self.off]
        return tuple((start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end)


@dataclass(frozen=True, slots=True)
class Conduct:
    """How couriers get about and are paid: metres a minute, minutes at a shop and at a door, `per_order` and at least
    `per_hour` of the whole shift, in minor units of `currency`. Customers wait `target` minutes, and at most `longest`."""

    metres_per_minute: int
    pickup_minutes: int
    dropoff_minutes: int
    per_order: int
    per_hour: int
    currency: str
    target: int
    longest: int


@dataclass(frozen=True, slots=True)
class Day:
    """A day's orders and couriers, each in the order of the file."""

    name: str
    orders: tuple[Order, ...]
    couriers: tuple[Courier, ...]
    conduct: Conduct


@dataclass(frozen=True, slots=True)
class Carried:
    """One trip: `courier` was told at minute `told`, set out at `left`, had the orders at `picked_up`, and brought each at
    the minute of `dropped` with the same place in the list."""

    courier: str
    orders: tuple[str, ...]
    told: int
    left: int
    picked_up: int
    dropped: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Earned:
    """What a courier's shift came to. `earned` by the order, `guaranteed` by the hour of the shift; `engaged` counts the
    minutes from being told to the last door of each trip, minutes of two trips at once counted once."""

    courier: str
    orders: int
    minutes: int
    engaged: int
    earned: int
    guaranteed: Fraction

    @property
    def paid(self) -> Fraction:
        """The larger of the two."""
        return max(Fraction(self.earned), self.guaranteed)

    @property
    def topped_up(self) -> bool:
        """Whether the guarantee was the larger."""
        return self.earned < self.guaranteed


def travel_minutes(a: Place, b: Place, metres_per_minute: int) -> int:
    """Whole minutes from `a` to `b` as the crow flies, each begun minute counted; exact, with no root of a float."""
    far = (a.x - b.x) ** 2 + (a.y - b.y) ** 2
    begun = isqrt(far) // metres_per_minute
    while (begun * metres_per_minute) ** 2 < far:
        begun += 1
    return begun


def earnings(day: Day, carried: Iterable[Carried]) -> list[Earned]:
    """What each courier's shift came to, in the order of the day's couriers; who carried nothing is among them."""
    trips: dict[str, list[Carried]] = {courier.id: [] for courier in day.couriers}
    for trip in carried:
        trips[trip.courier].append(trip)
    per_minute = Fraction(day.conduct.per_hour, 60)
    after = -(-day.conduct.dropoff_minutes // 2)  # at a door half the time passes before the order is handed over
    found = []
    for courier in day.couriers:
        mine = trips[courier.id]
        brought = sum(len(trip.orders) for trip in mine)
        spans = [(trip.told, trip.dropped[-1] + after) for trip in mine]
        engaged = _together(spans)
        earned = brought * day.conduct.per_order
        found.append(Earned(courier.id, brought, courier.minutes, engaged, earned, per_minute * courier.minutes))
    return found


def waits(day: Day, carried: Iterable[Carried]) -> list[int]:
    """Minutes from order to door, for each order that was brought, the shortest first."""
    placed = {order.id: order.placed for order in day.orders}
    found = [at - placed[order] for trip in carried for order, at in zip(trip.orders, trip.dropped, strict=True)]
    return sorted(found)


def _together(spans: Sequence[tuple[int, int]]) -> int:
    """How long the union of these lasts."""
    total, until = 0, None
    for start, end in sorted(spans):
        begin = start if until is None else max(start, until)
        if end > begin:
            total += end - begin
            until = end
    return total
