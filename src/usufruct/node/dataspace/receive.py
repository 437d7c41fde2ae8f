"""What another node says: a message comes in, is held against the table of states, and moves the process at once.

One transaction does it all: the move, the acknowledgement of a message of ours that theirs proves to have arrived, what
was agreed, and the message with which this node answers of itself, if the peer is not one that is answered by hand. Whoever
is not the other end is told what she would be told if there were no such process.
"""

from __future__ import annotations

from collections.abc import Callable

from usufruct.core.base.ids import numbered
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.dataspace import rules
from usufruct.core.dataspace.facts import AgreementTold, MessageFailed, OfferNoted, ProcessOpened
from usufruct.core.dataspace.messages import (
    PUSH,
    ContractAgreement,
    ContractOffer,
    ContractRequest,
    DataAddress,
    Message,
    Move,
    NegotiationTermination,
    ProcessState,
    TransferCompletion,
    TransferRequest,
    TransferStart,
    TransferSuspension,
    TransferTermination,
)
from usufruct.core.dataspace.state import Peer, Process, by_pid, by_theirs, state_of
from usufruct.core.exchange.registration import checked_url
from usufruct.node.dataspace import talk
from usufruct.node.node import Node
from usufruct.ports import Transaction

Answer = ProcessState | Refusal


def said(row: Process, state: str) -> ProcessState:
    """Where a process stands, as either side names it."""
    ours, theirs = row.pid, row.theirs
    return ProcessState(*((ours, theirs) if row.role == "provider" else (theirs, ours)), state)


def state(node: Node, peer: str, pid: str, kind: str) -> Answer:
    """Where a process stands that another node asks after."""
    with node.store.read() as read:
        row = by_pid(read, pid, peer)
        if row is None or row.kind != kind or rules.open_peer(read, peer) is None:
            return rules.unknown(kind, pid)
        return said(row, state_of(read, row))


# ---- openings


def negotiation_requested(node: Node, peer: str, message: ContractRequest) -> Answer:
    """A consumer elsewhere asks for an offer of this node. The same request a second time opens nothing new.

    Raises:
        BadInput: the address at which it wants to be told cannot be.
    """
    callback, theirs = checked_url(message.callback), rules.named(message.consumer_pid, "a negotiation")

    def command(tx: Transaction) -> Answer:
        found = _opening(tx, peer, theirs, callback, "negotiation", "provider")
        if not isinstance(found, Peer):
            return found
        offer = rules.wanted_offer(tx, message.offer.uid, message.dataset, peer, tx.now)
        if isinstance(offer, Refusal):
            return offer
        process = numbered("negotiation", tx.next)
        tx.append(ProcessOpened(
            process, "negotiation", "provider", offer.provider, peer, talk.pid(node), callback, theirs, offer.id
        ))  # fmt: skip
        return _moves(node, tx, found, process, message)

    return _heard(node, command)


def offered(node: Node, peer: str, message: ContractOffer) -> Answer:
    """A provider elsewhere makes an offer unasked, to whoever runs this node. Nothing is answered of itself.

    Raises:
        BadInput: the address at which it wants to be told cannot be, or a name.
    """
    callback, theirs = checked_url(message.callback), rules.named(message.provider_pid, "a negotiation")
    dataset, named = rules.named(message.dataset, "a dataset"), rules.named(message.offer.uid, "an offer")

    def command(tx: Transaction) -> Answer:
        found = _opening(tx, peer, theirs, callback, "negotiation", "consumer")
        if not isinstance(found, Peer):
            return found
        process, noted = numbered("negotiation", tx.next), f"{peer}:{tx.next}"
        tx.append(OfferNoted(noted, peer, dataset, named, message.offer))
        tx.append(ProcessOpened(
            process, "negotiation", "consumer", node.about.operator, peer, talk.pid(node), callback, theirs, noted
        ))  # fmt: skip
        return _moves(node, tx, found, process, message)

    return _heard(node, command)


def transfer_requested(node: Node, peer: str, message: TransferRequest) -> Answer:
    """A consumer elsewhere asks for data under an agreement. The same request a second time opens nothing new.

    Raises:
        BadInput: an address cannot be.
    """
    callback, theirs = checked_url(message.callback), rules.named(message.consumer_pid, "a transfer")
    if message.address is not None:
        checked_url(message.address.endpoint)

    def command(tx: Transaction) -> Answer:
        found = _opening(tx, peer, theirs, callback, "transfer", "provider")
        if not isinstance(found, Peer):
            return found
        name = rules.agreement_named(node.about.origin, message.agreement)
        agreement = rules.may_transfer(tx, name, peer, message.format, tx.now)
        if isinstance(agreement, Refusal):
            return agreement
        if (message.format == PUSH) != (message.address is not None):
            return refuse(
                "contract.format", "no transfer was begun", "it is not said where the data are to be pushed to",
                remedy=f"send a dataAddress with {PUSH}, and none without",
            )  # fmt: skip
        process, pid = numbered("transfer", tx.next), talk.pid(node)
        if message.address is not None:
            node.connector.vault.keep(f"push/{pid}", message.address.to_bytes())
        tx.append(ProcessOpened(
            process, "transfer", "provider", agreement.provider, peer, pid, callback, theirs, name, message.format
        ))  # fmt: skip
        return _moves(node, tx, found, process, message)

    return _heard(node, command)


def _opening(tx: Transaction, peer: str, theirs: str, callback: str, kind: str, role: str) -> Peer | Answer:
    """The peer that opens a process; or how the process stands that it has opened under that name before."""
    known, found = by_theirs(tx, theirs, peer, kind, role), rules.open_peer(tx, peer)
    if known is not None and found is not None:
        return said(known, state_of(tx, known))
    if found is None:
        return rules.unknown(kind, theirs)
    return rules.answered_at(found, callback) or rules.too_many(tx, peer, kind) or found


# ---- moves


def moved(node: Node, peer: str, pid: str, message: Move) -> Answer:
    """The other end of a process moves it. `pid` is where the message was sent to; what it says inside must be the same."""
    transfers = TransferStart | TransferSuspension | TransferCompletion | TransferTermination
    kind = "transfer" if isinstance(message, transfers) else "negotiation"

    def command(tx: Transaction) -> Answer:
        row, found = by_pid(tx, pid, peer), rules.open_peer(tx, peer)
        if row is None or found is None or row.kind != kind:
            return rules.unknown(kind, pid)
        ours, theirs = message.provider_pid, message.consumer_pid
        if row.role == "consumer":
            ours, theirs = theirs, ours
        if ours != row.pid or (row.theirs and theirs != row.theirs):
            return refuse(
                "contract.crossed", f"{kind} `{pid}` was not moved", "the message names another process than it was sent to",
                remedy="name in it the two ids under which the process is known",
            )  # fmt: skip
        agreed = isinstance(message, ContractAgreement) and row.role == "consumer"
        wrong = rules.misread(tx, row, message) if agreed else None
        if wrong is not None:  # before anything is appended, for a refused message changes nothing
            return wrong
        if rules.has_arrived(tx, row, message.MOVE):
            talk.acknowledge(tx, row, rules.named(theirs, kind))
        return _moves(node, tx, found, row.id, message)

    return _heard(node, command)


def _moves(node: Node, tx: Transaction, peer: Peer, process: str, message: Message) -> Answer:
    """The move that a message makes, what comes of it, and what this node answers of itself."""
    row = _row(tx, process)
    fact = rules.moved(tx, row, message.MOVE, row.peer, _reasons(message))
    if isinstance(fact, Refusal):
        return fact
    answer = None if peer.by_hand else rules.answer(tx, row, message)
    if row.pending:  # theirs came before ours arrived, and ours does not fit any more
        tx.append(MessageFailed(process, row.pending, 0, ("the other side moved first",)))
    _note(node, tx, row, message)
    tx.append(fact)
    if answer is not None:
        row = _row(tx, process)
        queued = talk.queue(tx, row, answer)
        if isinstance(queued, Refusal):
            tx.append(rules.refuses(row, queued))
    row = _row(tx, process)
    return said(row, state_of(tx, row))


def _note(node: Node, tx: Transaction, row: Process, message: Message) -> None:
    """Keeps what a message brings along, beside the move: other terms, an agreement, an address."""
    match message:
        case ContractAgreement():
            named = rules.named(message.agreement.uid, "an agreement")
            tx.append(AgreementTold(row.id, row.party, row.peer, message.dataset, named, message.agreement))
        case ContractRequest() | ContractOffer() if not message.callback:
            dataset, named = rules.named(message.dataset, "a dataset"), rules.named(message.offer.uid, "an offer")
            tx.append(OfferNoted(f"{row.peer}:{tx.next}", row.peer, dataset, named, message.offer, row.id))
        case TransferStart(address=DataAddress() as address):
            node.connector.vault.keep(f"pull/{row.pid}", address.to_bytes())


def _row(tx: Transaction, process: str) -> Process:
    row = tx.get(Process, process)
    assert row is not None
    return row


def _reasons(message: Message) -> tuple[str, ...]:
    if not isinstance(message, NegotiationTermination | TransferTermination | TransferSuspension):
        return ()
    return rules.reasons_of(((message.code,) if message.code else ()) + message.reasons)


def _heard(node: Node, command: Callable[[Transaction], Answer]) -> Answer:
    answer = node.store.write(command)
    if isinstance(answer, ProcessState):
        node.connector.bell.ring()
    return answer
