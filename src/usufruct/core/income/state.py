"""Which divisions were proposed, which periods are closed, and what uses are divided by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.income.facts import MeasureChosen, PeriodClosed, PeriodPlanned


@dataclass(frozen=True, slots=True)
class PeriodPlan(Row):
    """A proposed division and when it was proposed; `closed` once it was carried out."""

    KEY = ("id",)
    INDEXED = ("period",)
    id: str
    period: str
    planned: PeriodPlanned
    at: Instant
    closed: Instant | None = None


@dataclass(frozen=True, slots=True)
class Period(Row):
    """A closed period: the plan that was carried out, and its last fact; `number` counts from 1."""

    KEY = ("id",)
    INDEXED = ("number",)
    id: str
    number: int
    plan: str
    last: int
    at: Instant


@dataclass(frozen=True, slots=True)
class LastPeriod(Row):
    """The newest closed period, on which the next must build."""

    KEY = ()
    period: str
    number: int
    last: int


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
        case PeriodPlanned() as fact:
            yield PeriodPlan(fact.plan, fact.period, fact, entry.at)
        case PeriodClosed() as fact:
            plan = read.get(PeriodPlan, fact.plan)
            assert plan is not None
            last = read.get(LastPeriod)
            number = last.number + 1 if last else 1
            yield replace(plan, closed=entry.at)
            yield Period(fact.period, number, fact.plan, plan.planned.last, entry.at)
            yield LastPeriod(fact.period, number, plan.planned.last)
        case MeasureChosen() as fact:
            yield ChosenMeasure(fact.asset, fact.measure, entry.at)
        case _:
            return
