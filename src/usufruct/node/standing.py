"""Agreements that run by themselves: looks at the clock, takes the steps that are due, each a fact, in their order.

A round takes what is due in all agreements, the earliest first, however many rounds were missed; a crash in between loses
nothing, for what was done is in the journal and what is to be done follows from it (see `core.access.clauses`).
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from usufruct.core.access import clauses
from usufruct.core.access.clauses import (
    AgreementLapsed,
    AgreementRenewed,
    FeeDue,
    NoticeGiven,
    OfferScheduled,
    RenewalDeclined,
    Running,
    Schedule,
    Step,
)
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import Money
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import AgreementEnded
from usufruct.core.contract.state import Agreement
from usufruct.core.privacy.state import Budget
from usufruct.core.registry.state import Asset
from usufruct.node.node import Node
from usufruct.ports import Transaction

AT_ONCE = 500  # steps in one transaction


def schedule_offer(node: Node, offer: str, by: str, schedule: Schedule) -> OfferScheduled | Refusal:
    """Puts clauses on an offer, by which agreements on it run.

    Raises:
        BadInput: the schedule says what cannot be.
    """
    return node.record(lambda tx: clauses.schedule(tx, offer, by, schedule))


def decline_renewal(node: Node, agreement: str, by: str) -> RenewalDeclined | Refusal:
    """One side does not want an agreement to be renewed."""
    return node.record(lambda tx: clauses.decline(tx, agreement, by, tx.now))


def follow(node: Node) -> str:
    """Takes every step that is due; says in words what was done, empty if nothing was."""
    taken = rounds(node)
    return "; ".join([*map(in_words, taken[:5]), *([f"and {len(taken) - 5} more"] if len(taken) > 5 else [])])


def rounds(node: Node) -> list[Step]:
    """Takes every step that is due, the earliest first."""
    taken: list[Step] = []
    while True:
        with node.store.read() as state:
            now = node.clock.now()
            waiting = [
                (step.due, running.agreement)
                for running in state.list(Running, state="runs")
                if (step := _next(node, state, running, now)) is not None
            ]
        if not waiting:
            return taken
        heapify(waiting)
        node.reach("standing before steps")
        taken += node.store.write(lambda tx, waiting=waiting: _take(node, tx, waiting))  # type: ignore[misc]
        node.reach("standing after steps")


def _take(node: Node, tx: Transaction, waiting: list[tuple[Instant, str]]) -> list[Step]:
    taken: list[Step] = []
    while waiting and len(taken) < AT_ONCE:
        _, agreement = heappop(waiting)
        running = tx.get(Running, agreement)
        step = _next(node, tx, running, tx.now) if running else None
        if step is None:
            continue
        tx.append(step)
        taken.append(step)
        if isinstance(step, AgreementLapsed) and step.clause != "end":
            tx.append(AgreementEnded(agreement, node.about.operator))
        running = tx.get(Running, agreement)
        following = _next(node, tx, running, tx.now) if running else None
        if following is not None:
            heappush(waiting, (following.due, agreement))
    return taken


def _next(node: Node, read: Reader, running: Running, now: Instant) -> Step | None:
    """The next step of an agreement that is due by now."""
    agreement = read.get(Agreement, running.agreement)
    if agreement is None or running.state != "runs":
        return None
    met = next((name for name in running.schedule.ends if _met(node, read, agreement, name, now)), None)
    if met is not None:
        return AgreementLapsed(agreement.id, f"end/{met}", now)
    step = clauses.due(agreement, running, lambda: clauses.end_of_right(read, agreement, now))
    return step if step is not None and step.due <= now else None


def _met(node: Node, read: Reader, agreement: Agreement, condition: str, now: Instant) -> bool:
    """Whether a condition that ends an agreement is met."""
    if condition == "right":
        return clauses.end_of_right(read, agreement, now) is None
    asset = read.get(Asset, agreement.asset)
    budget = read.get(Budget, asset.id, asset.version) if asset else None
    return budget is None or budget.left < node.rulebook.value("privacy.question-micro-rho-min", now)


def in_words(step: Step) -> str:
    """What a step did."""
    match step:
        case FeeDue():
            return f"{step.agreement}: {step.clause} {step.number}, {Money(step.amount, step.currency)}, due {step.due[:10]}"
        case AgreementRenewed():
            return f"{step.agreement}: {step.clause} {step.number}, until {step.until[:10]}"
        case NoticeGiven():
            return f"{step.agreement}: {step.clause}, it ends on {step.until[:10]}"
        case AgreementLapsed():
            return f"{step.agreement}: {step.clause}, it is over"
