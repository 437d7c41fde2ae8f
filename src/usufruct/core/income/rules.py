"""The division of a period: a plan first, then, on approval, the closing that carries it out.

The rule is three shares of what an asset earned (the operator's, the solidarity fund's, the members') from the rulebook
in force when the period is planned; the members' share is divided by use (see `measure`) and settled with what each of
them was carried (see `settlement`). A plan names the last closed
period as its parent and covers exactly the facts since then; once another plan was closed, its parent is no longer the
last, and it can no longer be carried out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from usufruct.core.base.ids import checked
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income import ledger
from usufruct.core.income.division import divide
from usufruct.core.income.facts import AssetStatement, PeriodClosed, PeriodPlanned, Share
from usufruct.core.income.measure import EarningUse, Portion, portions
from usufruct.core.income.settlement import Settlement
from usufruct.core.income.state import LastPeriod, Period, PeriodPlan
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook.parameters import Rulebook

WHOLE = 10_000  # basis points


@dataclass(frozen=True, slots=True)
class Division:
    """What one asset's income comes to: the shares, and the members' as portions that are settled among its `persons`.

    `least` is the smallest amount that a person is paid out, in minor units."""

    asset: str
    uses: tuple[str, ...]
    income: int
    shares: tuple[Share, ...]
    members: int
    portions: tuple[Portion, ...]
    persons: int
    least: int


@dataclass(frozen=True, slots=True)
class Settled:
    """The settlement of a division, once it is kept under the seal `lines`; `before` is the one that it carries on from."""

    lines: str
    before: str
    settlement: Settlement


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


def divide_income(
    period: str, asset: Asset, uses: Sequence[EarningUse], rulebook: Rulebook, at: Instant
) -> Division | Refusal:
    """The division of what `uses` earned for one asset."""
    names = ("operator", "solidarity", "members")
    points = [rulebook.value(f"income.{name}-basis-points", at) for name in names]
    if sum(points) != WHOLE:
        return refuse(
            "income.shares", f"period `{period}` was not planned", f"the shares come to {sum(points)} of {WHOLE} basis points",
            remedy="correct the rulebook; the shares of operator, fund and members must sum to the whole",
        )  # fmt: skip
    income = sum(use.price for use in uses)
    operator, fund, members = divide(income, points, f"{period}/{asset.id}")
    persons = max([asset.quality.persons, *(len(use.weights) for use in uses)])  # of a pool those who were there
    found = portions(uses, members)
    if not found:  # nobody's rows were used: what would have been the members' goes to their fund
        fund, members = fund + members, 0
        points = [points[0], points[1] + points[2], 0]
    shares = (
        Share(ledger.of_party(asset.publisher), points[0], operator),
        Share(ledger.SOLIDARITY, points[1], fund),
    )
    return Division(
        asset.id, tuple(use.id for use in uses), income, shares, members, found, persons,
        rulebook.value("income.payout-min-minor", at),
    )  # fmt: skip


def plan(
    read: Reader,
    plan_id: str,
    period: str,
    last: int,
    currency: str,
    divisions: Sequence[Division],
    settled: Mapping[str, Settled],
) -> PeriodPlanned | Refusal:
    """The plan of a period up to the fact `last`; `settled` are the settlements, by asset."""
    if not divisions:
        return refuse(
            "income.nothing-to-divide", f"period `{period}` was not planned", "nothing was earned since the last period closed",
            remedy="wait until a question has been answered at a price",
        )  # fmt: skip
    parent = read.get(LastPeriod)
    statements = tuple(_statement(division, settled[division.asset]) for division in divisions)
    return PeriodPlanned(
        plan_id, period, parent.period if parent else None, first_fact(read), last, currency,
        sum(d.income for d in divisions), statements,
    )  # fmt: skip


def _statement(division: Division, settled: Settled) -> AssetStatement:
    found = settled.settlement
    return AssetStatement(
        division.asset, division.uses, division.income, division.shares, division.members, found.payees, settled.lines,
        found.root, found.persons, found.paid, found.carried, settled.before,
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
