"""Auctions: bids come in sealed, are opened, and the day settles them."""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.access import clauses
from usufruct.core.access.clauses import Fee, Schedule
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import later
from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract import auction, rules
from usufruct.core.contract.auction import Auction, AuctionOpened, AuctionSettled, Bid, BidCommitted, BidOpened
from usufruct.core.contract.facts import AgreementReached, NegotiationMoved, OfferPublished, OfferWithdrawn, Terms
from usufruct.core.contract.negotiation import START, moves_from
from usufruct.node.node import Node, or_undone
from usufruct.ports import Transaction

DAYS_MAX = 366


@dataclass(frozen=True, slots=True)
class Shown:
    """An auction as everybody sees it, and the looker's own bid, if there is one. Opened bids are shown once it is settled."""

    auction: Auction
    mine: Bid | None
    bids: tuple[int, ...]


def open_auction(
    node: Node, name: str, asset: str, provider: str, terms: Terms, reserve: Money, days: int, open_days: int
) -> AuctionOpened | Refusal:
    """Lets parties bid for one agreement: in secret for so many days, then so many to open the bids.

    Raises:
        BadInput: the terms cannot be read, or the amounts cannot be.
    """
    refused = rules.refused_rules(terms)
    if refused is not None:
        return refused

    def rule(tx: Transaction) -> AuctionOpened | Refusal:
        closes = later(tx.now, days=min(days, DAYS_MAX))
        ends = later(closes, days=min(open_days, DAYS_MAX))
        return auction.open_auction(
            tx, name, asset, provider, terms, reserve, closes, ends, tx.now, node.about.currency
        )

    return node.record(rule)


def commit(node: Node, name: str, bidder: str, commitment: str) -> BidCommitted | Refusal:
    """Takes a sealed bid.

    Raises:
        BadInput: the commitment is none.
    """
    return node.record(lambda tx: auction.commit(tx, name, bidder, commitment, tx.now))


def show_bid(node: Node, name: str, bidder: str, amount: Money, nonce: str) -> BidOpened | Refusal:
    """Opens a bid; in another currency than the auction's it is none.

    Raises:
        BadInput: the secret number is none.
    """
    minor = amount.minor if amount.currency == node.about.currency else -1
    return node.record(lambda tx: auction.show(tx, name, bidder, minor, nonce, tx.now))


def follow(node: Node) -> str:
    """Settles every auction whose time has come; says in words what was done, empty if nothing was."""
    with node.store.read() as state:
        waiting = [row.id for row in auction.due(state, node.clock.now())]
    settled = [fact for name in waiting if (fact := settle(node, name)) is not None]
    return "; ".join(f"{fact.auction}: {_in_words(fact, node.about.currency)}" for fact in settled)


def settle(node: Node, name: str) -> AuctionSettled | None:
    """Settles one auction, if its time has come: the agreement with the winner, its fee, or why there is none."""

    def command(tx: Transaction) -> AuctionSettled | None:
        row = next((row for row in auction.due(tx, tx.now) if row.id == name), None)
        if row is None:
            return None
        found = auction.outcome(row.id, auction.opened(tx, name), row.reserve)
        agreement = ""
        if found.winner:
            agreement = or_undone(_agree(node, tx, row, found.winner, found.price)).agreement
        why = "" if found.winner else "no opened bid came to the reserve"
        settled = AuctionSettled(name, found.winner, found.price, agreement, row.bids, row.opened, found.lot, why)
        tx.append(settled)
        return settled

    settled = node.together(command)
    return _failed(node, name, settled) if isinstance(settled, Refusal) else settled


def _agree(node: Node, tx: Transaction, row: Auction, winner: str, price: int) -> AgreementReached | Refusal:
    """The ordinary way to an agreement, in one breath: an offer for the winner alone, with the price as its fee."""
    offer = auction.offer_of(tx, row, tx.now, node.about.currency)
    if isinstance(offer, Refusal):
        return offer
    tx.append(offer)
    if price:
        once = Schedule(fee=Fee(price, 12 * row.terms.years))
        tx.append(or_undone(clauses.schedule(tx, offer.offer, row.provider, once)))
    negotiation = numbered("negotiation", tx.next)
    for message, by in (("request", winner), ("agree", row.provider), ("verify", winner), ("finalize", row.provider)):
        tx.append(_moved(tx, negotiation, offer, message, by, winner))
    reached = rules.conclude(tx, numbered("agreement", tx.next), negotiation, tx.now)
    if isinstance(reached, Refusal):
        return reached
    tx.append(reached)
    tx.append(OfferWithdrawn(offer.offer))
    return reached


def _moved(
    tx: Transaction, negotiation: str, offer: OfferPublished, message: str, by: str, winner: str
) -> NegotiationMoved:
    if message == "request":
        state = moves_from(START)["request"][1]
        return NegotiationMoved(negotiation, offer.offer, offer.provider, winner, winner, message, state)
    return or_undone(rules.move(tx, negotiation, message, by))


def _failed(node: Node, name: str, refusal: Refusal) -> AuctionSettled | None:
    """What was auctioned cannot be had any more: so nobody wins, and it says why."""

    def command(tx: Transaction) -> AuctionSettled | None:
        row = next((row for row in auction.due(tx, tx.now) if row.id == name), None)
        if row is None:
            return None
        settled = AuctionSettled(name, "", 0, "", row.bids, row.opened, why=refusal.reasons[0])
        tx.append(settled)
        return settled

    return node.store.write(command)


def listed(node: Node, party: str) -> list[Shown]:
    """All auctions, the newest first, as `party` sees them."""
    with node.store.read() as state:
        found = []
        for row in reversed(list(state.list(Auction))):
            mine = state.get(Bid, row.id, party)
            amounts = sorted((amount for _, amount, _ in auction.opened(state, row.id)), reverse=True)
            found.append(Shown(row, mine, tuple(amounts) if row.state == auction.SETTLED else ()))
        return found


def _in_words(fact: AuctionSettled, currency: str) -> str:
    if not fact.winner:
        return f"nobody won: {fact.why}"
    return f"{fact.winner} pays {Money(fact.price, currency)} with {fact.agreement}"
