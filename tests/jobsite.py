"""A small exchange for work, for tests: two operators, a customer, a dozen couriers, jobs of the next days, and some work done.

Everything goes through the use cases, as the web and the command line do.
"""

from __future__ import annotations

import random

import story
from support import SetClock
from usufruct.core.base.instants import Instant, later
from usufruct.core.work.facts import JobTerms, Pay, Span
from usufruct.node import register, work
from usufruct.node.node import Node
from usufruct.node.work import Done

OPERATORS = ("city-riders", "fast-wheels")
CUSTOMER = "corner-bakery"
PLACES = ("tartu-centre", "tartu-north", "tallinn-old-town", "narva")
TITLES = ("Deliveries at lunch", "Deliveries in the evening", "Parcels", "Groceries")


def register_all(node: Node, workers: int = 12) -> tuple[str, ...]:
    """The parties; the workers by id."""
    for operator in OPERATORS:
        story.done(register.add_party(node, operator, "organisation", operator.replace("-", " ").title()))
    story.done(register.add_party(node, CUSTOMER, "organisation", "Corner Bakery"))
    ids = tuple(f"courier-{number}" for number in range(1, workers + 1))
    for number, id in enumerate(ids, 1):
        story.done(register.add_party(node, id, "person", f"Courier {number}"))
    return ids


def at(node: Node, day: int, hour: int) -> Instant:
    """An hour of the day that is so many days from now."""
    return Instant(f"{later(node.clock.now(), days=day)[:10]}T{hour:02}:00:00.000Z")


def terms(node: Node, day: int = 1, hour: int = 10, **about: object) -> JobTerms:
    """A job of an hour, within three."""
    known: dict[str, object] = {
        "title": TITLES[0], "place": PLACES[0], "minutes": 60, "pay": Pay("EUR", 450, 900), "metres": 6_000, **about
    }  # fmt: skip
    return JobTerms(starts=at(node, day, hour), ends=at(node, day, hour + 3), **known)  # type: ignore[arg-type]


def post_many(node: Node, count: int, seed: int = 7) -> list[str]:
    """Jobs at all places for the next week."""
    chance, found = random.Random(seed), []
    for _ in range(count):
        pay = Pay("EUR", chance.choice((0, 300, 450)), chance.randrange(700, 1800, 50), chance.choice((0, 25)))
        job = terms(
            node, chance.randint(1, 6), chance.randint(7, 19), title=chance.choice(TITLES), pay=pay,
            place=chance.choices(PLACES, (6, 3, 4, 1))[0], seats=chance.choice((1, 1, 2, 4)),
            skills=("urn:skill:cargo-bike",) if chance.random() < 0.3 else (),
            conditions=("helmet",) if chance.random() < 0.5 else (),
        )  # fmt: skip
        found.append(story.done(work.post(node, chance.choice((*OPERATORS, CUSTOMER)), job)).job)
    return found


def offer_themselves(node: Node, workers: tuple[str, ...]) -> None:
    """Each worker says when and where she would work."""
    for number, worker in enumerate(workers):
        spans = tuple(Span(at(node, day, 8), at(node, day, 20)) for day in range(1, 5))
        places = PLACES[:1] if number % 3 == 0 else PLACES[:2] if number % 3 == 1 else ()
        story.done(work.state_availability(node, worker, spans, places, 1_000 if number % 4 == 0 else 0))


def do(node: Node, worker: str, job: str, minutes: int, gross: int, fee: int) -> str:
    """A worker takes a job and does it: the piece of work."""
    agreed = story.done(work.take(node, job, worker))
    span = Span(agreed.terms.starts, later(agreed.terms.starts, minutes=minutes))
    done = Done(agreed.agreement, (span,), gross, fee, 4_200, 100)
    return story.done(work.record_work(node, agreed.poster, done)).work


def fill(node: Node, clock: SetClock) -> None:
    """For courier 1: a lunch shift that was done today, a job agreed, one offered; it is then the evening of the next day."""
    worker, operator = "courier-1", OPERATORS[0]
    lunch = story.done(work.post(node, operator, terms(node, 1, 10, title="Lunch", seats=2)))
    agreed = story.done(work.take(node, lunch.job, worker))
    start = agreed.terms.starts
    clock.at = later(start, hours=8)
    online = (Span(start, later(start, minutes=50)), Span(later(start, minutes=80), later(start, minutes=170)))
    shift = work.record_shift(node, operator, worker, start, later(start, minutes=180), online, "Europe/Tallinn")
    engaged = (
        Span(later(start, minutes=10), later(start, minutes=35)),
        Span(later(start, minutes=90), later(start, minutes=128)),
    )
    done = Done(agreed.agreement, engaged, 1_400, 280, 4_200, 150, shift=story.done(shift).shift)
    story.done(work.record_work(node, operator, done))
    market = story.done(work.post(node, operator, terms(node, 3, 9, title="Market day", seats=2)))
    for each in (worker, "courier-2"):
        story.done(work.take(node, market.job, each))
    rolls = story.done(work.post(node, operator, terms(node, 2, 9, title="Breakfast rolls", seats=3)))
    story.done(work.offer(node, rolls.job, worker, operator))
