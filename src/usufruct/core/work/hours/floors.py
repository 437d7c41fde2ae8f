"""Pay floors: what the time and the trips of a pay period must have brought at least, and what is to be topped up.

One hourly amount means three very different floors, as it is held against the time *engaged*, *online*, or the *whole shift*.
All three are told side by side, with the one that the rule in force names marked as binding: a floor on engaged time looks
generous and pays next to nothing, and everybody may see that.

A floor is each operator's own debt: its pay is held against the time that was given to it. Take the part of the timesheet with
`at` and `during` first. What is due is a fraction of a cent at most above what the rate says, never below: it is rounded up,
once, at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from usufruct.core.base.instants import Instant
from usufruct.core.base.money import DECIMALS, Money
from usufruct.core.work.hours.conditions import COUNTS, Limit
from usufruct.core.work.hours.intervals import millis
from usufruct.core.work.hours.limits import Piece, Spell, Timesheet
from usufruct.core.work.hours.stretches import HOUR, MINUTE, Stretch, length, merged, within

MILE = 1_609_344
"""Millimetres of an international mile."""


@dataclass(frozen=True, slots=True)
class Floor:
    """What one `rule` makes due under one `definition` of working time, `hours_ms` of it, beside what was `paid`.

    Amounts are minor units. `top_up` is what is missing; it is owed where the floor is `binding`.
    """

    definition: str
    hours_ms: int
    due: int
    paid: int
    top_up: int
    rule: str = ""
    binding: bool = False


@dataclass(frozen=True, slots=True)
class TripFloor:
    """What a `rule` makes due for one piece of `work`, beside what was `paid` for it; see `Floor`."""

    work: str
    due: int
    paid: int
    top_up: int
    rule: str


def at(timesheet: Timesheet, operator: str) -> Timesheet:
    """What of a timesheet is of one operator."""
    return Timesheet(
        timesheet.worker, tuple(one for one in timesheet.spells if one.operator == operator),
        tuple(one for one in timesheet.pieces if one.operator == operator),
    )  # fmt: skip


def during(timesheet: Timesheet, start: Instant, end: Instant) -> Timesheet:
    """A pay period of a timesheet: its time is cut at the bounds; a piece is of the period in which it ended, with its pay."""
    window = millis(start), millis(end)
    spells = tuple(
        Spell(one.operator, inside[0], tuple(within(merged(one.online), window)))
        for one in timesheet.spells if (inside := within([one.time], window))
    )  # fmt: skip
    pieces = tuple(
        piece for one in timesheet.pieces if (piece := _during(one, window)) is not None
    )  # fmt: skip
    return Timesheet(timesheet.worker, spells, pieces)


def _during(piece: Piece, window: Stretch) -> Piece | None:
    time = merged(piece.engaged)
    inside = tuple(within(time, window))
    paid = bool(time) and window[0] < time[-1][1] <= window[1]
    if not inside and not paid:
        return None
    return Piece(
        piece.id, piece.operator, inside, piece.paid if paid else 0, piece.currency, piece.metres if paid else 0,
        piece.promised, piece.kept,
    )  # fmt: skip


def hourly(timesheet: Timesheet, pay: Money, limits: Sequence[Limit]) -> list[Floor]:
    """For each hourly floor in force in the currency of the pay: what it makes due under each definition of working time.

    With no floor in force the three definitions are told with nothing due.
    """
    counted = {name: timesheet.counted(name) for name in COUNTS}
    rules: dict[tuple[str, str, str], list[Limit]] = {}
    for one in limits:
        if one.shape == "floor-hourly" and one.currency == pay.currency:
            rules.setdefault((one.rule, one.operator, one.counts), []).append(one)
    found = []
    for rule, _, counts in rules or {("", "", ""): []}:
        versions = rules.get((rule, _, counts), [])
        for name, time in counted.items():
            due = _due(time, versions)
            missing = max(0, due - pay.minor)
            found.append(Floor(name, length(time), due, pay.minor, missing, rule, bool(rule) and name == counts))
    return found


def _due(time: Sequence[Stretch], versions: Iterable[Limit]) -> int:
    """Each version's rate for the time while it was in force; rounded up once."""
    owed = sum(length(within(time, (millis(one.since), millis(one.until)))) * one["amount"] for one in versions)
    return -(-owed // HOUR)


def top_up(floors: Iterable[Floor]) -> int:
    """What is owed on top of the pay: the most that a binding floor misses, for the same pay counts towards each of them."""
    return max((one.top_up for one in floors if one.binding), default=0)


def rates(limit: Limit) -> tuple[int, int]:
    """What a mile and a minute of a trip pay at least, in mills, as they are published: the base rate by the utilisation,
    rounded to the nearest mill."""
    share = limit["utilisation"]
    mile, minute = ((2000 * limit[name] * limit["times"] + share) // (2 * share) for name in ("mile", "minute"))
    return mile, minute


def per_trip(timesheet: Timesheet, limits: Sequence[Limit]) -> list[TripFloor]:
    """What each trip makes due under each per-trip floor in force when it began, in its currency. What one trip pays above
    its floor makes no other trip's good."""
    found = []
    for piece in timesheet.pieces:
        time = merged(piece.engaged)
        for one in limits:
            if one.shape != "floor-trip" or one.currency != piece.currency or not time:
                continue
            if millis(one.since) <= time[0][0] < millis(one.until) and one.operator in ("", piece.operator):
                due = trip(one, piece.metres, length(time))
                found.append(TripFloor(piece.id, due, piece.paid, max(0, due - piece.paid), one.rule))
    return found


def trip(limit: Limit, metres: int, ms: int) -> int:
    """What a trip of so many metres and milliseconds must pay at least, in minor units, rounded up."""
    mile, minute = rates(limit)
    mills = metres * 1000 * mile * MINUTE + ms * minute * MILE  # in units of 1 / (MILE * MINUTE) mill
    digits: int = DECIMALS[limit.currency]
    return -(-mills * int(10**digits) // (MILE * MINUTE * 1000))
