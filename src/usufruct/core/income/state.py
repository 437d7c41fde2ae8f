"""By what rule income is divided, what it cost, who is credited; which divisions were proposed, which periods are closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.income.accounts import of_party
from usufruct.core.income.facts import (
    CostStated,
    CreditEnded,
    CreditGranted,
    DivisionAdopted,
    MeasureChosen,
    PeriodClosed,
    PeriodPlanned,
    SettlementSummed,
)
from usufruct.core.income.waterfall import COSTS, DivisionRule, Due

OPEN, DONE = "open", "done"


@dataclass(frozen=True, slots=True)
class AdoptedDivision(Row):
    """The `number`-th rule of division of an asset, or of all that have none of their own (no asset)."""

    KEY = ("asset", "number")
    INDEXED = ("asset",)
    asset: str
    number: int
    rule: DivisionRule
    effective: Instant
    by: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Cost(Row):
    """A stated cost, of which `paid` minor units were paid back; it `stands` open while some is left."""

    KEY = ("id",)
    INDEXED = ("asset", "stands")
    id: str
    asset: str
    party: str
    amount: int
    paid: int
    currency: str
    what: str
    at: Instant
    stands: str = OPEN


@dataclass(frozen=True, slots=True)
class Credit(Row):
    """What a party is credited with; see `CreditGranted`. `ended` says why it counts no more."""

    KEY = ("id",)
    INDEXED = ("asset", "party")
    id: str
    asset: str
    kind: str
    party: str
    units: int
    why: str
    until: Instant
    at: Instant
    ended: str = ""


@dataclass(frozen=True, slots=True)
class Vesting(Row):
    """`amount` minor units for an account, of which `released` have vested since `at`; all of it after `months`."""

    KEY = ("period", "asset", "n")
    INDEXED = ("stands",)
    period: str
    asset: str
    n: int
    account: str
    amount: int
    currency: str
    months: int
    at: Instant
    released: int = 0
    stands: str = OPEN


@dataclass(frozen=True, slots=True)
class PeriodPlan(Row):
    """A proposed division and when it was proposed, by the fact `seq`; `closed` once it was carried out."""

    KEY = ("id",)
    INDEXED = ("period",)
    id: str
    period: str
    planned: PeriodPlanned
    at: Instant
    seq: int
    closed: Instant | None = None


@dataclass(frozen=True, slots=True)
class Period(Row):
    """A closed period: the plan that was carried out, and its last fact; `number` counts from 1, the fact `seq`
    closed it."""

    KEY = ("id",)
    INDEXED = ("number",)
    id: str
    number: int
    plan: str
    last: int
    at: Instant
    seq: int


@dataclass(frozen=True, slots=True)
class LastPeriod(Row):
    """The newest closed period, on which the next must build."""

    KEY = ()
    period: str
    number: int
    last: int


@dataclass(frozen=True, slots=True)
class LastSettlement(Row):
    """The newest settlement of an asset in a currency, from which the next one carries on."""

    KEY = ("asset", "currency")
    asset: str
    currency: str
    lines: str


@dataclass(frozen=True, slots=True)
class Summed(Row):
    """What a settlement comes to in all, where its plan does not say it; see `SettlementSummed`."""

    KEY = ("lines",)
    lines: str
    fact: SettlementSummed


@dataclass(frozen=True, slots=True)
class ChosenMeasure(Row):
    """What the uses of an asset are divided by, where somebody chose it; else by rows."""

    KEY = ("asset",)
    asset: str
    measure: str
    since: Instant


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about the income changes."""
    match entry.fact:
        case DivisionAdopted() as fact:
            yield AdoptedDivision(fact.asset, fact.number, fact.rule, fact.effective, fact.by, entry.at)
        case CostStated() as fact:
            yield Cost(fact.cost, fact.asset, fact.party, fact.amount, 0, fact.currency, fact.what, entry.at)
        case CreditGranted() as fact:
            yield Credit(fact.credit, fact.asset, fact.kind, fact.party, fact.units, fact.why, fact.until, entry.at)
        case CreditEnded() as fact:
            credit = read.get(Credit, fact.credit)
            assert credit is not None
            yield replace(credit, ended=fact.why)
        case PeriodPlanned() as fact:
            yield PeriodPlan(fact.plan, fact.period, fact, entry.at, entry.seq)
        case PeriodClosed() as fact:
            plan = read.get(PeriodPlan, fact.plan)
            assert plan is not None
            last = read.get(LastPeriod)
            number = last.number + 1 if last else 1
            yield replace(plan, closed=entry.at)
            yield Period(fact.period, number, fact.plan, plan.planned.last, entry.at, entry.seq)
            yield LastPeriod(fact.period, number, plan.planned.last)
            for statement in plan.planned.statements:
                if statement.root:
                    yield LastSettlement(statement.asset, plan.planned.currency, statement.lines)
            yield from _paid(read, plan.planned, entry.at)
        case SettlementSummed() as fact:
            yield Summed(fact.lines, fact)
        case MeasureChosen() as fact:
            yield ChosenMeasure(fact.asset, fact.measure, entry.at)
        case _:
            return


def _paid(read: Reader, plan: PeriodPlanned, at: Instant) -> Iterator[Row]:
    """What the closing of a period pays back, sets aside and releases."""
    for statement in plan.statements:
        for n, share in enumerate(statement.shares):
            if share.basis == COSTS:
                cost = read.get(Cost, share.name)
                assert cost is not None
                paid = cost.paid + share.amount
                yield replace(cost, paid=paid, stands=OPEN if paid < cost.amount else DONE)
            elif share.vests_months:
                yield Vesting(
                    plan.period, statement.asset, n, share.account, share.amount, plan.currency, share.vests_months, at
                )
    for release in plan.releases:
        vesting = read.get(Vesting, release.period, release.asset, release.n)
        assert vesting is not None
        released = vesting.released + release.amount
        yield replace(vesting, released=released, stands=OPEN if released < vesting.amount else DONE)


def rule_in_force(read: Reader, asset: str, at: Instant) -> AdoptedDivision | None:
    """The newest rule of division for an asset that was in force: its own before that of all; None if neither has one."""
    for whose in (asset, ""):
        rows = [row for row in read.list(AdoptedDivision, asset=whose) if row.effective <= at]
        if rows:
            return rows[-1]
    return None


def costs_of(read: Reader, asset: str) -> list[Due]:
    """What is still to be paid back of the costs of an asset, the oldest first."""
    return [
        Due(row.id, of_party(row.party), row.amount - row.paid) for row in read.list(Cost, asset=asset, stands=OPEN)
    ]
