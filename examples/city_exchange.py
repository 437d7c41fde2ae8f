"""The node of an exchange, with everybody in it: operators, couriers, and who speaks for the three chambers. See exchange_day.py.

A job here is a shift: an operator posts so many seats of it, and each order that is brought in it is a piece of work.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from couriers import OPERATORS

from usufruct.core.base.instants import Instant, later
from usufruct.core.base.refusals import Refusal
from usufruct.core.work.allocation import lottery
from usufruct.core.work.allocation.instance import CHAMBERS
from usufruct.core.work.facts import JobTerms, Pay, Span
from usufruct.core.work.files.deliveries import Courier, Day
from usufruct.main import SystemClock, create_node
from usufruct.node import register, rounds, work
from usufruct.node.node import Node

EXCHANGE, UNION, CUSTOMERS = "exchange", "riders-union", "eaters-council"
SPEAKERS = dict(zip(CHAMBERS, (UNION, "blue-bag", CUSTOMERS), strict=True))
PLACE, LIGHT = "riverside", "front-and-rear-light"
SECRETS = {chamber: sha256(f"drawn by the {chamber}".encode()).digest() for chamber in CHAMBERS}
T = TypeVar("T")


class Clock:
    """The story's own clock, set by hand; it begins a minute from now."""

    def __init__(self) -> None:
        self.at = later(SystemClock().now(), seconds=60)
        self.day = Instant(f"{later(self.at, days=2)[:10]}T09:00:00.000Z")  # the day that is told: minute 0

    def now(self) -> Instant:
        """The moment to which it is set."""
        return self.at

    def steady(self) -> int:
        """It stands still."""
        return 0

    def minute(self, count: int) -> Instant:
        """A minute of the day."""
        return later(self.day, minutes=count)

    def span(self, start: int, end: int) -> Span:
        """From one minute of the day until another."""
        return Span(self.minute(start), self.minute(end))


def done(found: T | Refusal) -> T:
    """What was done, which no rule refused."""
    assert not isinstance(found, Refusal), found
    return found


def make(folder: Path) -> None:
    """A new node."""
    create_node(folder, "City Exchange", EXCHANGE, "City Exchange", "USD")


def enter(node: Node, day: Day, clock: Clock) -> None:
    """Everybody registers; couriers say when they would work, and for whom they do not."""
    for name in (*OPERATORS, UNION, CUSTOMERS):
        done(register.add_party(node, name, "organisation", name))
    for one in day.couriers:
        done(register.add_party(node, one.id, "person", one.id))
        refused = tuple(f"by:{name}" for name in one.refuses if name in OPERATORS)
        done(work.state_availability(node, one.id, (clock.span(one.on, one.off),), (PLACE,), refusals=refused))


def post(node: Node, day: Day, clock: Clock, round: str) -> dict[tuple[str, int, int], str]:
    """Each operator posts shifts in the round: a seat less than couriers would ride then, where several would."""
    wanted = Counter((one.operators[0], one.on, one.off) for one in day.couriers)
    jobs = {}
    for (operator, on, off), count in sorted(wanted.items()):
        terms = JobTerms(
            "deliveries", PLACE, clock.minute(on), clock.minute(off), off - on, Pay("USD", day.conduct.per_order),
            conditions=(LIGHT,), seats=max(1, count - 1),
        )  # fmt: skip
        jobs[operator, on, off] = done(work.post(node, operator, terms, round=round)).job
    return jobs


def wishes(one: Courier, jobs: dict[tuple[str, int, int], str]) -> tuple[str, ...]:
    """The shifts that lie within the time in which she would work, her own first."""
    fits = [key for key in jobs if one.on <= key[1] and key[2] <= one.off and key[0] in one.operators]
    return tuple(
        jobs[key] for key in sorted(fits, key=lambda key: (key[1] != one.on, one.operators.index(key[0]), key))
    )


def draw(node: Node, round: str, step: str) -> None:
    """Each chamber commits to its secret, or opens it."""
    for chamber, speaker in SPEAKERS.items():
        secret = SECRETS[chamber]
        if step == "commit":
            done(rounds.commit(node, round, speaker, lottery.commitment(secret, round)))
        else:
            done(rounds.open_secret(node, round, speaker, secret.hex()))


def on_shift(one: Courier, terms: JobTerms, operator: str, clock: Clock) -> Courier:
    """The courier with the shift that she agreed to, at the operator whose it is."""
    on, off = (next(m for m in range(0, 1000, 30) if clock.minute(m) == at) for at in (terms.starts, terms.ends))
    pauses = tuple(pause for pause in one.pauses if on < pause[0] and pause[1] < off)
    return replace(one, on=on, off=off, operators=(operator,), pauses=pauses)
