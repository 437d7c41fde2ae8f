"""`work read-…`: files of real work, from outside, as tables on the screen. Nothing of them is kept, and no node is needed.

What a file does not tell is said, not guessed: without a driver there is no shift, and without a solution no pay.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from usufruct.cli.app import out, table
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import decimal
from usufruct.core.rulebook.statutory import shipped
from usufruct.core.rulebook.statutory.explained import shown
from usufruct.core.work.files import deliveries, trips
from usufruct.core.work.files.deliveries import Earned
from usufruct.wire import mdrp, tlc


def read_tlc(
    file: Annotated[Path, typer.Argument(help="a month of New York's high-volume trip records, in Parquet")],
    per_mile: Annotated[str, typer.Option(help="a floor of so many dollars a mile (default: the city's)")] = "",
    per_minute: Annotated[str, typer.Option(help="and so many a minute (default: the city's)")] = "",
) -> None:
    """What the trips in a file of New York's taxi commission paid, by operator, and whether each got its floor."""
    if not file.is_file():
        raise BadInput("input.tlc", f"there is no file `{file}`", "name a file of the commission's trip records")
    floor = _Floor(per_mile, per_minute)
    reading = trips.Reading()
    found = tlc.summary(file, reading, floor.of)
    names = {licence: f"{licence} {tlc.OPERATORS.get(licence, '')}".strip() for licence in found}
    rows: list[list[object]] = [
        [names[licence], one.trips, _dollars(one.pay), _dollars(one.tips), _dollars(one.hourly),
         _dollars(one.hourly_asked), _percent(one.take)]
        for licence, one in found.items()
    ]  # fmt: skip
    heads = ["operator", "trips", "drivers' pay", "tips", "per hour with a passenger", "per hour since asked", "kept"]
    table("What trips paid, in dollars", heads, rows, tuple(heads[1:]))
    rows = [
        [names[licence], _dollars(one.fund), _percent(_share(one.fund, one.fare))] for licence, one in found.items()
    ]
    table("For the Black Car Fund", ["operator", "dollars", "of the fares"], rows, ("dollars", "of the fares"))
    rows = [
        [names[licence], one.checked, one.below, _percent(_share(one.below, one.checked)), _dollars(one.short)]
        for licence, one in found.items()
    ]
    heads = ["operator", "trips", "below", "of them", "missing"]
    table("Each trip in town against its floor", heads, rows, tuple(heads[1:]))
    for said in floor.said():
        out.print(f"  {said}", markup=False)
    _tell(reading)
    out.print(
        "The file names no driver: what an hour online or a shift paid does not follow from it, and rides that were "
        "shared count once for each passenger.",
        markup=False,
    )


def read_mdrp(
    folder: Annotated[Path, typer.Argument(help="an instance of MDRPLib")],
    solution: Annotated[Path | None, typer.Option(help="the folder of its solution (default: the same)")] = None,
) -> None:
    """An instance of the meal delivery routing problem, and what its solution pays, if there is one."""
    day = mdrp.read(folder)
    hours = Fraction(sum(courier.minutes for courier in day.couriers), 60)
    paid, least = day.conduct.per_order, day.conduct.per_hour
    rows: list[list[object]] = [
        ["orders", len(day.orders)],
        ["restaurants", len({order.shop for order in day.orders})],
        ["couriers", len(day.couriers)],
        ["courier hours", _number(hours)],
        ["orders for each courier hour", _number(_share(len(day.orders), hours))],
        ["orders an hour that earn the guarantee", _number(_share(least, paid))],
        ["guaranteed, if nothing were carried", _dollars(least * hours)],
    ]
    table(f"{day.name}: {_dollars(paid)} an order, {_dollars(least)} an hour at least", ["what", ""], rows, ("",))
    if solution is None and not mdrp.has_solution(folder):
        out.print(
            "There is no solution beside it: nobody knows who carried what, so nothing more follows.", markup=False
        )
        return
    carried = mdrp.read_solution(solution or folder, day)
    earned, waited = deliveries.earnings(day, carried), deliveries.waits(day, carried)
    total, topped = sum((one.paid for one in earned), Fraction()), sum(one.topped_up for one in earned)
    rows = [
        ["orders brought", len(waited)],
        ["paid", _dollars(total)],
        ["of which to reach the guarantee", _dollars(total - sum(one.earned for one in earned))],
        ["couriers topped up", f"{topped} ({_percent(_share(topped, len(earned)))})"],
        ["minutes from order to door: mean", _number(_share(sum(waited), len(waited)))],
        ["minutes from order to door: nine in ten within", _quantile(waited, 9)],
    ]
    table("Its solution", ["what", ""], rows, ("",))
    _tell_hours(earned)


def _tell_hours(earned: Sequence[Earned]) -> None:
    """What an hour earned by the order, under the two definitions that the files support."""
    rows = []
    for name, minutes in (
        ("whole shift", [one.minutes for one in earned]),
        ("engaged", [one.engaged for one in earned]),
    ):
        hourly = sorted(Fraction(one.earned * 60, time) for one, time in zip(earned, minutes, strict=True) if time)
        shown = [_dollars(Fraction(_quantile(hourly, tenth))) if hourly else "" for tenth in (1, 5, 9)]
        rows.append([name, _number(Fraction(sum(minutes), 60)), *shown])
    heads = ["hours counted", "hours", "lowest tenth below", "half below", "nine tenths below"]
    table("Earned an hour by the order, before the guarantee, in dollars", heads, rows, tuple(heads[1:]))


def _tell(reading: trips.Reading) -> None:
    """How a file was read."""
    counts = [["left out", what, count] for what, count in reading.left_out.items()]
    counts += [["noted", what, count] for what, count in reading.noted.items()]
    where = {what: [str(remark.row) for remark in reading.first if remark.what == what] for _, what, _ in counts}
    rows = [[how, what, count, ", ".join(where[str(what)])] for how, what, count in counts]
    out.print(f"{reading.rows} rows were read.", markup=False)
    if rows:
        table("", ["", "what", "rows", "the first"], rows, ("rows",))


class _Floor:
    """The rates of each day, and what is to be said of them: those that somebody typed, or those of the statutory tables."""

    def __init__(self, per_mile: str, per_minute: str) -> None:
        self.typed = trips.TripRates(_rate(per_mile), _rate(per_minute)) if per_mile or per_minute else None
        self.used: dict[str, None] = {}
        self.unknown: set[str] = set()

    @cache  # noqa: B019 - it lives as long as one command
    def of(self, day: str, accessible: bool) -> trips.TripRates | None:
        """The rates of a day; None where the tables have none."""
        if self.typed:
            self.used["the rates are those that were typed"] = None
            return self.typed
        on = parse_instant(day)
        try:
            mile, minute = (
                shipped().step(f"nyc.trip.{each}", on)
                for each in ("mile.accessible" if accessible else "mile", "minute")
            )
        except BadInput:
            self.unknown.add(day)
            return None
        for one in (mile, minute):
            self.used[f"{one.words}: {shown(one.value)} {one.unit}, {one.source}"] = None
        return trips.TripRates(mile.value * 100, minute.value * 100)

    def said(self) -> list[str]:
        """Which rates were used, and for which days there were none."""
        days = sorted(self.unknown)
        none = [f"no rates are known from {days[0]} to {days[-1]}, on {len(days)} of the days"] if days else []
        return [*self.used, *none]


def _rate(text: str) -> Fraction:
    """Minor units, from a decimal of dollars."""
    whole, _, part = text.partition(".")
    if not (whole + part).isascii() or not (whole + part).isdigit() or len(part) > 6 or len(whole) > 4:
        raise BadInput("input.rate", f"`{text}` is no rate in dollars", "give both rates, each as 1.360")
    return Fraction(int(whole + part) * 100, 10 ** len(part))


def _share(part: Fraction | int, whole: Fraction | int) -> Fraction | None:
    return Fraction(part) / whole if whole else None


def _quantile(found: Sequence[Fraction] | Sequence[int], tenth: int) -> Fraction | int:
    """The least of these, in order, that so many tenths do not exceed; 0 of none."""
    return found[-(-len(found) * tenth // 10) - 1] if found else 0


def _dollars(minor: Fraction | int | None) -> str:
    return "" if minor is None else decimal(round(minor), 2)


def _percent(share: Fraction | None) -> str:
    return "" if share is None else f"{decimal(round(share * 1000), 1)} %"


def _number(value: Fraction | None) -> str:
    return "" if value is None else decimal(round(value * 100), 2)
