"""Random histories: facts that can follow each other, in no sensible order, for tests of whoever keeps or folds them."""

from __future__ import annotations

import random
from collections.abc import Iterator

from usufruct.core.access.facts import ConsentGiven, ConsentRefused, ConsentsRecorded
from usufruct.core.base.instants import END_OF_TIME
from usufruct.core.base.records import Fact
from usufruct.core.contract.facts import (
    AgreementEnded,
    AgreementReached,
    NegotiationMoved,
    OfferPublished,
    OfferWithdrawn,
    Terms,
)
from usufruct.core.income.facts import AssetStatement, PeriodClosed, PeriodPlanned, Share
from usufruct.core.privacy.facts import BudgetOpened, QueryAbandoned, QueryAdmitted, QueryAnswered, QueryRefused
from usufruct.core.registry.facts import (
    AssetRegistered,
    Column,
    PartyRegistered,
    PersonsEnrolled,
    Quality,
    RightGranted,
)

PARTIES = ("anna", "bo", "chen", "dana", "eve")
ASSETS = ("rides", "wages")
PURPOSES = ("AcademicResearch", "ResearchAndDevelopment", "Purpose", "Marketing")
PERSONS = 40
TERMS = Terms("aggregates", ("AcademicResearch",), 5, "EUR", 1)


class History:
    """A source of facts. `beginning` must be recorded first; then `facts` go on for ever."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._number = 0
        self._open: list[tuple[str, str]] = []  # uses without an end, and their assets
        self._offers: list[str] = []
        self._agreements: list[str] = []
        self._plans: list[tuple[str, str]] = []

    def beginning(self) -> Iterator[Fact]:
        """Parties, assets, persons, budgets."""
        for party in PARTIES:
            yield PartyRegistered(party, "organisation", party.capitalize())
        for asset in ASSETS:
            columns = (Column("nr", "integer", "personal", 2), Column("paid", "decimal", "personal", 3, low=0, high=40))
            yield AssetRegistered(
                asset, "anna", "bo", asset, "", "", (asset, "é"), "v1", "digest", "nr", columns, 1, (),
                Quality(9, PERSONS, (0, 0)),
            )  # fmt: skip
            yield PersonsEnrolled(asset, 0, tuple(f"member-{number}" for number in range(PERSONS)))
            yield BudgetOpened(asset, "v1", 1_000_000)

    def facts(self) -> Iterator[Fact]:
        """One fact after another."""
        makers = (
            self._party, self._right, self._offer, self._withdrawal, self._move, self._agreement, self._end, self._consent,
            self._consents, self._refused, self._admitted, self._admitted, self._ended, self._ended, self._period,
        )  # fmt: skip
        while True:
            self._number += 1
            fact = self._chance.choice(makers)(str(self._number))
            if fact is not None:
                yield fact

    def _party(self, number: str) -> Fact:
        kind = self._chance.choice(("person", "organisation"))
        return PartyRegistered(self._chance.choice((*PARTIES, f"party-{number}")), kind, f"Party {number} · é")

    def _right(self, number: str) -> Fact:
        a, b = self._chance.sample(PARTIES, 2)
        return RightGranted(f"right-{number}", self._chance.choice(ASSETS), "use", a, b, self._chance.random() < 0.5)

    def _offer(self, number: str) -> Fact:
        asset, party = self._chance.choice(ASSETS), self._chance.choice(PARTIES)
        self._offers.append(f"offer-{self._chance.randrange(9)}")
        return OfferPublished(self._offers[-1], asset, party, TERMS, END_OF_TIME, self._chance.random() < 0.5)

    def _withdrawal(self, number: str) -> Fact | None:
        return OfferWithdrawn(self._chance.choice(self._offers)) if self._offers else None

    def _move(self, number: str) -> Fact:
        provider, consumer = self._chance.sample(PARTIES, 2)
        state = self._chance.choice(("REQUESTED", "AGREED", "TERMINATED"))
        negotiation = f"negotiation-{self._chance.randrange(12)}"
        return NegotiationMoved(negotiation, "offer-1", provider, consumer, consumer, "request", state)

    def _agreement(self, number: str) -> Fact:
        provider, consumer = self._chance.sample(PARTIES, 2)
        self._agreements.append(f"agreement-{number}")
        asset = self._chance.choice(ASSETS)
        return AgreementReached(
            self._agreements[-1], "negotiation-1", "offer-1", asset, provider, consumer, TERMS, END_OF_TIME, "right-1"
        )

    def _end(self, number: str) -> Fact | None:
        return AgreementEnded(self._chance.choice(self._agreements), "anna") if self._agreements else None

    def _consent(self, number: str) -> Fact:
        kind = self._chance.choice((ConsentGiven, ConsentRefused))
        return kind(
            self._chance.choice(ASSETS), f"member-{self._chance.randrange(PERSONS)}", self._chance.choice(PURPOSES)
        )

    def _consents(self, number: str) -> Fact:
        numbers = tuple(sorted(self._chance.sample(range(PERSONS), 7)))
        return ConsentsRecorded(self._chance.choice(ASSETS), self._chance.choice(PURPOSES), numbers, "forms")

    def _refused(self, number: str) -> Fact:
        return QueryRefused(
            f"use-{number}", self._chance.choice(PARTIES), "rides", "Marketing", "SELECT 1", "access.no-agreement",
            ("no",), "ask",
        )  # fmt: skip

    def _admitted(self, number: str) -> Fact:
        use, asset = f"use-{number}", self._chance.choice(ASSETS)
        self._open.append((use, asset))
        price = self._chance.choice((0, 5, 700))
        return QueryAdmitted(
            use, self._chance.choice(PARTIES), "agreement-1", asset, "v1", "AcademicResearch", "SELECT", "counts", 10, price,
            "EUR", "seal",
        )  # fmt: skip

    def _ended(self, number: str) -> Fact | None:
        if not self._open:
            return None
        use, asset = self._open.pop(self._chance.randrange(len(self._open)))
        if self._chance.random() < 0.2:
            return QueryAbandoned(use, "the node stopped")
        return QueryAnswered(use, "anna", asset, "AcademicResearch", "counts", "answer", "contributions")

    def _period(self, number: str) -> Fact:
        if self._plans and self._chance.random() < 0.5:
            return PeriodClosed(*self._plans.pop(), "anna")
        self._plans.append((f"period-{number}", f"plan-{number}"))
        statement = AssetStatement(
            "rides", (), 12, (Share("party:anna", 5000, 4), Share("fund:solidarity", 0, 1)), 7, 1, ""
        )
        return PeriodPlanned(f"plan-{number}", f"period-{number}", None, 0, 1, "EUR", 12, (statement,))
