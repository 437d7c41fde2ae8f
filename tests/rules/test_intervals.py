"""Spans counted once: against a slow reference that looks at every minute, and at the edges where clocks go wrong."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, later
from usufruct.core.work.facts import Span
from usufruct.core.work.hours import intervals, stretches
from usufruct.core.work.hours.stretches import MINUTE

MONDAY = Instant("2026-11-02T00:00:00.000Z")
HORIZON = 600  # minutes

pairs = st.tuples(st.integers(0, HORIZON), st.integers(0, 180)).map(lambda pair: (pair[0], min(HORIZON, sum(pair))))
sheets = st.lists(pairs, max_size=12)


def spans(minutes: list[tuple[int, int]]) -> list[Span]:
    return [Span(later(MONDAY, minutes=start), later(MONDAY, minutes=end)) for start, end in minutes]


def worked(minutes: list[tuple[int, int]]) -> list[bool]:
    """The slow reference: for every minute whether there was work in it."""
    return [any(start <= minute < end for start, end in minutes) for minute in range(HORIZON)]


def stretched(flags: list[bool], wanted: bool = True) -> list[tuple[int, int]]:
    found, at = [], 0
    for flag, group in groupby(flags):
        size = len(list(group))
        if flag is wanted:
            found.append((at, at + size))
        at += size
    return found


@given(sheets)
def test_union_and_total_count_every_minute_once(minutes: list[tuple[int, int]]) -> None:
    flags = worked(minutes)
    assert intervals.union(spans(minutes)) == spans(stretched(flags))
    assert intervals.total(spans(minutes)) == sum(flags) * MINUTE


@given(sheets, sheets)
def test_overlap_is_what_is_in_both(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    both = [a and b for a, b in zip(worked(one), worked(other), strict=True)]
    assert intervals.overlap(spans(one), spans(other)) == spans(stretched(both))


@given(sheets)
def test_gaps_lie_between_work(minutes: list[tuple[int, int]]) -> None:
    inner = [gap for gap in stretched(worked(minutes), False) if gap[0] > 0 and gap[1] < HORIZON]
    flags = worked(minutes)
    inner = [gap for gap in inner if any(flags[: gap[0]]) and any(flags[gap[1] :])]
    assert intervals.gaps(spans(minutes)) == spans(inner)


@given(sheets, st.integers(1, 300))
def test_no_window_holds_more_than_the_fullest(minutes: list[tuple[int, int]], size: int) -> None:
    flags = [False] * size + worked(minutes) + [False] * size
    most = max(sum(flags[at : at + size]) for at in range(len(flags) - size))
    assert intervals.most_in_window(spans(minutes), size * MINUTE) == most * MINUTE


@given(sheets, st.integers(1, 60), st.integers(0, 40), st.integers(0, 40))
def test_a_run_goes_on_until_a_pause_that_counts(
    minutes: list[tuple[int, int]], pause: int, first: int, second: int
) -> None:
    best = run = idle = 0
    half = False
    for flag in worked(minutes):
        if not flag:
            idle += 1
            continue
        if idle >= pause or (half and second and idle >= second):
            run, half = 0, False
        elif first and idle >= first and run:
            half = True
        idle, run = 0, run + 1
        best = max(best, run)
    assert intervals.longest_run(spans(minutes), pause, (first, second)) == best * MINUTE


@given(sheets, pairs.filter(lambda pair: pair[0] < pair[1]))
def test_the_longest_rest_of_a_window(minutes: list[tuple[int, int]], window: tuple[int, int]) -> None:
    rests = stretched(worked(minutes)[window[0] : window[1]], False)
    assert intervals.longest_rest(spans(minutes), spans([window])[0]) == MINUTE * max(
        (end - start for start, end in rests), default=0
    )


@given(sheets, st.integers(0, HORIZON), st.integers(0, HORIZON))
def test_a_meter_reads_backwards_too(minutes: list[tuple[int, int]], amount: int, end: int) -> None:
    """No more than the amount is worked from the moment it names on, and a minute earlier there would be more."""
    time = intervals.of(spans(minutes))
    base = intervals.millis(MONDAY)
    meter = stretches.Meter(time)
    stop = base + end * MINUTE
    at = meter.before_end(amount * MINUTE, stop)
    if meter.until(stop) > amount * MINUTE:
        assert meter.until(stop) - meter.until(at) == amount * MINUTE
        assert meter.until(stop) - meter.until(at - MINUTE) > amount * MINUTE
    else:
        assert meter.until(stop) - meter.until(at) <= amount * MINUTE


def test_two_orders_at_once_and_two_operators_at_once_are_one_time() -> None:
    assert intervals.total(spans([(0, 60), (30, 90), (30, 45)])) == 90 * MINUTE


def test_what_touches_is_one_stretch() -> None:
    assert intervals.union(spans([(0, 60), (60, 90)])) == spans([(0, 90)])


def test_milliseconds_are_kept() -> None:
    start, end = Instant("2026-11-02T23:59:59.999Z"), Instant("2026-11-03T00:00:00.001Z")
    assert intervals.total([Span(start, end)]) == 2
    assert intervals.at_millis(intervals.millis(start)) == start


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(BadInput, match="ends before it begins"):
        intervals.total([*spans([(0, 60)]), Span(later(MONDAY, minutes=5), MONDAY)])


def test_a_span_without_length_holds_no_time() -> None:
    assert intervals.union([Span(MONDAY, MONDAY)]) == []
