"""A worker's own data as five series: what an hour pays, what is kept of it, how long she waits, how it spreads, how well it can
be foretold.

They are the five that an audit of 1.5 million trips had to put together from files that did not fit each other (Binns, Stein,
Datta, Van Kleek and Shadbolt, FAccT 2025). Here each is reckoned exactly, from her own records alone, by month or by week:

- *pay per hour*, under each definition of working time: gross less fee, with what was made up and topped up, without tips;
- *take rate*: what the operator kept of what customers paid for the work, fee / gross;
- *waiting share*: the part of online time that was not engaged;
- *spread*: the tenth and the ninetieth percentile (nearest rank) of her own clock hours; and, among the workers of one operator,
  in which tenth she stands, never anybody's number, and only where there are enough;
- *predictability*: each clock hour is foretold by the same weekday and hour of the four weeks before, pooled, if at least two of
  these were worked. It is one less the sum of misses over the sum of what was paid, and nothing below zero: 1 says that the last
  four weeks told all, 0 that they told nothing. The definition is ours, after the finding of that audit.

What was topped up over a longer time is spread over its months or weeks by the time worked in them, to the last cent. A piece
of work belongs to the month, week and clock hour in which it began, a shift to those in which it began; all in UTC. A
clock hour counts if at least half of it was online. Values are fractions; they are rounded only where they are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, moment, of_seconds
from usufruct.core.base.records import Reader
from usufruct.core.income.division import divide
from usufruct.core.work.hours.intervals import millis
from usufruct.core.work.hours.measured import (
    DEFINITIONS,
    ENGAGED,
    ONLINE,
    WHOLE,
    Worked,
    engaged_ms,
    worked,
)
from usufruct.core.work.hours.stretches import HOUR
from usufruct.core.work.pay.state import Payslip
from usufruct.core.work.state import Shift, Work

MONTH, WEEK = "month", "week"
WEEKS_BEFORE, WORKED_BEFORE, FORETOLD_MIN = 4, 2, 5
_WEEK_HOURS = 7 * 24


@dataclass(frozen=True, slots=True)
class Records:
    """What the series of one worker are made of: her shifts, her works in one `currency`, and what was `added` to the pay from a
    moment until another."""

    currency: str
    shifts: tuple[Shift, ...]
    works: tuple[Work, ...]
    added: tuple[tuple[Instant, Instant, int], ...]


@dataclass(frozen=True, slots=True)
class Time:
    """One month or week of a worker. Amounts are minor units, `added` what was made up, topped up and corrected; `hours` are
    milliseconds by definition; `low` and `high` are minor units an hour. None: it cannot be said."""

    name: str
    services: int
    hours: Mapping[str, int]
    gross: int
    fee: int
    tips: int
    added: int
    low: Fraction | None
    high: Fraction | None
    foretold: Fraction | None
    tenth: int | None = None

    @property
    def pay(self) -> int:
        """What was paid without tips."""
        return self.gross - self.fee + self.added

    def per_hour(self, definition: str) -> Fraction | None:
        """Minor units for an hour of that definition."""
        return Fraction(self.pay * HOUR, self.hours[definition]) if self.hours[definition] else None

    @property
    def take_rate(self) -> Fraction | None:
        """What the operator kept of each unit that customers paid."""
        return Fraction(self.fee, self.gross) if self.gross else None

    @property
    def waiting(self) -> Fraction | None:
        """The part of online time without work."""
        online = self.hours[ONLINE]
        return Fraction(online - self.hours[ENGAGED], online) if online else None


def records(read: Reader, worker: str, currency: str, operator: str = "") -> Records:
    """The records of a worker with one operator, or with all."""
    where: dict[str, str | int] = {"worker": worker, **({"operator": operator} if operator else {})}
    works = tuple(work for work in read.list(Work, **where) if work.currency == currency)
    begun = {work.id: begin(work) for work in works}
    added: list[tuple[Instant, Instant, int]] = []
    for slip in read.list(Payslip, **where):
        if slip.currency == currency:
            made_up = [
                (begun.get(line.work, slip.since), line.made_up) for line in slip.reckoning.lines if line.made_up
            ]
            added += [(at, at, amount) for at, amount in made_up]
            added.append((slip.since, slip.until, slip.reckoning.top_up + slip.corrected))
    return Records(currency, tuple(read.list(Shift, **where)), works, tuple(added))


def begin(work: Work) -> Instant:
    """When a piece of work began: with its first span, or when it was recorded if it has none."""
    return min((span.start for span in work.engaged), default=work.at)


def naming(every: str) -> Callable[[Instant], str]:
    """How the months or weeks are called in which an instant lies: `2026-11`, `2026-w45` (ISO 8601).

    Raises:
        BadInput: neither months nor weeks are asked for.
    """
    if every == MONTH:
        return lambda at: at[:7]
    if every == WEEK:
        return _week
    raise BadInput("input.series", f"`{every}` is neither month nor week", "say month or week")


def _week(at: Instant) -> str:
    year, week, _ = moment(at).isocalendar()
    return f"{year}-w{week:02d}"


def series(own: Records, every: str = MONTH) -> list[Time]:
    """The five series of a worker, the oldest first.

    Raises:
        BadInput: neither months nor weeks are asked for.
    """
    name = naming(every)
    shifts, works = grouped(own.shifts, name), _works(own.works, name)
    added = _added(own, name)
    hours = clock_hours(own)
    rates: dict[str, list[tuple[int, Fraction]]] = {}
    for hour, (ms, _) in hours.items():
        if ms * 2 >= HOUR:
            rates.setdefault(name(_instant(hour)), []).append((hour, rate(hours[hour])))
    found = []
    for key in sorted({*shifts, *works, *(key for key, amount in added.items() if amount)}):
        mine, here = works.get(key, []), rates.get(key, [])
        low, high = percentiles([value for _, value in here])
        time = worked(shifts.get(key, []), mine)
        found.append(Time(
            key, len(mine), {each: time.ms(each) for each in DEFINITIONS}, sum(work.gross for work in mine),
            sum(work.fee for work in mine), sum(work.tips for work in mine), added.get(key, 0), low, high,
            foretold(hours, [hour for hour, _ in here]),
        ))  # fmt: skip
    return found


def grouped(shifts: Iterable[Shift], name: Callable[[Instant], str]) -> dict[str, list[Shift]]:
    """Shifts by the time in which they began."""
    found: dict[str, list[Shift]] = {}
    for shift in shifts:
        found.setdefault(name(shift.start), []).append(shift)
    return found


def _works(works: Iterable[Work], name: Callable[[Instant], str]) -> dict[str, list[Work]]:
    found: dict[str, list[Work]] = {}
    for work in works:
        found.setdefault(name(begin(work)), []).append(work)
    return found


def _added(own: Records, name: Callable[[Instant], str]) -> dict[str, int]:
    """What was added to each month's or week's pay. What was added to a longer time is spread over it by time worked, exactly."""
    found: dict[str, int] = {}
    for since, until, amount in own.added:
        weights: dict[str, int] = {}
        for shift in own.shifts:
            if since <= shift.start < until:
                key = name(shift.start)
                weights[key] = weights.get(key, 0) + max(0, millis(shift.end) - millis(shift.start))
        for work in own.works:
            if since <= begin(work) < until:
                key = name(begin(work))
                weights[key] = weights.get(key, 0) + engaged_ms(work.engaged)
        if not any(weights.values()):
            weights = {name(since): 1}
        parts = divide(abs(amount), list(weights.values()), f"{since}/{until}")
        for key, part in zip(weights, parts, strict=True):
            found[key] = found.get(key, 0) + (part if amount > 0 else -part)
    return found


# ---- clock hours


def clock_hours(own: Records) -> dict[int, tuple[int, int]]:
    """For each clock hour (counted from 1970) in which she was online: how many milliseconds, and the pay of what began in it."""
    time: Worked = worked(own.shifts, own.works)
    found: dict[int, tuple[int, int]] = {}
    for start, end in time.online:
        while start < end:
            hour = start // HOUR
            cut = min(end, (hour + 1) * HOUR)
            found[hour] = (found.get(hour, (0, 0))[0] + cut - start, 0)
            start = cut
    for work in own.works:
        hour = millis(begin(work)) // HOUR
        if hour in found:
            ms, pay = found[hour]
            found[hour] = (ms, pay + work.gross - work.fee)
    return found


def rate(hour: tuple[int, int]) -> Fraction:
    """Minor units for a whole hour online."""
    ms, pay = hour
    return Fraction(pay * HOUR, ms)


def percentiles(values: Sequence[Fraction]) -> tuple[Fraction | None, Fraction | None]:
    """The tenth and the ninetieth percentile, by nearest rank."""
    if not values:
        return None, None
    ranked = sorted(values)
    return tuple(ranked[-(-len(ranked) * percent // 100) - 1] for percent in (10, 90))  # type: ignore[return-value]


def foretold(hours: Mapping[int, tuple[int, int]], wanted: Sequence[int]) -> Fraction | None:
    """How well these clock hours are foretold by the same weekday and hour of the four weeks before them; None if too few can
    be."""
    missed, there, count = Fraction(0), Fraction(0), 0
    for hour in wanted:
        before = [hours[past] for past in _before(hour) if past in hours and hours[past][0] * 2 >= HOUR]
        if len(before) < WORKED_BEFORE:
            continue
        expected = rate((sum(ms for ms, _ in before), sum(pay for _, pay in before)))
        actual = rate(hours[hour])
        missed, there, count = missed + abs(actual - expected), there + actual, count + 1
    if count < FORETOLD_MIN or not there:
        return None
    return max(Fraction(0), 1 - missed / there)


def _before(hour: int) -> list[int]:
    return [hour - _WEEK_HOURS * weeks for weeks in range(1, WEEKS_BEFORE + 1)]


def _instant(hour: int) -> Instant:
    return of_seconds(hour * 3600)


# ---- among others


def tenths(read: Reader, operator: str, worker: str, currency: str, every: str, least: int) -> dict[str, int]:
    """For each month or week in which at least so many worked for an operator: in which tenth `worker` stands by pay per hour of
    the whole shift, 1 the lowest and 10 the highest. Of the others nothing is told."""
    name = naming(every)
    shifts: dict[tuple[str, str], list[Shift]] = {}
    works: dict[tuple[str, str], list[Work]] = {}
    for shift in read.list(Shift, operator=operator):
        shifts.setdefault((name(shift.start), shift.worker), []).append(shift)
    for work in read.list(Work, operator=operator):
        if work.currency == currency:
            works.setdefault((name(begin(work)), work.worker), []).append(work)
    mine = {key for key, who in {*shifts, *works} if who == worker}
    rates: dict[str, dict[str, Fraction]] = {}
    for key, who in {*shifts, *works}:
        if key in mine:
            hers = works.get((key, who), [])
            ms = worked(shifts.get((key, who), []), hers).ms(WHOLE)
            if ms:
                pay = sum(work.gross - work.fee for work in hers)
                rates.setdefault(key, {})[who] = Fraction(pay * HOUR, ms)
    return {
        key: tenth(list(found.values()), found[worker])
        for key, found in rates.items()
        if worker in found and len(found) >= least
    }


def tenth(values: Sequence[Fraction], own: Fraction) -> int:
    """In which tenth of the values one of them stands, from 1 (lowest) to 10; who are equal stand in the same."""
    below = sum(value < own for value in values)
    return min(10, 1 + 10 * below // len(values))
