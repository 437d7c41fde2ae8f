"""Random histories: facts that can follow each other, in no sensible order, for tests of whoever keeps or folds them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from stories import story

from usufruct.core.access.facts import ConsentGiven, ConsentRefused, ConsentsRecorded, HoldAllowed, UseHeld
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Fact
from usufruct.core.contract.facts import (
    AgreementEnded,
    AgreementReached,
    NegotiationMoved,
    OfferPublished,
    OfferWithdrawn,
    Terms,
)
from usufruct.core.epochs import EpochClosed
from usufruct.core.exchange.facts import (
    CallAbandoned,
    CallAdmitted,
    CallAnswered,
    CallRefused,
    CallReturned,
    CallSent,
    ClientRegistered,
    NodeLinked,
    PersonLookedUp,
    ServiceClosed,
    ServiceOpened,
    ServiceRegistered,
    ServiceWithdrawn,
)
from usufruct.core.income.facts import AssetStatement, LevyTotal, PeriodClosed, PeriodPlanned
from usufruct.core.income.posting import PaymentReceived, PostingCorrected
from usufruct.core.income.waterfall import Share
from usufruct.core.lineage.facts import StepRecorded, TransformRegistered
from usufruct.core.privacy.facts import BudgetOpened, QueryAbandoned, QueryAdmitted, QueryAnswered, QueryRefused
from usufruct.core.registry.facts import (
    AssetRegistered,
    Column,
    PartyRegistered,
    PersonErased,
    PersonsEnrolled,
    Quality,
    Removed,
    RightGranted,
)
from usufruct.core.registry.grants import RightPledged, RightReleased, RightRevoked, RightTransferred
from usufruct.core.rulebook.grounds import GROUNDS

PARTIES = ("anna", "bo", "chen", "dana", "eve")
ASSETS = ("rides", "wages")
PURPOSES = ("AcademicResearch", "ResearchAndDevelopment", "Purpose", "Marketing")
SERVICE, CLIENT = "EE/GOV/1/rr/persons", "EE/COM/2/clinic"
PERSONS = 40
LONG_AGO = Instant("2026-01-01T00:00:00.000Z")
TERMS = Terms("aggregates", ("AcademicResearch",), 5, "EUR", 1)


class History:
    """A source of facts. `beginning` must be recorded first; then `facts` go on for ever."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._number = self._epochs = self._stories = 0
        self._place = self._paid = 0  # where the next fact will stand in the journal, and the last payment stands
        self._open: list[tuple[str, str]] = []  # uses without an end, and their assets
        self._calls: list[str] = []
        self._offers: list[str] = []
        self._rights: list[tuple[str, str]] = []
        self._agreements: list[str] = []
        self._plans: list[tuple[str, str]] = []
        self._story: list[Fact] = []  # what must follow, in its order

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
        yield ServiceRegistered(SERVICE, "anna", "Persons", "http://rr.example", PURPOSES, ("GET",), 3, "path:2")
        yield ServiceOpened(SERVICE, CLIENT, PURPOSES)
        for party in PARTIES:
            yield HoldAllowed(party, next(iter(GROUNDS)), 3, "a law")

    def facts(self) -> Iterator[Fact]:
        """One fact after another."""
        makers = (
            self._party, self._right, self._change_of_hands,
            self._offer, self._withdrawal, self._move, self._agreement, self._end, self._consent,
            self._consents, self._refused, self._admitted, self._admitted, self._ended, self._ended, self._period,
            self._exchange, self._call, self._call, self._call_ended, self._call_ended, self._looked_up,
            self._held, self._epoch, self._erased, self._step, *[self._told] * 14,
        )  # fmt: skip
        self._place = len(list(self.beginning()))
        while True:
            self._number += 1
            fact = self._chance.choice(makers)(str(self._number))
            if fact is not None:
                yield fact
                self._place += 1

    def _party(self, number: str) -> Fact:
        kind = self._chance.choice(("person", "organisation"))
        return PartyRegistered(self._chance.choice((*PARTIES, f"party-{number}")), kind, f"Party {number} · é")

    def _right(self, number: str) -> Fact:
        a, b = self._chance.sample(PARTIES, 2)
        self._rights.append((f"right-{number}", self._chance.choice(ASSETS)))
        return RightGranted(*self._rights[-1], "use", a, b, self._chance.random() < 0.5)

    def _change_of_hands(self, number: str) -> Fact | None:
        if not self._rights:
            return None
        (id, asset), (a, b) = self._chance.choice(self._rights), self._chance.sample(PARTIES, 2)
        becomes = self._chance.choice((id, f"right-{number}"))
        lent = RightPledged(
            f"right-{number}",
            id,
            asset,
            "use",
            a,
            b,
            "pilot",
            END_OF_TIME,
            PURPOSES,
            exclusive=self._chance.random() < 0.5,
        )
        changes = (
            RightTransferred(id, asset, a, b, becomes), lent, RightReleased(id, asset, a, b), RightRevoked(id, asset, a, b)
        )  # fmt: skip
        fact = self._chance.choice(changes)
        if isinstance(fact, RightTransferred | RightPledged):
            self._rights.append((fact.becomes if isinstance(fact, RightTransferred) else fact.id, asset))
        return fact

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

    def _exchange(self, number: str) -> Fact:
        return self._chance.choice((
            ServiceRegistered(f"EE/GOV/1/rr/{number}", "bo", "Other", "http://other.example", PURPOSES, ("GET",), 1),
            ServiceWithdrawn(SERVICE),
            ClientRegistered(CLIENT, self._chance.choice(PARTIES), "eve"),
            ServiceOpened(SERVICE, CLIENT, PURPOSES, "Marketing"),
            ServiceClosed(SERVICE, CLIENT),
            NodeLinked("EE/GOV/3/x", f"https://{number}.example"),
        ))  # fmt: skip

    def _call(self, number: str) -> Fact:
        call, said = f"call-{number}", (SERVICE, CLIENT, "bo", "GET", "Marketing", "id", "hash")
        if self._chance.random() < 0.2:
            return CallRefused(call, *said, "exchange.closed", ("no",), "ask")
        self._calls.append(call)
        return (
            CallAdmitted(call, *said) if self._chance.random() < 0.7 else CallSent(call, *said, "https://there.example")
        )

    def _call_ended(self, number: str) -> Fact | None:
        if not self._calls:
            return None
        call = self._calls.pop(self._chance.randrange(len(self._calls)))
        return self._chance.choice(
            (CallAnswered(call, 200, 1), CallReturned(call, 404, 4, 9), CallAbandoned(call, "gone"))
        )

    def _looked_up(self, number: str) -> Fact:
        return PersonLookedUp(f"call-{number}", self._chance.choice(PARTIES), SERVICE, CLIENT, "bo", "Marketing")

    def _held(self, number: str) -> Fact:
        return UseHeld(f"use-{number}", self._chance.choice(PARTIES), next(iter(GROUNDS)), LONG_AGO)

    def _epoch(self, number: str) -> Fact:
        self._epochs += 1
        return EpochClosed(self._epochs - 1, self._epochs - 1, "slips", "counts")

    def _erased(self, number: str) -> Fact:
        removed = (Removed(self._chance.choice(ASSETS), self._chance.randrange(PERSONS), "digest"),)
        return PersonErased(f"party-{number}", int(number), removed, "anna", ())

    def _told(self, number: str) -> Fact:
        if not self._story:
            member = f"member-{self._chance.randrange(PERSONS)}"
            self._stories += 1
            self._story = story(self._chance, self._stories, number, self._chance.choice(ASSETS), PARTIES, member)
        fact = self._story.pop(0)
        if isinstance(fact, PaymentReceived):
            self._paid = self._place
        return replace(fact, seq=self._paid) if isinstance(fact, PostingCorrected) else fact

    def _step(self, number: str) -> Fact:
        if self._chance.random() < 0.3:
            return TransformRegistered(
                f"transform-{number}", "Counts", "aggregate", ASSETS, "digest", "office", "bo", 1
            )
        outputs = tuple(self._chance.sample((*ASSETS, "report", f"sheet-{number}"), 2))
        return StepRecorded(f"step-{number}", "processed", ("paper",), outputs, "chen", "by hand", LONG_AGO)

    def _period(self, number: str) -> Fact:
        if self._plans and self._chance.random() < 0.5:
            return PeriodClosed(*self._plans.pop(), "anna")
        self._plans.append((f"period-{number}", f"plan-{number}"))
        statement = AssetStatement(
            "rides",
            (),
            12,
            (Share("party:anna", 5000, 4, "running", "work", 12), Share("fund:solidarity", 0, 1)),
            7,
            1,
            "",
            root=f"{number}",
            persons=5,
            paid_out=6,
            carried=1,
        )
        levied = LevyTotal("city", 1, "asset", 2026, 12, 1, 1)
        return PeriodPlanned(
            f"plan-{number}", f"period-{number}", None, 0, 1, "EUR", 12, (statement,), levies=(levied,)
        )
