<<<<<<< HEAD
"""What other areas have to say when work is paid: floors by the hour, and what cover takes.

Pay, hours and cover do not know each other in the core. Here they meet: a pay run asks these functions, and `work_pay` plugs
them in. A floor is an operator's own, held against the time that was given to it between two pay runs. What cover takes is told
on the slip first, by the same rule that takes it once the payment is posted.
=======
"""What other areas have to say when work is paid: floors by the hour, and contributions to cover.

The areas of work and cover do not know each other, nor does pay know them. Here they are put together: `RULES` is what a pay run
asks, and what is done after a payslip was posted.
>>>>>>> w-pay
"""

from __future__ import annotations

<<<<<<< HEAD
from collections.abc import Iterator

from usufruct.core.base.instants import Instant
=======
from collections.abc import Callable
from dataclasses import dataclass

from usufruct.core.base.instants import Instant, later
>>>>>>> w-pay
from usufruct.core.base.money import Money
from usufruct.core.base.records import Reader
from usufruct.core.cover import rules
from usufruct.core.cover.collecting import Earned
<<<<<<< HEAD
from usufruct.core.work import floors
from usufruct.core.work.pay import Deduction, Reckoning, TopUp, WorkPaid
from usufruct.core.work.state import Work
from usufruct.node import conditions, cover, findings
from usufruct.node.node import Node
from usufruct.ports import Transaction

DEFINITIONS = {"shift": "whole-shift"}  # what hours and slips call the same


def floors_of(
    read: Reader, worker: str, operator: str, since: Instant, until: Instant, pay: int, currency: str
) -> list[TopUp]:
    """What each hourly floor in force makes due for a worker's time at an operator, by each definition of working time."""
    sheet, _ = findings.timesheet(read, worker)
    sheet = floors.during(floors.at(sheet, operator), since, until)
    binding = [one for one in conditions.limits(read, until) if one.operator in ("", operator) and one.since < until]
    by_rule = {one.rule: one for one in binding if one.until >= until}
    found = []
    for one in floors.hourly(sheet, Money(pay, currency), binding):
        limit = by_rule.get(one.rule)
        if limit is not None:
            found.append(TopUp(
                DEFINITIONS.get(one.definition, one.definition), one.hours_ms, limit["amount"], one.due, one.paid, one.top_up,
                one.rule, limit.source, limit.authority, one.binding,
=======
from usufruct.core.work import conditions
from usufruct.core.work import floors as by_the_hour
from usufruct.core.work.measured import WHOLE
from usufruct.core.work.pay import Deduction, Reckoning, TopUp, WorkPaid
from usufruct.core.work.paying import Deductions, Floors, ended, no_deductions, no_floors
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
>>>>>>> w-pay
            ))  # fmt: skip
    return found


<<<<<<< HEAD
def deductions_of(
    read: Reader, worker: str, operator: str, slip: Reckoning, currency: str, at: Instant
) -> list[Deduction]:
    """What the schemes of cover take when this slip is paid."""
    return list(_deductions(read, worker, operator, slip, currency, at))


def _deductions(
    read: Reader, worker: str, operator: str, slip: Reckoning, currency: str, at: Instant
) -> Iterator[Deduction]:
    by_month: dict[str, list[Earned]] = {}
    for one in earned_on(read, slip, at):
        by_month.setdefault(one.day[:7], []).append(one)
    for adopted in rules.in_force(read, at):
        for _, earned in sorted(by_month.items()):
            fact, _ = rules.contributions(read, adopted, worker, operator, earned, currency, at, 0)
            for levy in fact.collected if fact else ():
                for part in levy.parts:
                    yield Deduction(f"{adopted.scheme.name}: {levy.levy}", levy.payer, part.amount, part.to)


def charge(tx: Transaction, node: Node, paid: WorkPaid) -> None:
    """Takes it."""
    slip = paid.reckoning
    if slip.lines or slip.top_up:
        cover.levy_pay(tx, node, slip.worker, paid.operator, list(earned_on(tx, slip, tx.now)), tx.now, paid.currency)


def earned_on(read: Reader, slip: Reckoning, at: Instant) -> Iterator[Earned]:
    """What a slip pays, by the day on which the work began; what a floor tops up counts on the day of the payment."""
    for line in slip.lines:
        work = read.get(Work, line.work)
        day = min((span.start for span in work.engaged), default=at)[:10] if work else at[:10]
        yield Earned(day, line.gross, line.fee, line.tips, line.made_up)
    if slip.top_up:
        yield Earned(at[:10], 0, made_up=slip.top_up)
=======
def earned(read: Reader, found: Reckoning, until: Instant) -> list[Earned]:
    """What a reckoning pays, piece by piece; what was topped up counts on the day of the last piece."""
    pieces = []
    for line in found.lines:
        work = read.get(Work, line.work)
        assert work is not None
        pieces.append(Earned(ended(work)[:10], line.gross + line.made_up, line.fee, line.tips))
    if found.top_up:
        last = max((one.day for one in pieces), default=later(until, seconds=-1)[:10])
        pieces.append(Earned(last, found.top_up))
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
>>>>>>> w-pay
