"""What a courier may be told, what she is worth for an order, and the trip that comes of it. See dispatch.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from usufruct.core.work.allocation.instance import Candidate, Words
from usufruct.core.work.allocation.rule import AllocationRule, graded
from usufruct.core.work.files.deliveries import Carried, Courier, Day, Order, Place, travel_minutes

WORST_MINUTES, BEST_PAY = 40, 4000
NEAREST = 20  # orders that a courier is asked about


@dataclass(slots=True)
class Rider:
    """Where a courier is, from when on she is free, and what she earned."""

    courier: Courier
    at: Place
    free: int
    earned: int = 0

    def hourly(self, now: int) -> int:
        """Minor units an hour since her shift began; its first half hour counts whole, or nobody would be told twice."""
        return self.earned * 60 // max(now - self.courier.on, 30)

    def waits(self, now: int) -> bool:
        """Whether she is online, and done with her last trip."""
        return self.free <= now and any(start <= now < end for start, end in self.courier.online)


def candidates(day: Day, now: int, due: list[Order], free: list[Rider], rule: AllocationRule) -> Iterator[Candidate]:
    """The pairs of each courier with the orders nearest to her, and what they are worth; she ranks the nearest first."""
    for one in free:
        far = sorted((travel_minutes(one.at, order.pickup, day.conduct.metres_per_minute), order.id) for order in due)
        fair = graded(one.hourly(now), BEST_PAY, 0)
        for rank, (minutes, order) in enumerate(far[:NEAREST], 1):
            worth = {"near": graded(minutes, WORST_MINUTES, 0), "fairness": fair}
            yield Candidate(one.courier.id, order, rank, tuple(worth[part.name] for part in rule.parts))


def barred(day: Day, one: Rider, order: Order, now: int) -> Iterator[Words]:
    """Why a courier may not bring an order, the first reason first."""
    courier = one.courier
    if courier.operators and order.operator not in courier.operators:
        yield "dispatch.operator", "you do not ride for this operator"
    if {order.operator, order.shop} & set(courier.refuses):
        yield "dispatch.refusal", "you refused the operator or the shop"
    missing = [need for need in order.needs if need not in courier.skills]
    if missing:
        yield "dispatch.skill", f"it needs the skill {missing[0]}"
    if trip(day, one, order, now).picked_up > courier.off:
        yield "dispatch.hours", "your shift would be over before it could be picked up"


def trip(day: Day, one: Rider, order: Order, now: int) -> Carried:
    """The trip of a courier who is told now. Half of the time at a shop and at a door passes before the order changes
    hands, as MDRPLib has it."""
    conduct = day.conduct
    at_shop, at_door = -(-conduct.pickup_minutes // 2), -(-conduct.dropoff_minutes // 2)
    there = now + travel_minutes(one.at, order.pickup, conduct.metres_per_minute)
    picked_up = max(there + at_shop, order.ready)
    way = travel_minutes(order.pickup, order.dropoff, conduct.metres_per_minute)
    return Carried(one.courier.id, (order.id,), now, now, picked_up, (picked_up + at_shop + way + at_door,))


def ride(day: Day, one: Rider, order: Order, now: int) -> Carried:
    """The same, done: she is then at the door, and has earned."""
    done = trip(day, one, order, now)
    one.at, one.free = order.dropoff, done.dropped[-1] + -(-day.conduct.dropoff_minutes // 2)
    one.earned += day.conduct.per_order
    return done
