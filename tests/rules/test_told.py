"""Totals that are told: the noise on them, what they divide, and a line that a member works out herself."""

from __future__ import annotations

import math
import statistics
from dataclasses import fields, replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import cases
from worlds import START, World, pay

from usufruct.core import facts
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import Money
from usufruct.core.base.records import Entry
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import adoption, own_line, rules, told
from usufruct.core.income.earned import Earned
from usufruct.core.income.facts import DivisionAdopted, PeriodPlanned
from usufruct.core.income.income_statement import (
    Amounts,
    Line,
    OwnSum,
    RuleTold,
    SpreadTold,
    Statement,
    UseTold,
    amounts,
)
from usufruct.core.income.ledger import Account
from usufruct.core.income.measure import MICRO, EarningUse
from usufruct.core.income.rules import Division
from usufruct.core.income.settlement import line_of, settle
from usufruct.core.income.told import BLUR, BUDGET, MEASURE
from usufruct.core.income.waterfall import DivisionRule, Slice, Told, in_words, unfit
from usufruct.core.privacy import totals
from usufruct.core.privacy.facts import BudgetOpened
from usufruct.core.privacy.state import Budget
from usufruct.core.privacy.totals import DrawnTotal, TotalPlan
from usufruct.core.registry.facts import AssetRegistered
from usufruct.core.rulebook.parameters import shipped
from usufruct.engine.noise import OpenDpNoise
from usufruct.engine.settlement import NumpySettler
from usufruct.wire import division as wire

RULE = """
title = "told"
source = "a member should be able to check her own line"
authority = "the members' assembly"
rest = "members"

[told]
micro_rho = 250000
most_basis_points = 9999

[[share]]
name = "members"
basis = "factors"
basis_points = 10000
to = "members"
"""
FREE = wire.read(RULE, "EUR")
SEED = bytes(32)

prices = st.integers(1, 10**6)
most = st.integers(1, 50)
micro_rhos = st.integers(1_000, 250_000)
plans = st.builds(
    lambda pairs, rho: TotalPlan("pay", tuple(f"u{n}" for n in range(len(pairs))), *zip(*pairs, strict=True), rho),
    st.lists(st.tuples(prices, most), min_size=1, max_size=8), micro_rhos,
)  # fmt: skip


def draw_of(plan: TotalPlan, noise: int, seq: int = 7) -> DrawnTotal:
    return DrawnTotal(seq, plan.asset, plan.fact(pay(World()).asset, (), noise))


# ---- the noise


@given(plans, st.data())
def test_one_person_changes_a_total_by_no_more_than_the_noise_is_made_for(plan: TotalPlan, data: st.DataObject) -> None:
    """Whatever her rows are: what one line of contributions adds is at most the plan's reach."""
    persons = data.draw(st.integers(1, 5))
    uses = [
        EarningUse(name, price, data.draw(st.lists(st.integers(0, 200), min_size=persons, max_size=persons)))
        for name, price in zip(plan.uses, plan.prices, strict=True)
    ]
    with_all = sum(told.weights_of(uses, plan.most, persons))
    for gone in range(persons):
        without = [replace(use, weights=[0 if n == gone else r for n, r in enumerate(use.weights)]) for use in uses]
        assert 0 <= with_all - sum(told.weights_of(without, plan.most, persons)) <= plan.reach


@given(plans)
def test_the_charge_is_what_the_noise_costs_and_no_more_than_was_allowed(plan: TotalPlan) -> None:
    fact = plan.fact(pay(World()).asset, (), 0)
    deviation = Fraction(fact.sigma, 64)
    assert Fraction(plan.reach**2) / (2 * deviation**2) <= Fraction(fact.charge, 10**6)
    assert fact.charge <= plan.micro_rho and totals.paid_for(fact)
    for cheaper in (
        replace(fact, charge=fact.charge - 1), replace(fact, sigma=fact.sigma // 2), replace(fact, shift=fact.shift - 1),
        replace(fact, nano_delta=0), replace(fact, most=tuple(2 * n for n in fact.most)),
    ):  # fmt: skip
        assert not totals.paid_for(cheaper)


@given(st.integers(64, 64 * 300))
def test_the_shift_is_the_least_that_its_delta_allows(sigma: int) -> None:
    """Beside the chances themselves, added up one by one."""
    deviation, shift = sigma / 64, totals.shift_of(sigma)
    chance = [math.exp(-(x * x) / (2 * deviation**2)) for x in range(int(deviation * 12) + 20)]
    whole = 2 * sum(chance) - chance[0]
    assert sum(chance[shift + 1 :]) / whole <= 1e-9
    assert sum(chance[shift:]) / whole > 0.95e-9


@given(st.integers(64 * 300, 10**12))
def test_a_shift_is_some_six_deviations(sigma: int) -> None:
    assert 5.9 < totals.shift_of(sigma) / (sigma / 64) < 6.1


@given(plans, st.integers(0, 10**12), st.integers(-(10**12), 10**12))
def test_a_total_that_is_told_is_never_too_small(plan: TotalPlan, true: int, noise: int) -> None:
    fact = draw_of(plan, noise).fact
    assert totals.told(fact, true) >= max(true, 1)
    if noise >= -fact.shift:
        assert totals.told(fact, true) == max(1, true + fact.shift + noise)


def test_the_noise_that_is_drawn_has_the_deviation_that_is_charged() -> None:
    """A real sampler, and the difference of two neighbours in units of it: the measured rho is not above the charge."""
    plan, noise, count = TotalPlan("pay", ("u", "v"), (500, 300), (3, 1), 250_000), OpenDpNoise(), 4_000
    fact = draw_of(plan, 0).fact
    drawn = noise.add([0] * count, Fraction(plan.sigma, 64))
    deviation = statistics.pstdev(drawn)
    assert abs(deviation / (plan.sigma / 64) - 1) < 6 / math.sqrt(2 * count), "six standard errors of a deviation"
    assert abs(statistics.fmean(drawn)) < 6 * deviation / math.sqrt(count)
    assert plan.reach**2 / (2 * deviation**2) < fact.charge / 10**6 * (1 + 12 / math.sqrt(2 * count))
    assert min(drawn) >= -fact.shift


# ---- the account


def test_a_draw_is_charged_once_to_the_asset_and_to_what_it_was_made_of() -> None:
    world = pay(World())
    registered = next(entry.fact for entry in world.entries if isinstance(entry.fact, AssetRegistered))
    world.add(replace(registered, asset="copy", derived_from=("pay",)), BudgetOpened("copy", "v1", 1_000_000, 1_000))
    plan = TotalPlan("copy", ("u",), (500,), (4,), 50_000)
    fact = totals.draw(world.state, plan, -3)
    assert fact is not None and fact.sources == ("pay/v1",) and fact.about() == ()
    assert totals.drawn(world.state, plan) is None
    world.add(fact)
    for name in ("copy", "pay"):
        budget = world.state.get(Budget, name, "v1")
        assert budget is not None and (budget.spent, budget.delta_spent) == (fact.charge, 1)
    found = totals.drawn(world.state, plan)
    assert found is not None and found.fact == fact
    for other in (
        replace(plan, prices=(501,)),
        replace(plan, most=(5,)),
        replace(plan, micro_rho=40_000),
        replace(plan, uses=("v",)),
    ):
        assert totals.drawn(world.state, other) is None, "another total is another draw"


def test_a_budget_that_cannot_pay_is_not_overdrawn() -> None:
    world = pay(World())
    plan = TotalPlan("pay", ("u",), (500,), (4,), 250_000)
    drawn = 0
    while (fact := totals.draw(world.state, plan, 0)) is not None:
        world.add(fact)
        drawn += 1
    budget = world.state.get(Budget, "pay", "v1")
    assert drawn == 4 and budget is not None and 0 <= budget.left < fact_charge(plan)


def fact_charge(plan: TotalPlan) -> int:
    return draw_of(plan, 0).fact.charge


# ---- the division


def divide(world: World, earned: Earned, noise: int = 0, rule: DivisionRule = FREE) -> Division:
    world.add(DivisionAdopted(1, rule, world.at, "coop", "pay"))
    found = rules.divide_income(
        world.state, "q1", world.asset, earned, shipped(), world.at, (), lambda p: draw_of(p, noise)
    )
    assert isinstance(found, Division)
    return found


rows = st.lists(st.integers(0, 4), min_size=10, max_size=10)
uses = st.lists(st.tuples(st.integers(1, 10**5), rows), min_size=1, max_size=5)


@given(st.lists(st.tuples(uses, st.integers(-20, 20)), min_size=1, max_size=4), st.integers(0, 300))
def test_over_all_periods_each_line_follows_from_its_statement_and_nothing_is_lost(
    periods: list[tuple[list[tuple[int, list[int]]], int]], least: int
) -> None:
    """Each person's line is the pure function of the pool, her weight, the total and her carry; what is paid, carried and left
    over is the pool, to the unit; and two settlers make the same bytes."""
    before: tuple[bytes, ...] = ()
    carried, held, fund = [0] * 10, 0, 0
    for found, noise in periods:
        earned = Earned([EarningUse(f"u{n}", price, by) for n, (price, by) in enumerate(found)], START, [b"\xff\x03"])
        division = divide(pay(World()), earned, noise)
        said = division.statement
        made = settle(division.portions, before, 10, least, SEED)
        assert made == NumpySettler().settle(division.portions, before, 10, least, SEED)
        settled = rules.Settled("s", "", made)
        summed = settled.summed(division)
        held += said.members - made.paid - summed.fund
        fund += summed.fund
        assert made.carried == held and summed.fund >= 0
        weights = [sum(price * by[n] for price, by in found) for n in range(10)]
        if said.told:
            assert said.told >= sum(weights)
            for n, weight in enumerate(weights):
                line = line_of(said.members * MICRO * weight // said.told, carried[n], least)
                carried[n] = line.carried_out
            assert sum(carried) <= held * MICRO < sum(carried) + MICRO
            stated = settled.stated(said)
            assert (stated.paid, stated.paid_out, stated.carried) == (0, 0, 0), "it is part of every line proof"
        else:
            assert said.kept == BLUR and not any(weights)
            assert summed.fund == said.members, "nobody counted, and that is not told"
        before = made.pieces


def test_what_is_left_over_is_posted_to_the_solidarity_fund() -> None:
    world = pay(World())
    division = divide(world, Earned([EarningUse("u", 10_000, [4, 4, 4, 4, 0, 0, 0, 0, 0, 0])], world.at, [b"\x0f"]))
    settled = rules.Settled("s", "", settle(division.portions, (), 10, 1, SEED))
    plan = rules.plan(world.state, "plan-1", "q1", 9, "EUR", [division], {"pay": settled}, world.at)
    assert isinstance(plan, PeriodPlanned)
    world.add(settled.summed(division), plan)
    closed = rules.close(world.state, "q1", "plan-1", "coop")
    assert not isinstance(closed, Refusal)
    world.add(closed)
    balances = {row.id: row.balance for row in world.state.list(Account)}
    fund = settled.summed(division).fund
    assert fund > 0 and balances["fund:solidarity"] == fund
    assert balances["asset:pay:members"] == 10_000 - fund
    assert str(fund).encode() not in facts.encode(Entry(1, world.at, plan))


def test_why_a_total_is_kept() -> None:
    earned = Earned([EarningUse("u", 10_000, [4] * 10)], START, [b"\xff\x03"])
    tight = replace(FREE, told=Told(250_000, 100))
    kept = divide(pay(World()), earned, rule=tight).statement
    assert (kept.told, kept.kept, kept.draw) == (0, BLUR, 7), "it was drawn and is charged all the same"
    assert divide(pay(World()), replace(earned, by_rows=False)).statement.kept == MEASURE
    world = pay(World())
    world.add(DivisionAdopted(1, FREE, world.at, "coop", "pay"))
    poor = rules.divide_income(world.state, "q1", world.asset, earned, shipped(), world.at)
    assert isinstance(poor, Division) and poor.statement.kept == BUDGET
    assert sum(portion.amount for portion in poor.portions) == poor.statement.members * MICRO, (
        "then all is the members'"
    )


# ---- the rule


def test_a_rule_that_tells_totals_as_it_is_written_and_read() -> None:
    assert FREE.told == Told(250_000, 9_999)
    said = " ".join(in_words(FREE))
    assert "250000 micro-rho" in said and "solidarity fund" in said and "99.99 %" in said
    for wrong in ("micro_rho = 1.5", 'micro_rho = "a lot"', "micro_roh = 1", "most = 2"):
        with pytest.raises(BadInput):
            wire.read(RULE.replace("micro_rho = 250000", wrong), "EUR")
    with pytest.raises(BadInput):
        wire.read("told = 3\n" + RULE.replace("[told]\nmicro_rho = 250000\nmost_basis_points = 9999\n", ""), "EUR")


REFUSED = """
micro_rho | most basis points | asset | code          | because
250000    | 9999              | pay   | -             | it can be told
250000    | 9999              |       | -             | for all assets: each is looked at when a period is planned
0         | 9999              | pay   | income.shares | it would be noise without end
250000    | 0                 | pay   | income.shares | the noise always takes something
250000    | 10000             | pay   | income.shares | all of it could go to the fund
999       | 9999              | pay   | income.told   | less than a question may spend
250001    | 9999              | pay   | income.told   | more than a question may spend
250000    | 500               | pay   | income.told   | 35 rows are too few, whatever is asked
"""


@cases(REFUSED)
def test_which_rules_can_tell_totals(row: dict[str, str]) -> None:
    world = pay(World())
    rule = replace(FREE, told=Told(int(row["micro_rho"]), int(row["most basis points"])))
    by = "coop" if row["asset"] else "host"
    found = adoption.adopt(world.state, rule, row["asset"], world.at, by, "host", shipped(), world.at)
    assert (found.code if isinstance(found, Refusal) else "-") == row["code"], row["because"]


def test_a_floor_and_a_total_that_is_told_do_not_go_together() -> None:
    floor = replace(
        FREE, slices=(Slice("floor", "responsibility", 1_000, "floor"), Slice("members", "factors", 9_000, "members"))
    )
    refused = unfit(floor, "no")
    assert refused is not None and refused.code == "income.shares"


# ---- her own line


def statement_of(line: Line) -> Statement:
    return Statement(
        "Wage Commons", "coop", "q1", "p-1", "anna", "Anna", "EUR", "plan-9", 9, Instant("2026-12-01T00:00:00.000Z"), 10,
        Instant("2027-01-30T00:00:00.000Z"), (line,), (), (), (), (),
    )  # fmt: skip


def line_told(used: list[tuple[int, int]], others: int, carried: int, least: int, known: bool = True) -> Line:
    """A line as the node makes it."""
    pool, weight = sum(price for price, _ in used) * 7 // 10 + 100, sum(price * rows for price, rows in used)
    total = weight + others + 1
    due = told.due(pool, weight, total)
    made = line_of(due, carried, least)
    return Line(
        "pay", "Pay", pool, (), pool, 0, RuleTold(1, True, "t", "a", "s", "", ()),
        tuple(UseTold(f"u{n}", "organisation", "AcademicResearch", "aggregates", "2026-11-02", price, 0, "rows", rows, 7)
              for n, (price, rows) in enumerate(used)),
        len(used), 4, "", "", amounts(made.paid, carried, made.carried_out, MICRO), "", SpreadTold(0, (), 0, 0, "kept"), (),
        OwnSum(total, pool, weight, due, carried if known else -1, least),
    )  # fmt: skip


used = st.lists(st.tuples(prices, st.integers(1, 4)), min_size=1, max_size=5)


@given(used, st.integers(0, 10**9), st.integers(0, 3 * MICRO), st.integers(0, 300))
def test_a_line_is_worked_out_to_the_unit_and_any_other_number_is_found(
    used: list[tuple[int, int]], others: int, carried: int, least: int
) -> None:
    line = line_told(used, others, carried, least)
    checked = own_line.check(statement_of(line), line, None, None)
    assert checked.exact and not checked.near and not checked.wrong and not checked.proven
    read = own_line.read(statement_of(line).encode().decode())
    assert read.lines == (line,), "and it is all on her statement"
    assert line.sum is not None
    altered = [
        replace(line, sum=replace(line.sum, **{name: getattr(line.sum, name) + 1}))
        for name in ("pool", "weight", "due")
    ]
    altered += [
        replace(line, amounts=replace(line.amounts, **{f.name: getattr(line.amounts, f.name) + 1}))
        for f in fields(Amounts)
    ]
    altered += [replace(line, members=line.members + 1), replace(line, gross=line.gross + 1)]
    altered.append(replace(line, uses=(replace(line.uses[0], rows=line.uses[0].rows + 1), *line.uses[1:])))
    for wrong in altered:
        found = own_line.check(statement_of(wrong), wrong, None, None)
        assert found.wrong and not found.exact, wrong


@given(used, st.integers(0, 10**9), st.integers(0, 3 * MICRO), st.integers(0, 300))
def test_where_an_earlier_total_was_kept_a_line_is_known_but_for_a_unit(
    used: list[tuple[int, int]], others: int, carried: int, least: int
) -> None:
    line = line_told(used, others, carried, least, known=False)
    checked = own_line.check(statement_of(line), line, None, None)
    assert checked.near and not checked.exact and not checked.wrong
    assert 1 <= len(set(own_line.possible(line))) <= 2
    two = replace(line, amounts=replace(line.amounts, due=line.amounts.due + 2, paid=line.amounts.paid + 2))
    assert own_line.check(statement_of(two), two, None, None).wrong


def test_the_sum_in_words() -> None:
    line = line_told([(500, 3), (1_000, 1)], 97_499, 250_000, 1)
    assert own_line.in_words(line, "EUR") == (
        "u0: 5.00 EUR times 3 rows of yours are 15.00 EUR",
        "u1: 10.00 EUR times 1 row of yours are 10.00 EUR",
        "together 25.00 EUR, of 1000.00 EUR that are told for all; so you are due 11.50 EUR times 25.00 EUR over 1000.00 EUR, "
        "which is 0.28750000 EUR, rounded down",
        "with 0.00250000 EUR carried over for you: 0.29000000 EUR",
        "paid are the whole units of it, 0.29 EUR; the rest stays yours",
    )
    assert own_line.exact(1, "JPY") == "0.000001 JPY" and str(Money(1, "JPY")) == "1 JPY"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"node": 3}', "no", '{"article_18": []}'])
def test_what_is_no_statement_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        own_line.read(text)
