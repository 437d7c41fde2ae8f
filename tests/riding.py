"""A node on which riders have worked, for tests of pages, of the API and of exports."""

from __future__ import annotations

import story
from delivering import OPERATOR, agreed, job, week_of
from support import SetClock
from usufruct.core.base.instants import Instant, later, moment
from usufruct.core.registry.rules import id_of
from usufruct.node import register, work_pay
from usufruct.node.node import Node
from usufruct.node.operators import half_of
from usufruct.node.work_pay import Paid
from usufruct.ports import Transaction


def ride(node: Node, riders: int = 2, weeks: int = 2) -> Instant:
    """City Riders post a job; the riders work for some weeks, which are over; returns the first Monday.

    All of it lies in one half-year: near the beginning of one, a clock that can be set goes on first.
    """
    monday = _monday(node.clock.now(), weeks)
    while isinstance(node.clock, SetClock) and half_of(monday) != half_of(node.clock.now()):
        node.clock.move(days=7)
        monday = _monday(node.clock.now(), weeks)
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


def _monday(now: Instant, weeks: int) -> Instant:
    back = moment(now).isoweekday() - 1 + 7 * weeks
    return later(Instant(f"{now[:10]}T00:00:00.000Z"), days=-back)


def pay(node: Node, until: Instant | None = None) -> Paid:
    """Everything that is not paid yet is."""
    plan = story.done(work_pay.plan(node, OPERATOR, None, until, OPERATOR))
    return story.done(work_pay.pay(node, plan.plan, OPERATOR, OPERATOR))


def rider(node: Node, number: int = 1) -> str:
    """The id of a rider."""
    with node.store.read() as state:
        return id_of(state, f"rider-{number}")
