"""What laws set: the published figures as tables of text, and laws that hold for every amount."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import cases

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME, Instant, later
from usufruct.core.base.instants import parse as instant
from usufruct.core.base.money import parse as money
from usufruct.core.rulebook import statutory
from usufruct.core.rulebook.statutory import explained, self_employed
from usufruct.core.rulebook.statutory.explained import RATE, Step, rounding, shown
from usufruct.core.rulebook.statutory.tables import Figure, Tables

BOOK = statutory.shipped()

# The administrations' own pages and notices: what an hour is worth at least.
WAGES = """
country | age | apprentice | practised | on         | least
--------+-----+------------+-----------+------------+----------
GB      | 21  |            | yes       | 2010-10-01 | 5.93 GBP
GB      | 20  |            | yes       | 2011-09-30 | 4.92 GBP
GB      | 17  |            | yes       | 2015-09-30 | 3.79 GBP
GB      | 24  |            | yes       | 2016-04-01 | 6.70 GBP
GB      | 25  |            | yes       | 2016-03-31 | 6.70 GBP
GB      | 25  |            | yes       | 2016-04-01 | 7.20 GBP
GB      | 24  |            | yes       | 2021-03-31 | 8.20 GBP
GB      | 24  |            | yes       | 2021-04-01 | 8.91 GBP
GB      | 22  |            | yes       | 2024-03-31 | 10.18 GBP
GB      | 22  |            | yes       | 2024-04-01 | 11.44 GBP
GB      | 20  |            | yes       | 2025-04-01 | 10.00 GBP
GB      | 40  | yes        | yes       | 2025-04-01 | 7.55 GBP
FR      | 30  |            | yes       | 2001-12-31 | none
FR      | 30  |            | yes       | 2002-01-01 | 6.67 EUR
FR      | 16  |            | yes       | 2024-01-01 | 11.65 EUR
# 11.65 x 0.9 = 10.485, which the administration publishes as 10.49
FR      | 17  |            |           | 2024-01-01 | 10.49 EUR
FR      | 16  |            |           | 2024-01-01 | 9.32 EUR
FR      | 18  |            |           | 2024-01-01 | 11.65 EUR
FR      | 16  |            |           | 2026-02-01 | 9.62 EUR
FR      | 17  |            |           | 2026-02-01 | 10.82 EUR
"""


@cases(WAGES)
def test_minimum_wages(row: dict[str, str]) -> None:
    def asked() -> statutory.Amount:
        return statutory.minimum_wage(
            row["country"], int(row["age"]), instant(row["on"]), apprentice=bool(row["apprentice"]),
            practised=bool(row["practised"]),
        )  # fmt: skip

    if row["least"] == "none":
        with pytest.raises(BadInput, match="has no value on"):
            asked()
    else:
        assert asked().money == money(row["least"])


# The monthly amounts as they were published. Times 151.67 hours most of them would be a cent or more off.
MONTHS = """
from       | hours | least
-----------+-------+------------
2005-07-01 |       | 1217.88 EUR
2013-01-01 |       | 1430.22 EUR
2015-01-01 |       | 1457.52 EUR
2018-01-01 |       | 1498.47 EUR
2021-10-01 |       | 1589.47 EUR
2023-05-01 |       | 1747.20 EUR
2024-11-01 |       | 1801.80 EUR
2026-01-01 |       | 1823.03 EUR
2026-01-01 | 130   | 1562.60 EUR
2026-01-01 | 0     | 0.00 EUR
"""


@cases(MONTHS)
def test_a_month_in_france(row: dict[str, str]) -> None:
    hours = Fraction(row["hours"]) if row["hours"] else None
    assert statutory.monthly_minimum("FR", instant(row["from"]), hours=hours).money == money(row["least"])


CONTRIBUTIONS = """
regime          | on         | known      | turnover     | due          | with tax
----------------+------------+------------+--------------+--------------+-------------
fr.micro.sales  | 2009-01-01 |            | 10000.00 EUR | 1200.00 EUR  | 1300.00 EUR
fr.micro.sales  | 2011-06-01 |            | 10000.00 EUR | 1210.00 EUR  | 1310.00 EUR
fr.micro.services | 2013-01-01 |          | 20000.00 EUR | 4960.00 EUR  | 5300.00 EUR
fr.micro.cipav  | 2013-01-01 |            | 20000.00 EUR | 4300.00 EUR  | 4740.00 EUR
fr.micro.craft-alsace | 2016-12-31 |      | 100000.00 EUR | 23276.00 EUR | 24976.00 EUR
fr.micro.craft-alsace | 2018-01-01 |      | 100000.00 EUR | 22300.00 EUR | 24000.00 EUR
fr.micro.tourism | 2025-01-01 |           | 170000.00 EUR | 10370.00 EUR | 13260.00 EUR
# Each line to the euro, and the turnover before: 1234.50 counts as 1235; 261.82, 2.47 and 21.00
fr.micro.services | 2023-01-01 |          | 1234.50 EUR  | 264.00 EUR   | 285.00 EUR
fr.micro.services | 2023-01-01 |          | 1234.49 EUR  | 264.00 EUR   | 285.00 EUR
# Published in December 2022 for the time from October on: owed is the lower rate, decided was the higher.
fr.micro.sales  | 2022-10-15 |            | 10000.00 EUR | 1240.00 EUR  | 1340.00 EUR
fr.micro.sales  | 2022-10-15 | 2022-10-15 | 10000.00 EUR | 1290.00 EUR  | 1390.00 EUR
fr.micro.sales  | 2022-10-15 | 2022-12-09 | 10000.00 EUR | 1240.00 EUR  | 1340.00 EUR
# Set for 2026 in 2024, and otherwise in 2025.
fr.micro.liberal | 2026-03-01 | 2024-12-31 | 10000.00 EUR | 2630.00 EUR | 2850.00 EUR
fr.micro.liberal | 2026-03-01 |            | 10000.00 EUR | 2580.00 EUR | 2800.00 EUR
"""


@cases(CONTRIBUTIONS)
def test_contributions(row: dict[str, str]) -> None:
    known = instant(row["known"]) if row["known"] else None
    asked = (row["regime"], money(row["turnover"]).minor, instant(row["on"]), known)
    assert statutory.contributions(*asked).money == money(row["due"])
    assert statutory.contributions(*asked, tax=True).money == money(row["with tax"])


# Schedule SE, line by line: net earnings, social security, Medicare, the tax, half of it.
SCHEDULE = """
year | profit     | wages      | net        | security  | medicare | tax       | half
-----+------------+------------+------------+-----------+----------+-----------+---------
2025 | 10000.00   | 0.00       | 9235.00    | 1145.14   | 267.82   | 1412.96   | 706.48
2025 | 20000.00   | 0.00       | 18470.00   | 2290.28   | 535.63   | 2825.91   | 1412.96
2025 | 8000.00    | 0.00       | 7388.00    | 916.11    | 214.25   | 1130.36   | 565.18
# 433.13 x 92.35 % is less than 400, 433.14 is not
2024 | 433.13     | 0.00       | 0.00       | 0.00      | 0.00     | 0.00      | 0.00
2024 | 433.14     | 0.00       | 400.00     | 49.60     | 11.60    | 61.20     | 30.60
2024 | 100000.00  | 100000.00  | 92350.00   | 8506.40   | 2678.15  | 11184.55  | 5592.28
2024 | 100000.00  | 200000.00  | 92350.00   | 0.00      | 2678.15  | 2678.15   | 1339.08
2024 | -500.00    | 0.00       | 0.00       | 0.00      | 0.00     | 0.00      | 0.00
"""


@cases(SCHEDULE)
def test_the_schedule_of_the_self_employed(row: dict[str, str]) -> None:
    cents = {name: money(f"{row[name]} USD").minor for name in list(row)[1:]}
    made = statutory.self_employment(cents["profit"], instant(f"{row['year']}-12-31"), wages=cents["wages"])
    found = (made.net, made.social_security, made.medicare, made.tax, made.deductible)
    assert [one.minor for one in found] == [cents[name] for name in ("net", "security", "medicare", "tax", "half")]


def test_the_wage_base_of_2018_was_announced_twice() -> None:
    def base(known: str) -> Fraction:
        return statutory.value("us.wage-base", instant("2018-06-01"), instant(known))

    assert base("2017-10-12") == 127_200 and base("2017-10-13") == 128_700 and base("2017-11-27") == 128_400


ADDITIONAL = """
status            | wages     | net       | due
------------------+-----------+-----------+--------
single            | 190000.00 | 10000.00  | 0.00
single            | 250000.00 | 0.00      | 450.00
joint             | 300000.00 | 0.00      | 450.00
separate          | 100000.00 | 100000.00 | 675.00
head-of-household | 1000000.00 | 100000.00 | 8100.00
"""


@cases(ADDITIONAL)
def test_the_additional_medicare_part(row: dict[str, str]) -> None:
    net, wages, due = (money(f"{row[name]} USD").minor for name in ("net", "wages", "due"))
    assert statutory.additional_medicare(net, wages, row["status"], instant("2024-05-01")).minor == due


# The six rates that were published for 1 February 2019, and the three for out of town; those of later years.
TRIPS = """
on         | utilisation | accessible | outside | a mile | a minute
-----------+-------------+------------+---------+--------+---------
2019-02-01 |             |            |         | 1.088  | 0.495
2019-02-01 | 58/100      |            |         | 1.088  | 0.495
2019-02-01 | 69/100      |            |         | 0.914  | 0.416
2019-02-01 |             | yes        |         | 1.410  | 0.495
2019-02-01 | 58/100      | yes        |         | 1.410  | 0.495
2019-02-01 | 69/100      | yes        |         | 1.186  | 0.416
2019-02-01 |             |            | yes     | 1.262  | 0.574
2019-02-01 |             | yes        | yes     | 1.636  | 0.574
2022-03-01 |             |            |         | 1.161  | 0.529
2023-02-01 |             | yes        | yes     | 1.860  | 0.652
2024-03-01 |             |            |         | 1.360  | 0.583
2024-03-01 |             |            | yes     | 1.576  | 0.675
2024-03-01 |             | yes        |         | 1.760  | 0.583
"""


@cases(TRIPS)
def test_the_published_rates_of_new_york(row: dict[str, str]) -> None:
    own = Fraction(row["utilisation"]) if row["utilisation"] else None

    def least(metres: int, seconds: int) -> int:
        return statutory.per_trip(
            "new-york", metres, seconds, instant(row["on"]), own, outside=bool(row["outside"]),
            accessible=bool(row["accessible"]),
        ).minor  # fmt: skip

    # A thousand miles, a thousand minutes: the rates in thousandths of a dollar, to the digit.
    assert least(1_609_344, 0) == Fraction(row["a mile"]) * 100_000
    assert least(0, 60_000) == Fraction(row["a minute"]) * 100_000


def test_out_of_town_is_paid_there_and_back() -> None:
    on = instant("2019-02-01")
    for rate in ("mile", "mile.accessible", "minute"):
        assert statutory.value(f"nyc.trip.outside.{rate}", on) == 2 * statutory.value(f"nyc.trip.base.{rate}", on)
    assert statutory.value("nyc.trip.utilisation", on) == Fraction(58, 100)


WRONG = """
what                                | said
------------------------------------+------------------------------
nyc.trip.mile on 2021-06-01         | from 2019-02-01 until before 2020-02-01
nyc.trip.mile on 2019-01-31         | has no value
nyc.trip.mile on 2025-03-01         | has no value
fr.smic.hour on 2001-12-31          | from 2002-01-01 on
fr.nothing on 2020-01-01            | there is no statutory table
"""


@cases(WRONG)
def test_what_is_not_known_is_not_guessed(row: dict[str, str]) -> None:
    name, _, day = row["what"].partition(" on ")
    with pytest.raises(BadInput, match=row["said"]):
        statutory.value(name, instant(day))


def test_what_cannot_be_is_refused() -> None:
    on = instant("2024-06-01")
    for ask in (
        lambda: statutory.minimum_wage("GB", -1, on),
        lambda: statutory.minimum_wage("FR", 30, on, apprentice=True),
        lambda: statutory.minimum_wage("XX", 30, on),
        lambda: statutory.part_time("FR", Fraction(152), on),
        lambda: statutory.part_time("GB", Fraction(100), on),
        lambda: statutory.contributions("fr.micro.sales", -1, on),
        lambda: statutory.contributions("fr.micro.nothing", 1, on),
        lambda: statutory.contributions("us.self-employment", 1, on, tax=True),
        lambda: statutory.self_employment(100_00, on, wages=-1),
        lambda: statutory.additional_medicare(0, 0, "widowed", on),
        lambda: statutory.per_trip("boston", 1, 1, on),
        lambda: statutory.per_trip("new-york", -1, 1, on),
        lambda: statutory.per_trip("new-york", 1, 1, instant("2019-02-01"), Fraction(0)),
        lambda: statutory.per_trip("new-york", 1, 1, instant("2019-02-01"), Fraction(1, 2), outside=True),
        lambda: statutory.value("gb.minimum-wage.hour", on, None, -1),
    ):
        with pytest.raises(BadInput):
            ask()


# ---- laws

DAYS = st.integers(0, 6_000).map(lambda days: later(instant("2010-10-01"), days=days))
AMOUNTS = st.integers(0, 10**10)
REGIMES = st.sampled_from(sorted(BOOK.regimes))


def leaves(step: Step) -> Iterator[Step]:
    yield step
    for part in step.parts:
        yield from leaves(part)


@given(REGIMES, AMOUNTS, AMOUNTS, st.integers(0, 2_000), st.booleans())
def test_contributions_rise_with_the_turnover_and_are_their_parts(
    name: str, a: int, b: int, days: int, tax: bool
) -> None:
    on = later(instant("2020-05-25"), days=days)
    low, high = (statutory.contributions(name, basis, on, tax=tax) for basis in sorted((a, b)))
    assert 0 <= low.minor <= high.minor <= max(a, b) + 50 * 3  # each line may be rounded up by half a euro
    assert sum(part.value for part in high.why.parts) == high.why.value == Fraction(high.minor, 100)
    assert statutory.contributions(name, a, on).minor <= statutory.contributions(name, a, on, tax=True).minor


@given(AMOUNTS, AMOUNTS, AMOUNTS, st.integers(2013, 2027))
def test_the_tax_of_the_self_employed(a: int, b: int, wages: int, year: int) -> None:
    on = instant(f"{year}-07-01")
    low, high = (statutory.self_employment(profit, on, wages=wages) for profit in sorted((a, b)))
    assert 0 <= low.tax.minor <= high.tax.minor < max(a, b) * 0.1531 + 2
    assert high.social_security.minor + high.medicare.minor == high.tax.minor
    assert 0 <= 2 * high.deductible.minor - high.tax.minor <= 1
    assert high.base.minor <= high.net.minor
    assert statutory.self_employment(a, on, wages=wages).tax.minor <= statutory.self_employment(a, on).tax.minor


@given(st.integers(0, 150), st.integers(0, 150), DAYS)
def test_wages_never_fall_with_age_and_apprentices_have_no_more(a: int, b: int, on: Instant) -> None:
    young, old = sorted((a, b))
    assert statutory.minimum_wage("GB", young, on).minor <= statutory.minimum_wage("GB", old, on).minor
    apprentice = statutory.minimum_wage("GB", old, on, apprentice=True)
    assert 0 < apprentice.minor <= statutory.minimum_wage("GB", old, on).minor
    least, whole = (statutory.minimum_wage("FR", young, on, practised=practised) for practised in (False, True))
    assert 0 < least.minor <= whole.minor


@given(
    st.integers(0, 200_000), st.integers(0, 200_000), st.integers(0, 20_000), st.integers(1, 100), st.integers(1, 100)
)
def test_the_floor_of_a_trip_rises_with_way_and_time_and_with_waiting(
    a: int, b: int, seconds: int, busy: int, idle: int
) -> None:
    on = instant("2019-06-01")
    short, long = (statutory.per_trip("new-york", metres, seconds, on) for metres in sorted((a, b)))
    assert 0 <= short.minor <= long.minor <= statutory.per_trip("new-york", max(a, b), seconds + 1, on).minor
    assert abs(sum(part.value for part in long.why.parts) - long.why.value) <= Fraction(1, 200)
    waiting, driving = (
        statutory.per_trip("new-york", a, seconds, on, Fraction(one, 100)) for one in sorted((busy, idle))
    )
    assert waiting.minor >= driving.minor


@given(st.sampled_from([table.name for table in BOOK]), DAYS, DAYS)
def test_who_knows_all_that_the_tables_hold_knows_what_they_say_today(name: str, on: Instant, known: Instant) -> None:
    """No figure is read before it was known, and the last that was known is read."""
    table = BOOK.table(name)
    try:
        found = BOOK.figure(name, on, known)
    except BadInput:
        return
    assert found.effective <= on < found.until and found.known <= known
    rivals = [one for one in table.figures if one.effective <= on and one.known <= known]
    assert max(rivals, key=lambda one: (one.effective, one.known)) is found
    assert BOOK.value(name, on, END_OF_TIME) == BOOK.value(name, on) if on < table.figures[-1].until else True


def test_every_figure_has_its_source_and_a_day_on_which_it_can_have_been_known() -> None:
    for table in BOOK:
        assert table.meaning and table.authority and table.source and table.link.startswith("https://")
        assert [(one.effective, one.known) for one in table.figures] == sorted(
            {(o.effective, o.known) for o in table.figures}
        )
        assert bool(table.by) == any(len(figure.bands) > 1 for figure in table.figures)
        for figure in table.figures:
            assert figure.source and figure.effective < figure.until
            assert figure.published or figure.known == figure.effective
            assert [band.start for band in figure.bands] == sorted({band.start for band in figure.bands})
            assert figure.bands[0].start == 0 and all(band.value >= 0 for band in figure.bands)
            assert table.unit != RATE or all(band.value <= 1 for band in figure.bands)
    named = {name for regime in BOOK.regimes.values() for name in (*regime.lines, regime.tax)}
    assert named <= {table.name for table in BOOK}


def test_every_explanation_leads_to_a_law() -> None:
    on = instant("2025-06-01")
    for amount in (
        statutory.minimum_wage("GB", 19, on),
        statutory.minimum_wage("FR", 17, on, practised=False),
        statutory.monthly_minimum("FR", on, hours=Fraction(100)),
        statutory.contributions("fr.micro.craft", 1_234_00, on, tax=True),
        statutory.contributions("us.self-employment", 50_000_00, on),
        statutory.per_trip("new-york", 5_000, 900, instant("2024-06-01")),
    ):
        cited = [step for step in leaves(amount.why) if step.link]
        assert cited and all(step.source and step.link.startswith("https://") for step in cited)
        assert amount.why.value == Fraction(amount.minor, 100)
        assert len(list(statutory.lines(amount.why))) == len(list(leaves(amount.why)))


def test_another_book_can_be_asked() -> None:
    """A rule reads the tables that it is given: a sandbox may hold others."""
    table = BOOK.table("fr.smic.hour")
    figure = Figure(
        instant("2026-01-01"), instant("2026-01-01"), False, (replace(table.figures[-1].bands[0], value=Fraction(15)),), "s"
    )  # fmt: skip
    other = Tables([replace(table, figures=(*table.figures[:-1], figure))])
    assert statutory.minimum_wage("FR", 30, instant("2026-07-01"), tables=other).minor == 1500


SHOWN = """
number | shown
-------+---------------
0      | 0
1/4    | 0.25
-1/4   | -0.25
123    | 123
0.01   | 0.01
100    | 100
455/3  | about 151.6667
"""


@cases(SHOWN)
def test_numbers_as_people_write_them(row: dict[str, str]) -> None:
    assert shown(Fraction(row["number"])) == row["shown"]


def test_roundings() -> None:
    assert [rounding("1 half-up")(Fraction(n, 2)) for n in (0, 1, 2, 3)] == [0, 1, 1, 2]
    assert str(rounding("0.01 half-up")) == "to 0.01, half-up" and str(rounding("exact")) == "exact"
    for text in ("", "1 down", "0 half-up"):
        with pytest.raises(ValueError, match="is no rounding"):
            rounding(text)
    with pytest.raises(ValueError, match="minor units"):
        explained.amount("a third", Fraction(1, 3), "EUR", ())
    assert self_employed.net_earnings(100_000_00, instant("2022-01-01")).minor == 92_350_00
