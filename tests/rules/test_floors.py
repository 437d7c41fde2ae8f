"""Pay floors: three definitions of one amount, trips by the published rates, and packs that are what they cite."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import cases

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME, Instant, parse
from usufruct.core.base.money import Money
from usufruct.core.base.records import Entry, Row, RowT
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.state import Party
from usufruct.core.work.hours import conditions, floors
from usufruct.core.work.hours.conditions import Condition, ConditionSet, Limit, RuleEnded, SetCondition
from usufruct.core.work.hours.intervals import at_millis, millis
from usufruct.core.work.hours.limits import Piece, Spell, Timesheet
from usufruct.core.work.hours.stretches import HOUR, MINUTE
from usufruct.wire import conditions as wire

DAY = parse("2026-11-02")
START = millis(DAY)
FLOOR = Limit(
    "floor", "floor-hourly", "online", {"amount": 1500}, "", parse("2018-01-01"), END_OF_TIME, "a", "b", "USD"
)
SHEET = Timesheet("anna", (Spell("wheels", (START, START + 4 * HOUR), ((START + HOUR, START + 3 * HOUR),)),), (
    Piece("work-1", "wheels", ((START + HOUR, START + HOUR + 20 * MINUTE),), 400, "USD", 3000),
    Piece("work-2", "wheels", ((START + HOUR + 10 * MINUTE, START + HOUR + 40 * MINUTE),), 500, "USD", 5000),
))  # fmt: skip


def test_one_amount_makes_three_floors() -> None:
    found = floors.hourly(SHEET, Money(900, "USD"), [FLOOR])
    assert [(one.definition, one.hours_ms // MINUTE, one.due, one.top_up, one.binding) for one in found] == [
        ("engaged", 40, 1000, 100, False), ("online", 120, 3000, 2100, True), ("shift", 240, 6000, 5100, False),
    ]  # fmt: skip
    assert floors.top_up(found) == 2100


def test_with_no_floor_nothing_is_due_and_the_hours_are_told() -> None:
    found = floors.hourly(SHEET, Money(900, "EUR"), [FLOOR])
    assert [(one.hours_ms // MINUTE, one.due, one.binding) for one in found] == [
        (40, 0, False),
        (120, 0, False),
        (240, 0, False),
    ]
    assert floors.top_up(found) == 0


def test_a_rate_that_changes_in_between_counts_from_its_day_on() -> None:
    change = at_millis(START + 2 * HOUR)
    versions = [replace(FLOOR, until=change), replace(FLOOR, since=change, numbers={"amount": 1600})]
    [_, online, _] = floors.hourly(SHEET, Money(0, "USD"), versions)
    assert online.due == 1500 + 1600


@given(st.integers(1, 10**9), st.integers(1, 10**5))
def test_what_is_due_is_never_below_the_rate_and_never_a_cent_above(ms: int, amount: int) -> None:
    sheet = Timesheet("anna", pieces=(Piece("work-1", "wheels", ((START, START + ms),)),))
    [engaged, *_] = floors.hourly(sheet, Money(0, "USD"), [replace(FLOOR, numbers={"amount": amount})])
    assert 0 <= engaged.due - Fraction(ms * amount, HOUR) < 1


def test_a_pay_period_cuts_time_and_has_the_pay_of_what_ended_in_it() -> None:
    middle = at_millis(START + HOUR + 30 * MINUTE)
    before, after = floors.during(SHEET, DAY, middle), floors.during(SHEET, middle, parse("2026-11-03"))
    assert [one.paid for one in before.pieces] == [400, 0]
    assert [one.paid for one in after.pieces] == [500]
    for name in conditions.COUNTS:
        spent = sum(end - start for part in (before, after) for start, end in part.counted(name))
        assert spent == sum(end - start for start, end in SHEET.counted(name))


def test_another_operators_time_is_its_own() -> None:
    both = replace(SHEET, pieces=(*SHEET.pieces, Piece("work-3", "bags", ((START, START + HOUR),))))
    assert floors.at(both, "wheels") == SHEET


# The rates that the Commission published, a mile and a minute.
RATES = """
for                          | on         | utilisation | times | mile  | minute
all                          | 2019-02-01 | 0.58        | 1     | 1.088 | 0.495
a company of its own         | 2019-02-01 | 0.69        | 1     | 0.914 | 0.416
out of town                  | 2019-02-01 | 1.00        | 2     | 1.262 | 0.574
all                          | 2024-03-01 |             |       | 1.360 | 0.583
"""


@cases(RATES)
def test_rates_are_those_published_to_the_digit(row: dict[str, str]) -> None:
    rule = nyc(row["on"])
    if row["times"]:
        share = int(Fraction(row["utilisation"]) * 1000)
        rule = replace(rule, numbers=rule.numbers | {"utilisation": share, "times": int(row["times"])})
    assert floors.rates(rule) == tuple(int(Fraction(row[name]) * 1000) for name in ("mile", "minute"))


def nyc(on: str) -> Limit:
    [rule] = conditions.in_force(conditions.limits(put(wire.packs()["nyc-trip-floor"]), parse(on)), parse(on))
    return rule


def put(text: str, seq: int = 1, operator: str = "") -> list[SetCondition]:
    return [row for row in conditions.fold(Rows(), Entry(seq, DAY, ConditionSet(wire.read(text), "exchange", operator)))
            if isinstance(row, SetCondition)]  # fmt: skip


class Rows:
    """A state of these rows and no others."""

    def __init__(self, *rows: Row) -> None:
        self.rows = rows

    def get(self, kind: type[RowT], *key: str | int) -> RowT | None:
        wanted = "/".join(map(str, key))
        return next((row for row in self.rows if isinstance(row, kind) and row.key == wanted), None)

    def list(self, kind: type[RowT], /, **where: str | int):  # type: ignore[no-untyped-def]
        return (
            row for row in self.rows if isinstance(row, kind) and all(getattr(row, k) == v for k, v in where.items())
        )


def test_a_trip_of_seven_miles_and_a_half_in_half_an_hour() -> None:
    """7.5 miles at 1.088 and 30 minutes at 0.495 are 23.01 dollars."""
    metres, rest = divmod(75 * floors.MILE, 10 * 1000)
    assert (
        floors.trip(nyc("2019-02-01"), metres + bool(rest), 30 * MINUTE) == 2301 + 1
    )  # half a metre more than 7.5 miles
    assert floors.trip(nyc("2019-02-01"), metres, 30 * MINUTE) == 2301


def test_a_trip_above_its_floor_makes_no_other_good() -> None:
    rule = replace(nyc("2024-03-01"), since=parse("2018-01-01"))
    found = floors.per_trip(replace(SHEET, pieces=(replace(SHEET.pieces[0], paid=5000), SHEET.pieces[1])), [rule])
    assert [(one.work, one.due, one.top_up) for one in found] == [("work-1", 1420, 0), ("work-2", 2172, 1672)]


# ---- packs and conditions


@pytest.mark.parametrize("name", wire.packs())
def test_every_pack_can_be_put_in_force_and_cites_its_sources(name: str) -> None:
    read = wire.read(wire.packs()[name])
    fact = conditions.put(Rows(), read, "", "exchange", "exchange", DAY)
    assert isinstance(fact, ConditionSet)
    rules = {one.rule for one in read}
    found = conditions.in_force(conditions.limits(put(wire.packs()[name]), DAY), DAY)
    assert {one.rule for one in found} == rules
    assert all(one.source and one.authority and conditions.in_words(one) for one in found)


REST = wire.read(wire.packs()["eu-working-time"])[0]

# What cannot be a condition: one field of the daily rest changed, and a word of the answer.
WRONG = """
field     | value    | says
shape     | siesta   | no shape
counts    | paid     | no definition
parameter | naps     | reads no
unit      | hours    | reads no
value     | 0        | no number
value     | -660     | no number
currency  | EUR      | have a currency
source    |          | does not say whose
until     | 2003-01-01T00:00:00.000Z | ends before
"""


@cases(WRONG)
def test_what_cannot_be_a_condition_is_refused(row: dict[str, str]) -> None:
    value = int(row["value"]) if row["field"] == "value" else row["value"]
    one: Condition = replace(REST, **{row["field"]: value})
    found = conditions.put(Rows(), (one,), "", "exchange", "exchange", DAY)
    assert isinstance(found, Refusal) and row["says"] in found.reasons[0]


def test_only_the_operator_of_the_node_puts_conditions_in_force() -> None:
    assert isinstance(conditions.put(Rows(), (REST,), "", "wheels", "exchange", DAY), Refusal)
    assert isinstance(conditions.put(Rows(), (REST,), "wheels", "exchange", "exchange", DAY), Refusal)  # no such party
    there = Rows(Party("wheels", "organisation", "Wheels", None, DAY))
    assert isinstance(conditions.put(there, (REST,), "wheels", "exchange", "exchange", DAY), ConditionSet)


def test_the_past_is_not_changed() -> None:
    rows = Rows(*put(wire.packs()["eu-working-time"]))
    shorter = replace(REST, value=600, authority="agreement:12")
    assert isinstance(conditions.put(rows, (shorter,), "", "exchange", "exchange", DAY), Refusal)
    later = replace(shorter, effective=parse("2026-12-01"), known=DAY)
    assert isinstance(conditions.put(rows, (later,), "", "exchange", "exchange", DAY), ConditionSet)


def test_a_number_can_be_an_agreements_and_counts_from_its_day_and_when_known() -> None:
    rows = put(wire.packs()["eu-working-time"])
    later = replace(REST, value=720, effective=parse("2026-12-01"), known=parse("2026-11-15"), authority="agreement:12")
    rows.append(SetCondition(2, 0, "", REST.rule, later, END_OF_TIME, "exchange", DAY))

    def rest(at: str, known: str) -> list[tuple[int, str]]:
        found = conditions.in_force(conditions.limits(rows, parse(known)), parse(at))
        return [(one["rest"], one.authority) for one in found if one.rule == REST.rule]

    assert rest("2026-12-02", "2026-12-02") == [(720, "agreement:12")]
    assert rest("2026-12-02", "2026-11-10") == rest("2026-11-30", "2026-12-02") == [(660, "European Union")]


def test_a_rule_that_lacks_a_number_is_not_checked() -> None:
    assert conditions.limits(put(wire.packs()["china"])[:1], DAY) == []


def test_a_rule_ends() -> None:
    rows = put(wire.packs()["eu-working-time"])
    ended = conditions.end(
        Rows(*rows), REST.rule, "", "the law changed", parse("2026-12-01"), "exchange", "exchange", DAY
    )
    assert isinstance(ended, RuleEnded)
    after = list(conditions.fold(Rows(*rows), Entry(2, DAY, ended)))
    assert [row.until for row in after if isinstance(row, SetCondition)] == [parse("2026-12-01")]
    assert isinstance(
        conditions.end(Rows(*rows), "siesta", "", "no", parse("2026-12-01"), "exchange", "exchange", DAY), Refusal
    )


def test_a_pack_that_cannot_be_read_says_what_is_wrong() -> None:
    text = wire.packs()["safety"]
    for was, now, says in (
        ("value = 0", "value = 0.5", "no whole number"), ('unit = "times"', "", "`unit` is missing"),
        ("effective = 2026-01-01", 'effective = "now"', "no day"), ("title", "titel", "unknown field `titel`"),
        ("[[rule.condition]]", "[rule.condition]", "no list of tables"), ('counts = "engaged"', 'currency = "XXX"', "XXX"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=says):
            wire.read(text.replace(was, now, 1))


def test_durations_are_read_as_people_say_them() -> None:
    said = {
        ms: conditions.duration(ms) for ms in (0, 30_000, 45 * MINUTE, 9 * HOUR + 40 * MINUTE, 2 * HOUR, HOUR + 1000)
    }
    assert list(said.values()) == ["0 min", "30 s", "45 min", "9 h 40", "2 h", "1 h 00 min 1 s"]
    assert Instant(at_millis(START)) == DAY
