"""The rule of division: what comes off the top, the split, and what becomes of what nobody takes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import cases
from worlds import World, pay

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME, in_months, later
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import adoption, rules, settlement
from usufruct.core.income.earned import Earned
from usufruct.core.income.facts import DivisionAdopted, PeriodPlanned
from usufruct.core.income.ledger import Account
from usufruct.core.income.measure import EarningUse, due_of
from usufruct.core.income.rules import Division
from usufruct.core.income.state import Cost, Vesting, rule_in_force
from usufruct.core.income.waterfall import DivisionRule, Due, Levy, Slice, by_rulebook, in_words, pour, unfit
from usufruct.core.registry.facts import PartyRegistered
from usufruct.core.rulebook.parameters import shipped
from usufruct.wire import division as wire

# Shares as "name:basis:points:to[:cap=…][:vests=…][:training=…]"; the last one is the rest.
POURED = """
gross | costs | levies | shares | there | goes to
------+-------+--------+--------+-------+--------
1000 |  |  | a:work:2000:operator m:factors:8000:members | operator members | a 200, members 800
1000 | 300 |  | a:work:2000:operator m:factors:8000:members | operator members | host 300, a 140, members 560
# costs never take more than there is, and are paid in the order in which they were stated
100 | 80 50 |  | a:work:2000:operator m:factors:8000:members | operator members | host 80, host 20
# a levy is on what is left after costs, rounded down, and capped
1000 | 100 | 333 | m:factors:10000:members | members | host 100, city 29, members 871
1000 |  | 333:cap=5 | m:factors:10000:members | members | city 5, members 995
1000 |  | 1000 1000 | m:factors:10000:members | members | city 100, city 100, members 800
# what a cap cuts off goes to the rest
1000 |  |  | a:work:2000:operator:cap=50 m:factors:8000:members | operator members | a 50, members 950
# a share for nobody goes to the rest; with nobody for the rest, to the solidarity fund
1000 |  |  | l:work:1000:labelling m:factors:9000:members | members | members 1000
1000 |  |  | l:work:1000:labelling m:factors:9000:members |  | fund:solidarity 1000
1000 |  |  | f:responsibility:500:floor m:factors:9500:members | members floor | floor 50, members 950
# credits share by their units: ann has 3, bob 1
1000 |  |  | l:work:1000:labelling m:factors:9000:members | labelling members | ann 75, bob 25, members 900
# of what work earns a part is set aside for training
1000 |  |  | a:work:2000:operator:training=1000 m:factors:8000:members | operator members | training 20, a 180, members 800
# funds and parties are always there
1000 |  |  | s:responsibility:1000:fund:common m:factors:9000:members | members | fund:common 100, members 900
0 | 10 | 100 | m:factors:10000:members | members | nothing
1 |  |  | a:work:5000:operator m:factors:5000:members | operator members | members 1
"""  # fmt: skip

ACCOUNTS = {
    "operator": [("party:a", 1)],
    "labelling": [("party:ann", 3), ("party:bob", 1)],
    "members": [("", 1)],
    "floor": [("", 1)],
}


def slices(text: str) -> tuple[Slice, ...]:
    found = []
    for one in text.split():
        name, basis, points, *rest = one.split(":")
        named = dict(part.split("=") for part in rest if "=" in part)
        to = ":".join(part for part in rest if "=" not in part)
        found.append(Slice(
            name, basis, int(points), to, int(named["cap"]) if "cap" in named else None, int(named.get("vests", 0)),
            int(named.get("training", 0)),
        ))  # fmt: skip
    return tuple(found)


def rule_of(shares: str, levies: str = "") -> DivisionRule:
    found = slices(shares)
    levied = []
    for number, levy in enumerate(levies.split()):
        points, _, cap = levy.partition(":cap=")
        levied.append(Levy(f"levy-{number}", int(points), "party:city", "s", "a", int(cap) if cap else None))
    return DivisionRule("t", "s", "a", found, found[-1].name, tuple(levied))


def poured(rule: DivisionRule, gross: int, costs: list[int], there: list[str], name: str = "q/pay") -> dict[str, int]:
    found = pour(
        rule, gross, [Due(f"cost-{n}", "party:host", amount) for n, amount in enumerate(costs)],
        {to: ACCOUNTS[to] for to in there}, name,
    )  # fmt: skip
    told = [
        (share.account.removeprefix("party:").replace("fund:training", "training"), share.amount)
        for share in found.shares
    ]
    return dict(enumerate([*told, ("members", found.by_contribution), ("floor", found.floor)]))  # type: ignore[arg-type]


@cases(POURED)
def test_where_the_money_goes(row: dict[str, str]) -> None:
    rule = rule_of(row["shares"], row["levies"])
    assert unfit(rule, "no") is None
    found = poured(rule, int(row["gross"]), [int(c) for c in row["costs"].split()], row["there"].split())
    expected = [] if row["goes to"] == "nothing" else [part.strip().split(" ") for part in row["goes to"].split(",")]
    assert sorted((who, str(amount)) for who, amount in found.values() if amount) == sorted(map(tuple, expected))  # type: ignore[misc]


BAD = """
shares                                                   | because
---------------------------------------------------------+------------------------------------
a:work:2000:operator m:factors:7000:members              | come to 9000 of 10000
a:luck:2000:operator m:factors:8000:members              | stands on `luck`
a:work:2000:nobody m:factors:8000:members                | is for `nobody`
a:work:2000:operator a:factors:8000:members              | there twice
a:work:2000:operator m:factors:8000:members:cap=5        | cannot take the rest
a:work:-1:operator m:factors:10001:members               | takes -1
a:factors:2000:operator:training=5 m:factors:8000:members | does not stand on work
f:responsibility:10:floor:vests=3 m:factors:9990:members | members' own
a:work:2000:operator:vests=999 m:factors:8000:members    | out of bounds
"""


@cases(BAD)
def test_what_cannot_be_a_rule(row: dict[str, str]) -> None:
    refusal = unfit(rule_of(row["shares"]), "no")
    assert refusal is not None and row["because"] in refusal.reasons[0] and refusal.remedy


def test_levies_that_cannot_be() -> None:
    for levies in ((Levy("l", 0, "party:city", "s", "a"),), (Levy("l", 6000, "party:city", "s", "a"),) * 2,
                   (Levy("l", 5, "city", "s", "a"),)):  # fmt: skip
        assert unfit(replace(rule_of("m:factors:10000:members"), levies=levies), "no") is not None
    with pytest.raises(BadInput):
        unfit(replace(rule_of("m:factors:10000:members"), levies=(Levy("L L", 5, "party:c", "s", "a"),)), "no")


points = st.lists(st.integers(0, 50), min_size=1, max_size=8).filter(any)
kinds = st.sampled_from(["operator", "labelling", "curation", "members", "floor", "party:x", "fund:y"])


@given(
    points, st.lists(kinds, min_size=8, max_size=8), st.integers(0, 10**15), st.lists(st.integers(0, 10**13), max_size=3),
    st.lists(st.integers(1, 3000), max_size=3), st.sets(st.sampled_from(["operator", "labelling", "members", "floor"])),
    st.integers(0, 10_000), st.one_of(st.none(), st.integers(0, 10**14)),
)  # fmt: skip
def test_parts_sum_to_the_whole_and_nobody_gets_less_than_nothing(
    weights: list[int], to: list[str], gross: int, costs: list[int], levies: list[int], there: set[str], limit: int,
    cap: int | None,
) -> None:  # fmt: skip
    whole = sum(weights)
    parts = [weight * 10_000 // whole for weight in weights]
    parts[-1] += 10_000 - sum(parts)
    made = [
        Slice(f"s{n}", "work", share, who, None if who in ("members", "floor") or n == len(parts) - 1 else cap)
        for n, (share, who) in enumerate(zip(parts, to, strict=False))
    ]
    levied = tuple(Levy(f"l{n}", rate, "party:city", "s", "a", cap) for n, rate in enumerate(levies))
    rule = DivisionRule("t", "s", "a", tuple(made), made[-1].name, levied, limit)
    assert unfit(rule, "no") is None
    found = pour(
        rule, gross, [Due(f"cost-{n}", "party:host", amount) for n, amount in enumerate(costs)],
        {who: ACCOUNTS[who] for who in there}, "q",
    )  # fmt: skip
    assert sum(share.amount for share in found.shares) + found.by_contribution + found.floor == gross
    assert all(share.amount > 0 for share in found.shares) and min(found.by_contribution, found.floor) >= 0
    assert sum(share.amount for share in found.shares if share.basis == "costs") <= gross * limit // 10_000
    if "members" not in there:
        assert found.by_contribution == 0
    if cap is not None:
        for one in made[:-1]:
            if one.cap is not None:
                assert sum(share.amount for share in found.shares if share.name == one.name) <= cap


def test_the_rulebook_s_own_shares_are_a_rule() -> None:
    rule = by_rulebook(shipped(), World().at)
    assert unfit(rule, "no") is None
    assert [one.basis_points for one in rule.slices] == [2000, 1000, 7000]
    assert in_words(rule)[-1].startswith("members: 70 % to the members, by contribution")


TOML = """
title = "The cooperative's rule"
source = "members' vote"
authority = "assembly of 2026-11-20"
rest = "members"
costs_basis_points = 3000

[[levy]]
name = "city"
basis_points = 300
to = "party:coop"
source = "bylaw 12"
authority = "the city council"
cap = "50.00 EUR"

[[share]]
name = "running"
basis = "work"
basis_points = 1500
to = "operator"
training_basis_points = 1000
vests_months = 3

[[share]]
name = "labelling"
basis = "work"
basis_points = 1000
to = "labelling"

[[share]]
name = "floor"
basis = "responsibility"
basis_points = 500
to = "floor"

[[share]]
name = "members"
basis = "factors"
basis_points = 7000
to = "members"
"""


def test_a_rule_is_read_from_toml_and_told_in_words() -> None:
    rule = wire.read(TOML, "EUR")
    assert unfit(rule, "no") is None
    assert in_words(rule) == (
        "costs that were stated come first, up to 30 % of what was earned",
        "city: 3 % of what is left goes to `coop`, up to its cap, by the city council",
        "what is then left is split:",
        "running: 15 % to the operator, by work, 10 % of it into the training fund, paid out over 3 months",
        "labelling: 10 % to those credited with work of labelling the data, by work",
        "floor: 5 % to the members whose data could be used, all alike, by social responsibility",
        "members: 70 % to the members, by contribution, by the factors that were put in, and whatever the others do not take",
    )
    wrong = (
        ('title = "The', 'titel = "The'),
        ("1500", '"a lot"'),
        ("50.00 EUR", "50.00 USD"),
        ("[[share]]", "[share]"),
    )
    for was, instead in wrong:
        with pytest.raises(BadInput):
            wire.read(TOML.replace(was, instead), "EUR")


def adopted(world: World, rule: DivisionRule) -> DivisionAdopted:
    fact = adoption.adopt(world.state, rule, "pay", world.at, "coop", "host", shipped(), world.at)
    assert isinstance(fact, DivisionAdopted)
    world.add(fact)
    return fact


def settled(division: Division) -> rules.Settled:
    return rules.Settled("s", "", settlement.settle(division.portions, (), division.persons, division.least, bytes(32)))


def closed(world: World, period: str, uses: list[EarningUse], populations: list[bytes]) -> PeriodPlanned:
    """Plans a period of these uses, and closes it."""
    division = rules.divide_income(
        world.state, period, world.asset, Earned(uses, world.at, populations), shipped(), world.at
    )
    assert isinstance(division, Division)
    last = len(world.entries) - 1
    plan = rules.plan(
        world.state,
        f"plan-{last}",
        period,
        last,
        "EUR",
        [division] if uses else [],
        {"pay": settled(division)},
        world.at,
    )
    assert isinstance(plan, PeriodPlanned)
    world.add(plan)
    fact = rules.close(world.state, period, plan.plan, "coop")
    assert not isinstance(fact, Refusal)
    world.add(fact)
    return plan


def balances(world: World) -> dict[str, int]:
    return {account.id: account.balance for account in world.state.list(Account) if account.balance}


def test_a_period_under_a_rule_of_its_own() -> None:
    """Costs are paid back, work is credited, a floor goes to whoever could be used, and a share vests over three months."""
    world = pay(World())
    world.add(PartyRegistered("lena", "person", "Lena"))
    adopted(world, wire.read(TOML, "EUR"))
    world.add(
        adoption.state_cost(world.state, "cost-1", "pay", "coop", Money(200, "EUR"), "disks", "", "coop"),
        adoption.grant_credit(world.state, "credit-1", "pay", "labelling", "lena", 40, "40 h", END_OF_TIME, "coop", world.at),
    )  # fmt: skip
    plan = closed(world, "q1", [EarningUse("u", 10_000, [3, 1, 0, 0, 0, 0, 0, 0, 0, 0])], [bytes([0b0000_0111, 0])])
    statement = plan.statements[0]
    assert (statement.rule, statement.own) == (1, True)
    assert [(s.name, s.account, s.amount) for s in statement.shares] == [
        ("cost-1", "party:coop", 200), ("city", "party:coop", 294), ("running: training", "fund:training", 142),
        ("running", "party:coop", 1284), ("labelling", "party:lena", 951),
    ]  # fmt: skip
    assert statement.floor == 475 and statement.members == 475 + 6654
    assert sum(s.amount for s in statement.shares) + statement.members == 10_000
    cost = world.state.get(Cost, "cost-1")
    assert cost is not None and (cost.paid, cost.stands) == (200, "done")
    assert balances(world)["party:coop:vesting"] == 1284
    paid = []
    for months in (1, 2, 5, 6):
        world.at = in_months(world.entries[-1].at, months)
        found = list(rules.released(world.state, world.at))
        if not found:
            break
        closed(world, f"later-{months}", [], [])
        paid.append(sum(one.amount for one in found))
    assert sum(paid) == 1284 and paid[0] in (428, 427) and "party:coop:vesting" not in balances(world)
    vesting = world.state.get(Vesting, "q1", "pay", 3)
    assert vesting is not None and (vesting.released, vesting.stands) == (1284, "done")


def test_what_the_floor_gives_all_who_could_be_used_alike() -> None:
    world = pay(World())
    adopted(world, rule_of("f:responsibility:5000:floor m:factors:5000:members"))
    uses = [EarningUse("u", 100, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0])]
    division = rules.divide_income(
        world.state,
        "q",
        world.asset,
        Earned(uses, world.at, [bytes([0b0000_0011, 0]), bytes([0b0000_0100])]),
        shipped(),
        world.at,
    )
    assert isinstance(division, Division)
    due = due_of(division.portions, division.persons)[:4]
    assert sum(due) == 100_000_000 and due[3] == 0
    assert sorted(due[1:3]) == sorted([16_666_667, 16_666_666]) or max(due[1:3]) - min(due[1:3]) <= 1
    assert due[0] - 50_000_000 in (16_666_666, 16_666_667, 16_666_668)


def test_who_may_say_by_what_income_is_divided() -> None:
    world = pay(World())
    rule = rule_of("m:factors:10000:members")

    def code(found: object) -> str:
        assert isinstance(found, Refusal) and found.remedy
        return found.code

    assert (
        code(adoption.adopt(world.state, rule, "pay", world.at, "institute", "host", shipped(), world.at))
        == "registry.unknown"
    )
    assert (
        code(adoption.adopt(world.state, rule, "nothing", world.at, "coop", "coop", shipped(), world.at))
        == "registry.unknown"
    )
    assert (
        code(adoption.adopt(world.state, rule, "", world.at, "institute", "coop", shipped(), world.at))
        == "registry.unknown"
    )
    early = later(world.at, days=-1)
    assert (
        code(adoption.adopt(world.state, rule, "pay", early, "coop", "host", shipped(), world.at)) == "income.rule-late"
    )
    stranger = rule_of("a:work:1:party:stranger m:factors:9999:members")
    assert (
        code(adoption.adopt(world.state, stranger, "pay", world.at, "coop", "host", shipped(), world.at))
        == "registry.unknown"
    )
    for party, amount in (("coop", 0), ("coop", -5), ("stranger", 5)):
        found = adoption.state_cost(world.state, "c", "pay", party, Money(amount, "EUR"), "disks", "", "coop")
        assert code(found) == ("income.cost" if party == "coop" else "registry.unknown")
    bad = (("cooking", 1, "why"), ("labelling", 0, "why"), ("labelling", 1, " "))
    for kind, units, why in bad:
        found = adoption.grant_credit(
            world.state, "c", "pay", kind, "institute", units, why, END_OF_TIME, "coop", world.at
        )
        assert code(found) == "income.credit"
    assert code(adoption.end_credit(world.state, "credit-9", "why", "coop")) == "registry.unknown"


def test_the_asset_s_own_rule_comes_before_that_of_all_and_the_newest_in_force_counts() -> None:
    world = pay(World())
    rule = rule_of("m:factors:10000:members")
    assert rule_in_force(world.state, "pay", world.at) is None
    for asset, by in (("", "host"), ("pay", "coop")):
        fact = adoption.adopt(
            world.state, replace(rule, title=f"of {asset or 'all'}"), asset, world.at, by, "host", shipped(), world.at
        )
        assert isinstance(fact, DivisionAdopted)
        world.add(fact)
        found = rule_in_force(world.state, "pay", world.at)
        assert found is not None and found.rule.title == f"of {asset or 'all'}"
    tomorrow = later(world.at, days=1)
    fact = adoption.adopt(
        world.state, replace(rule, title="next"), "pay", tomorrow, "coop", "host", shipped(), world.at
    )
    assert isinstance(fact, DivisionAdopted) and fact.number == 2
    world.add(fact)
    today, then = rule_in_force(world.state, "pay", world.at), rule_in_force(world.state, "pay", tomorrow)
    assert today is not None and then is not None and (today.rule.title, then.rule.title) == ("of pay", "next")
