"""Levies: how much, from what, borne by whom, over a year; and that nobody else pays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import cases
from worlds import World, pay

from usufruct.core.base.instants import Instant, later
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import Money
from usufruct.core.base.records import Fact
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import levies, rules, settlement
from usufruct.core.income.earned import Earned
from usufruct.core.income.facts import CostStated, PeriodPlanned
from usufruct.core.income.ledger import Account
from usufruct.core.income.levies import LevyOwed, LevyTaken, LevyYear, Reckoned
from usufruct.core.income.measure import EarningUse
from usufruct.core.income.posting import CreditLimited
from usufruct.core.income.posting_rules import covered
from usufruct.core.income.rules import Division
from usufruct.core.income.waterfall import DivisionRule, Due, Levied, Slice, pour
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted, QueryAnswered
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook import levy
from usufruct.core.rulebook.levy import Band, LevyAdopted, LevyRule
from usufruct.core.rulebook.parameters import shipped
from usufruct.wire import levy as wire

DAY = parse_instant("2025-01-01")
CITY = LevyRule("city", "asset", "price", "period", (Band(0, 300),), "fund:city", "bylaw 12", "city council", DAY, DAY)
SURCHARGE = replace(CITY, payer="buyer", per="use")

# Amounts in whole euros, pounds or francs; what is due in minor units. `a:b` is a band that begins at a.
DUES = """
basis     | bands           | threshold | cap    | due        | because
----------+-----------------+-----------+--------+------------+----------------------------------------------------
100       | 0:300           | 0         |        | 300        | 3 % of 100.00
0         | 0:300           | 0         |        | 0          | nothing of nothing
0.33      | 0:300           | 0         |        | 0          | 0.0099 is rounded down
0.34      | 0:300           | 0         |        | 1          | 0.0102
1.00      | 0:10000         | 0         |        | 100        | all of it
25000000  | 0:300           | 25000000  |        | 0          | France: not above the threshold
25000000.01 | 0:300         | 25000000  |        | 75000000   | France: above it, and then all of it counts
40000000  | 0:300           | 25000000  |        | 120000000  | France: 3 % of 40 million is 1.2 million
25000000  | 0:0 25000000:200 | 0        |        | 0          | United Kingdom: the first 25 million are free
40000000  | 0:0 25000000:200 | 0        |        | 30000000   | United Kingdom: 2 % of 15 million is 300,000
500       | 0:100 100:500 400:1000 | 0  |        | 2600       | bands: 1.00 + 15.00 + 10.00
100       | 0:100 100:500 400:1000 | 0  |        | 100        | the end of a band belongs to it
100.01    | 0:100 100:500   | 0         |        | 100        | what is above is rounded with the rest
100.20    | 0:100 100:500   | 0         |        | 101        | 1.00 + 0.01
1000      | 0:300           | 0         | 20     | 2000       | the cap
100       | 0:300           | 0         | 20     | 300        | below the cap
"""


def minor(text: str) -> int:
    whole, _, rest = text.partition(".")
    return int(whole) * 100 + int(rest.ljust(2, "0") or "0")


@cases(DUES)
def test_what_is_due(row: dict[str, str]) -> None:
    bands = tuple(Band(minor(low), int(rate)) for low, _, rate in (one.partition(":") for one in row["bands"].split()))
    rule = replace(CITY, bands=bands, threshold=minor(row["threshold"]), cap=minor(row["cap"]) if row["cap"] else None)
    assert levy.unfit(rule) is None
    assert levy.amount_of(rule, minor(row["basis"])) == int(row["due"])


def test_the_examples_that_are_shipped_are_levies_with_the_published_rates() -> None:
    found = {
        name: wire.read(text, "GBP" if name == "united-kingdom" else "EUR") for name, text in wire.examples().items()
    }
    assert {name: levy.unfit(rule) for name, rule in found.items()} == dict.fromkeys(found)
    millions = {name: levy.amount_of(rule, 40_000_000_00) for name, rule in found.items()}
    assert millions == {"austria": 2_000_000_00, "france": 1_200_000_00, "united-kingdom": 300_000_00}
    assert {levy.amount_of(found[name], 25_000_000_00) for name in ("france", "united-kingdom")} == {0}
    assert levy.amount_of(found["austria"], 25_000_000_00) == 1_250_000_00  # "at least", and not "above"


WRONG = """
field     | value          | because
----------+----------------+----------------------------------------------
payer     | members        | `members` bears no levies
basis     | value-added    | what `buyer` bears is not reckoned from `value-added`
per       | year           | a buyer must know what is added to a price before she asks
to        | city           | no account that a levy goes to
to        | asset:pay:income | no account that a levy goes to
source    |                | does not say who asks for it
authority |                | does not say who asks for it
bands     | 5:300          | do not follow on each other from 0
bands     | 0:300 0:400    | do not follow on each other from 0
bands     | 0:100 9:50 5:70 | do not follow on each other from 0
bands     |                | do not follow on each other from 0
bands     | 0:10001        | a rate below nothing, or above all
bands     | 0:-1           | a rate below nothing, or above all
bands     | 0:0            | never takes anything
threshold | -1             | its threshold or its cap cannot be
cap       | 0              | its threshold or its cap cannot be
"""


@cases(WRONG)
def test_what_is_no_levy(row: dict[str, str]) -> None:
    value: object = row["value"]
    if row["field"] == "bands":
        value = tuple(
            Band(int(low), int(rate)) for low, _, rate in (one.partition(":") for one in row["value"].split())
        )
    elif row["field"] in ("threshold", "cap"):
        value = int(row["value"])
    wrong = levy.unfit(replace(SURCHARGE, **{row["field"]: value}))
    assert isinstance(wrong, Refusal) and wrong.code == "levy.rule" and row["because"] in str(wrong)


# ---- laws


def rates(draw: st.DrawFn) -> tuple[Band, ...]:
    lower = [0, *sorted(draw(st.sets(st.integers(1, 10**6), max_size=4)))]
    return tuple(Band(low, draw(st.integers(0, 10_000))) for low in lower)


bands = st.composite(rates)()
amounts = st.one_of(st.integers(0, 300), st.integers(0, 10**7))


@given(bands, amounts, amounts, amounts, st.none() | amounts)
def test_a_levy_is_at_most_its_basis_and_never_falls(
    by: tuple[Band, ...], basis: int, more: int, threshold: int, cap: int | None
) -> None:
    least, most = (levy.due(by, amount, threshold, cap) for amount in (basis, basis + more))
    assert 0 <= least <= basis
    assert least <= most
    assert cap is None or most <= cap


TWO = DivisionRule(
    "t", "s", "a", (Slice("run", "work", 2_000, "operator", training_basis_points=500), Slice("m", "factors", 8_000, "members")),
    "m",
)  # fmt: skip


@given(amounts, st.lists(st.tuples(st.sampled_from(["asset", "operator"]), amounts), max_size=4), amounts)
def test_all_parts_sum_to_what_was_earned_and_who_bears_it_pays(
    gross: int, wanted: list[tuple[str, int]], cost: int
) -> None:
    entitled = {"operator": [("party:coop", 1)], "members": [("", 1)]}
    levied = [Levied(f"l{n}", payer, f"fund:l{n}", amount) for n, (payer, amount) in enumerate(wanted)]
    costs = [Due("c", "party:host", cost)] if cost else []
    found, without = pour(TWO, gross, costs, entitled, "p", levied), pour(TWO, gross, costs, entitled, "p")
    assert sum(share.amount for share in found.shares) + found.by_contribution + found.floor == gross
    assert all(share.amount > 0 for share in found.shares)
    assert all(taken <= one.amount for one, taken in zip(levied, found.taken, strict=True))
    of_assets = [one for one in levied if one.payer == "asset" and one.amount]
    if not of_assets:  # what the operator bears is taken from nobody else
        assert found.by_contribution == without.by_contribution
        assert sum(found.taken) == min(without.operator, sum(one.amount for one in levied))


# ---- in the journal


def world(*adopted: LevyRule) -> World:
    made = pay(World())
    for rule in adopted:
        fact = levies.adopt(made.state, rule, "", made.at, "coop", "coop", made.at)
        assert isinstance(fact, LevyAdopted), fact
        made.add(fact)
    return made


def earn(made: World, price: int) -> EarningUse:
    """Somebody asks at a price, and pays it with what is on top of it."""
    use = f"use-{len(made.entries)}"
    found = levy.surcharges(made.state, "pay", "institute", price, made.at)
    made.add(
        QueryAdmitted(use, "institute", "a", "pay", "v1", "p", "q", "m", 0, price, "EUR", "", levies=found),
        QueryAnswered(use, "institute", "pay", "p", "m", "", ""),
    )
    return EarningUse(use, price, [1, 2, 0])


def close(made: World, period: str, uses: list[EarningUse], fees: int = 0) -> PeriodPlanned:
    earned = Earned(uses, made.at, [], fees)
    reckoned = levies.reckon(made.state, period, {"pay": earned}, shipped(), made.at)
    assert isinstance(reckoned, Reckoned)
    division = rules.divide_income(made.state, period, made.asset, earned, shipped(), made.at, reckoned.of["pay"])
    assert isinstance(division, Division)
    number, last = f"plan-{len(made.entries)}", len(made.entries) - 1
    kept = settlement.settle(division.portions, (), division.persons, division.least, bytes(32))
    settled = {"pay": rules.Settled("", "", kept)}
    plan = rules.plan(made.state, number, period, last, "EUR", [division], settled, made.at, reckoned.totals)
    assert isinstance(plan, PeriodPlanned)
    made.add(plan)
    closing = rules.close(made.state, period, number, "coop")
    assert isinstance(closing, Fact)
    made.add(closing)
    return plan


def balances(made: World) -> dict[str, int]:
    found = {row.id: row.balance for row in made.state.list(Account)}
    assert sum(found.values()) == 0
    return found


def test_a_surcharge_is_a_transfer_of_its_own_and_the_asset_gets_the_price() -> None:
    made = world(SURCHARGE)
    earn(made, 1_500)
    assert balances(made) == {"party:institute": -1_545, "asset:pay:income": 1_500, "fund:city": 45}
    owed = made.state.get(LevyOwed, "city", "fund:city", "EUR")
    assert owed is not None and (owed.taken, owed.left) == (45, 45)


def test_a_use_that_was_abandoned_owes_no_levy() -> None:
    made = world(SURCHARGE)
    found = levy.surcharges(made.state, "pay", "institute", 1_500, made.at)
    made.add(QueryAdmitted("u", "institute", "a", "pay", "v1", "p", "q", "m", 0, 1_500, "EUR", "", levies=found))
    made.add(QueryAbandoned("u", "the node stopped"))
    assert not any(balances(made).values()) and list(made.state.list(LevyTaken)) == []


def test_a_levy_is_reserved_with_the_price_and_counts_against_a_limit() -> None:
    made = world(SURCHARGE)
    found = levy.surcharges(made.state, "pay", "institute", 1_500, made.at)
    made.add(CreditLimited("institute", "EUR", 3_000, "coop"))
    made.add(QueryAdmitted("u", "institute", "a", "pay", "v1", "p", "q", "m", 0, 1_500, "EUR", "", levies=found))
    account = made.state.get(Account, "party:institute", "EUR")
    assert account is not None and (account.balance, account.reserved_out) == (0, 1_545)
    assert covered(made.state, "institute", [(1_455, "EUR")]) is None
    assert isinstance(covered(made.state, "institute", [(1_456, "EUR")]), Refusal)
    made.add(QueryAnswered("u", "institute", "pay", "p", "m", "", ""))
    account = made.state.get(Account, "party:institute", "EUR")
    assert account is not None and (account.balance, account.reserved_out) == (-1_545, 0)


def test_nobody_pays_a_levy_to_herself_or_on_a_free_use() -> None:
    made = world(replace(SURCHARGE, to="party:institute"))
    assert levy.surcharges(made.state, "pay", "institute", 1_500, made.at) == ()
    assert levy.surcharges(made.state, "pay", "clinic", 1_500, made.at) != ()
    assert levy.surcharges(made.state, "pay", "clinic", 0, made.at) == ()


BORNE = """
payer    | basis          | rate | cost | fee | city | operator | solidarity | members | because
---------+----------------+------+------+-----+------+----------+------------+---------+--------------------------------
asset    | price          | 300  | 0    | 0   | 300  | 1940     | 970        | 6790    | 3 % of 100.00 off the top
asset    | income         | 300  | 0    | 1000 | 300 | 1940     | 970        | 6790    | fees are income
asset    | price          | 300  | 0    | 1000 | 270 | 1946     | 973        | 6811    | and no price
asset    | value-added    | 300  | 2000 | 0   | 240  | 1552     | 776        | 5432    | 3 % of what costs leave
operator | price          | 300  | 0    | 0   | 300  | 1700     | 1000       | 7000    | out of the operator's 2000
operator | operator-share | 300  | 0    | 0   | 60   | 1940     | 1000       | 7000    | 3 % of the operator's 2000
operator | price          | 5000 | 0    | 0   | 2000 | 0        | 1000       | 7000    | more than it has: what it has
asset    | price          | 10000 | 2000 | 0  | 8000 | 0        | 0          | 0       | all that costs leave
"""


@cases(BORNE)
def test_who_bears_a_levy(row: dict[str, str]) -> None:
    made = world(replace(CITY, payer=row["payer"], basis=row["basis"], bands=(Band(0, int(row["rate"])),)))
    if cost := int(row["cost"]):
        made.add(CostStated("cost-1", "pay", "clinic", cost, "EUR", "disks", "coop"))
    fee = int(row["fee"])
    use = earn(made, 10_000 - fee)
    uses = [use, EarningUse("fee-1", fee, [1, 2, 0])] if fee else [use]
    plan = close(made, "q1", uses, fee)
    got = {share.account: share.amount for share in plan.statements[0].shares}
    wanted = {"fund:city": row["city"], "party:coop": row["operator"], "fund:solidarity": row["solidarity"]}
    assert {name: got.get(name, 0) for name in wanted} == {name: int(amount) for name, amount in wanted.items()}
    assert plan.statements[0].members == int(row["members"])
    assert plan.levies[0].taken == int(row["city"])


def test_a_levy_of_the_year_is_the_same_however_the_year_is_cut() -> None:
    rule = replace(CITY, per="year", bands=(Band(0, 0), Band(10_000, 333)), cap=2_000)
    one, many = world(rule), world(rule)
    close(one, "all", [earn(one, 70_000)])
    for n in range(7):
        close(many, f"part-{n}", [earn(many, 10_000)])
    years = [made.state.get(LevyYear, "city", 2026) for made in (one, many)]
    assert years[0] == years[1] == LevyYear("city", 2026, 70_000, 1_998)
    many.go("2027-01-01")
    assert close(many, "next", [earn(many, 10_000)]).levies[0].owed == 0, "a new year begins from nothing"


def test_a_threshold_that_is_reached_late_is_made_up_for_as_far_as_there_is_income() -> None:
    made = world(replace(CITY, per="year", bands=(Band(0, 2_000),), threshold=100_000))
    assert [close(made, "a", [earn(made, 100_000)]).levies[0].owed] == [0]
    second = close(made, "b", [earn(made, 10_000)]).levies[0]
    assert (second.owed, second.taken) == (22_000, 10_000), "not more than was earned"
    third = close(made, "c", [earn(made, 100_000)]).levies[0]
    assert (third.owed, third.taken) == (12_000 + 20_000, 32_000), "what was missing, and its own"
    assert made.state.get(LevyYear, "city", 2026) == LevyYear("city", 2026, 210_000, 42_000)


def test_assets_bear_a_levy_on_all_in_proportion() -> None:
    made = pay(world(replace(CITY, bands=(Band(0, 0), Band(5_000, 1_000)))), asset="more")
    earned = {
        name: Earned([EarningUse(name, price, [1])], made.at, []) for name, price in (("pay", 9_000), ("more", 3_001))
    }
    reckoned = levies.reckon(made.state, "p", earned, shipped(), made.at)
    assert isinstance(reckoned, Reckoned)
    assert {name: [one.amount for one in reckoned.of[name]] for name in earned} == {"pay": [525], "more": [175]}
    assert reckoned.totals[0].owed == reckoned.totals[0].taken == 700


@given(
    st.lists(st.integers(0, 5_000), min_size=1, max_size=6),
    st.integers(1, 10_000),
    st.sampled_from(["asset", "operator"]),
)
def test_the_ledger_balances_and_the_fund_gets_what_the_rows_say(prices: list[int], rate: int, payer: str) -> None:
    made = world(
        replace(CITY, payer=payer, per="year", bands=(Band(0, 0), Band(300, rate))), replace(SURCHARGE, name="vat")
    )
    for n, price in enumerate(prices):
        close(made, f"p{n}", [earn(made, price)])
    taken = sum(row.amount for row in made.state.list(LevyTaken))
    assert balances(made).get("fund:city", 0) == taken
    assert sum(row.taken for row in made.state.list(LevyOwed)) == taken


# ---- adopting, ending, remitting


def adopted(made: World, rule: LevyRule = CITY, at: Instant | None = None, by: str = "coop", asset: str = "") -> str:
    found = levies.adopt(made.state, rule, asset, at or made.at, by, "coop", made.at)
    return found.code if isinstance(found, Refusal) else "adopted"


def test_who_adopts_what_and_from_when() -> None:
    made = world()
    assert adopted(made) == adopted(made, asset="pay") == "adopted"
    assert adopted(made, by="institute") == adopted(made, asset="other") == "registry.unknown"
    assert adopted(made, at=later(made.at, days=-1)) == "income.rule-late"
    assert adopted(made, replace(CITY, to="party:nobody")) == "registry.unknown"
    assert adopted(made, replace(CITY, bands=())) == "levy.rule"
    future = levies.adopt(
        made.state, replace(CITY, effective=later(made.at, days=9)), "", made.at, "coop", "coop", made.at
    )
    assert isinstance(future, LevyAdopted) and future.effective == later(made.at, days=9), "not before its law applies"


def test_a_newer_version_takes_the_place_of_the_older_and_a_levy_ends() -> None:
    made = world(SURCHARGE)
    soon = later(made.at, days=10)
    newer = levies.adopt(made.state, replace(SURCHARGE, bands=(Band(0, 500),)), "", soon, "coop", "coop", made.at)
    assert isinstance(newer, LevyAdopted) and newer.number == 2
    made.add(newer)

    def rate(at: Instant) -> list[int]:
        return [one.amount for one in levy.surcharges(made.state, "pay", "institute", 10_000, at)]

    assert rate(made.at) == rate(later(soon, seconds=-1)) == [300]
    assert rate(soon) == [500]
    ended = levies.end(made.state, "city", "repealed", later(made.at, days=20), "coop", "coop", made.at)
    assert isinstance(ended, Fact)
    made.add(ended)
    assert rate(later(made.at, days=19)) == [500] and rate(later(made.at, days=20)) == []
    again = levies.end(made.state, "city", "repealed", later(made.at, days=20), "coop", "coop", made.at)
    assert isinstance(again, Refusal)


def test_a_levy_on_one_asset_is_not_raised_on_others() -> None:
    made = world()
    fact = levies.adopt(made.state, SURCHARGE, "pay", made.at, "coop", "coop", made.at)
    assert isinstance(fact, LevyAdopted)
    made.add(fact)
    assert len(levy.surcharges(made.state, "pay", "institute", 100, made.at)) == 1
    assert levy.surcharges(made.state, "rides", "institute", 100, made.at) == ()


@pytest.mark.parametrize(
    ("amount", "by", "reference", "code"),
    [
        (45, "coop", "return 1", None), (46, "coop", "return 1", "levy.remitted"), (0, "coop", "r", "levy.remitted"),
        (45, "coop", " ", "levy.remitted"), (45, "institute", "return 1", "registry.unknown"),
    ],
)  # fmt: skip
def test_what_can_be_remitted(amount: int, by: str, reference: str, code: str | None) -> None:
    made = world(SURCHARGE)
    earn(made, 1_500)
    found = levies.remit(made.state, "city", "fund:city", Money(amount, "EUR"), reference, by, "coop")
    if code is not None:
        assert isinstance(found, Refusal) and found.code == code
        return
    assert isinstance(found, Fact)
    made.add(found)
    assert balances(made) == {
        "party:institute": -1_545, "asset:pay:income": 1_500, "fund:city": 0, "fund:city:remitted": 45,
    }  # fmt: skip
    assert isinstance(levies.remit(made.state, "city", "fund:city", Money(1, "EUR"), "more", "coop", "coop"), Refusal)


def test_a_surcharge_belongs_to_the_period_that_closed_over_it() -> None:
    made = world(SURCHARGE)
    first = close(made, "q1", [earn(made, 1_000)])
    earn(made, 2_000)
    found = levies.per_period(list(made.state.list(LevyTaken)), [("q1", first.last)])
    assert found == {("city", "fund:city", "EUR", "q1"): 30, ("city", "fund:city", "EUR", ""): 60}
    assert made.state.get(Asset, "pay") is not None
