"""What people see of the talk with other nodes: processes with their history, and agreements that are held elsewhere.

A party sees the processes in which it is the end on this side; the node's steward sees all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import NegotiationMoved
from usufruct.core.contract.negotiation import START
from usufruct.core.contract.state import Agreement, Negotiation, Offer
from usufruct.core.dataspace import rules
from usufruct.core.dataspace.facts import TransferMoved
from usufruct.core.dataspace.offered import spoken
from usufruct.core.dataspace.state import DataTransfer, HeldAgreement, NotedOffer, Process
from usufruct.core.terms.model import Ruleset
from usufruct.node.node import Node
from usufruct.ports import Snapshot


@dataclass(frozen=True, slots=True)
class Standing:
    """How a process stands: in which `state` `since` when, and for which `reasons`. `pending` is the message that is on its
    way, since `queued`; `failed` says why the last one was not taken; `moves` are what this side can say now.

    `dataset` and `offer`, or the `agreement` of a transfer, are named as the provider names them. A finished negotiation
    tells in `agreement` what it came to: with this node as provider by the name it has here, else by the provider's.
    """

    process: str
    kind: str
    role: str
    party: str
    peer: str
    pid: str
    theirs: str
    state: str
    since: Instant
    dataset: str
    offer: str
    agreement: str
    format: str
    pending: str
    queued: Instant | None
    failed: tuple[str, ...]
    reasons: tuple[str, ...]
    moves: tuple[str, ...]

    @property
    def over(self) -> bool:
        """Whether nothing will come any more: it has ended, or never began."""
        return self.state in rules.FINAL[self.kind] or (self.state == START and not self.pending)


@dataclass(frozen=True, slots=True)
class Step:
    """A message that moved a process: `by` whom, to which `state`, and the number of its fact."""

    at: Instant
    message: str
    by: str
    state: str
    reasons: tuple[str, ...]
    seq: int


@dataclass(frozen=True, slots=True)
class Told:
    """A process with all its steps, and the rules that are negotiated or were agreed to (None for a transfer)."""

    standing: Standing
    steps: tuple[Step, ...]
    rules: Ruleset | None


def processes(node: Node, party: str | None) -> list[Standing]:
    """Those of a party (None: all), the newest first."""
    with node.store.read() as state:
        rows = [row for row in state.list(Process) if party in (None, row.party)]
        return [_standing(state, row) for row in reversed(rows)]


def process(node: Node, name: str, party: str | None) -> Told | Refusal:
    """One of them, with what happened."""
    with node.store.read() as state:
        row = state.get(Process, name)
        if row is None or party not in (None, row.party):
            return rules.unknown("process", name)
        return Told(_standing(state, row), tuple(_steps(state, row)), _rules(state, row))


def held(node: Node, party: str | None) -> list[HeldAgreement]:
    """The agreements in force that a party (None: anybody here) has with other nodes, the newest first."""
    with node.store.read() as state:
        rows = state.list(HeldAgreement) if party is None else state.list(HeldAgreement, party=party)
        return [row for row in rows if row.in_force][::-1]


def _standing(state: Snapshot, row: Process) -> Standing:
    found: Negotiation | DataTransfer | None
    found = state.get(Negotiation, row.id) if row.kind == "negotiation" else state.get(DataTransfer, row.id)
    stands, since = (found.state, found.since) if found else (START, row.since)
    dataset, offer, agreement = _about(state, row)
    ended = found is not None and found.state in rules.FINAL[row.kind]
    return Standing(
        row.id, row.kind, row.role, row.party, row.peer, row.pid, row.theirs, stands, since, dataset, offer, agreement,
        row.format, row.pending, state.entry(row.queued).at if row.pending else None, row.failed,
        found.reasons if found else (), () if ended else rules.moves_of(row, stands),
    )  # fmt: skip


def _about(state: Snapshot, row: Process) -> tuple[str, str, str]:
    """Dataset, offer and agreement, as the provider names them."""
    negotiation = row.id if row.kind == "negotiation" else row.subject
    if row.role == "consumer":
        told, noted = state.get(HeldAgreement, negotiation), state.get(NotedOffer, row.subject)
        dataset = told.dataset if told else noted.dataset if noted else ""
        return dataset, noted.named if noted else "", told.named if told else ""
    if row.kind == "transfer":
        agreed = state.get(Agreement, row.subject)
        return agreed.asset if agreed else "", agreed.offer if agreed else "", row.subject
    offered = state.get(Offer, row.subject)
    return offered.asset if offered else "", row.subject, row.agreement


def _rules(state: Snapshot, row: Process) -> Ruleset | None:
    if row.kind == "transfer":
        return None
    told, noted, offer = (
        state.get(HeldAgreement, row.id),
        state.get(NotedOffer, row.subject),
        state.get(Offer, row.subject),
    )
    if told is not None:
        return told.rules
    return noted.rules if noted is not None else spoken(offer) if offer is not None else None


def _steps(state: Snapshot, row: Process) -> Iterator[Step]:
    """The moves of a process, looked for from where it was opened to where it ended."""
    opened = int(row.id.rpartition("-")[2])
    for seq in state.mentions(row.peer):
        entry = state.entry(seq) if seq >= opened else None
        match entry.fact if entry else None:
            case NegotiationMoved(negotiation=name) | TransferMoved(transfer=name) as fact if name == row.id and entry:
                yield Step(entry.at, fact.message, fact.by, fact.state, fact.reasons, seq)
                if fact.state in rules.FINAL[row.kind]:
                    return
