"""Every five minutes, the orders that wait and the couriers who are free: a round of the exchange. See couriers.py.

What a courier may not do (the operator is not hers, she refused, a skill is missing, her shift would be over) is filtered out
with its reason. Of the rest the allocation takes the largest sum of published parts: `near`, 25 points for each minute that
she is nearer to the shop than 40; and `fairness`, 25 points for each 1.00 an hour that she earned less than 40.00 so far. So
at weight 1 a minute of a customer is worth as much as one unit of somebody's hourly pay.

This is a plain dispatcher: one order a trip, nobody told before she is free, an order told 10 minutes before it is ready and
given up when nobody could bring it in time. Real ones do better. What it shows are differences between rules, and not what a
platform would reach.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

from riders import Rider, barred, candidates, ride

from usufruct.core.work.allocation import certificate, encoding, largest_sum, lottery
from usufruct.core.work.allocation.instance import CHAMBERS, Allocation, Instance, Words, build, sift
from usufruct.core.work.allocation.rule import SUM, AllocationRule, Part
from usufruct.core.work.files.deliveries import Carried, Day, Order

TURN, HOLD = 5, 10


@dataclass(slots=True)
class Round:
    """What was decided at a minute."""

    at: int
    instance: Instance
    allocation: Allocation
    secrets: list[bytes]

    def proof(self) -> tuple[bytes, bytes]:
        """The instance and its certificate, as bytes that anyone can check."""
        made = certificate.make(self.instance, self.allocation, list(self.secrets))
        return encoding.encode(self.instance), certificate.encode(made)


@dataclass(slots=True)
class Dispatched:
    """A day under one rule: trips in the order in which they were told, and the rounds that told them."""

    carried: list[Carried] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)


def rule_of(fairness: int) -> AllocationRule:
    """The published rule with that weight on fairness; none at 0."""
    parts = (Part("near", 1), Part("fairness", fairness))
    return AllocationRule(SUM, tuple(part for part in parts if part.weight))


def dispatch(day: Day, fairness: int) -> Dispatched:
    """The day, with that weight on fairness."""
    rule, done = rule_of(fairness), Dispatched()
    riders = [Rider(one, one.start, one.on) for one in day.couriers]
    waiting = sorted(day.orders, key=lambda order: order.placed)
    for now in range(0, max((one.off for one in day.couriers), default=0) + TURN, TURN):
        free = [one for one in riders if one.waits(now)]
        waiting = [order for order in waiting if now <= order.placed + day.conduct.longest]  # then nobody wants it
        due = [order for order in waiting if order.placed <= now and order.ready - HOLD <= now]
        # Who waits longest comes first: no more orders are told at once than there are couriers.
        due = [order for order in due if not all(any(barred(day, one, order, now)) for one in free)][: len(free)]
        if not due:
            continue
        found = decide(day, now, due, free, rule)
        done.rounds.append(found)
        by_id, of_id = {one.courier.id: one for one in free}, {order.id: order for order in due}
        for courier, order in found.allocation.pairs(found.instance):
            done.carried.append(ride(day, by_id[courier], of_id[order], now))
            waiting.remove(of_id[order])
    return done


def decide(day: Day, now: int, due: list[Order], free: list[Rider], rule: AllocationRule) -> Round:
    """One round: who is told to bring what."""
    name = f"{day.name}, minute {now}"
    orders, riders = {order.id: order for order in due}, {one.courier.id: one for one in free}

    def forbidden(courier: str, order: str) -> Words | None:
        return next(barred(day, riders[courier], orders[order], now), None)

    kept, filtered = sift(candidates(day, now, due, free, rule), [forbidden])
    # What the chambers would draw each for itself; here from the names, so that the day is the same each time.
    secrets = [sha256(f"{chamber}, {name}".encode()).digest() for chamber in CHAMBERS]
    commitments = [lottery.commitment(secret, name) for secret in secrets]
    instance = build(name, rule, dict.fromkeys(orders, 1), kept, filtered, commitments, riders)
    return Round(now, instance, largest_sum.match(instance, lottery.seed(secrets, b"", name)), secrets)
