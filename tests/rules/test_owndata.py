"""A worker's five series: by hand for a week that can be reckoned on paper, and against a slow reference for random ones."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import World

from delivering import MONDAY, OPERATOR, agreed, done, job, parties, shift, week_of
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, later, moment, seconds
from usufruct.core.work.facts import Span
from usufruct.core.work.hours.measured import DEFINITIONS, engaged_ms
from usufruct.core.work.hours.stretches import HOUR
from usufruct.core.work.own.series import clock_hours, records, series, tenth, tenths
from usufruct.core.work.pay.state import PayPlanned, Reckoning, WorkPaid


def world(*riders: str) -> World:
    made = World(MONDAY)
    made.add(*parties(riders), *job(), *(fact for rider in riders for fact in agreed(rider)))
    return made


def test_a_week_on_paper() -> None:
    made = world("anna")
    made.add(*week_of("anna", MONDAY))  # 40 deliveries of 10.00 less 2.50, 10 h engaged, 20 h online
    made.add(shift("anna", later(MONDAY, days=5, hours=10), 5, online=0))  # logged in for five hours, and not online
    (week,) = series(records(made.state, "anna", "EUR"), "week")
    assert (week.name, week.services, week.gross, week.fee, week.tips) == ("2026-w45", 40, 40_000, 10_000, 2_000)
    assert {name: ms // HOUR for name, ms in week.hours.items()} == {"engaged": 10, "online": 20, "whole-shift": 25}
    assert [week.per_hour(name) for name in DEFINITIONS] == [3000, 1500, 1200]
    assert (week.take_rate, week.waiting) == (Fraction(1, 4), Fraction(1, 2))
    assert (week.low, week.high) == (1500, 1500)
    assert week.foretold is None, "there were no weeks before"


def test_what_was_topped_up_and_made_up_counts_and_tips_do_not() -> None:
    made = world("anna")
    made.add(*week_of("anna", MONDAY))
    slip = Reckoning("anna", (), 40_000, 10_000, 2_000, 0, 4_000, 36_000)
    made.add(
        PayPlanned("pay-1", OPERATOR, "EUR", MONDAY, later(MONDAY, days=7), (slip,), "", OPERATOR),
        WorkPaid("pay-1-1", "pay-1", OPERATOR, "anna", "EUR", MONDAY, later(MONDAY, days=7), slip, OPERATOR),
    )
    (week,) = series(records(made.state, "anna", "EUR"), "week")
    assert (week.added, week.per_hour("online")) == (4_000, 1700)


def test_what_was_topped_up_over_two_weeks_is_spread_by_time_to_the_last_cent() -> None:
    made = world("anna")
    made.add(*week_of("anna", MONDAY), *week_of("anna", later(MONDAY, days=7))[:18])  # the second has two days
    slip = Reckoning("anna", (), 58_000, 14_500, 2_900, 0, 1_001, 44_501)
    made.add(
        PayPlanned("pay-1", OPERATOR, "EUR", MONDAY, later(MONDAY, days=14), (slip,), "", OPERATOR),
        WorkPaid("pay-1-1", "pay-1", OPERATOR, "anna", "EUR", MONDAY, later(MONDAY, days=14), slip, OPERATOR),
    )
    added = [week.added for week in series(records(made.state, "anna", "EUR"), "week")]
    assert sum(added) == 1_001 and added == [715, 286]


def test_weeks_that_are_all_the_same_are_foretold_wholly_and_others_not() -> None:
    made = world("anna", "ben")
    for week in range(5):
        made.add(*week_of("anna", later(MONDAY, days=7 * week)))
        made.add(*week_of("ben", later(MONDAY, days=7 * week), gross=1000 if week % 2 else 2000))
    anna, ben = (series(records(made.state, who, "EUR"), "week") for who in ("anna", "ben"))
    assert [week.foretold for week in anna] == [None, None, 1, 1, 1]
    # The fifth: 2000 - 250 where 2000, 1000, 2000, 1000 less 250 came before; 1750 is foretold as 1250.
    assert ben[-1].foretold == 1 - Fraction(1750 - 1250, 1750)


def test_months_hold_what_began_in_them() -> None:
    made = world("anna")
    made.add(done("1", "anna", Instant("2026-11-30T23:50:00.000Z"), 20, 1000, 100))
    made.add(done("2", "anna", Instant("2026-12-01T00:00:00.000Z"), 20, 1000, 100))
    assert [(time.name, time.services) for time in series(records(made.state, "anna", "EUR"))] == [
        ("2026-11", 1), ("2026-12", 1),
    ]  # fmt: skip
    with pytest.raises(BadInput):
        series(records(made.state, "anna", "EUR"), "year")


def test_concurrent_orders_and_shifts_at_two_operators_count_once() -> None:
    made = world("anna")
    made.add(*parties([])[:0], *(fact for fact in _other()))
    start = later(MONDAY, hours=10)
    made.add(shift("anna", start, 2), shift("anna", start, 2, operator="other"))
    made.add(
        done("1", "anna", start, 60, 500, 0), done("2", "anna", start, 60, 500, 0, operator="other", agreement="x")
    )
    (week,) = series(records(made.state, "anna", "EUR"), "week")
    assert [week.hours[name] // HOUR for name in DEFINITIONS] == [1, 2, 2]
    assert week.per_hour("engaged") == 1000
    (alone,) = series(records(made.state, "anna", "EUR", "other"), "week")
    assert (alone.services, alone.per_hour("engaged")) == (1, 500)


def _other() -> list[Any]:
    from usufruct.core.registry.facts import PartyRegistered

    return [PartyRegistered("other", "organisation", "Other")]


def test_her_tenth_among_others_and_nothing_where_they_are_few() -> None:
    riders = [f"rider-{number}" for number in range(10)]
    made = world(*riders)
    for number, rider in enumerate(riders):
        made.add(*week_of(rider, MONDAY, gross=1000 + 100 * number))
    told = [tenths(made.state, OPERATOR, rider, "EUR", "week", 10) for rider in riders]
    assert told == [{"2026-w45": number + 1} for number in range(10)]
    assert tenths(made.state, OPERATOR, "rider-3", "EUR", "week", 11) == {}
    assert tenths(made.state, OPERATOR, "nobody", "EUR", "week", 2) == {}


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40))
def test_who_are_equal_stand_in_the_same_tenth_and_more_is_never_lower(values: list[int]) -> None:
    found = [Fraction(value) for value in values]
    ranks = {value: tenth(found, value) for value in found}
    ordered = [ranks[value] for value in sorted(ranks)]
    assert ordered == sorted(ordered) and set(ordered) <= set(range(1, 11))


spans = st.lists(st.tuples(st.integers(0, 6 * 24 * 60), st.integers(0, 300)), min_size=0, max_size=8)


@given(spans, spans)
def test_time_is_counted_as_by_a_slow_reference_minute_by_minute(shifts: Any, works: Any) -> None:
    made = world("anna")
    engaged: set[int] = set()
    online: set[int] = set()
    whole: set[int] = set()
    base = seconds(MONDAY) // 60
    for number, (start, minutes) in enumerate(shifts):
        at = later(MONDAY, minutes=start)
        fact = shift("anna", at, minutes / 60, online=minutes // 2 / 60)
        made.add(type(fact)(f"shift-{number}", fact.worker, fact.operator, fact.start, fact.end, fact.online))
        whole |= set(range(start, start + minutes))
        online |= set(range(start, start + minutes // 2))
    for number, (start, minutes) in enumerate(works):
        made.add(done(str(number), "anna", later(MONDAY, minutes=start), minutes, 100, 10))
        engaged |= set(range(start, start + minutes))
    online |= engaged
    whole |= online
    own = records(made.state, "anna", "EUR")
    assert engaged_ms(span for work in own.works for span in work.engaged) == len(engaged) * 60_000
    hours = clock_hours(own)
    expected: dict[int, int] = {}
    for minute in online:
        hour = (base + minute) // 60
        expected[hour] = expected.get(hour, 0) + 60_000
    assert {hour: ms for hour, (ms, _) in hours.items()} == expected
    found = series(own, "month")
    if found and moment(MONDAY).month == 11:
        assert sum(time.hours["engaged"] for time in found) == len(engaged) * 60_000
        assert sum(time.hours["whole-shift"] for time in found) == len(whole) * 60_000


def test_a_span_that_ends_before_it_begins_holds_no_time() -> None:
    assert engaged_ms([Span(later(MONDAY, hours=1), MONDAY)]) == 0
