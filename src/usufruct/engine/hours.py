"""The check of hours over millions of shifts at once, in columns; the same breaches as `core.work.hours`, rule by rule.

All workers are put on one axis of time, each so far behind the one before that no rest and no window reaches across. Then a
rule over everybody is the rule over one person: cut where a gap is long enough, add up between the cuts, slide a window by
binary search. Nothing here decides what a rule means; where this module and the core part, the core is right, and a test
that compares them breach by breach says so.

Limits that bind at one operator only are the core's alone: they need to know who worked where. So are safety and pay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from usufruct.core.base.faults import BadInput
from usufruct.core.work.hours.conditions import ENGAGED, ONLINE, SHIFT, Limit
from usufruct.core.work.hours.intervals import millis
from usufruct.core.work.hours.limits import OF_SHAPE, WINDOWS
from usufruct.core.work.hours.stretches import DAY, MINUTE, WEEK, Days

Whole = NDArray[np.int64]
Mask = NDArray[np.bool_]
Found = tuple[Whole, Whole, Whole]
"""From when, until when, and how much was found, on the axis of everybody; see `core.work.hours.Breach`."""

SPANS = pa.schema([("worker", pa.string()), ("kind", pa.string()), ("start", pa.int64()), ("end", pa.int64())])
"""Spans of time, in milliseconds since 1970: a `kind` of engaged, online or shift."""

BREACHES = pa.schema(
    [("worker", pa.string()), ("rule", pa.string()), ("start", pa.int64()), ("end", pa.int64()), ("found", pa.int64())]
)

_WITHIN = {ENGAGED: (ENGAGED,), ONLINE: (ENGAGED, ONLINE), SHIFT: (ENGAGED, ONLINE, SHIFT)}


@dataclass(frozen=True, slots=True)
class Axis:
    """Merged stretches of all workers on one axis: the worker `n` is `n * apart` behind where she really is, less `zero`."""

    starts: Whole
    ends: Whole
    apart: int
    zero: int
    days: Days

    def worker(self, at: Whole) -> Whole:
        """Whose moment it is."""
        return at // self.apart

    def really(self, at: Whole) -> Whole:
        """When it really was."""
        return at % self.apart + self.zero

    def bounds(self, bounds: Sequence[int]) -> Whole:
        """Midnights or Mondays, less `zero`."""
        return np.asarray(bounds, dtype=np.int64) - self.zero


def check(spans: pa.Table, limits: Sequence[Limit], days: Days) -> pa.Table:
    """All breaches of limits of hours in spans of time (`SPANS`), as a table (`BREACHES`), by rule, worker and time.

    Raises:
        BadInput: a span ends before it begins, or a kind is unknown.
    """
    workers = spans["worker"].combine_chunks().dictionary_encode()
    codes = np.asarray(workers.indices, dtype=np.int64)
    kinds = spans["kind"].combine_chunks().dictionary_encode()
    names = kinds.dictionary.to_pylist()
    if set(names) - set(_WITHIN):
        raise BadInput("input.span", f"the kind of a span is one of {', '.join(_WITHIN)}", "look at the column `kind`")
    kind = np.asarray(kinds.indices)
    starts, ends = (spans[name].to_numpy().astype(np.int64) for name in ("start", "end"))
    if np.any(ends < starts):
        raise BadInput("input.span", f"{int(np.sum(ends < starts))} spans end before they begin", "look at the clocks")
    binding = [one for one in limits if one.shape in OF_SHAPE and not one.operator]
    axes: dict[str, Axis] = {}
    tables = []
    for limit in binding:
        if limit.counts not in axes:
            there = np.array([name in _WITHIN[limit.counts] for name in names] or [False])[kind]
            axes[limit.counts] = _axis(codes[there], starts[there], ends[there], days, binding)
        axis = axes[limit.counts]
        if len(axis.starts):
            tables.append(_table(axis, limit, _breaches(axis, limit), workers.dictionary))
    return pa.concat_tables(tables) if tables else BREACHES.empty_table()


def _axis(codes: Whole, starts: Whole, ends: Whole, days: Days, limits: Sequence[Limit]) -> Axis:
    """Everybody's union of stretches."""
    longer = ends > starts
    codes, starts, ends = codes[longer], starts[longer], ends[longer]
    zero = min(int(starts.min(initial=days.midnights[0])), days.midnights[0])
    last = max(int(ends.max(initial=days.midnights[-1])), days.midnights[-1])
    apart = last - zero + max((_reach(one) for one in limits), default=DAY)
    begin, end = codes * apart + (starts - zero), codes * apart + (ends - zero)
    order = np.argsort(begin, kind="stable")
    begin, end = begin[order], np.maximum.accumulate(end[order]) if len(order) else end
    new = np.ones(len(begin), dtype=bool)
    new[1:] = begin[1:] > end[:-1]
    first = np.flatnonzero(new)
    return Axis(begin[first], end[np.append(first[1:], len(begin)) - 1] if len(first) else end, apart, zero, days)


def _reach(limit: Limit) -> int:
    """How far a limit looks: nobody else's time may be as near."""
    size = limit["weeks"] * WEEK if limit.shape == "hours-average" else 0
    return max([size, DAY, *(value * MINUTE for value in limit.numbers.values())]) + 1


def _breaches(axis: Axis, limit: Limit) -> Found:
    found = _OF_SHAPE[limit.shape](axis, limit)
    really = axis.really(found[0])
    since, until = (min(max(millis(at), -(2**62)), 2**62) for at in (limit.since, limit.until))
    found = _chosen(found, (really >= since) & (really < until))
    return _chosen(found, _apart(axis, found)) if limit.shape in WINDOWS else found


def _chosen(found: Found, mask: Mask) -> Found:
    return found[0][mask], found[1][mask], found[2][mask]


def _apart(axis: Axis, found: Found) -> Mask:
    """The first window of each worker, and from its end on the next: all workers go on by one step at a time."""
    kept = np.zeros(len(found[0]), dtype=bool)
    if not len(kept):
        return kept
    owner = axis.worker(found[0])
    after = np.searchsorted(found[0], found[1])
    at = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
    while len(at):
        kept[at] = True
        on = after[at]
        inside = on < len(kept)
        on, who = on[inside], owner[at][inside]
        at = on[owner[on] == who]
    return kept


def _table(axis: Axis, limit: Limit, found: Found, workers: pa.Array) -> pa.Table:
    who, start = axis.worker(found[0]), axis.really(found[0])
    return pa.table(
        [workers.take(pa.array(who)), pa.array([limit.rule]).take(pa.array(np.zeros(len(who), dtype=np.int64))),
         start, found[1] - found[0] + start, found[2]],
        schema=BREACHES,
    )  # fmt: skip


# ---- each shape, as in the core


def _gaps(axis: Axis) -> Whole:
    """The gap before each stretch; before the first there is no end of it."""
    gaps = np.empty(len(axis.starts), dtype=np.int64)
    gaps[0] = 2**62
    gaps[1:] = axis.starts[1:] - axis.ends[:-1]
    return gaps


def _last(first: Whole, count: int) -> Whole:
    """The last stretch of each block, given the first of each."""
    return np.append(first[1:], count) - 1


def _rest_daily(axis: Axis, limit: Limit) -> Found:
    rest, gaps = limit["rest"] * MINUTE, _gaps(axis)
    first = np.flatnonzero(gaps >= rest)
    start, end = axis.starts[first], axis.ends[_last(first, len(gaps))]
    most = np.maximum.reduceat(np.where(gaps >= rest, 0, gaps), first)
    return _chosen((start, end, most), end - start > limit["within"] * MINUTE - rest)


def _hours_between_rests(axis: Axis, limit: Limit) -> Found:
    gaps, extended = _gaps(axis), max(limit["extended"], limit["most"]) * MINUTE
    first = np.flatnonzero(gaps >= limit["rest"] * MINUTE)
    start, end = axis.starts[first], axis.ends[_last(first, len(gaps))]
    worked = np.add.reduceat(axis.ends - axis.starts, first)
    start, end, worked = _chosen((start, end, worked), worked > limit["most"] * MINUTE)
    mondays = axis.bounds(axis.days.mondays())
    week = np.searchsorted(mondays, start % axis.apart, side="right") - 1
    week = np.where((week < 0) | (week >= len(mondays) - 1), -1, week)
    key = axis.worker(start) * (len(mondays) + 1) + week
    order = np.argsort(key, kind="stable")
    uses = np.cumsum((worked <= extended)[order])
    fresh = np.append(True, key[order][1:] != key[order][:-1]) if len(order) else np.zeros(0, dtype=bool)
    before = np.where(fresh, uses - (worked <= extended)[order], 0)
    used = np.empty(len(order), dtype=np.int64)
    used[order] = uses - np.maximum.accumulate(before) if len(order) else uses
    return _chosen((start, end, worked), (worked > extended) | (used > limit["times"]))


def _run(axis: Axis, limit: Limit) -> Found:
    gaps = _gaps(axis)
    cut = gaps >= limit["pause"] * MINUTE
    if limit["second"]:
        _split(gaps, cut, limit["first"] * MINUTE, limit["second"] * MINUTE)
    first = np.flatnonzero(cut)
    worked = np.add.reduceat(axis.ends - axis.starts, first)
    found = axis.starts[first], axis.ends[_last(first, len(gaps))], worked
    return _chosen(found, worked > limit["longest"] * MINUTE)


def _split(gaps: Whole, cut: Mask, first: int, second: int) -> None:
    """Cuts each run at the first gap of `second` after one of `first`, and what is left of it again, all runs at a time."""
    if not first:
        return
    count = len(gaps)
    one, other = _next(gaps >= first), _next(gaps >= second)
    at = np.flatnonzero(cut)
    end = np.append(at[1:], count)
    while len(at):
        half = one[at + 1]
        whole = other[np.minimum(half + 1, count)]
        goes = (half < end) & (whole < end)
        at, end = whole[goes], end[goes]
        cut[at] = True


def _next(flags: Mask) -> Whole:
    """For each place, and the one behind the last, the first flag at or after it; their number where there is none."""
    count = len(flags)
    places = np.append(np.where(flags, np.arange(count), count), count)
    return np.minimum.accumulate(places[::-1])[::-1]


def _pieces(axis: Axis, bounds: Whole) -> tuple[Whole, Whole, Whole, Whole]:
    """Stretches cut at bounds: whose, in which day or week, and from when to when; what lies outside is left out."""
    who = axis.worker(axis.starts)
    start, end = axis.starts - who * axis.apart, axis.ends - who * axis.apart
    low = np.clip(np.searchsorted(bounds, start, side="right") - 1, 0, len(bounds) - 2)
    high = np.clip(np.searchsorted(bounds, end, side="left") - 1, 0, len(bounds) - 2)
    count = high - low + 1
    of = np.repeat(np.arange(len(start)), count)
    part = low[of] + np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
    begin, stop = np.maximum(start[of], bounds[part]), np.minimum(end[of], bounds[part + 1])
    there = begin < stop
    return who[of][there], part[there], begin[there], stop[there]


def _hours_day(axis: Axis, limit: Limit) -> Found:
    bounds, percent = axis.bounds(axis.days.midnights), 100 + limit["allowance"]
    who, part, start, end = _pieces(axis, bounds)
    first = _firsts(who * len(bounds) + part)
    worked = np.add.reduceat(end - start, first) * percent if len(first) else first
    found = _of_parts(axis, bounds, who[first], part[first], 1, worked // 100)
    return _chosen(found, worked > limit["most"] * MINUTE * 100)


def _rest_weekly(axis: Axis, limit: Limit) -> Found:
    bounds = axis.bounds(axis.days.mondays())
    who, part, start, end = _pieces(axis, bounds)
    first = _firsts(who * len(bounds) + part)
    if not len(first):
        return first, first, first
    before = start.copy()
    before[1:] -= end[:-1]
    before[first] = start[first] - bounds[part[first]]
    last = _last(first, len(start))
    rest = np.maximum(np.maximum.reduceat(before, first), bounds[part[last] + 1] - end[last])
    return _chosen(_of_parts(axis, bounds, who[first], part[first], 1, rest), rest < limit["rest"] * MINUTE)


def _hours_week(axis: Axis, limit: Limit) -> Found:
    bounds, weeks = axis.bounds(axis.days.mondays()), limit["weeks"]
    who, part, start, end = _pieces(axis, bounds)
    people, columns = int(who.max(initial=-1)) + 1, len(bounds) - 1
    worked = np.zeros((people, columns + 1), dtype=np.int64)
    first = _firsts(who * len(bounds) + part)
    if len(first):
        worked[who[first], part[first] + 1] = np.add.reduceat(end - start, first)
    until = np.cumsum(worked, axis=1)
    over = until[:, weeks:] - until[:, : columns + 1 - weeks] if weeks <= columns else until[:, :0]
    found = np.nonzero(over > limit["most"] * MINUTE)
    return _of_parts(axis, bounds, found[0], found[1], weeks, over[found])


def _firsts(key: Whole) -> Whole:
    """Where a sorted key changes."""
    return np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else np.zeros(0, dtype=np.int64)


def _of_parts(axis: Axis, bounds: Whole, who: Whole, part: Whole, count: int, found: Whole) -> Found:
    """So many days or weeks from that one on."""
    return who * axis.apart + bounds[part], who * axis.apart + bounds[part + count], found


def _hours_window(axis: Axis, limit: Limit) -> Found:
    return _in_windows(axis, limit["window"] * MINUTE, limit["most"] * MINUTE)


def _hours_average(axis: Axis, limit: Limit) -> Found:
    return _in_windows(axis, limit["weeks"] * WEEK, limit["weekly"] * limit["weeks"] * MINUTE)


def _in_windows(axis: Axis, size: int, most: int) -> Found:
    before = np.append(0, np.cumsum(axis.ends - axis.starts))
    stop = axis.starts + size
    there = np.searchsorted(axis.starts, stop)
    worked = before[there] - np.maximum(0, axis.ends[there - 1] - stop) - before[:-1]
    return _chosen((axis.starts, stop, worked), worked > most)


_OF_SHAPE: dict[str, Callable[[Axis, Limit], Found]] = {
    "rest-daily": _rest_daily,
    "rest-weekly": _rest_weekly,
    "hours-day": _hours_day,
    "hours-week": _hours_week,
    "hours-window": _hours_window,
    "hours-average": _hours_average,
    "hours-between-rests": _hours_between_rests,
    "run": _run,
}
assert _OF_SHAPE.keys() == OF_SHAPE.keys(), "every shape of hours is checked in columns too"
