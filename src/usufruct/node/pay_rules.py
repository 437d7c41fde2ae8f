"""What other areas have to say when work is paid: floors by the hour, and contributions to cover.

The areas of work and cover do not know each other, nor does pay know them. Here they are put together: `RULES` is what a pay run
asks, and what is done after a payslip was posted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from usufruct.core.base.instants import Instant, later
from usufruct.core.base.money import Money
from usufruct.core.base.records import Reader
from usufruct.core.cover import rules
from usufruct.core.cover.collecting import Earned
from usufruct.core.work.hours import conditions
from usufruct.core.work.hours import floors as by_the_hour
from usufruct.core.work.hours.measured import WHOLE
from usufruct.core.work.pay.rules import Deductions, Floors, ended, no_deductions, no_floors
from usufruct.core.work.pay.state import Deduction, Reckoning, TopUp, WorkPaid
from usufruct.core.work.state import Work
from usufruct.node.conditions import limits
from usufruct.node.cover import levy_pay
from usufruct.node.findings import timesheet
from usufruct.node.node import Node
from usufruct.ports import Transaction

Charge = Callable[[Transaction, Node, WorkPaid], None]
"""Appends what contributions take, after a payslip was posted."""


def no_charge(tx: Transaction, node: Node, paid: WorkPaid) -> None:
    """Where no contribution is due."""


@dataclass(frozen=True, slots=True)
class PayRules:
    """What other areas have to say when work is paid."""

    floors: Floors = no_floors
    deductions: Deductions = no_deductions
    charge: Charge = no_charge


def floors(
    read: Reader, worker: str, operator: str, since: Instant, until: Instant, pay: int, currency: str
) -> list[TopUp]:
    """Each hourly floor that was in force in a time, as known at its end, under each definition of working time."""
    known = [one for one in limits(read, until) if one.operator in ("", operator)]
    versions = {one.rule: one for one in known if one.shape == "floor-hourly" and one.since < until}
    sheet, _ = timesheet(read, worker)
    part = by_the_hour.during(by_the_hour.at(sheet, operator), since, until)
    found = []
    for one in by_the_hour.hourly(part, Money(pay, currency), known):
        limit = versions.get(one.rule)
        if limit is not None:
            definition = WHOLE if one.definition == conditions.SHIFT else one.definition
            found.append(TopUp(
                definition, one.hours_ms, limit["amount"], one.due, one.paid, one.top_up, one.rule, limit.source,
                limit.authority, one.binding,
            ))  # fmt: skip
    return found


def earned(read: Reader, found: Reckoning, until: Instant) -> list[Earned]:
    """What a reckoning pays, piece by piece; what was topped up counts on the day of the last piece."""
    pieces = []
    for line in found.lines:
        work = read.get(Work, line.work)
        assert work is not None
        pieces.append(Earned(ended(work)[:10], line.gross, line.fee, line.tips, line.made_up))
    if found.top_up:
        last = max((one.day for one in pieces), default=later(until, seconds=-1)[:10])
        pieces.append(Earned(last, 0, made_up=found.top_up))
    return pieces


def deductions(
    read: Reader, worker: str, operator: str, found: Reckoning, currency: str, at: Instant
) -> list[Deduction]:
    """What each scheme of cover that is raised takes on a payslip."""
    pieces, taken = earned(read, found, at), []
    for adopted in rules.in_force(read, at):
        for month in sorted({one.day[:7] for one in pieces}):
            part = [one for one in pieces if one.day.startswith(month)]
            fact, _ = rules.contributions(read, adopted, worker, operator, part, currency, at, 0)
            for one in fact.collected if fact else ():
                to = ", ".join(dict.fromkeys(each.to for each in one.parts))
                taken.append(Deduction(f"{adopted.name}: {one.levy}", one.payer, one.amount, to))
    return [one for one in taken if one.amount]


def charge(tx: Transaction, node: Node, paid: WorkPaid) -> None:
    """Appends what contributions take of a payslip."""
    pieces = earned(tx, paid.reckoning, tx.now)
    if pieces:
        levy_pay(tx, node, paid.worker, paid.operator, pieces, tx.now, paid.currency)


RULES = PayRules(floors, deductions, charge)
