"""What this node wants to say: open a negotiation or a transfer with another node, and move it.

Nothing is said here. A fact is queued, and the outbox (`outbox.py`) says it once the fact is durable. So a command
returns at once, and what it began is seen in the state of the process.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from usufruct.core.base.ids import numbered
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract.transfer import START
from usufruct.core.dataspace import rules
from usufruct.core.dataspace.facts import MessageAcknowledged, MessageFailed, MessageQueued, OfferNoted, ProcessOpened
from usufruct.core.dataspace.messages import FORMATS, PUSH, DataAddress
from usufruct.core.dataspace.state import Peer, Process, state_of
from usufruct.core.terms.model import Ruleset
from usufruct.node.node import Node
from usufruct.ports import Transaction


@dataclass(frozen=True, slots=True)
class Spoken:
    """A process, the state it is in, and the message that is on its way (empty if none is)."""

    process: str
    state: str
    pending: str


def negotiate(node: Node, peer: str, dataset: str, offer: Ruleset, by: str) -> Spoken | Refusal:
    """`by`, a party here, asks another node for an offer of its, on these rules; `offer.uid` is that node's name for it.

    Raises:
        BadInput: a name cannot be.
    """
    dataset, named = rules.named(dataset, "a dataset"), rules.named(offer.uid, "an offer")

    def command(tx: Transaction) -> Spoken | Refusal:
        found = reachable(tx, peer)
        if not isinstance(found, Peer):
            return found
        process, noted = numbered("negotiation", tx.next), f"{peer}:{tx.next}"
        tx.append(OfferNoted(noted, peer, dataset, named, offer))
        return _open(
            node, tx, ProcessOpened(process, "negotiation", "consumer", by, peer, pid(node), found.url, "", noted)
        )

    return _said(node, node.store.write(command))


def transfer(node: Node, agreement: str, format: str, by: str, address: DataAddress | None = None) -> Spoken | Refusal:
    """`by` asks the other node of an agreement for data, to be pulled or to be pushed to an address."""

    def command(tx: Transaction) -> Spoken | Refusal:
        held = rules.held(tx, agreement, by)
        if isinstance(held, Refusal):
            return held
        found = reachable(tx, held.peer)
        if not isinstance(found, Peer):
            return found
        if format not in FORMATS or (format == PUSH) != (address is not None):
            return refuse(
                "contract.format", "no transfer was begun", "it is not said how the data are to come",
                remedy=f"use {FORMATS[0]}, or {PUSH} with an address",
            )  # fmt: skip
        process = numbered("transfer", tx.next)
        opened = ProcessOpened(
            process, "transfer", "consumer", by, held.peer, pid(node), found.url, "", agreement, format
        )
        if address is not None:
            node.connector.vault.keep(f"push/{opened.pid}", address.to_bytes())
        return _open(node, tx, opened)

    return _said(node, node.store.write(command))


def _open(node: Node, tx: Transaction, opened: ProcessOpened) -> Spoken:
    tx.append(opened)
    tx.append(MessageQueued(opened.process, "request", opened.party))
    return Spoken(opened.process, START, "request")


def say(
    node: Node, process: str, message: str, by: str, code: str = "", reasons: tuple[str, ...] = ()
) -> Spoken | Refusal:
    """`by`, the party on this side, moves a negotiation or transfer with another node."""

    def command(tx: Transaction) -> Spoken | Refusal:
        row = tx.get(Process, process)
        if row is None or row.party != by:
            return rules.unknown("process", process)
        return queue(tx, row, MessageQueued(process, message, by, code, rules.reasons_of(reasons)))

    return _said(node, node.store.write(command))


def queue(tx: Transaction, process: Process, wanted: MessageQueued) -> Spoken | Refusal:
    """Queues a message, if it is this side's turn. A yes says what was agreed, and on which right."""
    allowed = rules.queue(tx, process, wanted)
    if isinstance(allowed, MessageQueued) and wanted.message == "agree":
        allowed = rules.agrees(tx, process, numbered("agreement", tx.next), tx.now)
    if isinstance(allowed, Refusal):
        return allowed
    tx.append(allowed)
    return Spoken(process.id, state_of(tx, process), allowed.message)


def reachable(tx: Transaction, peer: str) -> Peer | Refusal:
    """A peer that something can be asked of."""
    found = rules.open_peer(tx, peer)
    if found is None or not found.url:
        return rules.unknown("peer", peer)
    return found


def pid(node: Node) -> str:
    """A name for a process, that nobody else gives to any other and nobody guesses."""
    return f"urn:uuid:{uuid.UUID(bytes=node.entropy.bytes(16), version=4)}"


def _said(node: Node, spoken: Spoken | Refusal) -> Spoken | Refusal:
    if isinstance(spoken, Spoken):
        node.connector.bell.ring()
    return spoken


def acknowledge(tx: Transaction, process: Process, theirs: str) -> None:
    """The other side has taken the message that waited: this side enters the state to which it leads."""
    tx.append(MessageAcknowledged(process.id, process.pending, "" if process.theirs else theirs))
    fact = rules.moved(tx, process, process.pending, process.party, process.reasons)
    if isinstance(fact, Refusal):  # the process went elsewhere meanwhile
        return
    tx.append(fact)
    if process.pending == "finalize":
        tx.append(rules.reached(tx, process))


def give_up(tx: Transaction, process: Process, status: int, reasons: tuple[str, ...], alone: bool) -> None:
    """The message that waited was not taken, for good. What cannot be ended together ends here `alone`."""
    why = rules.reasons_of(reasons)
    tx.append(MessageFailed(process.id, process.pending, status, why))
    fact = rules.ended(tx, process, why) if alone or process.pending == "terminate" else None
    if fact is not None:
        tx.append(fact)
