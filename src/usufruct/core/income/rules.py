"""The division of a period: a plan first, then, on approval, the closing that carries it out.

By which rule, is decided before the money is earned: the rule in force when the first of the period's uses was admitted (see
`waterfall`). The members' share is divided by use (see `measure`) and settled with what each of them was carried (see
`settlement`). A plan names the last closed period as its parent and covers exactly the facts since then; once another plan
was closed, its parent is no longer the last, and it can no longer be carried out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from usufruct.core.base.ids import checked
from usufruct.core.base.instants import Instant, in_months
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income.accounts import of_party
from usufruct.core.income.earned import Earned, portions_of
from usufruct.core.income.facts import (
    AssetStatement,
    LevyTotal,
    PeriodClosed,
    PeriodPlanned,
    Release,
    SettlementSummed,
)
from usufruct.core.income.measure import Portion
from usufruct.core.income.settlement import Settlement
from usufruct.core.income.state import (
    OPEN,
    Credit,
    LastPeriod,
    Period,
    PeriodPlan,
    Vesting,
    costs_of,
    rule_in_force,
)
from usufruct.core.income.told import Draws, Telling, portions_told, tell
from usufruct.core.income.waterfall import FLOOR, MEMBERS, DivisionRule, Levied, Poured, by_rulebook, pour, unfit
from usufruct.core.registry import rights
from usufruct.core.registry.state import Asset, Right
from usufruct.core.rulebook.parameters import Rulebook


@dataclass(frozen=True, slots=True)
class Division:
    """What one asset's income comes to: the statement, but for its settlement, and the portions that are settled among so
    many `persons`; `least` is the smallest amount that a person is paid out, in minor units."""

    statement: AssetStatement
    portions: tuple[Portion, ...]
    persons: int
    least: int


@dataclass(frozen=True, slots=True)
class Settled:
    """The settlement of a division, once it is kept under the seal `lines`; `before` is the one that it carries on from."""

    lines: str
    before: str
    settlement: Settlement

    def stated(self, statement: AssetStatement) -> AssetStatement:
        """The statement, with its settlement; not what that comes to in all, if totals are told."""
        found = self.settlement
        settled = replace(statement, lines=self.lines, root=found.root, persons=found.persons, before=self.before)
        if statement.tells:
            return settled
        return replace(settled, paid=found.payees, paid_out=found.paid, carried=found.carried)

    def summed(self, division: Division) -> SettlementSummed:
        """What the settlement of a division comes to in all, with what is left over."""
        found, due = self.settlement, sum(portion.amount for portion in division.portions)
        return SettlementSummed(
            division.statement.asset, self.lines, found.payees, found.paid, found.carried,
            found.left(division.statement.members, due),
        )  # fmt: skip


def can_plan(read: Reader, period: str) -> Refusal | None:
    """Whether a period of this name can be planned.

    Raises:
        BadInput: the name cannot be an id.
    """
    checked(period, "a period")
    if read.get(Period, period) is not None:
        return refuse(
            "income.period-closed", f"period `{period}` was not planned", "it is already closed; what was paid stays paid",
            remedy="plan the next period under another name",
        )  # fmt: skip
    return None


def first_fact(read: Reader) -> int:
    """Where the next period begins: right after the last fact of the newest closed one."""
    last = read.get(LastPeriod)
    return last.last + 1 if last else 0


def poured(
    read: Reader,
    period: str,
    asset: Asset,
    earned: Earned,
    rulebook: Rulebook,
    at: Instant,
    levied: Sequence[Levied] = (),
) -> Poured | Refusal:
    """Where what one asset earned goes at `at`, once adopted levies took `levied` of it."""
    rule = _rule(read, asset, earned, rulebook)
    wrong = unfit(rule, f"period `{period}` was not planned")  # the rulebook's own parameters may not sum to the whole
    if wrong is not None:
        return wrong
    # Whether anybody's rows counted is not to be told beside a total that is.
    counted = tells(rule, asset) or any(use.price and any(use.weights) for use in earned.uses)
    admitted = any(any(population) for population in earned.populations)
    entitled = entitled_to(read, asset, at) | {MEMBERS: _there(counted), FLOOR: _there(admitted)}
    return pour(rule, earned.income, costs_of(read, asset.id), entitled, f"{period}/{asset.id}", levied)


def divide_income(
    read: Reader,
    period: str,
    asset: Asset,
    earned: Earned,
    rulebook: Rulebook,
    at: Instant,
    levied: Sequence[Levied] = (),
    draws: Draws = lambda _: None,
) -> Division | Refusal:
    """The division of what one asset earned, at `at`; `draws` give the noise on its total, if the rule tells it."""
    found = poured(read, period, asset, earned, rulebook, at, levied)
    if isinstance(found, Refusal):
        return found
    adopted, name = rule_in_force(read, asset.id, earned.since), f"{period}/{asset.id}"
    members = found.by_contribution + found.floor
    persons = max([asset.quality.persons, *(len(use.weights) for use in earned.uses)])  # of a pool those who were there
    rule = _rule(read, asset, earned, rulebook)
    said = tell(rule.told, asset, earned, persons, draws) if rule.told and tells(rule, asset) else Telling()
    statement = AssetStatement(
        asset.id, tuple(use.id for use in earned.uses), earned.income, found.shares, members, 0, "", found.floor,
        adopted.number if adopted else 0, bool(adopted and adopted.asset), told=said.total, draw=said.draw, kept=said.kept,
    )  # fmt: skip
    if said.total:
        portions = portions_told(name, found.by_contribution, said.weights, said.total)
    else:
        portions = portions_of(earned, found.by_contribution, found.floor, name, persons)
    return Division(statement, portions, persons, rulebook.value("income.payout-min-minor", at))


def _rule(read: Reader, asset: Asset, earned: Earned, rulebook: Rulebook) -> DivisionRule:
    """The rule that was in force when the first of it was earned."""
    adopted = rule_in_force(read, asset.id, earned.since)
    return adopted.rule if adopted else by_rulebook(rulebook, earned.since)


def tells(rule: DivisionRule, asset: Asset) -> bool:
    """Whether the totals of an asset are to be told: what is about nobody has none."""
    return rule.told is not None and bool(asset.person_column)


def _there(there: bool) -> tuple[tuple[str, int], ...]:
    return (("", 1),) if there else ()


def entitled_to(read: Reader, asset: Asset, at: Instant) -> dict[str, list[tuple[str, int]]]:
    """The accounts to which the shares for somebody go, each with its weight: the operator, the holders, and who was credited
    with what, by units."""
    holders = {
        row.grantee for row in read.list(Right, asset=asset.id)
        if row.right == "hold" and rights.chain(read, row, at) is not None
    }  # fmt: skip
    entitled = {
        "operator": [(of_party(asset.publisher), 1)], "holders": [(of_party(holder), 1) for holder in sorted(holders)],
    }  # fmt: skip
    units: dict[tuple[str, str], int] = {}
    for row in read.list(Credit, asset=asset.id):
        if not row.ended and row.until > at:
            units[row.kind, row.party] = units.get((row.kind, row.party), 0) + row.units
    for (kind, party), sum_of_units in sorted(units.items()):
        entitled.setdefault(kind, []).append((of_party(party), sum_of_units))
    return entitled


def released(read: Reader, at: Instant) -> Iterator[Release]:
    """What of earlier shares has vested and was not yet released: equal parts for whole months, rounded down, and all of it
    at the end."""
    for row in read.list(Vesting, stands=OPEN):
        months = sum(1 for month in range(1, row.months + 1) if in_months(row.at, month) <= at)
        amount = row.amount * months // row.months - row.released
        if amount:
            yield Release(row.period, row.asset, row.n, row.account, amount)


def plan(
    read: Reader,
    plan_id: str,
    period: str,
    last: int,
    currency: str,
    divisions: Sequence[Division],
    settled: Mapping[str, Settled],
    at: Instant,
    levies: Sequence[LevyTotal] = (),
) -> PeriodPlanned | Refusal:
    """The plan of a period up to the fact `last`; `settled` are the settlements, by asset, `levies` what adopted levies take of
    it."""
    releases = tuple(released(read, at))
    if not divisions and not releases:
        return refuse(
            "income.nothing-to-divide", f"period `{period}` was not planned", "nothing was earned since the last period closed",
            remedy="wait until a question has been answered at a price",
        )  # fmt: skip
    parent = read.get(LastPeriod)
    for one in divisions:
        left = settled[one.statement.asset].summed(one).fund
        assert left >= 0 and (left == 0 or one.statement.tells), "all of the members' share is somebody's"
    statements = tuple(settled[one.statement.asset].stated(one.statement) for one in divisions)
    return PeriodPlanned(
        plan_id, period, parent.period if parent else None, first_fact(read), last, currency,
        sum(one.income for one in statements), statements, releases, tuple(levies), at,
    )  # fmt: skip


def close(read: Reader, period: str, plan_id: str, by: str) -> PeriodClosed | Refusal:
    """Carry out a plan, if it is still the next step."""
    not_done = f"period `{period}` was not closed"
    if read.get(Period, period) is not None:
        return refuse(
            "income.period-closed", not_done, "it is already closed; nothing was paid twice",
            remedy="look at its statement instead",
        )  # fmt: skip
    row = read.get(PeriodPlan, plan_id)
    if row is None or row.period != period:
        return refuse("registry.unknown", not_done, f"it has no plan `{plan_id}`", remedy="plan it first")
    parent = read.get(LastPeriod)
    if row.planned.parent != (parent.period if parent else None):
        return refuse(
            "income.stale-plan", not_done, f"`{plan_id}` was made before `{parent.period if parent else ''}` was closed",
            remedy="plan the period again",
        )  # fmt: skip
    return PeriodClosed(period, plan_id, by)


def overtaken(period: str) -> Refusal:
    """The refusal when another period was closed while this one was being worked out."""
    return refuse(
        "income.stale-plan", f"period `{period}` was not planned", "another period was closed while it was worked out",
        remedy="plan it again",
    )  # fmt: skip
