"""Publish offers, negotiate, agree, end."""

from __future__ import annotations

from dataclasses import dataclass, replace

from usufruct.core.access import clauses, delegation
from usufruct.core.access.clauses import NO_CLAUSES, OfferSchedule, Schedule
from usufruct.core.access.delegation import Deed
from usufruct.core.access.facts import DelegationUsed
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant, in_years
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract import odrl, rules
from usufruct.core.contract.facts import AgreementEnded, DutyReported, OfferPublished, OfferWithdrawn, Terms
from usufruct.core.contract.negotiation import START
from usufruct.core.contract.state import Agreement, Negotiation, Offer
from usufruct.core.dataspace.facts import MessageQueued
from usufruct.core.dataspace.state import Process
from usufruct.core.terms.model import Ruleset
from usufruct.node.dataspace import talk
from usufruct.node.node import Node, or_undone
from usufruct.ports import Transaction


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a negotiation stands after a move: the states it passed, and the agreement if it came to one. With another node
    the move is made when that node has taken the message that is `pending`."""

    negotiation: str
    states: tuple[str, ...]
    agreement: Agreement | None
    pending: str = ""

    @property
    def state(self) -> str:
        """The state now."""
        return self.states[-1]


def publish_offer(
    node: Node,
    offer: str,
    asset: str,
    provider: str,
    terms: Terms,
    until: Instant | None = None,
    standing: bool = False,
    schedule: Schedule = NO_CLAUSES,
) -> OfferPublished | Refusal:
    """Publishes an offer; without an end it stays open for as long as one agreement on it lasts. Its `schedule` is there from the
    first moment."""

    refused = rules.refused_rules(terms)
    if refused is not None:
        return refused

    def command(tx: Transaction) -> OfferPublished:
        currency = node.about.currency
        fact = or_undone(rules.publish(tx, offer, asset, provider, terms, until, standing, tx.now, currency))
        tx.append(fact)
        if schedule != NO_CLAUSES:
            tx.append(or_undone(clauses.schedule(tx, offer, provider, schedule)))
        return fact

    return node.together(command)


def withdraw_offer(node: Node, offer: str, by: str) -> OfferWithdrawn | Refusal:
    """Takes an offer back."""

    return node.record(lambda tx: rules.withdraw(tx, offer, by))


def request_offer(node: Node, offer: str, consumer: str, actors: tuple[str, ...] = ()) -> Moved | Refusal:
    """Asks for an offer as it stands; a standing one is agreed to in the same breath. `actors` act for the consumer, here
    and below, each under a delegation; what an agent does in its own name, it does for its principal."""

    def command(tx: Transaction) -> Moved | Refusal:
        party, agents = delegation.acting(tx, consumer, actors)
        negotiation = numbered("negotiation", tx.next)
        fact = rules.request(tx, negotiation, offer, party, tx.now)
        if isinstance(fact, Refusal):
            return fact
        row = tx.get(Offer, offer)
        assert row is not None
        used = _agreeing(tx, row, party, agents, negotiation, binds=False)
        if isinstance(used, Refusal):
            return used
        tx.append(fact)
        if used is not None:
            tx.append(used)
        if not row.standing:
            return Moved(negotiation, (START, fact.state), None)
        return _after(tx, negotiation, "agree", row.provider, (START, fact.state))

    return node.store.write(command)


def move(node: Node, negotiation: str, message: str, by: str, actors: tuple[str, ...] = ()) -> Moved | Refusal:
    """Sends one message. When the consumer has verified, the provider's node finalizes by itself: there is nothing
    left to decide, and the agreement is reached with it."""

    def command(tx: Transaction) -> Moved | Refusal:
        party, agents = delegation.acting(tx, by, actors)
        process = tx.get(Process, negotiation)
        if process is not None:
            return _spoken(tx, process, message, party, agents)
        found, row = rules.move(tx, negotiation, message, party), tx.get(Negotiation, negotiation)
        if isinstance(found, Refusal) or row is None:
            return _after(tx, negotiation, message, party, ())
        offer = tx.get(Offer, row.offer)
        assert offer is not None
        used = _agreeing(tx, offer, party, agents, negotiation, binds=found.state == "VERIFIED")
        if isinstance(used, Refusal):
            return used
        moved = _after(tx, negotiation, message, party, ())
        if used is not None and not isinstance(moved, Refusal):
            tx.append(used)
        return moved

    done = node.store.write(command)
    if isinstance(done, Moved) and done.pending:
        node.connector.bell.ring()
    return done


def _spoken(tx: Transaction, process: Process, message: str, party: str, agents: tuple[str, ...]) -> Moved | Refusal:
    """A move of a negotiation with another node. No agent makes one: what it would commit to is not known in our terms."""
    if agents:
        return refuse(
            "access.delegation", f"negotiation `{process.id}` was not moved", "it is with another node, and an agent speaks",
            remedy="have its principal make the move",
        )  # fmt: skip
    spoken = talk.queue(tx, process, MessageQueued(process.id, message, party))
    return spoken if isinstance(spoken, Refusal) else Moved(process.id, (spoken.state,), None, spoken.pending)


def _agreeing(
    tx: Transaction, offer: Offer, party: str, actors: tuple[str, ...], negotiation: str, binds: bool
) -> DelegationUsed | Refusal | None:
    """Whether those who act for a party may come to an agreement on the offer; what it costs concerns who pays. The money
    that the fees come to must be left from the beginning, and is taken when it `binds`."""
    terms, money, price = offer.terms, 0, 0
    if party != offer.provider:
        found = tx.get(OfferSchedule, offer.id)
        schedule = found.schedule if found else NO_CLAUSES
        price = clauses.highest(terms.price, schedule)
        money = clauses.committed(schedule, tx.now, in_years(tx.now, terms.years))
    deed = Deed("agree", offer.asset, terms.purposes, terms.form, price, money, terms.currency, uses=0)
    used = delegation.take(tx, party, actors, deed, negotiation, tx.now)
    return replace(used, money=0) if isinstance(used, DelegationUsed) and not binds else used


def _after(tx: Transaction, negotiation: str, message: str, by: str, states: tuple[str, ...]) -> Moved | Refusal:
    fact = rules.move(tx, negotiation, message, by)
    if isinstance(fact, Refusal):
        return fact
    if fact.state not in ("VERIFIED", "FINALIZED"):
        tx.append(fact)
        return Moved(negotiation, (*states, fact.state), None)
    reached = rules.conclude(tx, numbered("agreement", tx.next), negotiation, tx.now)
    if isinstance(reached, Refusal):
        return reached
    tx.append(fact)
    if fact.state == "VERIFIED":
        finalized = rules.move(tx, negotiation, "finalize", fact.provider)
        assert not isinstance(finalized, Refusal)
        tx.append(finalized)
    tx.append(reached)
    return Moved(negotiation, (*states, "VERIFIED", "FINALIZED"), tx.get(Agreement, reached.agreement))


def end_agreement(node: Node, agreement: str, by: str, actors: tuple[str, ...] = ()) -> AgreementEnded | Refusal:
    """Ends an agreement; from the next decision on nothing is admitted under it."""

    def command(tx: Transaction) -> AgreementEnded | Refusal:
        party, agents = delegation.acting(tx, by, actors)
        fact, row = rules.end(tx, agreement, party, tx.now), tx.get(Agreement, agreement)
        if isinstance(fact, Refusal) or row is None:
            return fact
        deed = Deed("end", row.asset, (), row.terms.form, uses=0)
        used = delegation.take(tx, party, agents, deed, agreement, tx.now)
        if isinstance(used, Refusal):
            return used
        tx.append(fact)
        if used is not None:
            tx.append(used)
        return fact

    return node.store.write(command)


def report_duty(node: Node, agreement: str, duty: str, fulfilled: bool, by: str) -> DutyReported | Refusal:
    """Says that a duty of an agreement was fulfilled, or violated."""

    return node.record(lambda tx: rules.report_duty(tx, agreement, duty, fulfilled, by, tx.now))


def as_rules(node: Node, name: str, party: str | None) -> Ruleset | None:
    """An offer, or an agreement of `party` (None: of anybody), as rules; None if there is none that is open to it."""
    with node.store.read() as state:
        offer = state.get(Offer, name)
        if offer is not None:
            return odrl.as_rules(offer) if offer.open or party in (None, offer.provider) else None
        agreement = state.get(Agreement, name)
        if agreement is None or party not in (None, agreement.provider, agreement.consumer):
            return None
        return odrl.as_rules(agreement)
