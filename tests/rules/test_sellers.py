"""The yearly report on sellers: who is one, what she was credited in which quarter, what was withheld, who is left out."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tables import cases

from usufruct.core.base.instants import parse
from usufruct.core.income.facts import AssetStatement, LevyTotal, PeriodPlanned, Release
from usufruct.core.income.sellers import (
    REPORTABLE,
    Movement,
    Quarters,
    by_seller,
    of_releases,
    of_statement,
    quarter_of,
    standing,
)
from usufruct.core.income.waterfall import COSTS, LEVIES, Share

AT = parse("2026-05-01")
QUARTERS = """
moment                         | year | quarter | because
-------------------------------+------+---------+----------------------------------
2026-01-01T00:00:00Z           | 2026 | 1       | the first moment
2026-03-31T23:59:59.999Z       | 2026 | 1       | the last of March
2026-04-01T00:00:00Z           | 2026 | 2       | the first of April
2026-06-30T23:59:59.999Z       | 2026 | 2       |
2026-07-01T00:00:00Z           | 2026 | 3       |
2026-09-30T23:59:59.999Z       | 2026 | 3       |
2026-10-01T00:00:00Z           | 2026 | 4       |
2026-12-31T23:59:59.999Z       | 2026 | 4       |
2027-01-01T00:30:00+01:00      | 2026 | 4       | in UTC it is still the old year
2026-12-31T23:30:00-01:00      | 2027 | 1       | and here the new one
"""


@cases(QUARTERS)
def test_quarters_are_by_utc(row: dict[str, str]) -> None:
    at = parse(row["moment"])
    assert (at[:4], quarter_of(at) + 1) == (row["year"], int(row["quarter"]))


def test_a_correction_counts_in_the_quarter_in_which_it_was_made() -> None:
    moved = [
        Movement("anna", parse("2026-03-31"), 1_000, 300, 30, 2), Movement("anna", parse("2026-04-01"), -400, -120, -12, -1),
        Movement("anna", parse("2025-12-31"), 7), Movement("bo", parse("2026-10-05"), 5),
    ]  # fmt: skip
    found = by_seller(moved, 2026)
    assert found["anna"] == Quarters([1_000, -400, 0, 0], [300, -120, 0, 0], [30, -12, 0, 0], [2, -1, 0, 0])
    assert found["bo"].paid == [0, 0, 0, 5] and found.keys() == {"anna", "bo"}


SHARES = (
    Share("party:host", 0, 500, "cost-1", COSTS),
    Share("fund:city", 300, 285, "city", LEVIES),
    Share("fund:dst", 200, 36, "dst", LEVIES),
    Share("party:coop", 2_000, 1_807, "run", "work"),
    Share("party:labeller", 1_000, 921, "labels", "work"),
    Share("party:maker", 500, 461, "tools", "factors", 12),
    Share("fund:solidarity", 1_000, 922, "fund", "responsibility"),
)
STATEMENT = AssetStatement("pay", ("use-1", "use-2"), 10_000, SHARES, 5_068, 2, "")
PLAN = PeriodPlanned(
    "plan-1", "q1", None, 0, 9, "EUR", 10_000, (STATEMENT,), (),
    (LevyTotal("city", 1, "asset", 2026, 9_500, 285, 285), LevyTotal("dst", 1, "operator", 2026, 10_000, 36, 36)),
)  # fmt: skip


def moved(publisher: str, operator: str = "coop") -> dict[str, Quarters]:
    members = {"anna": (3_000, 2), "bo": (2_068, 1)}
    return by_seller(of_statement(PLAN, STATEMENT, publisher, operator, AT, members), 2026)


def test_what_was_withheld_is_withheld_from_all_who_share_and_sums_to_the_whole() -> None:
    found = moved("coop")
    assert found.keys() == {"anna", "bo", "labeller", "maker", "host"}, "not the operator"
    paid = {name: sum(one.paid) for name, one in found.items()}
    assert paid == {"anna": 3_000, "bo": 2_068, "labeller": 921, "maker": 0, "host": 0}, (
        "what vests is not credited yet"
    )
    assert sum(sum(one.taxes) for one in found.values()) == 285
    assert sum(sum(one.fees) for one in found.values()) == 1_807 + 36 + 922, "the operator's levy came out of its fee"
    assert found["host"] == Quarters(back=500), "costs that are paid back are told beside it"
    assert {name: one.activities[1] for name, one in found.items()} == {
        "anna": 2, "bo": 1, "labeller": 2, "maker": 2, "host": 0,
    }  # fmt: skip


def test_a_publisher_who_is_not_the_platform_is_a_seller_and_bears_its_own_levy() -> None:
    found = moved("coop", operator="platform")
    assert sum(found["coop"].paid) == 1_807
    taxes = {name: sum(one.taxes) for name, one in found.items()}
    assert sum(taxes.values()) == 285 + 36 and taxes["coop"] >= 36
    assert sum(sum(one.fees) for one in found.values()) == 922


def test_what_vested_is_credited_when_it_is_released() -> None:
    plan = replace(
        PLAN, releases=(Release("q0", "pay", 5, "party:maker", 38), Release("q0", "pay", 6, "party:coop", 9))
    )
    assert by_seller(of_releases(plan, "coop", parse("2026-08-01")), 2026) == {
        "maker": Quarters([0, 0, 38, 0]),
    }  # fmt: skip


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20), st.integers(0, 10**6), st.integers(0, 10**6))
def test_all_that_an_asset_earned_is_in_the_reports(paid: list[int], fee: int, tax: int) -> None:
    shares = (Share("party:coop", 0, fee, "run", "work"), Share("fund:city", 0, tax, "city", LEVIES))
    statement = AssetStatement("pay", ("use-1",), sum(paid) + fee + tax, shares, sum(paid), len(paid), "")
    members = {f"member-{n}": (amount, 1) for n, amount in enumerate(paid) if amount}
    found = by_seller(of_statement(PLAN, statement, "coop", "coop", AT, members), 2026)
    total = sum(sum(one.paid) + sum(one.fees) + sum(one.taxes) for one in found.values())
    assert total == (statement.income if members else 0), (
        "where nobody but the operator got anything there is no seller"
    )
    assert all(min(one.paid + one.fees + one.taxes) >= 0 for one in found.values())


STANDINGS = """
kind         | activity          | number | paid   | currency | country | listed | standing
-------------+-------------------+--------+--------+----------+---------+--------+-----------------------------
person       | personal-services | 1      | 100    | EUR      |         | no     | reportable
person       | personal-services | 1      | 100    | EUR      | FR      | no     | reportable
person       | goods             | 29     | 200000 | EUR      | FR      | no     | B(4)(d)
person       | goods             | 30     | 200000 | EUR      | FR      | no     | reportable
person       | goods             | 29     | 200001 | EUR      | FR      | no     | reportable
person       | goods             | 29     | 200000 | SEK      | SE      | no     | reportable
public-body  | personal-services | 99     | 900000 | EUR      | FR      | no     | B(4)(a)
organisation | personal-services | 99     | 900000 | EUR      | FR      | yes    | B(4)(b)
organisation | personal-services | 99     | 900000 | EUR      | US      | no     | not resident in a Member State
cooperative  | goods             | 99     | 900000 | EUR      |         | no     | reportable
"""


@cases(STANDINGS)
def test_who_is_reported(row: dict[str, str]) -> None:
    quarters = Quarters([int(row["paid"]), 0, 0, 0], activities=[0, int(row["number"]), 0, 0])
    found = standing(row["kind"], quarters, row["activity"], row["currency"], row["country"], row["listed"] == "yes")
    assert row["standing"] in found
    assert (found == REPORTABLE) == (row["standing"] == "reportable")
