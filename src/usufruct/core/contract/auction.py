"""Sealed-bid auctions: who gets one agreement, and for how much.

    opened → bids are committed → (the day comes) → bids are opened → (the day comes) → settled

Whoever bids sends the digest of her bid and a number that only she knows, and later both. So nobody, the node's operator
included, knows a bid before all of them are in, and no bid can be changed once the others are known. The highest bid
wins and pays the second highest, or the reserve if that is more: then to bid what it is worth to you is best whatever
the others do (W. Vickrey, Counterspeculation, Auctions, and Competitive Sealed Tenders, 1961).

Equal bids are decided by a lot that comes of all the secret numbers together: nobody can draw it again for herself, for
she does not know those of the others. Whoever does not open her bid in time has none.

What is auctioned is one agreement on stated terms, and a bid is a sum to be paid once, with the agreement; what its terms
say of uses is owed besides. It does not stop a provider from bidding through somebody else, to raise the second price.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from usufruct.core.base import canonical
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import checked
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import Money
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract import rules
from usufruct.core.contract.facts import OfferPublished, Terms
from usufruct.core.contract.state import Offer
from usufruct.core.registry.state import Party

OPEN, SETTLED = "open", "settled"
BIDS_MAX = 1_000
AMOUNT_MAX = 10**12
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class AuctionOpened(Fact):
    """`provider` lets parties bid for one agreement on an asset on these terms: in secret until `closes`, to be opened until
    `opens_until`; not below `reserve`, in minor units."""

    KIND = "auction.opened/1"
    auction: str
    asset: str
    provider: str
    terms: Terms
    reserve: int
    closes: Instant
    opens_until: Instant

    def about(self) -> tuple[str, ...]:
        return (self.provider,)


@dataclass(frozen=True, slots=True)
class BidCommitted(Fact):
    """`bidder` bids; how much, only the `commitment` says (see `commitment`)."""

    KIND = "bid.committed/1"
    auction: str
    bidder: str
    commitment: str

    def about(self) -> tuple[str, ...]:
        return (self.bidder,)


@dataclass(frozen=True, slots=True)
class BidOpened(Fact):
    """`bidder` shows what she bid, `amount` in minor units, and the secret number `nonce`."""

    KIND = "bid.opened/1"
    auction: str
    bidder: str
    amount: int
    nonce: str

    def about(self) -> tuple[str, ...]:
        return (self.bidder,)


@dataclass(frozen=True, slots=True)
class AuctionSettled(Fact):
    """Of `bids`, `opened` were shown. The `winner` pays `price` (minor units) with the `agreement`; without one, `why` not."""

    KIND = "auction.settled/1"
    auction: str
    winner: str
    price: int
    agreement: str
    bids: int
    opened: int
    lot: str = ""
    why: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.winner,) if self.winner else ()


@dataclass(frozen=True, slots=True)
class Auction(Row):
    """See `AuctionOpened`, the fact number `seq`; what became of it is in the fact number `ended`."""

    KEY = ("id",)
    INDEXED = ("state", "asset", "agreement")
    id: str
    asset: str
    provider: str
    terms: Terms
    reserve: int
    closes: Instant
    opens_until: Instant
    seq: int
    state: str = OPEN
    agreement: str = ""
    winner: str = ""
    price: int = 0
    bids: int = 0
    opened: int = 0
    lot: str = ""
    why: str = ""
    ended: int = 0


@dataclass(frozen=True, slots=True)
class Bid(Row):
    """A bid; the `amount` is known (None: not yet) once it was opened."""

    KEY = ("auction", "bidder")
    INDEXED = ("auction", "bidder")
    auction: str
    bidder: str
    commitment: str
    amount: int | None = None
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who wins (empty: nobody) and what she pays, in minor units; `lot` is what decided among equal bids, if it had to."""

    winner: str
    price: int
    lot: str = ""


def commitment(auction: str, bidder: str, amount: int, nonce: str) -> str:
    """The SHA-256, in hex, of a bid: of its auction, its bidder, its amount in minor units, and 32 random bytes in hex. With
    the names in it nobody can take another's commitment for hers."""
    return hashlib.sha256(canonical.encode([auction, bidder, amount, nonce])).hexdigest()


def outcome(auction: str, bids: Sequence[tuple[str, int, str]], reserve: int) -> Outcome:
    """What opened bids (bidder, amount, nonce) come to, in whatever order they are given."""
    valid = sorted(bid for bid in bids if bid[1] >= reserve)
    if not valid:
        return Outcome("", 0)
    amounts = sorted((amount for _, amount, _ in valid), reverse=True)
    highest = [bidder for bidder, amount, _ in valid if amount == amounts[0]]
    price = max(reserve, amounts[1] if len(amounts) > 1 else reserve)
    if len(highest) == 1:
        return Outcome(highest[0], price)
    lot = hashlib.sha256(canonical.encode([auction, *(nonce for _, _, nonce in valid)])).hexdigest()
    return Outcome(min(highest, key=lambda bidder: hashlib.sha256(f"{lot}/{bidder}".encode()).digest()), price, lot)


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that an auction changes."""
    match entry.fact:
        case AuctionOpened() as fact:
            yield Auction(
                fact.auction,
                fact.asset,
                fact.provider,
                fact.terms,
                fact.reserve,
                fact.closes,
                fact.opens_until,
                entry.seq,
            )
        case BidCommitted() as fact:
            row = _auction(read, fact.auction)
            yield replace(row, bids=row.bids + 1)
            yield Bid(fact.auction, fact.bidder, fact.commitment)
        case BidOpened() as fact:
            row, bid = _auction(read, fact.auction), read.get(Bid, fact.auction, fact.bidder)
            assert bid is not None
            yield replace(row, opened=row.opened + 1)
            yield replace(bid, amount=fact.amount, nonce=fact.nonce)
        case AuctionSettled() as fact:
            yield replace(
                _auction(read, fact.auction), state=SETTLED, agreement=fact.agreement, winner=fact.winner, price=fact.price,
                lot=fact.lot, why=fact.why, ended=entry.seq,
            )  # fmt: skip
        case _:
            return


def _auction(read: Reader, name: str) -> Auction:
    row = read.get(Auction, name)
    assert row is not None, "an auction is opened before anything happens in it"
    return row


# ---- what may happen


def open_auction(
    read: Reader, name: str, asset: str, provider: str, terms: Terms, reserve: Money, closes: Instant,
    opens_until: Instant, at: Instant, currency: str,
) -> AuctionOpened | Refusal:  # fmt: skip
    """An auction by somebody who could publish an offer on these terms.

    Raises:
        BadInput: the terms cannot be read, or the amounts cannot be.
    """
    checked(name, "an auction")
    if not 0 <= reserve.minor <= AMOUNT_MAX or reserve.currency != terms.currency:
        raise BadInput("input.terms", "the reserve cannot be", f"give 0 or more, in {terms.currency}")
    not_done = f"the auction `{name}` was not opened"
    if read.get(Auction, name) is not None:
        return refuse(
            "registry.exists", not_done, "an auction of that name is there already", remedy="choose another id"
        )
    if not at < closes < opens_until:
        return refuse(
            "contract.auction", not_done, "bids come in first and are opened then, both after now",
            remedy="name a later day until which bids come in, and one after it until which they are opened",
        )  # fmt: skip
    offered = rules.publish(read, name, asset, provider, terms, None, False, at, currency)
    if isinstance(offered, Refusal):
        return refuse(offered.code, not_done, *offered.reasons, remedy=offered.remedy)
    return AuctionOpened(name, asset, provider, terms, reserve.minor, closes, opens_until)


def commit(read: Reader, name: str, bidder: str, digest: str, at: Instant) -> BidCommitted | Refusal:
    """Somebody bids, once.

    Raises:
        BadInput: the commitment is none.
    """
    _check_hex(digest, "a commitment")
    row = read.get(Auction, name)
    if row is None or read.get(Party, bidder) is None or row.provider == bidder:
        return _unknown(name)
    if at >= row.closes or row.state != OPEN:
        return _not_now(name, f"bids came in until {row.closes[:16]}", "look for another auction")
    if read.get(Bid, name, bidder) is not None:
        return _not_now(name, "you have bid, and a bid stands", "open it when bids are opened")
    if row.bids >= BIDS_MAX:
        return _not_now(name, f"there are {BIDS_MAX} bids", "look for another auction")
    return BidCommitted(name, bidder, digest)


def show(read: Reader, name: str, bidder: str, amount: int, nonce: str, at: Instant) -> BidOpened | Refusal:
    """A bidder opens her bid.

    Raises:
        BadInput: the secret number is none.
    """
    _check_hex(nonce, "a secret number")
    row, bid = read.get(Auction, name), read.get(Bid, name, bidder)
    if row is None or bid is None:
        return _unknown(name)
    if not row.closes <= at < row.opens_until or row.state != OPEN:
        return _not_now(
            name, f"bids are opened from {row.closes[:16]} to {row.opens_until[:16]}", "send it within that time"
        )
    if bid.amount is not None:
        return _not_now(name, "your bid is open", "wait until the auction is settled")
    if commitment(name, bidder, amount, nonce) != bid.commitment:
        return _not_now(name, "it is not what you committed to", "send the amount and the number that you kept")
    return BidOpened(name, bidder, amount, nonce)


def due(read: Reader, at: Instant) -> list[Auction]:
    """The auctions that can be settled."""
    return [row for row in read.list(Auction, state=OPEN) if row.opens_until <= at]


def opened(read: Reader, name: str) -> list[tuple[str, int, str]]:
    """The bids of an auction that were opened."""
    return [(bid.bidder, bid.amount, bid.nonce) for bid in read.list(Bid, auction=name) if bid.amount is not None]


def offer_of(read: Reader, row: Auction, at: Instant, currency: str) -> OfferPublished | Refusal:
    """The offer that the winner accepts, as it could be published now."""
    taken = read.get(Offer, row.id) is not None
    name = f"{row.id[:50]}-{row.seq}" if taken else row.id
    return rules.publish(read, name, row.asset, row.provider, row.terms, None, False, at, currency)


def _check_hex(text: str, what: str) -> None:
    if not _HEX.fullmatch(text):
        raise BadInput(
            "input.bid", f"`{text[:80]}` is not {what}", "give 64 hexadecimal digits, as `auction seal` prints them"
        )


def _unknown(name: str) -> Refusal:
    return refuse(
        "registry.unknown", f"nothing was done in the auction `{name}`", "there is no auction of that name that is open to you",
        remedy="see the list of auctions",
    )  # fmt: skip


def _not_now(name: str, why: str, remedy: str) -> Refusal:
    return refuse("contract.auction", f"nothing was done in the auction `{name}`", why, remedy=remedy)
