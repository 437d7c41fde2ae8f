"""A day on the exchange: shifts posted and allotted by a round, orders brought, rules checked, everybody paid.

    python examples/exchange_day.py

People and orders are made up by couriers.py; who is told what within the day is decided by dispatch.py. All else is done by
the node and is in its journal, which is checked at the end. The clock of the story is set by hand.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from city_exchange import CUSTOMERS, EXCHANGE, LIGHT, UNION, Clock, done, draw, enter, make, on_shift, post, wishes
from courier_day import dollars
from couriers import day as make_day
from dispatch import dispatch
from exchange_pay import check, govern, mine, pay

from usufruct.core.work.allocation import certificate
from usufruct.core.work.allocation.rule import AllocationRule, Part
from usufruct.core.work.files.deliveries import Carried, Courier, Day
from usufruct.main import open_node
from usufruct.node import rounds, work
from usufruct.node.node import Node
from usufruct.store.audit import verify

ROUND, PRICE, FEE, TIP = "friday", 1250, 250, 200
RULE = AllocationRule("stable", (Part("fairness", 2), Part("waiting", 1)))


def tell(folder: Path) -> dict[str, Any]:
    """The story; returns what it came to."""
    make(folder)
    clock, day = Clock(), make_day(250, 60, seed=2)
    with open_node(folder, clock=clock) as node:
        govern(node)
        agreed = allot(node, day, clock)
        riding = [on_shift(one, terms, operator, clock) for one, (_, operator, terms) in agreed]
        trips = dispatch(replace(day, couriers=tuple(riding)), fairness=1).carried
        shifts = {
            one.id: (agreement, courier) for (one, (agreement, _, _)), courier in zip(agreed, riding, strict=True)
        }
        ride(node, day, clock, shifts, trips)
        found = check(node)
        slips = pay(node)
        courier = max(shifts, key=lambda name: sum(trip.courier == name for trip in trips))
        own = mine(node, courier)
    report = verify(folder)
    print(f"The journal: {report.facts} facts, {'sound' if report.sound else 'NOT SOUND'}.")
    return {"agreed": agreed, "trips": trips, "found": found, "slips": slips, "own": own, "report": report}


def allot(node: Node, day: Day, clock: Clock) -> list[tuple[Courier, tuple[str, str, Any]]]:
    """The round of the shifts; each courier who got one, with its job agreement, operator and terms."""
    print("Operators post shifts in a round; couriers say when they would work, and what they wish.")
    enter(node, day, clock)
    speakers = (UNION, "blue-bag", CUSTOMERS)
    closes, opens = clock.minute(-24 * 60), clock.minute(-23 * 60)
    done(rounds.open_round(node, ROUND, RULE, speakers, closes, opens, EXCHANGE))
    jobs = post(node, day, clock, ROUND)
    draw(node, ROUND, "commit")
    for one in day.couriers:
        done(rounds.wish(node, ROUND, one.id, wishes(one, jobs)))
    clock.at = closes
    closed = done(rounds.close(node, ROUND))
    draw(node, ROUND, "open")
    done(rounds.plan(node, ROUND))
    settled = done(rounds.settle(node, ROUND))
    print(f"  {closed.workers} couriers, {closed.jobs} shifts with {closed.seats} seats, {settled.agreed} agreed")
    data, proof = rounds.instance(node, ROUND, UNION, False), rounds.certificate(node, ROUND)
    assert data is not None and proof is not None
    checked = certificate.check(data, proof)
    assert isinstance(checked, certificate.Checked)
    print(
        f"  the union checks the certificate without a solver: {checked.matched} of {checked.workers}, and no other way"
    )
    found = []
    for one in day.couriers:
        mine = work.mine(node, one.id).agreements
        if mine:
            found.append((one, (mine[0].id, mine[0].poster, mine[0].terms)))
    without = next(one.id for one in day.couriers if not work.mine(node, one.id).agreements)
    own = done(rounds.own(node, ROUND, without))
    print(f"  {without} got none, and reads why:")
    print(f"    {own.reasons[0].words}; {own.reasons[0].change}")
    return found


def ride(node: Node, day: Day, clock: Clock, shifts: dict[str, tuple[str, Courier]], trips: list[Carried]) -> None:
    """The day: operators record shifts and what was done in them. One rider's light was out on her last trip."""
    clock.at = clock.minute(24 * 60)
    after = -(-day.conduct.dropoff_minutes // 2)
    for agreement, one in shifts.values():
        online = tuple(clock.span(*span) for span in one.online)
        span, mine = clock.span(one.on, one.off), [trip for trip in trips if trip.courier == one.id]
        shift = done(work.record_shift(node, one.operators[0], one.id, span.start, span.end, online)).shift
        for number, trip in enumerate(mine, 1):
            out = one.id == trips[-1].courier and number == len(mine)
            told = work.Done(
                agreement, (clock.span(trip.told, trip.dropped[-1] + after),), PRICE, FEE, tips=TIP * (number % 3 == 0),
                shift=shift, safe=() if out else (LIGHT,),
            )  # fmt: skip
            done(work.record_work(node, one.operators[0], told))
    print(f"{len(trips)} orders are brought, each for {dollars(PRICE)} of which the operator keeps {dollars(FEE)}.")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as passing:
        tell(Path(passing) / "node")
