"""A node where people look for work: couriers, an operator who posts jobs, a customer, and who speaks for the chambers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from story import done
from support import SetClock
from usufruct.core.base.instants import Instant, later
from usufruct.core.registry.credentials import Claim, CredentialAccepted
from usufruct.core.work.allocation import lottery
from usufruct.core.work.allocation.instance import CHAMBERS
from usufruct.core.work.allocation.rule import AllocationRule, Part
from usufruct.core.work.facts import JobTerms, Pay, Span
from usufruct.core.work.skills.state import IssuerRecognised
from usufruct.main import create_node, open_node
from usufruct.node import register, rounds, work
from usufruct.node.node import Node

OPERATOR, RIDERS, SHOP, UNION, SHOPS = "tartu-work", "city-riders", "book-shop", "riders-union", "shops-of-tartu"
COURIERS = ("anu", "bert", "carmen", "dina")
SPEAKERS = (UNION, RIDERS, SHOPS)
SECRETS = {chamber: hashlib.sha256(chamber.encode()).hexdigest() for chamber in CHAMBERS}
SPEAKER = dict(zip(CHAMBERS, SPEAKERS, strict=True))
RULE = AllocationRule("stable", (Part("fairness", 2), Part("waiting", 1)))
ROUND = "monday-noon"


class World:
    """The node, with its clock. Hours are counted from the moment at which the world begins."""

    def __init__(self, node: Node, clock: SetClock) -> None:
        self.node, self.clock, self.start = node, clock, clock.at

    def at(self, hours: float) -> Instant:
        """So many hours after the beginning."""
        return later(self.start, hours=hours)

    def go(self, hours: float) -> None:
        """It is so many hours after the beginning, and a little."""
        self.clock.at = later(self.at(hours), seconds=1)

    def terms(self, starts: float = 48, ends: float = 51, **more: Any) -> JobTerms:
        """Deliveries for an hour, within a window."""
        plain = JobTerms("deliveries", "tartu-centre", self.at(starts), self.at(ends), 60, Pay("EUR", 0, 1500))
        return replace(plain, **more)

    def span(self, start: float, end: float) -> Span:
        """From so many hours after the beginning to so many."""
        return Span(self.at(start), self.at(end))

    def post(self, by: str = RIDERS, round: str = "", until: Instant | None = None, **more: Any) -> str:
        """A job; its id."""
        return done(work.post(self.node, by, self.terms(**more), until, round)).job

    def id(self, name: str) -> str:
        """The id of somebody."""
        from usufruct.core.registry.rules import id_of

        with self.node.store.read() as state:
            return id_of(state, name)

    def skilled(self, name: str, *skills: str) -> None:
        """An issuer that is recognised for everything said what somebody can."""
        party = self.id(name)

        def accept(tx: Any) -> None:
            tx.append(IssuerRecognised(f"recognition-{tx.next}", "did:web:school.example", "a school", OPERATOR))
            tx.append(CredentialAccepted(
                f"credential-{name}", party, "did:web:school.example", "Certificate", f"key-of-{name}",
                (Claim("skill", skills),), self.at(10_000), "", 0, True,
            ))  # fmt: skip

        self.node.store.write(accept)

    # ---- a round, step by step

    def open(self, round: str = ROUND, rule: AllocationRule = RULE, closes: float = 12, **more: Any) -> None:
        """A round whose wishes close so many hours after the beginning, and whose secrets are opened for two."""
        done(rounds.open_round(
            self.node, round, rule, SPEAKERS, self.at(closes), self.at(closes + 2), OPERATOR, **more
        ))  # fmt: skip

    def commit(self, *chambers: str, round: str = ROUND) -> None:
        """These chambers commit to their secrets; all of them if none is named."""
        for chamber in chambers or CHAMBERS:
            secret = bytes.fromhex(SECRETS[chamber])
            done(rounds.commit(self.node, round, SPEAKER[chamber], lottery.commitment(secret, round)))

    def wish(self, name: str, *jobs: str, round: str = ROUND) -> None:
        """Somebody says which jobs she would do."""
        done(rounds.wish(self.node, round, name, jobs))

    def reveal(self, *chambers: str, round: str = ROUND) -> None:
        """These chambers open their secrets; all of them if none is named."""
        for chamber in chambers or CHAMBERS:
            done(rounds.open_secret(self.node, round, SPEAKER[chamber], SECRETS[chamber]))


@contextmanager
def world(directory: Path) -> Iterator[World]:
    """A new node with everybody in it."""
    create_node(directory, "Tartu Work", OPERATOR, "Tartu Work", "EUR")
    clock = SetClock(tick=0)
    with open_node(directory, clock=clock) as node:
        for name in (RIDERS, SHOP, UNION, SHOPS):
            done(register.add_party(node, name, "organisation", name))
        for name in COURIERS:
            done(register.add_party(node, name, "person", name.capitalize()))
        yield World(node, clock)
