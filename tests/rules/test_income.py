"""Income: exact division, contributions, the three shares, periods, and a member's line explained."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import cases
from worlds import World, pay

from usufruct.core.base import instants
from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import Money
from usufruct.core.base.records import Fact
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import accounts, rules, settlement
from usufruct.core.income.division import divide, lot, seed_of
from usufruct.core.income.earned import Earned
from usufruct.core.income.explanation import Counted, explain
from usufruct.core.income.facts import AssetStatement, PeriodPlanned
from usufruct.core.income.ledger import Account, Transfer
from usufruct.core.income.measure import MICRO, EarningUse, accrue, contributions, due_of, parts_of_uses
from usufruct.core.income.rules import Division
from usufruct.core.income.settlement import Line
from usufruct.core.income.state import LastPeriod, Period
from usufruct.core.income.waterfall import Share
from usufruct.core.privacy.facts import QueryAdmitted, QueryAnswered
from usufruct.core.rulebook.parameters import Parameter, Rulebook, shipped

DIVISIONS = """
total | by weights       | parts            | because
------+------------------+------------------+----------------------------------------------------
100   | 1 1              | 50 50            | it divides
100   | 1 3              | 25 75            | it divides
0     | 1 3              | 0 0              | nothing to divide
7     | 5                | 7                | one gets all
10    | 0 1 0            | 0 10 0           | a weight of zero gets nothing
1     | 1 2              | 0 1              | the largest remainder is 2/3
2     | 1 2              | 1 1              | 2/3 and 4/3: the largest remainder is the first's
10    | 6 6 2            | 4 4 2            | 4.29 4.29 1.43
11    | 6 6 2            | 5 5 1            | 4.71 4.71 1.57: one more to divide, one less for the third
1500  | 2000 1000 7000   | 300 150 1050     | the shares of the shipped rulebook
1     | 2000 1000 7000   | 0 0 1            | the smallest coin goes to the largest share
3     | 2000 1000 7000   | 1 0 2            | 0.6 0.3 2.1
1000000000000000000000 | 1 2 | 333333333333333333333 666666666666666666667 | no number is too large
"""


@cases(DIVISIONS)
def test_divisions(row: dict[str, str]) -> None:
    weights = [int(weight) for weight in row["by weights"].split()]
    assert divide(int(row["total"]), weights, "test") == [int(part) for part in row["parts"].split()]


@pytest.mark.parametrize(("total", "weights"), [(-1, [1]), (1, [-1, 2]), (1, [0, 0]), (1, []), (0, []), (0, [0])])
def test_what_cannot_be_divided(total: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match="a division needs"):
        divide(total, weights, "test")


weights = st.lists(st.one_of(st.integers(0, 5), st.integers(0, 10**12)), min_size=1, max_size=12).filter(any)
totals = st.one_of(st.integers(0, 50), st.integers(0, 10**15))


@given(totals, weights, st.text(max_size=5))
def test_parts_sum_to_the_whole_and_lie_within_one_unit_of_exact(total: int, by: list[int], name: str) -> None:
    parts = divide(total, by, name)
    assert sum(parts) == total
    assert divide(total, by, name) == parts
    for part, weight in zip(parts, by, strict=True):
        assert abs(part - Fraction(total * weight, sum(by))) < 1
        assert part == 0 or weight > 0
    order = sorted(zip(by, parts, strict=True))
    assert all(a[1] <= b[1] for a, b in pairwise(order) if a[0] < b[0]), "more weight, no less"


@given(totals, weights, st.randoms(use_true_random=False))
def test_only_the_lot_depends_on_who_stands_where(total: int, by: list[int], random: object) -> None:
    """Put in another order, everybody gets the same, except among equal remainders, where the lot decides."""
    order = list(range(len(by)))
    random.shuffle(order)  # type: ignore[attr-defined]
    parts, again = divide(total, by, "n"), divide(total, [by[i] for i in order], "n")
    whole = sum(by)
    spare = Counter(total * w % whole for w, part in zip(by, parts, strict=True) if part > total * w // whole)
    for place, i in enumerate(order):
        remainder = total * by[i] % whole
        everybody = sum(1 for w in by if total * w % whole == remainder)
        if spare[remainder] in (0, everybody):
            assert again[place] == parts[i]
    moved = [by[i] for i in order]
    assert spare == Counter(
        total * w % whole for w, part in zip(moved, again, strict=True) if part > total * w // whole
    )


@given(totals, weights, st.integers(1, 1000))
def test_weights_in_another_unit_divide_alike(total: int, by: list[int], times: int) -> None:
    assert divide(total, [weight * times for weight in by], "n") == divide(total, by, "n")


@given(totals, weights)
def test_one_unit_more_takes_at_most_one_from_anybody(total: int, by: list[int]) -> None:
    """Largest remainders can take one away as the whole grows (see 10 and 11 above), but never more than one."""
    for less, more in zip(divide(total, by, "n"), divide(total + 1, by, "n"), strict=True):
        assert more >= less - 1


def test_ties_are_broken_by_the_published_lot_and_differ_from_one_division_to_the_next() -> None:
    first = set()
    for number in range(40):
        name = f"2026-q{number}/pay"
        parts = divide(2, [1, 1, 1, 1, 1], name)
        winners = sorted(range(5), key=lambda position: lot(seed_of(name), position))[:2]
        assert [i for i, part in enumerate(parts) if part] == sorted(winners)
        first.add(winners[0])
    assert first == set(range(5))


# --- contributions

rows_of = st.lists(st.integers(0, 5), min_size=4, max_size=4)
uses = st.lists(st.tuples(st.integers(0, 2000), rows_of), max_size=5).map(
    lambda found: [EarningUse(f"use-{i}", price, rows) for i, (price, rows) in enumerate(found)]
)


@given(uses, st.integers(0, 10**9))
def test_what_is_due_sums_to_the_pool_exactly_or_to_nothing(found: list[EarningUse], pool: int) -> None:
    due = accrue(found, pool, 4)
    used = any(use.price and any(use.weights) for use in found)
    assert sum(due) == (pool * MICRO if used else 0)
    parts = parts_of_uses(found, pool)
    assert all(part == 0 for use, part in zip(found, parts, strict=True) if not any(use.weights) or not use.price)
    for number in range(4):
        fair = sum(
            (Fraction(p * use.weights[number], sum(use.weights)) for use, p in zip(found, parts, strict=True) if p),
            Fraction(),
        )
        assert abs(due[number] - fair) <= len(found)
        if not any(use.weights[number] for use in found):
            assert due[number] == 0


def test_contributions_are_read_as_the_engine_writes_them() -> None:
    assert list(contributions(bytes([1, 0, 0, 0, 0, 1, 0, 0, 255, 255, 255, 255]))) == [1, 256, 2**32 - 1]
    assert list(contributions(b"")) == []
    with pytest.raises(ValueError, match="multiple"):
        contributions(b"abc")


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), max_size=20))
def test_a_settlement_of_the_first_version_gives_back_every_line(lines: list[tuple[int, int]]) -> None:
    data = b"".join(due.to_bytes(8, "little") + paid.to_bytes(8, "little") for due, paid in lines)
    read = settlement.Lines(AssetStatement("pay", (), 0, (), 0, 0, "lines"), {"lines": data}.__getitem__)
    assert [read.line(number) for number in range(len(lines))] == [Line(*line) for line in lines]
    assert read.line(len(lines)) == Line(0, 0)
    assert settlement.total_paid(data) == sum(paid for _, paid in lines)
    assert [list(column) for column in read.columns()] == [[due for due, _ in lines], [paid for _, paid in lines]]


SHARES = """
# the shipped rulebook: 20 % operator, 10 % fund, 70 % members; rows are those of persons 0 to 3 in each use
prices   | rows               | operator | fund | members | paid to each
---------+--------------------+----------+------+---------+--------------
1000     | 1 1 1 1            | 200      | 100  | 700     | 175 175 175 175
1000     | 4 0 0 0            | 200      | 100  | 700     | 700 0 0 0
1000     | 3 1 0 0            | 200      | 100  | 700     | 525 175 0 0
500 500  | 1 0 0 0; 0 1 1 0   | 200      | 100  | 700     | 350 175 175 0
900 100  | 1 0 0 0; 0 1 0 0   | 200      | 100  | 700     | 630 70 0 0
# a use that touched nobody's rows earns, but for nobody in particular
500 500  | 1 0 0 0; 0 0 0 0   | 200      | 100  | 700     | 700 0 0 0
# nobody's rows were used: the members' share goes to their fund
1000     | 0 0 0 0            | 200      | 800  | 0       | 0 0 0 0
1        | 0 0 0 0            | 0        | 1    | 0       | 0 0 0 0
"""


def earning(row: dict[str, str]) -> list[EarningUse]:
    prices, used = row["prices"].split(), row["rows"].split(";")
    return [
        EarningUse(f"use-{i}", int(price), [int(n) for n in rows.split()])
        for i, (price, rows) in enumerate(zip(prices, used, strict=True))
    ]


def divided(world: World, period: str, uses: list[EarningUse], rulebook: Rulebook | None = None) -> Division | Refusal:
    earned = Earned(uses, world.at, [])
    return rules.divide_income(world.state, period, world.asset, earned, rulebook or shipped(), world.at)


@cases(SHARES)
def test_shares(row: dict[str, str]) -> None:
    world = pay(World())
    uses = earning(row)
    for use in uses:
        use.weights.extend([0] * 6)  # type: ignore[attr-defined]
    division = divided(world, "q1", uses)
    assert isinstance(division, Division)
    statement = division.statement
    amounts = dict.fromkeys(("party:coop", "fund:solidarity"), 0)
    for share in statement.shares:
        amounts[share.account] += share.amount
    operator, fund = amounts.values()
    assert [operator, fund, statement.members] == [int(row[n]) for n in ("operator", "fund", "members")]
    paid = [settlement.line_of(due, 0, division.least).paid for due in due_of(division.portions, division.persons)]
    assert paid == [int(amount) for amount in row["paid to each"].split()] + [0] * 6
    assert operator + fund + sum(paid) == statement.income == sum(use.price for use in uses)


def test_shares_that_do_not_add_up_are_refused() -> None:
    world = pay(World())
    day = instants.parse("2026-01-01")
    names = ("operator", "solidarity", "members")
    for points in ((2000, 1000, 6999), (2000, 1000, 7001), (0, 0, 0)):
        rulebook = Rulebook(
            Parameter(f"income.{n}-basis-points", v, day, day, "s", "a") for n, v in zip(names, points, strict=True)
        )
        refusal = divided(world, "q1", [EarningUse("u", 10, [1] * 10)], rulebook)
        assert isinstance(refusal, Refusal)
        assert refusal.code == "income.shares"
        assert f"{sum(points)} of 10000" in refusal.reasons[0]


# --- periods


def earn(world: World, price: int, rows: list[int]) -> EarningUse:
    use = f"use-{len(world.entries)}"
    world.add(QueryAdmitted(use, "institute", "a", "pay", "v1", "p", "q", "m", 1, price, "EUR", ""))
    world.add(QueryAnswered(use, "institute", "pay", "p", "m", "answer", "rows"))
    return EarningUse(use, price, rows)


def planned(world: World, period: str, uses: list[EarningUse]) -> Fact | Refusal:
    refusal = rules.can_plan(world.state, period)
    if refusal:
        return refusal
    divisions = [divided(world, period, uses)] if uses else []
    last = len(world.entries) - 1
    sealed = [division for division in divisions if isinstance(division, Division)]
    settled = {
        d.statement.asset: rules.Settled("sealed", "", settlement.settle(d.portions, (), d.persons, d.least, bytes(32)))
        for d in sealed
    }
    return rules.plan(world.state, f"plan-{last + 1}", period, last, "EUR", sealed, settled, world.at)


def refused(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    assert answer.reasons and answer.remedy
    return answer.code


def balances(world: World) -> dict[str, int]:
    return {account.id: account.balance for account in world.state.list(Account)}


def test_a_period_from_its_plan_to_its_closing() -> None:
    world = pay(World())
    uses = [earn(world, 1000, [1] * 10), earn(world, 0, [1] * 10)]
    assert balances(world) == {"party:institute": -1000, "asset:pay:income": 1000}
    plan = planned(world, "q1", uses)
    assert isinstance(plan, PeriodPlanned)
    assert (plan.parent, plan.first, plan.last, plan.income) == (None, 0, len(world.entries) - 1, 1000)
    world.add(plan)
    assert refused(rules.close(world.state, "q1", "plan-0", "coop")) == "registry.unknown"
    assert refused(rules.close(world.state, "q2", plan.plan, "coop")) == "registry.unknown"
    closed = rules.close(world.state, "q1", plan.plan, "coop")
    assert not isinstance(closed, Refusal)
    world.add(closed)
    assert balances(world) == {
        "party:institute": -1000, "asset:pay:income": 0, "party:coop": 200, "fund:solidarity": 100, "asset:pay:members": 700
    }  # fmt: skip
    assert refused(rules.close(world.state, "q1", plan.plan, "coop")) == "income.period-closed"
    assert refused(planned(world, "q1", uses)) == "income.period-closed"
    assert refused(planned(world, "q2", [])) == "income.nothing-to-divide"
    assert rules.first_fact(world.state) == plan.last + 1


def test_a_plan_is_stale_once_another_was_closed() -> None:
    world = pay(World())
    first = planned(world, "q1", [earn(world, 1000, [1] * 10)])
    second = planned(world, "q2", [earn(world, 500, [1] * 10)])
    assert isinstance(first, PeriodPlanned) and isinstance(second, PeriodPlanned)
    world.add(first, second)
    closed = rules.close(world.state, "q1", first.plan, "coop")
    assert not isinstance(closed, Refusal)
    world.add(closed)
    before = balances(world)
    assert refused(rules.close(world.state, "q2", second.plan, "coop")) == "income.stale-plan"
    assert refused(rules.overtaken("q2")) == "income.stale-plan"
    assert balances(world) == before
    again = planned(world, "q2", [EarningUse("use-x", 500, [1] * 10)])
    assert isinstance(again, PeriodPlanned)
    assert (again.parent, again.first) == ("q1", first.last + 1)
    world.add(again)
    closed = rules.close(world.state, "q2", again.plan, "coop")
    assert not isinstance(closed, Refusal)
    world.add(closed)
    second = world.state.get(Period, "q2")
    assert second is not None and (second.number, second.last) == (2, again.last)


def test_nobody_s_rows_and_a_free_use_leave_a_ledger_that_balances() -> None:
    world = pay(World())
    plan = planned(world, "q1", [earn(world, 1000, [0] * 10)])
    assert isinstance(plan, PeriodPlanned)
    assert plan.statements[0].shares[1:] == (
        Share(accounts.SOLIDARITY, 1000, 100, "solidarity", "responsibility"),
        Share(accounts.SOLIDARITY, 7000, 700, "members", "factors"),
    )
    world.add(plan)
    closed = rules.close(world.state, "q1", plan.plan, "coop")
    assert not isinstance(closed, Refusal)
    world.add(closed)
    assert balances(world)["fund:solidarity"] == 800
    assert sum(balances(world).values()) == 0
    memos = [transfer.memo for transfer in world.state.list(Transfer, credit=accounts.SOLIDARITY)]
    assert memos == ["q1: solidarity, 10 %", "q1: members, 70 %"]
    last, period = world.state.get(LastPeriod), world.state.get(Period, "q1")
    assert last is not None and period is not None
    assert (last.period, last.number, period.number) == ("q1", 1, 1)


def test_a_period_needs_a_name_that_can_be_an_id() -> None:
    with pytest.raises(BadInput, match="cannot be the id of a period"):
        rules.can_plan(World().state, "Q 1")


EXPLANATIONS = """
rows | paid | currency | says
-----+------+----------+-----------------------------
0    | 0    | EUR      | nothing is due to you
2    | 1    | EUR      | use-7: 2 of your rows counted; in whole units: 0.01 EUR
8    | 0    | EUR      | use-7: 8 of your rows counted; in whole units: 0.00 EUR
1    | 7    | JPY      | use-7: 1 of your rows counted; in whole units: 7 JPY
"""


@cases(EXPLANATIONS)
def test_explanations(row: dict[str, str]) -> None:
    used = [Counted("use-7", int(row["rows"]))] if row["rows"] != "0" else []
    told = explain("q1", "pay", row["currency"], int(row["paid"]), 700, used)
    text = " / ".join(told.steps)
    assert all(words.strip() in text for words in row["says"].split(";"))
    assert told.amount == Money(int(row["paid"]), row["currency"])
