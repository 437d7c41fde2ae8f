"""Which divisions were proposed, and which periods are closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.income.facts import PeriodClosed, PeriodPlanned


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


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about a period changes."""
    match entry.fact:
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
        case _:
            return
