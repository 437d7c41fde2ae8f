"""Paying for work: plan a pay run, look at it, carry it out once or refuse it, put a payslip right.

What other areas have to say about it (floors, contributions) comes from `pay_rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from usufruct.core.access.delegation import only_people
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.rules import id_of
from usufruct.core.work.pay import rules as paying
from usufruct.core.work.pay.rules import unknown
from usufruct.core.work.pay.state import PayCorrected, PayPlanned, PayRefused, PayRun, Payslip, WorkPaid
from usufruct.node.node import Node, or_undone
from usufruct.node.pay_rules import RULES, PayRules
from usufruct.ports import Transaction


def _signs(tx: Transaction, node: Node, operator: str, by: str, actors: tuple[str, ...]) -> Refusal | None:
    """Pay is signed by the operator whose it is, or by the operator of the node, and by no machine."""
    if id_of(tx, by) not in (id_of(tx, operator), node.about.operator):
        return unknown("nothing was signed", f"`{operator}` has no plan or payslip that you could sign")
    return only_people(tx, "pay-work", by, actors)


@dataclass(frozen=True, slots=True)
class Paid:
    """What a pay run came to: the payslips, in minor units in all."""

    plan: str
    payslips: tuple[WorkPaid, ...]
    currency: str

    @property
    def net(self) -> int:
        """What the workers got together."""
        return sum(one.reckoning.net for one in self.payslips)


def plan(
    node: Node, operator: str, since: Instant | None, until: Instant | None, by: str, currency: str = "",
    rules: PayRules | None = None,
) -> PayPlanned | Refusal:  # fmt: skip
    """What an operator would pay for all work that ended before `until` (now) and was not paid. It moves nothing.

    Raises:
        BadInput: the currency is none that the node knows.
    """
    rules = rules or RULES
    return node.record(
        lambda tx: paying.plan(
            tx, numbered("pay", tx.next), id_of(tx, operator), currency or node.about.currency, since, until or tx.now, by,
            tx.now, rules.floors, rules.deductions,
        )
    )  # fmt: skip


def pay(
    node: Node, plan: str, operator: str, by: str, actors: tuple[str, ...] = (), rules: PayRules | None = None
) -> Paid | Refusal:
    """Carries out a plan, wholly or not at all; a person signs it."""
    rules = rules or RULES

    def command(tx: Transaction) -> Paid:
        or_undone(_signs(tx, node, operator, by, actors))
        paid = []
        for fact in or_undone(paying.pay(tx, plan, operator, by)):
            found = fact.reckoning
            taken = rules.deductions(tx, found.worker, operator, found, fact.currency, tx.now)
            paid.append(replace(fact, reckoning=paying.less(found, taken)))
            tx.append(paid[-1])
            rules.charge(tx, node, paid[-1])
        return Paid(plan, tuple(paid), paid[0].currency)

    return node.together(command)


def refuse(
    node: Node, plan: str, operator: str, why: str, by: str, actors: tuple[str, ...] = ()
) -> PayRefused | Refusal:
    """Refuses a plan, so that nobody carries it out; a person signs it.

    Raises:
        BadInput: no reason is given, or a very long one.
    """
    return node.record(
        lambda tx: _signs(tx, node, operator, by, actors) or paying.turn_down(tx, plan, operator, why, by)
    )


def correct(
    node: Node, pay: str, operator: str, amount: Money, why: str, by: str, actors: tuple[str, ...] = ()
) -> PayCorrected | Refusal:
    """Puts a payslip right; a person signs it.

    Raises:
        BadInput: no reason is given, or a very long one.
    """
    return node.record(
        lambda tx: (
            _signs(tx, node, operator, by, actors)
            or paying.correct(tx, numbered("correction", tx.next), pay, operator, amount, why, by)
        )
    )


def run(node: Node, plan: str, operator: str) -> PayRun | Refusal:
    """A plan of an operator, as it stands."""
    with node.store.read() as state:
        found = state.get(PayRun, plan)
        if found is None or found.operator != operator:
            return unknown("no plan was shown", f"there is no plan `{plan}` of yours")
        return found


def runs(node: Node, operator: str) -> Sequence[PayRun]:
    """The plans of an operator, the newest first."""
    with node.store.read() as state:
        return list(state.list(PayRun, operator=operator))[::-1]


def payslips(node: Node, worker: str) -> Sequence[Payslip]:
    """What a worker was paid, the newest first."""
    with node.store.read() as state:
        return list(state.list(Payslip, worker=worker))[::-1]


def operator_of(node: Node, plan: str) -> str:
    """Whose plan it is; nothing if there is none. For who may speak for every operator, as the steward may."""
    with node.store.read() as state:
        found = state.get(PayRun, plan)
        return found.operator if found else ""


def payer_of(node: Node, pay: str) -> str:
    """Who paid a payslip; nothing if there is none. For who may speak for every operator, as the steward may."""
    with node.store.read() as state:
        found = state.get(Payslip, pay)
        return found.operator if found else ""
