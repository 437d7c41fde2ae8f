"""What other areas have to say when work is paid: floors by the hour, and what cover takes.

Pay, hours and cover do not know each other in the core. Here they meet: a pay run asks these functions, and `work_pay` plugs
them in. A floor is an operator's own, held against the time that was given to it between two pay runs. What cover takes is told
on the slip first, by the same rule that takes it once the payment is posted.
"""

from __future__ import annotations

from collections.abc import Iterator

from usufruct.core.base.instants import Instant
from usufruct.core.base.money import Money
from usufruct.core.base.records import Reader
from usufruct.core.cover import rules
from usufruct.core.cover.collecting import Earned
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
            ))  # fmt: skip
    return found


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
