"""What is offered, being negotiated, and agreed now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.contract.facts import (
    AgreementEnded,
    AgreementReached,
    DutyReported,
    NegotiationMoved,
    OfferPublished,
    OfferWithdrawn,
    Terms,
)


@dataclass(frozen=True, slots=True)
class Offer(Row):
    """See `OfferPublished`, the fact number `seq`; `open` until it is withdrawn."""

    KEY = ("id",)
    INDEXED = ("asset", "provider")
    id: str
    asset: str
    provider: str
    terms: Terms
    until: Instant
    standing: bool
    open: bool
    since: Instant
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Negotiation(Row):
    """Where two parties stand on an offer."""

    KEY = ("id",)
    INDEXED = ("provider", "consumer", "state")
    id: str
    offer: str
    provider: str
    consumer: str
    state: str
    since: Instant
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Agreement(Row):
    """See `AgreementReached`, the fact number `seq`; `ended` once one side has ended it."""

    KEY = ("id",)
    INDEXED = ("consumer", "asset", "provider")
    id: str
    offer: str
    asset: str
    provider: str
    consumer: str
    terms: Terms
    since: Instant
    until: Instant
    right: str
    ended: bool = False
    seq: int = 0

    def active(self, at: Instant) -> bool:
        """Whether uses can be admitted under it at `at`."""
        return not self.ended and self.since <= at < self.until


@dataclass(frozen=True, slots=True)
class Agreed(Row):
    """The agreements of a consumer on an asset that were not ended, the oldest first: what a decision begins with."""

    KEY = ("consumer", "asset")
    consumer: str
    asset: str
    agreements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgreementUses(Row):
    """How many uses were admitted under an agreement."""

    KEY = ("agreement",)
    agreement: str
    uses: int


@dataclass(frozen=True, slots=True)
class Duty(Row):
    """What was reported of a duty; it can be `violated` first and `fulfilled` late."""

    KEY = ("agreement", "duty")
    INDEXED = ("agreement",)
    agreement: str
    duty: str
    fulfilled: bool = False
    violated: bool = False


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact of the contract area changes."""
    match entry.fact:
        case OfferPublished() as fact:
            yield Offer(
                fact.offer, fact.asset, fact.provider, fact.terms, fact.until, fact.standing, True, entry.at, entry.seq
            )
        case OfferWithdrawn() as fact:
            offer = read.get(Offer, fact.offer)
            assert offer is not None
            yield replace(offer, open=False)
        case NegotiationMoved() as fact:
            yield Negotiation(
                fact.negotiation, fact.offer, fact.provider, fact.consumer, fact.state, entry.at, fact.reasons
            )
        case AgreementReached() as fact:
            yield Agreement(
                fact.agreement, fact.offer, fact.asset, fact.provider, fact.consumer, fact.terms, entry.at, fact.until,
                fact.right, seq=entry.seq,
            )  # fmt: skip
            agreed = _agreed(read, fact.consumer, fact.asset)
            yield replace(agreed, agreements=(*agreed.agreements, fact.agreement))
        case AgreementEnded() as fact:
            agreement = read.get(Agreement, fact.agreement)
            assert agreement is not None
            yield replace(agreement, ended=True)
            agreed = _agreed(read, agreement.consumer, agreement.asset)
            yield replace(agreed, agreements=tuple(a for a in agreed.agreements if a != fact.agreement))
        case DutyReported() as fact:
            duty = read.get(Duty, fact.agreement, fact.duty) or Duty(fact.agreement, fact.duty)
            yield replace(duty, fulfilled=True) if fact.fulfilled else replace(duty, fulfilled=False, violated=True)
        case _:
            return


def _agreed(read: Reader, consumer: str, asset: str) -> Agreed:
    return read.get(Agreed, consumer, asset) or Agreed(consumer, asset)


def in_force(read: Reader, consumer: str, asset: str, at: Instant) -> list[Agreement]:
    """The agreements of a consumer on an asset under which uses can be admitted at `at`, the oldest first."""
    agreed = read.get(Agreed, consumer, asset)
    found = [read.get(Agreement, id) for id in agreed.agreements] if agreed is not None else []
    return [agreement for agreement in found if agreement is not None and agreement.active(at)]
