"""A day under one rule, in the numbers of the three chambers: what workers earn, what operators pay, how long customers wait.

The floor is 15 dollars an hour (the shipped pack `hourly-floor`), held against three definitions of the same hours. A floor
is worked out here for each courier's whole day; operators who each owe it for their own hours owe it twice for who is logged
in at two of them (`apart`).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.money import Money
from usufruct.core.work.files.deliveries import Carried, Courier, Day, earnings, waits
from usufruct.core.work.hours import conditions, floors
from usufruct.core.work.hours.conditions import Limit, SetCondition
from usufruct.core.work.hours.intervals import millis
from usufruct.core.work.hours.limits import Piece, Spell, Timesheet
from usufruct.core.work.hours.stretches import MINUTE, Stretch
from usufruct.wire.conditions import packs, read

MORNING = Instant("2026-11-20T09:00:00.000Z")  # minute 0
DEFINITIONS = {"shift": "whole shift", "online": "online", "engaged": "engaged"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a day came to. Amounts are minor units, `hourly` those of each shift in order, `missing` what each definition
    asks for on top of the pay by the order, and `below` how many couriers it is owed to."""

    brought: int
    waited: list[int]
    paid: int
    hourly: list[Fraction]
    missing: dict[str, int]
    below: dict[str, int]
    apart: int

    def tenth(self, tenths: int) -> Fraction:
        """The hourly pay that so many tenths of the shifts do not exceed."""
        return self.hourly[-(-len(self.hourly) * tenths // 10) - 1]

    def gini(self) -> Fraction:
        """Gini's index of hourly pay: 0 if all earn alike, towards 1 if one earns everything."""
        count = len(self.hourly)
        ranked = sum((2 * rank - count - 1) * one for rank, one in enumerate(self.hourly, 1))
        return ranked / (count * sum(self.hourly))

    def cost(self, definition: str) -> Fraction:
        """What that floor adds to the pay, as a part of it."""
        return Fraction(self.missing[definition], self.paid)


def floor() -> list[Limit]:
    """The shipped floor, as it is in force on the day."""
    shipped = enumerate(read(packs()["hourly-floor"]))
    rows = [SetCondition(0, n, "", one.rule, one, one.until, "", MORNING) for n, one in shipped]
    return conditions.limits(rows, END_OF_TIME)


def outcome(day: Day, carried: list[Carried]) -> Outcome:
    """What a day came to."""
    limits, orders = floor(), {order.id: order.operator for order in day.orders}
    trips: dict[str, list[Carried]] = {}
    for one in carried:
        trips.setdefault(one.courier, []).append(one)
    missing, below, apart = dict.fromkeys(DEFINITIONS, 0), dict.fromkeys(DEFINITIONS, 0), 0
    for courier in day.couriers:
        sheet = timesheet(day, courier, trips.get(courier.id, []), orders)
        for found in floors.hourly(sheet, pay(day, sheet), limits):
            missing[found.definition] += found.top_up
            below[found.definition] += found.top_up > 0
        each = [floors.at(sheet, operator) for operator in courier.operators]
        apart += sum(floors.top_up(floors.hourly(one, pay(day, one), limits)) for one in each)
    earned = earnings(day, carried)
    hourly = sorted(Fraction(one.earned * 60, one.minutes) for one in earned)
    waited = waits(day, carried)
    return Outcome(len(waited), waited, sum(one.earned for one in earned), hourly, missing, below, apart)


def timesheet(day: Day, courier: Courier, trips: list[Carried], operator: dict[str, str]) -> Timesheet:
    """A courier's time: logged in at all her operators at once, engaged from being told until she leaves the door."""
    online = tuple(stretch(*span) for span in courier.online)
    spells = tuple(Spell(one, stretch(courier.on, courier.off), online) for one in courier.operators)
    after = -(-day.conduct.dropoff_minutes // 2)
    pieces = tuple(
        Piece(one.orders[0], operator[one.orders[0]], (stretch(one.told, one.dropped[-1] + after),),
              day.conduct.per_order, day.conduct.currency)
        for one in trips
    )  # fmt: skip
    return Timesheet(courier.id, spells, pieces)


def stretch(start: int, end: int) -> Stretch:
    """From one minute of the day to another."""
    return millis(MORNING) + start * MINUTE, millis(MORNING) + end * MINUTE


def pay(day: Day, sheet: Timesheet) -> Money:
    """What was paid by the order."""
    return Money(sum(piece.paid for piece in sheet.pieces), day.conduct.currency)
