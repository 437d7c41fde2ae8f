"""A node on which riders have worked, for tests of pages, of the API and of exports."""

from __future__ import annotations

import story
from usufruct.core.base.instants import Instant, later
from usufruct.core.registry.rules import id_of
from usufruct.node import register, work_pay
from usufruct.node.node import Node
from usufruct.node.work_pay import Paid
from usufruct.ports import Transaction
from working import OPERATOR, agreed, job, week_of


def ride(node: Node, riders: int = 2, weeks: int = 2) -> Instant:
    """City Riders post a job; the riders work for some weeks, which are over; returns the first Monday."""
    now = node.clock.now()
    monday = later(Instant(f"{now[:10]}T00:00:00.000Z"), days=-7 * weeks - 7)
    story.done(register.add_party(node, OPERATOR, "organisation", "City Riders"))
    for number in range(1, riders + 1):
        story.done(register.add_party(node, f"rider-{number}", "person", f"Rider {number}"))

    def work(tx: Transaction) -> None:
        for fact in job(at=monday):
            tx.append(fact)
        for number in range(1, riders + 1):
            rider = id_of(tx, f"rider-{number}")
            for fact in agreed(rider, at=monday):
                tx.append(fact)
            for week in range(weeks):
                for fact in week_of(rider, later(monday, days=7 * week), gross=1000 + 20 * number):
                    tx.append(fact)

    node.store.write(work)
    return monday


def pay(node: Node, until: Instant | None = None) -> Paid:
    """Everything that is not paid yet is."""
    plan = story.done(work_pay.plan(node, OPERATOR, None, until, OPERATOR))
    return story.done(work_pay.pay(node, plan.plan, OPERATOR, OPERATOR))


def rider(node: Node, number: int = 1) -> str:
    """The id of a rider."""
    with node.store.read() as state:
        return id_of(state, f"rider-{number}")
