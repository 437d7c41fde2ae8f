"""Cover: what a scheme takes, however payments are cut; who is entitled to what, with whomever she worked; and claims."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import cases
from worlds import World

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.cover import rules
from usufruct.core.cover.collecting import Earned, collect, due, split
from usufruct.core.cover.entitlements import History, LoggedIn, days_by_operator, enough_days, standing
from usufruct.core.cover.facts import Collected, ContributionTaken, CoverPaid, FundOpened, SchemeAdopted
from usufruct.core.cover.scheme import (
    Destination,
    Insured,
    Rate,
    Scheme,
    SchemeLevy,
    age_in,
    level_on,
    rate_on,
    unfit,
    year_of,
)
from usufruct.core.cover.solvency import next_month, reckoned, solvency
from usufruct.core.cover.state import Contribution, CoverClaim, Fund, FundMonth, LevyPeriod
from usufruct.core.income.ledger import Account
from usufruct.core.registry.facts import PartyRegistered
from usufruct.core.rulebook import statutory
from usufruct.core.rulebook.levy import Band
from usufruct.wire import cover as wire

DAY = parse_instant("2024-01-01")
LATER = parse_instant("2030-01-01")
EXAMPLES = {name: wire.read(text) for name, text in wire.examples().items()}
ESTONIA, INDIA = EXAMPLES["estonia"], EXAMPLES["india"]
SINGAPORE, NEW_YORK = EXAMPLES["singapore"], EXAMPLES["new-york"]


def minor(text: str) -> int:
    whole, _, rest = text.partition(".")
    return int(whole.replace(",", "")) * 100 + int(rest.ljust(2, "0") or "0")


def taken_of(scheme: Scheme, insured: Insured, *earned: Earned, known: Instant = LATER) -> dict[str, Collected]:
    found, _ = collect(scheme, insured, earned, lambda *_: (0, 0), known)
    return {one.levy: one for one in found}


def parts(levied: Collected) -> dict[str, int]:
    return {part.to: part.amount for part in levied.parts}


# ---- published figures

ESTONIAN = """
day        | option   | receipts | tax     | social tax | because
-----------+----------+----------+---------+------------+------------------------------------------------------------
2024-05-01 | pillar-2 | 1,993.75 | 398.75  | 239.25     | Tervisekassa: the least for health insurance, with pillar II
2024-05-01 |          | 1,921.25 | 384.25  | 239.25     | Tervisekassa: the least for health insurance, without it
2024-05-01 | pillar-2 | 1,000    | 200.00  | 120.00     | numeri.ee: 20 % of 1,000 is withheld, 33/55 is social tax
2024-05-01 | pillar-2 | 25,000   | 5000.00 | 3000.00    | the last cent at 20 %
2024-05-01 | pillar-2 | 30,000   | 7000.00 | 4200.00    | 40 % of what lies above 25,000
2025-05-01 |          | 2,255    | 451.00  | 270.60     | tax.news: the least for health insurance in 2025
2025-05-01 | pillar-2 | 2,255    | 496.10  | 270.60     | 22 %
2025-05-01 | pillar-4 | 2,255    | 541.20  | 270.60     | 24 %
2025-05-01 | pillar-6 | 2,255    | 586.30  | 270.60     | 26 %
2025-05-01 |          | 30,000   | 6000.00 | 3600.00    | one rate since 2025
"""


@cases(ESTONIAN)
def test_estonian_entrepreneur_account(row: dict[str, str]) -> None:
    insured = Insured(joined=True, option=row["option"])
    found = taken_of(ESTONIA, insured, Earned(row["day"], minor(row["receipts"])))["business-income-tax"]
    assert found.amount == minor(row["tax"]) == sum(parts(found).values())
    assert parts(found)["treasury:social-tax"] == minor(row["social tax"])
    level = level_on(ESTONIA.entitlements[0], row["day"], LATER)
    assert level is not None
    if row["receipts"] in ("1,993.75", "1,921.25", "2,255"):
        assert level.value == minor(row["social tax"])
        short = taken_of(ESTONIA, insured, Earned(row["day"], minor(row["receipts"]) - 5))["business-income-tax"]
        assert parts(short)["treasury:social-tax"] < level.value, "a little less does not reach it"


FRENCH = """
day        | option     | turnover | known      | urssaf  | training | tax    | because
-----------+------------+----------+------------+---------+----------+--------+------------------------------------------
2018-05-01 |            | 1,000    | 2026-01-01 | 220.00  | 2.00     |        | 22 % and 0.2 %
2022-09-30 |            | 1,000    | 2026-01-01 | 220.00  | 2.00     |        | the last day at 22 %
2022-10-01 |            | 1,000    | 2026-01-01 | 212.00  | 2.00     |        | 21.2 % from here on
2022-10-01 |            | 1,000    | 2022-11-01 | 220.00  | 2.00     |        | as it was known before the decree came out
2024-05-01 |            | 10,000   | 2026-01-01 | 2120.00 | 20.00    |        | 21.2 % and 0.2 %
2024-05-01 | income-tax | 10,000   | 2026-01-01 | 2120.00 | 20.00    | 170.00 | with 1.7 % of income tax
2024-05-01 | income-tax | 0        | 2026-01-01 |         |          |        | no turnover, no contributions
"""


@cases(FRENCH)
def test_french_micro_entrepreneurs(row: dict[str, str]) -> None:
    """The rates are those of the statutory tables, which outside cases are run against."""
    known = parse_instant(row["known"])
    earned = Earned(row["day"], minor(row["turnover"]))
    taken = taken_of(EXAMPLES["france"], Insured(joined=True, option=row["option"]), earned, known=known)
    found = parts(taken["contributions"]) if "contributions" in taken else {}
    wanted = {"urssaf": row["urssaf"], "training": row["training"], "income-tax": row["tax"]}
    assert found == {f"treasury:{name}": minor(amount) for name, amount in wanted.items() if amount}
    on = parse_instant(row["day"])
    for name, table in (("urssaf", "fr.micro.rate.services"), ("training", "fr.micro.training.services")):
        rate = statutory.value(table, on, known)
        assert Fraction(found.get(f"treasury:{name}", 0)) == minor(row["turnover"]) * Fraction(rate)


SINGAPOREAN = """
month   | born       | in  | with       | gross | worker | operator | medisave | because
--------+------------+-----+------------+-------+--------+----------+----------+---------------------------------------------------
2029-03 | 1998-06-01 |     | motorcycle | 4,000 | 520.00 | 442.00   |          | CPF Board: Mr Lim, 30: 65 % of 4,000 is 2,600, 37 %
2029-03 | 1979-06-01 | yes |            | 2,000 | 400.00 | 340.00   |          | CPF Board: 50 years, opted in: 400 and 340, 740
2029-03 | 1979-06-01 |     |            | 2,000 |        |          | 200.00   | CPF Board: the same, not opted in
2025-03 | 1993-06-01 | yes |            | 2,000 | 210.00 | 70.00    |          | CPF Board: Mr Lim, 31: 160 and 50 more
2025-03 | 1993-06-01 |     |            | 2,000 |        |          | 160.00   | CPF Board: the same, not opted in
2025-03 | 1965-03-10 | yes |            | 2,000 | 260.00 | 70.00    |          | CPF Board: 60 on 10 March: 13 % to March
2025-04 | 1965-03-10 | yes |            | 2,000 | 210.00 | 70.00    |          | CPF Board: the same, 10.5 % from April
2025-03 | 1965-03-10 |     |            | 2,000 |        |          | 210.00   | CPF Board: the same, not opted in: 10.5 %
2025-03 | 1996-01-01 |     | car        | 3,000 | 126.00 | 42.00    |          | Gojek: 40 % of 3,000 is 1,200
2026-03 | 1996-01-01 |     |            | 50    |        |          |          | up to 50: nobody pays
2026-03 | 1996-01-01 |     |            | 500   | 0.00   | 35.00    |          | up to 500: the operator alone
2026-03 | 1996-01-01 |     |            | 600   | 39.00  | 42.00    |          | up to 750: less than the whole rate
2026-03 | 1996-01-01 |     |            | 750   | 97.50  | 52.50    |          | 13 % and 7 %
2027-03 | 1996-01-01 |     |            | 1,000 | 155.00 | 105.00   |          | 15.5 % and 10.5 %
2028-03 | 1996-01-01 |     |            | 1,000 | 180.00 | 140.00   |          | 18 % and 14 %
2029-03 | 1996-01-01 |     |            | 1,000 | 200.00 | 170.00   |          | 20 % and 17 %
"""


@cases(SINGAPOREAN)
def test_singapore_platform_workers(row: dict[str, str]) -> None:
    insured = Insured(row["born"], row["in"] == "yes", "", row["with"])
    found = taken_of(SINGAPORE, insured, Earned(f"{row['month']}-15", minor(row["gross"])))
    said = {"worker-share": row["worker"], "operator-share": row["operator"], "medisave": row["medisave"]}
    for name, amount in said.items():
        assert (found[name].amount if name in found else 0) == minor(amount or "0"), name


NEW_YORKERS = """
day        | fare   | tip  | surcharge | because
-----------+--------+------+-----------+-----------------------------------------------------
2019-06-01 | 20     | 0    | 0.50      | 2.5 % of 20 is 50 cents
2019-06-01 | 20     | 4    | 0.60      | tips paid by card counted too
2020-10-31 | 20     | 0    | 0.50      | the last day at 2.5 %
2020-11-01 | 20     | 0    | 0.60      | 3 % from here on
2021-01-31 | 20     | 4    | 0.72      | tips still count
2021-02-01 | 20     | 4    | 0.60      | and no longer
2024-02-01 | 20     | 4    | 0.55      | 2.75 %
2024-02-01 | 100.01 | 0    | 2.75      | 2.750275, rounded down
"""


@cases(NEW_YORKERS)
def test_new_york_black_car_fund(row: dict[str, str]) -> None:
    found = taken_of(NEW_YORK, Insured(), Earned(row["day"], minor(row["fare"]), tips=minor(row["tip"])))
    assert found["surcharge"].amount == minor(row["surcharge"])
    assert found["surcharge"].payer == "customer"


def test_each_ride_is_levied_by_itself() -> None:
    rides = [Earned("2024-02-01", 99)] * 3
    assert taken_of(NEW_YORK, Insured(), *rides)["surcharge"].amount == 3 * 2, "2.7225 cents each, rounded down each"


INDIAN = """
turnover      | paid         | levy       | because
--------------+--------------+------------+--------------------------------------------------
1,000,000.00  | 800,000.00   | 10,000.00  | 1 % of the turnover
1,000,000.00  | 200,000.00   | 10,000.00  | 5 % of what was paid to workers is as much
1,000,000.00  | 100,000.00   | 5,000.00   | at most 5 % of what was paid to workers
1,000,000.00  | 0.00         | 0.00       | nothing was paid to workers
"""


@cases(INDIAN)
def test_india_aggregators(row: dict[str, str]) -> None:
    gross, paid = minor(row["turnover"]), minor(row["paid"])
    found = taken_of(INDIA, Insured(), Earned("2026-05-01", gross, gross - paid))
    assert found["aggregator"].amount == minor(row["levy"])


ELIGIBLE = """
days            | eligible | because
----------------+----------+-----------------------------------------------------
a:90            | yes      | ninety days with one
a:89            | no       | one day is missing
a:89 b:31       | yes      | 120 across two
a:89 b:30       | no       | 119 across two
a:60 b:60       | yes      | days with two at once count twice
a:40 b:40 c:40  | yes      | and with three three times
a:39 b:40 c:40  | no       | 119
                | no       | no day
"""


@cases(ELIGIBLE)
def test_ninety_days_or_a_hundred_and_twenty(row: dict[str, str]) -> None:
    """All operators from the same first day on, so that days overlap."""
    first = date(2026, 4, 1)
    taken = [
        contribution("in-social-security", name, [str(first + timedelta(n)) for n in range(int(days))])
        for name, _, days in (one.partition(":") for one in row["days"].split())
    ]
    assert enough_days(list(days_by_operator(taken, "2026-04-01", "2027-03-31").values()), 90, 120) is (
        row["eligible"] == "yes"
    )
    found = standing(INDIA, INDIA.entitlements[0], History(Insured(), taken), parse_instant("2027-05-01"))
    assert found.entitled is (row["eligible"] == "yes")


def contribution(
    scheme: str, operator: str, days: list[str], *levied: Collected, month: str = "", worker: str = "anna"
) -> Contribution:
    month = month or days[0][:7]
    return Contribution("c", worker, operator, scheme, month, "EUR", tuple(days), tuple(levied), DAY, 0)


def test_what_is_missing_of_the_days_is_said() -> None:
    days = [f"2026-05-{n:02d}" for n in range(1, 32)] + [f"2026-06-{n:02d}" for n in range(1, 29)]
    at = parse_instant("2026-07-01")
    one = standing(INDIA, INDIA.entitlements[0], History(Insured(), [contribution("x", "a", days)]), at)
    assert not one.entitled and one.has == 59 and one.needs == 90
    assert one.missing.startswith(
        "31 more days with a, or 61 with several, before the year that began with 2026-04 ends"
    )
    both = History(Insured(), [contribution("x", "a", days), contribution("x", "b", days)])
    found = standing(INDIA, INDIA.entitlements[0], both, at)
    assert (
        (found.has, found.needs) == (118, 120) and "31 more days with" in found.missing and "or 2 with" in found.missing
    )


def test_what_is_missing_of_a_month_is_said_and_is_enough() -> None:
    insured = Insured(joined=True)
    (first,) = collect(ESTONIA, insured, [Earned("2025-05-03", 2_151_67)], lambda *_: (0, 0), LATER)[0]
    taken = [contribution(ESTONIA.name, "a", ["2025-05-03"], first)]
    found = standing(ESTONIA, ESTONIA.entitlements[0], History(insured, taken), parse_instant("2025-05-20"))
    assert found.missing == "12.40 EUR more of it in 2025-05, which 103.33 EUR more to you would bring"
    (second,) = collect(ESTONIA, insured, [Earned("2025-05-21", 103_33)], lambda *_: (first.basis, first.paid), LATER)[
        0
    ]
    taken.append(contribution(ESTONIA.name, "b", ["2025-05-21"], second))
    reached = standing(ESTONIA, ESTONIA.entitlements[0], History(insured, taken), parse_instant("2025-05-22"))
    assert not reached.missing and not reached.entitled, "this month is enough, and it holds in the next"
    june = standing(ESTONIA, ESTONIA.entitlements[0], History(insured, taken), parse_instant("2025-06-01"))
    assert june.entitled, "two operators together"


def test_accident_cover_holds_while_logged_in() -> None:
    spans = [LoggedIn(parse_instant("2026-05-01T09:00:00Z"), parse_instant("2026-05-01T12:00:00Z"), "a")]
    entitlement = NEW_YORK.entitlements[0]
    held = {
        at: standing(
            NEW_YORK, entitlement, History(Insured(), logged_in=spans), parse_instant(f"2026-05-01T{at}Z")
        ).entitled
        for at in ("08:59:59", "09:00:00", "11:59:59", "12:00:00")
    }
    assert held == {"08:59:59": False, "09:00:00": True, "11:59:59": True, "12:00:00": False}


SUPPORTED = """
month   | born       | in  | incomes     | support | because
--------+------------+-----+-------------+---------+---------------------------------------------------------------
2025-03 | 1993-06-01 | yes | 2000        | 50.00   | CPF Board: Mr Lim: 50 more, all of it paid back in 2025
2025-03 | 1993-06-01 |     | 2000        |         | who does not opt in gets none
2026-03 | 1996-01-01 |     | 2000        | 37.50   | 75 % of 2.5 points in 2026
2027-03 | 1996-01-01 |     | 2000        | 25.00   | 50 %
2028-03 | 1996-01-01 |     | 2000        | 12.50   | 25 %
2029-03 | 1996-01-01 |     | 2000        |         | it ended with 2028
2025-03 | 1996-01-01 |     | 3000        | 75.00   | at most 3,000 in all
2025-03 | 1996-01-01 |     | 3000.01     |         | above it
2025-03 | 1996-01-01 |     | 2000 1000   | 75.00   | each operator by itself, then summed
2025-03 | 1996-01-01 |     | 2000 1000.01 |        | income with all operators counts
2025-03 | 1965-03-10 | yes | 2000        | 50.00   | CPF Board: eligible to the month of the 60th birthday
2025-04 | 1965-03-10 | yes | 2000        |         | CPF Board: and not after it, for nothing rose
"""


@cases(SUPPORTED)
def test_singapore_transition_support(row: dict[str, str]) -> None:
    insured = Insured(row["born"], row["in"] == "yes")
    taken = []
    for number, income in enumerate(row["incomes"].split()):
        found, _ = collect(SINGAPORE, insured, [Earned(f"{row['month']}-15", minor(income))], lambda *_: (0, 0), LATER)
        taken.append(contribution(SINGAPORE.name, f"op-{number}", [f"{row['month']}-15"], *found))
    one = next(one for one in SINGAPORE.entitlements if one.name == "transition-support")
    found_at = standing(SINGAPORE, one, History(insured, taken), parse_instant(f"{row['month']}-28"))
    assert (found_at.amount or 0) == minor(row["support"] or "0")
    assert found_at.entitled is bool(row["support"]) and bool(found_at.missing) is not found_at.entitled


# ---- laws

amounts = st.integers(0, 10**8)
bands = st.lists(st.tuples(st.integers(1, 10**7), st.integers(0, 10_000)), max_size=4).map(
    lambda found: (Band(0, 500), *(Band(above, points) for above, points in sorted(dict(found).items())))
)
shares = st.lists(st.integers(1, 60), min_size=1, max_size=5).map(
    lambda weights: tuple(Destination(f"own:n{n}", weight) for n, weight in enumerate(weights))
)


@given(amounts, shares)
def test_a_split_sums_to_the_whole_and_nobody_is_a_unit_off(amount: int, to: tuple[Destination, ...]) -> None:
    found, whole = split(amount, to), sum(share.weight for share in to)
    assert sum(found) == amount
    assert all(abs(part * whole - amount * share.weight) < whole for part, share in zip(found, to, strict=True))


@given(
    bands, st.lists(st.tuples(amounts, st.integers(1, 28)), min_size=1, max_size=12), st.integers(0, 10**6),
    st.none() | st.integers(1, 10**7), st.none() | st.integers(1, 10_000), shares,
)  # fmt: skip
def test_a_levy_is_the_same_however_the_month_was_cut_into_payments(
    rising: tuple[Band, ...], earned: list[tuple[int, int]], threshold: int, cap: int | None, cap_points: int | None,
    to: tuple[Destination, ...],
) -> None:  # fmt: skip
    rate = Rate(DAY, DAY, "gross", rising, to, "s", threshold=threshold, cap=cap, cap_points=cap_points)
    scheme = Scheme("x", "X", "EUR", "a", "s", DAY, DAY, (SchemeLevy("l", "worker", "month", (rate,)),))
    whole = sum(gross for gross, _ in earned)
    once = due(scheme, rate, whole, whole)
    so_far, taken, got = (0, 0), 0, Counter[str]()
    for gross, day in earned:
        found, _ = collect(scheme, Insured(), [Earned(f"2026-05-{day:02d}", gross)], lambda *_: so_far, LATER)  # noqa: B023
        assert all(one.amount >= 0 for one in found)
        taken += sum(one.amount for one in found)
        for one in found:
            assert sum(parts(one).values()) == one.amount
            got.update(parts(one))
        so_far = (so_far[0] + gross, so_far[1] + gross)
    assert taken == once <= whole
    assert [got[share.to] for share in to] == split(once, to), "every account has its part of the whole"
    together, _ = collect(
        scheme, Insured(), [Earned(f"2026-05-{d:02d}", g) for g, d in earned], lambda *_: (0, 0), LATER
    )
    assert sum(one.amount for one in together) == once


@given(st.dates(date(1940, 1, 1), date(2008, 12, 31)), st.integers(2025, 2030), st.integers(1, 12))
def test_ages_are_those_of_the_month(born: date, year: int, month: int) -> None:
    """Counted plainly: birthdays before the month began."""
    birthdays = sum(1 for y in range(born.year + 1, year + 1) if (y, born.month) < (year, month))
    assert age_in(born.isoformat(), f"{year}-{month:02d}") == birthdays


def test_a_rate_is_looked_up_by_when_it_applied_and_when_it_was_known() -> None:
    levy, insured = ESTONIA.levies[0], Insured(joined=True)
    before, after = parse_instant("2024-12-01"), parse_instant("2024-12-10")
    for known, effective in ((before, "2019-01-01"), (after, "2025-01-01")):
        rate = rate_on(levy, "2025-02-01", insured, known)
        assert rate is not None and rate.effective.startswith(effective)
    assert rate_on(levy, "2018-12-31", insured, after) is None


def test_years_begin_where_the_scheme_says() -> None:
    assert [year_of(INDIA, day) for day in ("2026-03-31", "2026-04-01", "2027-01-01")] == [
        "2025-04",
        "2026-04",
        "2026-04",
    ]
    assert year_of(ESTONIA, "2026-12-31") == "2026-01"


# ---- what is no scheme

WRONG = """
field      | value        | because
-----------+--------------+------------------------------------------------
source     |              | does not say who asks for it
currency   | XAU          | no currency that the node knows
joining    | sometimes    | does not say how one joins
year       | 13           | when its year begins
payer      | fairy        | not known of a levy
per        | day          | not known of a levy
counted    | firm         | a worker does not pay by what others earned
basis      | luck         | unknown basis or option
option     | more         | unknown basis or option
to         | asset:x      | not said where
to         | bank         | not said where
bands      | 5:100        | do not follow on each other from 0
bands      | 0:10001      | below nothing, or above all
cap        | 0            | a threshold or a cap
ages       | 9:9          | the ages
levies     |              | no levy
"""


@cases(WRONG)
def test_what_is_no_scheme(row: dict[str, str]) -> None:
    field, value = row["field"], row["value"]
    rate = Rate(DAY, DAY, "gross", (Band(0, 100),), (Destination("own:a", 1),), "s")
    if field == "bands":
        above, _, points = value.partition(":")
        rate = replace(rate, bands=(Band(int(above), int(points)),))
    elif field == "ages":
        rate = replace(rate, age_from=9, age_below=9)
    elif field in ("basis", "option", "cap", "to"):
        said: dict[str, object] = ({"cap": 0, "to": 0}.get(field, value) == 0 and {"cap": 0}) or {field: value}
        rate = replace(rate, shares=(Destination(value, 1),)) if field == "to" else replace(rate, **said)  # type: ignore[arg-type]
    levy = SchemeLevy("l", "worker", "month", (rate,))
    if field in ("payer", "per", "counted"):
        levy = replace(levy, **{field: value})
    scheme = Scheme("x", "X", "EUR", "a", "s", DAY, DAY, () if field == "levies" else (levy,))
    if field in ("source", "currency", "joining"):
        scheme = replace(scheme, **{field: value})
    if field == "year":
        scheme = replace(scheme, year_starts=int(value))
    found = unfit(scheme)
    assert isinstance(found, Refusal) and found.code == "cover.scheme"
    assert row["because"] in found.reasons[0]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_shipped_schemes_are_schemes_with_sources_and_gaps(name: str) -> None:
    scheme = EXAMPLES[name]
    assert unfit(scheme) is None and scheme.gaps
    for levy in scheme.levies:
        assert all(rate.source for rate in levy.rates)
        for rate in levy.rates:  # a rate that was published after its first day says so
            assert rate.known <= rate.effective or "for the time from" in rate.source


BROKEN = """
text                                            | because
------------------------------------------------+---------------------------
name = 1                                        | `currency` of the scheme is missing
currency = "XAU"                                | no currency
currency = "EUR" \\n wings = 2                  | unknown field `wings`
currency = "EUR" \\n options = 1                | no list of texts
currency = "EUR" \\n born_from = "1995"         | no day
currency = "EUR" \\n name = "x" \\n title = "x" \\n authority = "a" \\n source = "s" \\n effective = 1 | no day
"""


@cases(BROKEN)
def test_what_cannot_be_read_says_why(row: dict[str, str]) -> None:
    with pytest.raises(BadInput) as caught:
        wire.read(row["text"].replace("\\n", "\n"))
    assert row["because"] in caught.value.message


# ---- a world: facts, the ledger, claims


@pytest.fixture
def world() -> World:
    """A node in Estonia with two operators and a worker, Anna."""
    made = World(parse_instant("2025-05-01"))
    for party in ("node", "riders", "wheels", "union"):
        made.add(PartyRegistered(party, "organisation", party.capitalize()))
    made.add(PartyRegistered("anna", "person", "Anna"), PartyRegistered("bo", "person", "Bo"))
    return made


LEAVE = (Destination("own:leave", 1),)
BOTH = (Destination("fund:injury", 3), *LEAVE)
SAVINGS = Scheme(
    "commons", "Commons", "EUR", "the union", "agreement 7", DAY, DAY,
    (
        SchemeLevy("worker-part", "worker", "month", (Rate(DAY, DAY, "earned", (Band(0, 100),), LEAVE, "s"),)),
        SchemeLevy("operator-part", "operator", "month", (Rate(DAY, DAY, "earned", (Band(0, 200),), BOTH, "s"),)),
    ),
    (
        replace(NEW_YORK.entitlements[0], by="fund:injury"),
        replace(SINGAPORE.entitlements[2], name="leave", of="own:leave", by="own:leave"),
    ),
)  # fmt: skip


def adopted(world: World, scheme: Scheme, *operators: str) -> SchemeAdopted:
    found = rules.adopt(world.state, scheme, operators, world.at, "node", "node", world.at)
    assert isinstance(found, SchemeAdopted), found
    world.add(found)
    return found


def contribute(
    world: World, scheme: str, operator: str, *earned: Earned, worker: str = "anna"
) -> ContributionTaken | None:
    row = rules.scheme_named(world.state, scheme, world.at)
    assert row is not None
    fact, _ = rules.contributions(world.state, row, worker, operator, earned, "EUR", world.at, len(world.entries))
    if fact is not None:
        world.add(fact)
    return fact


def balance(world: World, account: str) -> int:
    row = world.state.get(Account, account, "EUR")
    return row.balance if row else 0


def test_contributions_of_all_operators_are_hers_and_the_ledger_balances(world: World) -> None:
    adopted(world, SAVINGS)
    contribute(world, "commons", "riders", Earned("2025-05-02", 100_00, 20_00))
    contribute(world, "commons", "wheels", Earned("2025-05-02", 50_00))
    assert balance(world, "cover:anna:leave") == 80 + 40 + 50 + 25
    assert balance(world, "fund:injury") == 120 + 75
    assert balance(world, "party:anna") == -(80 + 50)
    assert balance(world, "party:riders") == -160 and balance(world, "party:wheels") == -100
    accounts = ("cover:anna:leave", "fund:injury", "party:anna", "party:riders", "party:wheels")
    assert sum(balance(world, account) for account in accounts) == 0
    month = world.state.get(FundMonth, "injury", "EUR", "2025-05")
    assert month is not None and (month.taken, month.paid) == (195, 0)


def test_a_levy_on_one_person_adds_up_over_operators_and_one_on_a_pair_does_not(world: World) -> None:
    world.go("2024-05-01")
    adopted(world, ESTONIA)
    assert contribute(world, ESTONIA.name, "riders", Earned("2024-05-02", 20_000_00)) is None, "she is no member yet"
    joined = rules.opt_in(world.state, "anna", ESTONIA.name, "pillar-2", world.at)
    assert not isinstance(joined, Refusal)
    world.add(joined)
    first = contribute(world, ESTONIA.name, "riders", Earned("2024-05-02", 20_000_00))
    second = contribute(world, ESTONIA.name, "wheels", Earned("2024-06-02", 10_000_00))
    assert first is not None and first.collected[0].amount == 4_000_00
    assert second is not None and second.collected[0].amount == 1_000_00 + 2_000_00, (
        "40 % of what is above 25,000 of all"
    )
    row = world.state.get(LevyPeriod, ESTONIA.name, "business-income-tax", "anna", "", "2024-01")
    assert row is not None and row.basis == 30_000_00


def test_what_a_levy_on_a_firm_caps_is_the_firms_whole_year(world: World) -> None:
    world.go("2026-04-01")
    adopted(world, replace(INDIA, currency="EUR"))
    first = contribute(world, INDIA.name, "riders", Earned("2026-04-02", 1_000_00, 1_000_00))
    assert first is not None and first.collected[0].amount == 0, "nothing was paid to a worker"
    second = contribute(world, INDIA.name, "riders", Earned("2026-05-02", 1_000_00), worker="bo")
    assert second is not None and second.collected[0].amount == 20_00, "1 % of 2,000, for now 5 % of 1,000 allows it"
    assert first.days == () and second.days == ("2026-05-02",), "a day counts if something was earned on it"


def test_a_scheme_is_raised_where_and_as_long_as_it_was_adopted(world: World) -> None:
    adopted(world, SAVINGS, "riders")
    assert contribute(world, "commons", "wheels", Earned("2025-05-02", 100_00)) is None
    assert contribute(world, "commons", "riders", Earned("2025-05-02", 100_00)) is not None
    ended = rules.end(world.state, "commons", "another", world.at, "node", "node", world.at)
    assert not isinstance(ended, Refusal)
    world.add(ended)
    assert rules.in_force(world.state, world.at) == []
    assert rules.scheme_named(world.state, "commons", world.at) is not None, "what it gave a right to is still known"
    again = rules.end(world.state, "commons", "another", world.at, "node", "node", world.at)
    assert isinstance(again, Refusal)


def test_who_may_adopt_and_from_when(world: World) -> None:
    tried = [
        rules.adopt(world.state, SAVINGS, (), world.at, "anna", "node", world.at),
        rules.adopt(world.state, SAVINGS, (), DAY, "node", "node", world.at),
        rules.adopt(world.state, SAVINGS, ("nobody",), world.at, "node", "node", world.at),
    ]
    assert [one.code for one in tried if isinstance(one, Refusal)] == [
        "registry.unknown",
        "cover.late",
        "registry.unknown",
    ]
    later = rules.adopt(world.state, INDIA, (), world.at, "node", "node", world.at)
    assert isinstance(later, SchemeAdopted) and later.effective == INDIA.effective, "not before the law applies"


def test_joining_for_good_and_freely(world: World) -> None:
    adopted(world, SINGAPORE)
    adopted(world, ESTONIA)
    for name in (SINGAPORE.name, ESTONIA.name):
        world.add(_fine(rules.opt_in(world.state, "anna", name, "", world.at)))
    refused = rules.opt_out(world.state, "anna", SINGAPORE.name, world.at)
    assert isinstance(refused, Refusal) and refused.code == "cover.joining"
    world.add(_fine(rules.opt_out(world.state, "anna", ESTONIA.name, world.at)))
    for tried in (
        rules.opt_in(world.state, "anna", SINGAPORE.name, "", world.at),
        rules.opt_in(world.state, "anna", ESTONIA.name, "pillar-3", world.at),
        rules.opt_out(world.state, "anna", ESTONIA.name, world.at),
        rules.opt_in(world.state, "anna", "nothing", "", world.at),
        rules.opt_in(world.state, "nobody", ESTONIA.name, "", world.at),
    ):
        assert isinstance(tried, Refusal)


def _fine(found: object) -> object:
    assert not isinstance(found, Refusal), found
    return found


@pytest.mark.parametrize("born", ["", "17.5.1996", "1996-13-01", "2030-01-01", "1800-01-01", "19960517"])
def test_nobody_was_born_then(world: World, born: str) -> None:
    with pytest.raises(BadInput):
        rules.state_particulars(world.state, "anna", born, "", world.at)


def test_of_whom_the_birthday_is_not_known_nothing_is_taken_by_age(world: World) -> None:
    adopted(world, replace(SINGAPORE, currency="EUR"))
    row = rules.scheme_named(world.state, SINGAPORE.name, world.at)
    assert row is not None
    fact, without = rules.contributions(
        world.state, row, "anna", "riders", [Earned("2025-05-02", 900_00)], "EUR", world.at, 9
    )
    assert fact is None and without == ["medisave"]
    world.add(_fine(rules.state_particulars(world.state, "anna", "1996-05-17", "", world.at)))  # type: ignore[arg-type]
    fact, without = rules.contributions(
        world.state, row, "anna", "riders", [Earned("2025-05-02", 900_00)], "EUR", world.at, 9
    )
    assert fact is not None and not without


@pytest.mark.parametrize(
    "earned",
    [[], [Earned("2025-05-02", -1)], [Earned("2025-05-02", 1, 2)], [Earned("2025-05-02", 1), Earned("2025-06-02", 1)],
     [Earned("2025-05-02", 10**14)], [Earned("2025-05-02", 1, tips=-1)]],
)  # fmt: skip
def test_nobody_earns_that(world: World, earned: list[Earned]) -> None:
    adopted(world, SAVINGS)
    row = rules.scheme_named(world.state, "commons", world.at)
    assert row is not None
    with pytest.raises(BadInput):
        rules.contributions(world.state, row, "anna", "riders", earned, "EUR", world.at, 1)


# ---- claims


@pytest.fixture
def insured(world: World) -> World:
    """Anna contributed 3,000.00 of earnings with each operator; the union is a trustee of the fund."""
    adopted(world, SAVINGS)
    world.add(FundOpened("injury", "Injuries", "EUR", 3, "node", ("union",)))
    for operator in ("riders", "wheels"):
        contribute(world, "commons", operator, Earned("2025-05-02", 3_000_00))
    return world


def make_claim(world: World, amount: str = "60.00 EUR", entitlement: str = "accident", appeals: str = "") -> CoverClaim:
    name, money = f"claim-{len(world.entries)}", Money(minor(amount.split()[0]), "EUR")
    world.add(_fine(rules.claim(  # type: ignore[arg-type]
        world.state, name, "anna", "commons", entitlement, money, "a fall", world.at, appeals, world.at
    )))  # fmt: skip
    row = world.state.get(CoverClaim, name)
    assert row is not None
    return row


def test_a_claim_is_decided_paid_once_and_the_ledger_shows_it(insured: World) -> None:
    claim = make_claim(insured)
    assert balance(insured, "fund:injury") == 90_00
    fund = insured.state.get(Fund, "injury")
    assert fund is not None and solvency(insured.state, fund, insured.at).open_claims == 60_00
    early = rules.pay(insured.state, claim.id, "node", "node")
    assert isinstance(early, Refusal), "nothing is paid before a person decided"
    insured.add(_fine(rules.decide(insured.state, claim.id, Money(50_00, "EUR"), "seen", "the court", "union", "node")))  # type: ignore[arg-type]
    assert solvency(insured.state, fund, insured.at).open_claims == 50_00
    paid = rules.pay(insured.state, claim.id, "node", "node")
    assert isinstance(paid, CoverPaid)
    insured.add(paid)
    assert balance(insured, "fund:injury") == 40_00
    assert solvency(insured.state, fund, insured.at).open_claims == 0
    assert isinstance(rules.pay(insured.state, claim.id, "node", "node"), Refusal), "and never twice"


def test_what_happened_once_is_claimed_once(insured: World) -> None:
    claim = make_claim(insured)

    def again(on: Instant) -> object:
        return rules.claim(
            insured.state, "c2", "anna", "commons", claim.entitlement, Money(1_00, "EUR"), "again", on, "", insured.at
        )

    refused = again(claim.on)
    assert isinstance(refused, Refusal) and refused.code == "cover.claim" and claim.id in str(refused)
    assert not isinstance(again(parse_instant("2020-01-01")), Refusal), "another time is another claim"
    insured.add(_fine(rules.decide(insured.state, claim.id, None, "not at work", "the court", "node", "node")))  # type: ignore[arg-type]
    assert not isinstance(again(claim.on), Refusal), "what was refused can be claimed anew, with better words"


def test_savings_are_withdrawn_by_the_person_and_no_more_than_there_is(insured: World) -> None:
    claim = make_claim(insured, "90.00", "leave")
    insured.add(_fine(rules.decide(insured.state, claim.id, Money(90_00, "EUR"), "hers", "", "node", "node")))  # type: ignore[arg-type]
    insured.add(_fine(rules.pay(insured.state, claim.id, "node", "node")))  # type: ignore[arg-type]
    assert balance(insured, "cover:anna:leave") == 0
    more = rules.claim(
        insured.state, "c", "anna", "commons", "leave", Money(1, "EUR"), "more", insured.at, "", insured.at
    )
    assert isinstance(more, Refusal) and more.code == "cover.claim"


def test_an_appeal_is_decided_by_another(insured: World) -> None:
    claim = make_claim(insured)
    insured.add(_fine(rules.decide(insured.state, claim.id, None, "not at work", "the court", "node", "node")))  # type: ignore[arg-type]
    appeal = make_claim(insured, appeals=claim.id)
    before = insured.state.get(CoverClaim, claim.id)
    assert before is not None and before.stands == "appealed"
    same = rules.decide(insured.state, appeal.id, None, "still not", "the court", "node", "node")
    assert isinstance(same, Refusal) and same.code == "cover.claim"
    insured.add(_fine(rules.decide(insured.state, appeal.id, Money(60_00, "EUR"), "it was", "", "union", "node")))  # type: ignore[arg-type]
    row = insured.state.get(CoverClaim, appeal.id)
    assert row is not None and row.stands == "granted"


DECISIONS = """
by    | amount | turn to   | code             | because
------+--------+-----------+------------------+---------------------------------------
anna  | 60.00  |           | registry.unknown | she has no say in what she is paid
bo    | 60.00  |           | registry.unknown | nor has a stranger
riders | 60.00 |           | registry.unknown | nor has an operator
node  | 60.01  | the court | cover.claim      | more than was claimed
node  | 59.99  |           | cover.claim      | who gets less is told whom to turn to
node  |        |           | cover.claim      | and who gets nothing
"""


@cases(DECISIONS)
def test_how_a_claim_is_not_decided(insured: World, row: dict[str, str]) -> None:
    claim = make_claim(insured)
    amount = Money(minor(row["amount"]), "EUR") if row["amount"] else None
    found = rules.decide(insured.state, claim.id, amount, "reasons", row["turn to"], row["by"], "node")
    assert isinstance(found, Refusal) and found.code == row["code"]


CLAIMED = """
scheme  | entitlement | amount | on         | appeals | code             | because
--------+-------------+--------+------------+---------+------------------+------------------------
nothing | accident    | 1.00   | 2025-05-01 |         | registry.unknown | no such scheme
commons | holidays    | 1.00   | 2025-05-01 |         | registry.unknown | no such entitlement
commons | accident    | 0.00   | 2025-05-01 |         | cover.claim      | nothing
commons | accident    | 1.00   | 2025-05-02 |         | cover.claim      | it has not happened
commons | leave       | 90.01  | 2025-05-01 |         | cover.claim      | more than was saved
commons | accident    | 1.00   | 2025-05-01 | claim-1 | registry.unknown | nothing to appeal
"""


@cases(CLAIMED)
def test_what_cannot_be_claimed(insured: World, row: dict[str, str]) -> None:
    amount = Money(minor(row["amount"]), "EUR")
    found = rules.claim(
        insured.state, "c", "anna", row["scheme"], row["entitlement"], amount, "why", parse_instant(row["on"]),
        row["appeals"], insured.at,
    )  # fmt: skip
    assert isinstance(found, Refusal) and found.code == row["code"]


def test_a_fund_pays_no_more_than_it_holds(insured: World) -> None:
    claim = make_claim(insured, "90.01")
    insured.add(_fine(rules.decide(insured.state, claim.id, Money(90_01, "EUR"), "seen", "", "node", "node")))  # type: ignore[arg-type]
    found = rules.pay(insured.state, claim.id, "node", "node")
    assert isinstance(found, Refusal) and found.code == "cover.short"


# ---- solvency

FUND = Fund("injury", "Injuries", "EUR", 3, (), DAY)


def test_solvency_of_a_fund_by_hand() -> None:
    history = [FundMonth("injury", "EUR", f"2025-0{n}", 300_00, 100_00) for n in (1, 2, 3, 4)]
    found = reckoned(FUND, 900_00, 100_00, 1, history, "2025-05")
    assert (found.months, found.taken, found.paid) == (4, 1_200_00, 400_00)
    assert found.reserve == 300_00 and found.left == 800_00 and found.holds
    assert found.months_covered == 80, "eight months, in tenths"
    assert found.projection[0] == ("2025-05", 1_000_00) and found.projection[-1] == ("2026-04", 3_200_00)


def test_a_fund_that_never_paid_out_covers_no_number_of_months() -> None:
    found = reckoned(FUND, 900_00, 0, 0, [], "2025-05")
    assert found.months_covered is None and found.reserve == 0 and found.projection[-1] == ("2026-04", 900_00)


def test_a_fund_below_its_reserve_says_so() -> None:
    history = [FundMonth("injury", "EUR", "2025-04", 0, 100_00)]
    found = reckoned(FUND, 299_99, 0, 0, history, "2025-05")
    assert not found.holds and found.months_covered == 29 and found.projection[2][1] == -1


@given(st.integers(0, 400), st.integers(0, 60))
def test_months_follow_each_other(start: int, more: int) -> None:
    first = next_month("1999-01", start)
    assert next_month(first, more) == next_month("1999-01", start + more)
    assert (next_month(first) > first) and 1 <= int(first[5:]) <= 12
