"""Hours: whether a person's time keeps to the limits in force, what is left of each, and whether she may start now.

A timesheet is one person's time at all operators. Each shape of rule is one small function over merged stretches that gives
the *breaches*: from when to when, and how much was found. `check` puts them in words. What may still be done is asked of the
same functions: `may_start` adds the span to the timesheet and looks whether a breach is there that was not there before, so
what dispatch lets through is what the check finds in order, and nothing else.

A breach is only found where it is certain. A week whose days are not over counts its future as rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.work.facts import Span
from usufruct.core.work.hours.conditions import ENGAGED, FLOORS, SHIFT, Limit, duration
from usufruct.core.work.hours.intervals import at_millis, millis, of, stretch
from usufruct.core.work.hours.stretches import (
    DAY,
    MINUTE,
    WEEK,
    Days,
    Meter,
    Stretch,
    between,
    blocks,
    length,
    longest_gap,
    merged,
    runs,
    windows,
    within,
)
from usufruct.core.work.state import Shift, Work

Breach = tuple[int, int, int]
"""From when, until when, and how much was found: milliseconds, or how many."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A shift at an `operator`, with the stretches in which the person was at its disposal."""

    operator: str
    time: Stretch
    online: tuple[Stretch, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of work `id`: when it was done, what of it was `paid` to the worker in minor units (before floors, without tips),
    how far she went in `metres`, which safety conditions were `promised` and which were `kept`."""

    id: str
    operator: str
    engaged: tuple[Stretch, ...]
    paid: int = 0
    currency: str = ""
    metres: int = 0
    promised: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Timesheet:
    """The time of one person, at all operators."""

    worker: str
    spells: tuple[Spell, ...] = ()
    pieces: tuple[Piece, ...] = ()

    def counted(self, counts: str, operator: str = "") -> list[Stretch]:
        """Her working time under one definition, merged; at one operator, or at all."""
        spells = [one for one in self.spells if operator in ("", one.operator)]
        found = [part for one in self.pieces if operator in ("", one.operator) for part in one.engaged]
        if counts != ENGAGED:
            found += [part for one in spells for part in one.online]
        if counts == SHIFT:
            found += [one.time for one in spells]
        return merged(found)

    def plus(self, time: Stretch, operator: str) -> Timesheet:
        """This timesheet with one more stretch of work, under every definition."""
        return replace(self, pieces=(*self.pieces, Piece("", operator, (time,))))


def sheet(
    worker: str, shifts: Sequence[Shift], works: Sequence[Work], promised: dict[str, tuple[str, ...]]
) -> Timesheet:
    """The timesheet of what is recorded; `promised` are the safety conditions of each job agreement.

    Raises:
        BadInput: a span ends before it begins.
    """
    spells = tuple(Spell(one.operator, stretch(Span(one.start, one.end)), tuple(of(one.online))) for one in shifts)
    pieces = tuple(
        Piece(
            one.id, one.operator, tuple(of(one.engaged)), one.gross - one.fee, one.currency, one.metres,
            promised.get(one.agreement, ()), one.safe,
        ) for one in works
    )  # fmt: skip
    return Timesheet(worker, spells, pieces)


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule was broken between two instants: `found` where `limit` is the limit, both in `unit` (milliseconds, or how many).

    `words` say it in a sentence; `operator` is whom the rule binds, or nothing if it binds all.
    """

    rule: str
    shape: str
    start: Instant
    end: Instant
    found: int
    limit: int
    unit: str
    words: str
    source: str
    authority: str
    operator: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """How many more `minutes` the person may work from now on, at a stretch, before a rule is broken; a day at most."""

    rule: str
    minutes: int
    words: str


# ---- each shape


def _rest_daily(limit: Limit, time: Sequence[Stretch], days: Days) -> Iterator[Breach]:
    rest = limit["rest"] * MINUTE
    for block in blocks(time, rest):
        start, end = block[0][0], block[-1][1]
        if end - start > limit["within"] * MINUTE - rest:
            yield start, end, max((after - before for before, after in between(block)), default=0)


def _rest_weekly(limit: Limit, time: Sequence[Stretch], days: Days) -> Iterator[Breach]:
    for week in _cut(days.mondays(), time):
        gap = longest_gap(within(time, week), week)
        if gap < limit["rest"] * MINUTE:
            yield *week, gap


def _hours_day(limit: Limit, time: Sequence[Stretch], days: Days) -> Iterator[Breach]:
    percent, meter = 100 + limit["allowance"], Meter(time)
    for start, end in _cut(days.midnights, time):
        worked = (meter.until(end) - meter.until(start)) * percent
        if worked > limit["most"] * MINUTE * 100:
            yield start, end, worked // 100


def _hours_week(limit: Limit, time: Sequence[Stretch], days: Days) -> Iterator[Breach]:
    meter, mondays, weeks = Meter(time), days.mondays(), limit["weeks"]
    for start, end in zip(mondays, mondays[weeks:], strict=False):
        worked = meter.until(end) - meter.until(start)
        if worked > limit["most"] * MINUTE:
            yield start, end, worked


def _hours_window(limit: Limit, time: Sequence[Stretch], days: Days) -> Iterator[Breach]:
    return _in_windows(time, limit["window"] * MINUTE, limit["most"] * MINUTE)


def _hours_average(limit: Limit, time: Sequence[Stretch], days: Days) -> Iterator[Breach]:
    return _in_windows(time, limit["weeks"] * WEEK, limit["weekly"] * limit["weeks"] * MINUTE)


def _in_windows(time: Sequence[Stretch], size: int, most: int) -> Iterator[Breach]:
    """Every window that begins with work and holds too much; no other holds more."""
    return ((start, start + size, worked) for start, worked in windows(time, size) if worked > most)


def _hours_between_rests(limit: Limit, time: Sequence[Stretch], days: Days) -> Iterator[Breach]:
    extended = max(limit["extended"], limit["most"]) * MINUTE
    used: dict[Stretch | None, int] = {}
    for block in blocks(time, limit["rest"] * MINUTE):
        worked = length(block)
        if worked <= limit["most"] * MINUTE:
            continue
        week = days.week(block[0][0])
        used[week] = used.get(week, 0) + (worked <= extended)
        if worked > extended or used[week] > limit["times"]:
            yield block[0][0], block[-1][1], worked


def _run(limit: Limit, time: Sequence[Stretch], days: Days) -> Iterator[Breach]:
    pause, first, second = (limit[name] * MINUTE for name in ("pause", "first", "second"))
    for run in runs(time, pause, first, second):
        worked = length(run)
        if worked > limit["longest"] * MINUTE:
            yield run[0][0], run[-1][1], worked


def _cut(bounds: Sequence[int], time: Sequence[Stretch]) -> Iterator[Stretch]:
    """The days or weeks between these bounds in which there may be work."""
    if not time:
        return
    for start, end in pairwise(bounds):
        if end > time[0][0] and start < time[-1][1]:
            yield start, end


OF_SHAPE: dict[str, Callable[[Limit, Sequence[Stretch], Days], Iterator[Breach]]] = {
    "rest-daily": _rest_daily,
    "rest-weekly": _rest_weekly,
    "hours-day": _hours_day,
    "hours-week": _hours_week,
    "hours-window": _hours_window,
    "hours-average": _hours_average,
    "hours-between-rests": _hours_between_rests,
    "run": _run,
}
"""The shapes that are about hours; safety and pay are looked at elsewhere. Of windows, all that hold too much."""

WINDOWS = ("hours-window", "hours-average")


def breaches(limit: Limit, time: Sequence[Stretch], days: Days) -> list[Breach]:
    """Where a limit of hours is broken in merged stretches, of those breaches that begin while it is in force."""
    since, until = millis(limit.since), millis(limit.until)
    found = [one for one in OF_SHAPE[limit.shape](limit, time, days) if since <= one[0] < until]
    return _apart(found) if limit.shape in WINDOWS else found


def _apart(found: Sequence[Breach]) -> list[Breach]:
    """The first window, and from its end on the next: what lies in two is told once."""
    kept: list[Breach] = []
    for one in found:
        if not kept or one[0] >= kept[-1][1]:
            kept.append(one)
    return kept


# ---- what is found


def check(timesheet: Timesheet, limits: Sequence[Limit], days: Days) -> list[Finding]:
    """Every limit of hours and safety that the timesheet breaks, rule by rule, in order of time."""
    found: list[Finding] = []
    for limit in limits:
        if limit.shape == "promised":
            found += _unkept(timesheet, limit)
        elif limit.shape not in FLOORS:
            there = _bound(timesheet, limit)
            found += [
                _finding(limit, breach, days) for breach in breaches(limit, timesheet.counted(limit.counts), days)
                if there is None or within(there, breach[:2])
            ]  # fmt: skip
    return found


def _bound(timesheet: Timesheet, limit: Limit) -> list[Stretch] | None:
    """When the person worked where the limit binds; None if it binds everywhere."""
    return timesheet.counted(SHIFT, limit.operator) if limit.operator else None


def _finding(limit: Limit, breach: Breach, days: Days) -> Finding:
    start, end, found = breach
    most = _most(limit)
    when = f"from {days.clock(start)} to {days.clock(end)}"
    return Finding(
        limit.rule, limit.shape, at_millis(start), at_millis(end), found, most, "ms", f"{_said(limit, found, most)}, {when}",
        limit.source, limit.authority, limit.operator,
    )  # fmt: skip


def _most(limit: Limit) -> int:
    """The limit itself, in milliseconds."""
    if limit.shape == "hours-average":
        return limit["weekly"] * limit["weeks"] * MINUTE
    if limit.shape == "run":
        return limit["longest"] * MINUTE
    return (limit["rest"] if limit.shape.startswith("rest-") else limit["most"]) * MINUTE


def _said(limit: Limit, found: int, most: int) -> str:
    match limit.shape:
        case "rest-daily" | "rest-weekly":
            return f"{duration(found)} of {duration(most)} rest"
        case "hours-average":
            weeks = limit["weeks"]
            return f"{duration(found // weeks)} a week where {duration(most // weeks)} are the most, over {weeks} weeks"
        case "run":
            return (
                f"{duration(found)} of work without a pause of {limit['pause']} min where {duration(most)} are the most"
            )
        case _:
            return f"{duration(found)} of work where {duration(most)} are the most"


def _unkept(timesheet: Timesheet, limit: Limit) -> Iterator[Finding]:
    since, until = millis(limit.since), millis(limit.until)
    for piece in timesheet.pieces:
        missing = [name for name in piece.promised if name not in piece.kept]
        time = merged(piece.engaged)
        at = time[0][0] if time else since
        if len(missing) > limit["missing"] and since <= at < until and limit.operator in ("", piece.operator):
            yield Finding(
                limit.rule, limit.shape, at_millis(at), at_millis(time[-1][1] if time else at), len(missing),
                limit["missing"], "conditions", f"promised and not kept in `{piece.id}`: {', '.join(missing)}",
                limit.source, limit.authority, limit.operator,
            )  # fmt: skip


# ---- what may still be done


@dataclass(frozen=True, slots=True)
class Stop:
    """A `rule` that a span of work would break: in `words`, with when that ends (`until`; None where the span is too long for
    any moment in sight)."""

    rule: str
    words: str
    until: Instant | None
    when: str
    source: str
    authority: str


def stopped(timesheet: Timesheet, limits: Sequence[Limit], days: Days, span: Span, operator: str = "") -> Stop | None:
    """The first limit that the person would break by working in that span, at that operator; None if there is none.

    `days` reach as far back as the limits do, and past the week of the span.

    Raises:
        BadInput: the span ends before it begins.
    """
    time = stretch(span)
    for limit in _binding(limits, span.start, operator):
        counted = timesheet.counted(limit.counts)
        broken = _would_break(limit, counted, days, time)
        if broken is None:
            continue
        free = _earliest(limit, counted, days, time)
        rest = limit.shape == "rest-daily"
        said = _said_of_rest(limit, counted, time) if rest else _said(limit, broken[2], _most(limit))
        when = f"from {days.clock(free)} on" if free is not None else "not in that length"
        until = at_millis(free) if free is not None else None
        return Stop(limit.rule, said, until, when, limit.source, limit.authority)
    return None


def may_start(
    timesheet: Timesheet, limits: Sequence[Limit], days: Days, span: Span, operator: str = ""
) -> Refusal | None:
    """Why the person may not work in that span, at that operator; None if she may. See `stopped`: the refusal has the rule with
    its numbers, and when it ends."""
    stop = stopped(timesheet, limits, days, span, operator)
    return None if stop is None else refusal_of(stop)


def refusal_of(stop: Stop) -> Refusal:
    """A stop as dispatch and the worker read it."""
    return refuse(
        "hours.limit", "this cannot be started now", f"`{stop.rule}`: {stop.words}; {stop.when}",
        f"the source is {stop.source} ({stop.authority})",
        remedy=f"start {stop.when}" if stop.until else "take something shorter",
    )  # fmt: skip


def _binding(limits: Sequence[Limit], at: Instant, operator: str) -> list[Limit]:
    return [
        one for one in limits
        if one.shape in OF_SHAPE and one.since <= at < one.until and one.operator in ("", operator)
    ]  # fmt: skip


def _would_break(limit: Limit, counted: Sequence[Stretch], days: Days, time: Stretch) -> Breach | None:
    """A breach that is there with the stretch, and was not there, or not as bad, without it."""
    before = set(OF_SHAPE[limit.shape](limit, counted, days))
    after = OF_SHAPE[limit.shape](limit, merged([*counted, time]), days)
    return next((one for one in after if one not in before), None)


def _said_of_rest(limit: Limit, counted: Sequence[Stretch], time: Stretch) -> str:
    """How much rest there would be before the stretch; or, where it was enough, that the stretch alone is too long."""
    rest = limit["rest"] * MINUTE
    last = max((end for _, end in counted if end <= time[0]), default=None)
    if last is None or time[0] - last >= rest:
        return f"{duration(time[1] - time[0])} at a stretch leave no {duration(rest)} of rest"
    return f"{duration(time[0] - last)} of {duration(rest)} rest"


def _earliest(limit: Limit, counted: Sequence[Stretch], days: Days, time: Stretch) -> int | None:
    """The first of the moments at which a limit can end, from which a stretch of that length breaks nothing of it."""
    start, size = time[0], time[1] - time[0]
    last = max((end for _, end in counted), default=start)
    moments = {*days.midnights, *(last + limit.numbers.get(name, 0) * MINUTE for name in ("rest", "pause", "second"))}
    if limit.shape in WINDOWS:
        window = limit["window"] * MINUTE if limit.shape == "hours-window" else limit["weeks"] * WEEK
        if size <= _most(limit):
            moments.add(Meter(counted).before_end(_most(limit) - size, last) + window - size)
    for at in sorted(moments):
        if at > start and _would_break(limit, counted, days, (at, at + size)) is None:
            return at
    return None


def left(timesheet: Timesheet, limits: Sequence[Limit], days: Days, at: Instant, operator: str = "") -> list[Left]:
    """For each limit that binds, how many whole minutes the person may work from now on, at a stretch."""
    now = millis(at)
    found = []
    for limit in _binding(limits, at, operator):
        counted = timesheet.counted(limit.counts)
        low, high = 0, DAY // MINUTE
        while low < high:
            tried = (low + high + 1) // 2
            if _would_break(limit, counted, days, (now, now + tried * MINUTE)) is None:
                low = tried
            else:
                high = tried - 1
        said = f"{duration(low * MINUTE)} left" if low else "nothing left"
        if not low:
            free = _earliest(limit, counted, days, (now, now + MINUTE))
            said += f" until {days.clock(free)}" if free is not None else ""
        found.append(Left(limit.rule, low, f"`{limit.rule}`: {said}"))
    return found
