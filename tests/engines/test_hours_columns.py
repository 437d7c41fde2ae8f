"""The check of hours in columns finds what the core finds, breach by breach."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME, later, parse
from usufruct.core.work.hours.conditions import SHAPES, Limit
from usufruct.core.work.hours.intervals import millis
from usufruct.core.work.hours.limits import Piece, Spell, Timesheet, breaches
from usufruct.core.work.hours.stretches import DAY, HOUR, MINUTE, Days
from usufruct.engine import hours

MONDAY = parse("2026-11-02")
START = millis(MONDAY)


def limit(rule: str, shape: str, counts: str, **numbers: int) -> Limit:
    more = {name: value for name, (_, value) in SHAPES[shape].more.items()}
    return Limit(rule, shape, counts, more | numbers, "", parse("2020-01-01"), END_OF_TIME, "a law", "somebody")


TUESDAY_WEEK = later(MONDAY, days=8)
RULES = [
    limit("rest", "rest-daily", "online", rest=660),
    limit("week-rest", "rest-weekly", "online", rest=2100),
    limit("day", "hours-day", "shift", most=480),
    limit("allowance", "hours-day", "engaged", most=300, allowance=25),
    replace(limit("24h", "hours-window", "engaged", most=600, window=1440), until=TUESDAY_WEEK),
    replace(limit("24h", "hours-window", "engaged", most=480, window=1440), since=TUESDAY_WEEK),
    limit("average", "hours-average", "online", weekly=2400, weeks=2),
    limit("driving", "hours-between-rests", "engaged", most=240, extended=300, times=1, rest=540),
    limit("week", "hours-week", "engaged", most=2000),
    limit("fortnight", "hours-week", "online", most=4000, weeks=2),
    limit("too-long", "hours-week", "online", most=1, weeks=9),
    limit("four-hours", "run", "engaged", longest=240, pause=20),
    limit("break", "run", "online", longest=270, pause=45, first=15, second=30),
]

HORIZON = 21 * 24 * 12  # five minutes each
spans = st.lists(
    st.tuples(
        st.sampled_from(["anna", "bo", "cyd"]), st.sampled_from(["engaged", "online", "shift"]),
        st.integers(-100, HORIZON), st.integers(0, 150),
    ), max_size=40,
)  # fmt: skip
near = st.lists(  # many short ones with the pauses that matter in between
    st.tuples(st.integers(0, 60), st.sampled_from([0, 5, 15, 20, 30, 45, 480, 540, 660])), max_size=60
)
# A week with a day of 25 hours, and an end in the middle of the third.
MIDNIGHTS = tuple(START + n * DAY + HOUR * (n > 5) for n in range(18))
DAYS = Days(MIDNIGHTS, 0)


def agree(found: list[tuple[str, str, int, int]], days: Days) -> None:
    table = pa.table([pa.array(column) for column in zip(*found, strict=True)], schema=hours.SPANS) if found else (
        hours.SPANS.empty_table()
    )  # fmt: skip
    there = {
        (row["worker"], row["rule"], row["start"], row["end"], row["found"])
        for row in hours.check(table, RULES, days).to_pylist()
    }
    expected = set()
    for worker in {one[0] for one in found}:
        mine = [one for one in found if one[0] == worker]
        sheet = Timesheet(
            worker, tuple(Spell("wheels", one[2:]) for one in mine if one[1] == "shift"),
            tuple(Piece("work", "wheels", (one[2:],)) for one in mine if one[1] == "engaged"),
        )  # fmt: skip
        sheet = replace(sheet, spells=(*sheet.spells, *(
            Spell("wheels", (0, 0), (one[2:],)) for one in mine if one[1] == "online"
        )))  # fmt: skip
        for rule in RULES:
            expected |= {(worker, rule.rule, *one) for one in breaches(rule, sheet.counted(rule.counts), days)}
    assert there == expected


@settings(max_examples=60, deadline=None)
@given(spans, st.integers(0, 6))
def test_columns_find_what_the_core_finds(found: list[tuple[str, str, int, int]], weekday: int) -> None:
    agree([
        (worker, kind, START + at * 5 * MINUTE, START + (at + size) * 5 * MINUTE) for worker, kind, at, size in found
    ], replace(DAYS, weekday=weekday))  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(near, near)
def test_columns_find_what_the_core_finds_between_pauses(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    found = []
    for worker, steps in (("anna", one), ("bo", other)):
        at = START
        for work, pause in steps:
            found.append((worker, "engaged", at, at + work * MINUTE))
            at += (work + pause) * MINUTE
    agree(found, DAYS)


def test_no_spans_have_no_breaches() -> None:
    assert hours.check(hours.SPANS.empty_table(), RULES, DAYS).num_rows == 0


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    table = pa.table([["anna"], ["engaged"], [2], [1]], schema=hours.SPANS)
    with pytest.raises(BadInput, match="end before they begin"):
        hours.check(table, RULES, DAYS)


def test_an_unknown_kind_is_refused() -> None:
    table = pa.table([["anna"], ["asleep"], [1], [2]], schema=hours.SPANS)
    with pytest.raises(BadInput, match="one of engaged"):
        hours.check(table, RULES, DAYS)
