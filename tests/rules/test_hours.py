"""Rules of hours: what breaks each, what is left of it, and when somebody may start; against every minute looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import cases, parts

from usufruct.core.base.instants import END_OF_TIME, Instant, later, parse
from usufruct.core.work.facts import Span
from usufruct.core.work.hours import limits as hours
from usufruct.core.work.hours.conditions import SHAPES, Limit, duration
from usufruct.core.work.hours.intervals import at_millis, millis
from usufruct.core.work.hours.limits import Piece, Spell, Timesheet, breaches, may_start
from usufruct.core.work.hours.stretches import DAY, HOUR, MINUTE, Days, Stretch, merged

MONDAY = parse("2026-11-02")
START = millis(MONDAY)
WEEKS = Days(tuple(START + n * DAY for n in range(43)), 0, ((0, 0),))


def limit(shape: str, counts: str = "engaged", **numbers: int) -> Limit:
    more = {name: value for name, (_, value) in SHAPES[shape].more.items()}
    return Limit(shape, shape, counts, more | numbers, "", parse("2020-01-01"), END_OF_TIME, "a law", "somebody")


RULES = {
    "rest": limit("rest-daily", rest=660),
    "week-rest": limit("rest-weekly", rest=2100),
    "day": limit("hours-day", most=480),
    "day-allowance": limit("hours-day", most=480, allowance=25),
    "24h": limit("hours-window", most=720, window=1440),
    "7d": limit("hours-window", most=2880, window=10080),
    "average": limit("hours-average", weekly=2880, weeks=2),
    "driving-day": limit("hours-between-rests", most=540, extended=600, times=2, rest=540),
    "driving-week": limit("hours-week", most=3360),
    "fortnight": limit("hours-week", most=5400, weeks=2),
    "four-hours": limit("run", longest=240, pause=20),
    "break": limit("run", longest=270, pause=45, first=15, second=30),
}

# Work as `day from-to`, the first day a Monday; an hour above 24 is of the next day. What is found, and of when.
CASES = """
rule          | work                                                                  | found
rest          | 1 08-20; 2 08-16                                                      |
rest          | 1 08-20; 2 06-07                                                      | 10 h, 1 08:00 to 2 07:00
rest          | 1 08-20; 2 07-08                                                      |
rest          | 1 08-21                                                               |
rest          | 1 08-21:01                                                            | 0 min, 1 08:00 to 1 21:01
rest          | 1 20-28; 2 13:40-14                                                   | 9 h 40, 1 20:00 to 2 14:00
week-rest     | 1 08-16; 2 08-16; 3 08-16; 4 08-16; 5 08-16; 6 08-13                  |
week-rest     | 1 08-16; 2 08-16; 3 08-16; 4 08-16; 5 08-16; 6 08-13; 7 12-13         | 23 h, 1 00:00 to 8 00:00
day           | 1 08-16                                                               |
day           | 1 08-12; 1 10-16:01                                                   | 8 h 01, 1 00:00 to 2 00:00
day           | 1 20-28; 2 20-24                                                      |
day-allowance | 1 08-14:24                                                            |
day-allowance | 1 08-14:25                                                            | 8 h 01 min 15 s, 1 00:00 to 2 00:00
24h           | 1 12-18; 2 06-12                                                      |
24h           | 1 12-18; 2 05-12                                                      | 13 h, 1 12:00 to 2 12:00
7d            | 4 00-24; 6 00-24; 8 00-24                                             | 72 h, 4 00:00 to 11 00:00
average       | 1 00-24; 3 00-24; 9 00-24; 11 00-24                                   |
average       | 1 00-24; 3 00-24; 9 00-24; 11 00-24; 13 00-01                         | 97 h, 1 00:00 to 15 00:00
driving-day   | 1 08-18; 2 08-18                                                      |
driving-day   | 1 08-18; 2 08-18; 3 08-18; 4 08-17                                    | 10 h, 3 08:00 to 3 18:00
driving-day   | 1 06-16:01                                                            | 10 h 01, 1 06:00 to 1 16:01
driving-day   | 6 08-18; 7 08-18; 8 08-18; 9 08-18                                    |
driving-week  | 1 00-24; 3 00-24; 5 00-08                                             |
driving-week  | 1 00-24; 3 00-24; 5 00-09                                             | 57 h, 1 00:00 to 8 00:00
fortnight     | 1 00-24; 3 00-24; 9 00-24; 11 00-19                                   | 91 h, 1 00:00 to 15 00:00
four-hours    | 1 08-10; 1 10:19-12:19                                                |
four-hours    | 1 08-10; 1 10:19-12:20                                                | 4 h 01, 1 08:00 to 1 12:20
four-hours    | 1 08-10; 1 10:20-14                                                   |
break         | 1 06-08; 1 08:15-10; 1 10:30-14                                       |
break         | 1 06-08; 1 08:30-10; 1 10:15-11:15                                    |
break         | 1 06-08; 1 08:30-10; 1 10:15-11:16                                    | 4 h 31, 1 06:00 to 1 11:16
break         | 1 06-10:30; 1 11:15-15:45                                             |
"""


def clock(text: str, day: int) -> int:
    hour, _, minute = text.partition(":")
    return START + (day - 1) * DAY + int(hour) * HOUR + int(minute or 0) * MINUTE


def time_of(text: str) -> list[Stretch]:
    found = []
    for part in parts(text):
        day, _, span = part.partition(" ")
        start, _, end = span.partition("-")
        found.append((clock(start, int(day)), clock(end, int(day))))
    return found


def worker(time: list[Stretch]) -> Timesheet:
    return Timesheet("anna", pieces=tuple(Piece(f"work-{n}", "wheels", (one,)) for n, one in enumerate(time)))


@cases(CASES)
def test_a_limit_is_found_broken(row: dict[str, str]) -> None:
    found = hours.check(worker(time_of(row["work"])), [RULES[row["rule"]]], WEEKS)
    when = (f"{WEEKS.clock(millis(one.start))} to {WEEKS.clock(millis(one.end))}" for one in found)
    said = "; ".join(f"{duration(one.found)}, {each}" for one, each in zip(found, when, strict=True))
    for day in range(43, 0, -1):
        said = said.replace(f"{later(MONDAY, days=day - 1)[:10]} ", f"{day} ")
    assert said == row["found"]


# ---- against every minute


HORIZON = 3 * 7 * 24 * 4  # quarters of an hour: the reference is slow
QUARTER = 15 * MINUTE

sheets = st.lists(
    st.tuples(st.integers(0, HORIZON - 1), st.integers(1, 70)).map(lambda pair: (pair[0], min(HORIZON, sum(pair)))),
    max_size=25,
)


def reference(rule: Limit, flags: list[bool]) -> bool:
    """Whether the rule is broken, with no interval in sight."""
    quarters = rule["rest"] // 15 if "rest" in rule.numbers else 0
    match rule.shape:
        case "rest-daily":
            since, idle = None, quarters
            for at, flag in enumerate(flags):
                idle = 0 if flag else idle + 1
                if flag and since is None:
                    since = at
                if flag and since is not None and at + 1 - since > rule["within"] // 15 - quarters:
                    return True
                if idle >= quarters:
                    since = None
            return False
        case "rest-weekly":
            return any(longest(flags[at : at + 672], False) < quarters for at in range(0, len(flags), 672))
        case "hours-day":
            return any(sum(flags[at : at + 96]) * 15 * (100 + rule["allowance"]) > rule["most"] * 100
                       for at in range(0, len(flags), 96))  # fmt: skip
        case "hours-week":
            size = 672 * rule["weeks"]
            return any(sum(flags[at : at + size]) * 15 > rule["most"] for at in range(0, len(flags) - size + 1, 672))
        case "hours-window" | "hours-average":
            average = rule.shape == "hours-average"
            size = rule["weeks"] * 672 if average else rule["window"] // 15
            most = rule["weekly"] * rule["weeks"] if average else rule["most"]
            padded = [False] * size + flags + [False] * size
            meter = [0]
            for flag in padded:
                meter.append(meter[-1] + flag)
            return any((meter[at + size] - meter[at]) * 15 > most for at in range(len(padded) - size))
        case _:
            raise AssertionError(rule.shape)


def longest(flags: list[bool], wanted: bool) -> int:
    best = run = 0
    for flag in flags:
        run = run + 1 if flag is wanted else 0
        best = max(best, run)
    return best


@pytest.mark.parametrize(
    "name", [name for name, one in RULES.items() if one.shape not in ("run", "hours-between-rests")]
)
@settings(max_examples=40)
@given(minutes=sheets)
def test_it_is_broken_where_every_quarter_of_an_hour_says_so(name: str, minutes: list[tuple[int, int]]) -> None:
    flags = [False] * HORIZON
    for start, end in minutes:
        flags[start:end] = [True] * (end - start)
    time = merged((START + start * QUARTER, START + end * QUARTER) for start, end in minutes)
    days = Days(WEEKS.midnights[:22], 0)
    assert bool(breaches(RULES[name], time, days)) == reference(RULES[name], flags)


# ---- what may still be done


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=25)
@given(minutes=sheets, at=st.integers(0, HORIZON))
def test_what_is_left_is_the_most_that_may_be_started(name: str, minutes: list[tuple[int, int]], at: int) -> None:
    rule = RULES[name]
    sheet = worker([(START + start * QUARTER, START + end * QUARTER) for start, end in minutes if end <= at])
    now = at_millis(START + at * QUARTER)
    [left] = hours.left(sheet, [rule], WEEKS, now)
    if left.minutes:
        assert may_start(sheet, [rule], WEEKS, Span(now, later(now, minutes=left.minutes))) is None
    if left.minutes < 24 * 60:
        assert may_start(sheet, [rule], WEEKS, Span(now, later(now, minutes=left.minutes + 1))) is not None


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=25)
@given(minutes=sheets, at=st.integers(0, HORIZON), length=st.integers(1, 20))
def test_who_keeps_to_what_she_is_told_breaks_nothing_new(
    name: str, minutes: list[tuple[int, int]], at: int, length: int
) -> None:
    """What may be started adds no finding. What may not be adds one, unless it makes a window too full that has part in one
    that was: those are told once, and yet she stops."""
    rule = RULES[name]
    sheet = worker([(START + start * QUARTER, START + end * QUARTER) for start, end in minutes])
    time = (START + at * QUARTER, START + (at + length) * QUARTER)
    before = set(hours.check(sheet, [rule], WEEKS))
    new = [one for one in hours.check(sheet.plus(time, "wheels"), [rule], WEEKS) if one not in before]
    refused = may_start(sheet, [rule], WEEKS, Span(at_millis(time[0]), at_millis(time[1])))
    assert refused if new else not refused or rule.shape in hours.WINDOWS


def test_dispatch_stops_with_the_rule_its_numbers_and_when_it_ends() -> None:
    sheet = worker(time_of("1 10-20:20"))
    refused = may_start(sheet, [RULES["rest"]], WEEKS, span("2 06-07"))
    assert refused is not None and refused.code == "hours.limit"
    assert refused.reasons[0] == "`rest-daily`: 9 h 40 of 11 h rest; from 2026-11-03 07:20 on"
    assert may_start(sheet, [RULES["rest"]], WEEKS, span("2 07:20-09")) is None


WORDS = """
rule    | work                | words
rest    | 1 08-20; 2 06-07    | 10 h of 11 h rest
day     | 1 08-16:01          | 8 h 01 of work where 8 h are the most
average | 1 00-97             | 48 h 30 a week where 48 h are the most, over 2 weeks
break   | 1 06-10:31          | 4 h 31 of work without a pause of 45 min where 4 h 30 are the most
"""


@cases(WORDS)
def test_a_finding_says_what_was_found_and_what_the_limit_is(row: dict[str, str]) -> None:
    [found] = hours.check(worker(time_of(row["work"])), [RULES[row["rule"]]], WEEKS)
    assert found.words.partition(", from")[0] == row["words"]
    assert (found.source, found.authority) == ("a law", "somebody")


def test_at_a_limit_the_refusal_says_from_when_on_there_is_room_again() -> None:
    refused = may_start(worker(time_of("1 08-12")), [RULES["four-hours"]], WEEKS, span("1 12-13"))
    assert refused is not None and "from 2026-11-02 12:20 on" in refused.reasons[0]
    refused = may_start(worker(time_of("1 00-12")), [RULES["24h"]], WEEKS, span("1 14-16"))
    assert refused is not None and "from 2026-11-03 00:00 on" in refused.reasons[0]


def test_who_is_over_a_limit_is_not_sent_more_because_she_is_over_it_already() -> None:
    sheet = worker(time_of("1 00-01; 1 12-24"))
    assert len(hours.check(sheet, [RULES["24h"]], WEEKS)) == 1
    refused = may_start(sheet, [RULES["24h"]], WEEKS, span("2 01-02"))
    assert refused is not None


def span(text: str) -> Span:
    [(start, end)] = time_of(text)
    return Span(at_millis(start), at_millis(end))


# ---- clocks


def test_hours_at_two_operators_are_the_persons() -> None:
    """Five hours at each, two of them at the same time: eight hours, and not a minute more."""
    both = Timesheet("anna", pieces=(
        Piece("work-1", "wheels", tuple(time_of("1 08-13"))), Piece("work-2", "bags", tuple(time_of("1 11-16"))),
    ))  # fmt: skip
    assert hours.check(both, [RULES["day"]], WEEKS) == []
    more = both.plus(time_of("1 16-17")[0], "wheels")
    assert [one.found for one in hours.check(more, [RULES["day"]], WEEKS)] == [9 * HOUR]


def test_a_limit_of_one_operator_counts_all_hours_and_is_found_where_she_worked_for_it() -> None:
    elsewhere = replace(worker(time_of("1 08-12; 3 08-17")), pieces=(
        Piece("work-1", "wheels", tuple(time_of("1 08-10; 3 08-17"))), Piece("work-2", "bags", tuple(time_of("1 10-18"))),
    ))  # fmt: skip
    bound = replace(RULES["day"], operator="bags")
    assert [one.start for one in hours.check(elsewhere, [bound], WEEKS)] == [MONDAY]
    assert may_start(elsewhere, [bound], WEEKS, span("1 18-19"), "wheels") is None
    assert may_start(elsewhere, [bound], WEEKS, span("1 18-19"), "bags") is not None


def test_the_day_on_which_the_clock_goes_back_has_25_hours() -> None:
    """Berlin, 25 October 2026: from 00:00 to 24:00 are 25 hours, and nine of them may not be worked where eight may."""
    midnight = millis(Instant("2026-10-24T22:00:00.000Z"))
    days = Days((midnight, midnight + 25 * HOUR, midnight + 49 * HOUR), 6, ((0, 120), (midnight + 3 * HOUR, 60)))
    [one] = hours.check(worker([(midnight + 16 * HOUR, midnight + 25 * HOUR)]), [RULES["day"]], days)
    assert one.words == "9 h of work where 8 h are the most, from 2026-10-25 00:00 to 2026-10-26 00:00"
    over = worker([(midnight + 17 * HOUR, midnight + 25 * HOUR), (midnight + 25 * HOUR, midnight + 26 * HOUR)])
    assert hours.check(over, [RULES["day"]], days) == []


def test_numbers_count_from_their_day_on() -> None:
    tuesday = parse("2026-11-03")
    old, new = (
        replace(RULES["day"], until=tuesday),
        replace(RULES["day"], since=tuesday, numbers={"most": 600, "allowance": 0}),
    )
    found = hours.check(worker(time_of("1 08-17; 2 08-17; 3 08-19")), [old, new], WEEKS)
    assert [(one.start[:10], one.found // HOUR) for one in found] == [("2026-11-02", 9), ("2026-11-04", 11)]


def test_the_three_definitions_lie_within_each_other() -> None:
    sheet = Timesheet("anna", (Spell("wheels", time_of("1 08-16")[0], tuple(time_of("1 09-12"))),),
                      (Piece("work-1", "wheels", tuple(time_of("1 10-13"))),))  # fmt: skip
    spent = {
        name: sum(end - start for start, end in sheet.counted(name)) // HOUR for name in ("engaged", "online", "shift")
    }
    assert spent == {"engaged": 3, "online": 4, "shift": 8}


def test_a_promise_that_was_not_kept_is_found() -> None:
    rule = limit("promised", missing=0)
    piece = Piece("work-1", "wheels", tuple(time_of("1 08-09")), promised=("helmet", "heat-break"), kept=("helmet",))
    [one] = hours.check(Timesheet("anna", pieces=(piece,)), [rule], WEEKS)
    assert (one.words, one.found, one.unit) == ("promised and not kept in `work-1`: heat-break", 1, "conditions")
    assert hours.check(Timesheet("anna", pieces=(replace(piece, kept=("helmet", "heat-break")),)), [rule], WEEKS) == []
