"""Which nodes are known, what is spoken of with them, and how far each talk has come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.contract import negotiation, transfer
from usufruct.core.contract.facts import NegotiationMoved
from usufruct.core.contract.state import Negotiation
from usufruct.core.dataspace.facts import (
    NOT_YET,
    AgreementTold,
    MessageAcknowledged,
    MessageFailed,
    MessageQueued,
    OfferNoted,
    PeerLinked,
    PeerUnlinked,
    ProcessOpened,
    PushBegan,
    PushEnded,
    TransferMoved,
)
from usufruct.core.terms.model import Ruleset


@dataclass(frozen=True, slots=True)
class Peer(Row):
    """See `PeerLinked`; `open` until it is unlinked."""

    KEY = ("party",)
    INDEXED = ("participant",)
    party: str
    participant: str
    url: str
    by_hand: bool
    private: bool
    open: bool
    since: Instant


@dataclass(frozen=True, slots=True)
class NotedOffer(Row):
    """See `OfferNoted`."""

    KEY = ("id",)
    INDEXED = ("process",)
    id: str
    peer: str
    dataset: str
    named: str
    rules: Ruleset
    process: str


@dataclass(frozen=True, slots=True)
class Process(Row):
    """A negotiation or transfer with two ends; see `ProcessOpened`. `subject` is the offer that is negotiated, or the
    agreement under which is transferred, as this node calls it.

    `pending` is the message that waits for its acknowledgement, queued by fact `queued` of `by`, with its `code` and
    `reasons`; `sending` is 1 while there is one. What was agreed: `agreement`, `since`, `until`, `right`. `failed` says why
    the last message was not taken. `by_peer`: the peer began it.
    """

    KEY = ("id",)
    INDEXED = ("pid", "theirs", "peer", "sending")
    id: str
    kind: str
    role: str
    party: str
    peer: str
    pid: str
    callback: str
    theirs: str
    subject: str
    format: str
    since: Instant
    sending: int = 0
    pending: str = ""
    queued: int = 0
    by: str = ""
    code: str = ""
    reasons: tuple[str, ...] = ()
    agreement: str = ""
    agreed: Instant = NOT_YET
    until: Instant = NOT_YET
    right: str = ""
    failed: tuple[str, ...] = ()
    by_peer: bool = False

    @property
    def provider(self) -> str:
        """The party that provides."""
        return self.party if self.role == "provider" else self.peer

    @property
    def consumer(self) -> str:
        """The party that consumes."""
        return self.party if self.role == "consumer" else self.peer


@dataclass(frozen=True, slots=True)
class Begun(Row):
    """How many negotiations or transfers (`kind`) are `open` that a peer has begun."""

    KEY = ("peer", "kind")
    peer: str
    kind: str
    open: int


@dataclass(frozen=True, slots=True)
class HeldAgreement(Row):
    """An agreement with another node, by the negotiation that came to it; see `AgreementTold`."""

    KEY = ("negotiation",)
    INDEXED = ("party", "peer")
    negotiation: str
    party: str
    peer: str
    dataset: str
    named: str
    rules: Ruleset
    since: Instant
    in_force: bool = False


@dataclass(frozen=True, slots=True)
class DataTransfer(Row):
    """See `TransferMoved`; `since` when it is in that state. `pauses` is how often it was suspended: what is given to who
    pulls is good until the next."""

    KEY = ("id",)
    INDEXED = ("provider", "consumer", "agreement", "state", "format")
    id: str
    agreement: str
    provider: str
    consumer: str
    state: str
    format: str
    since: Instant
    reasons: tuple[str, ...] = ()
    pauses: int = 0


@dataclass(frozen=True, slots=True)
class Push(Row):
    """What of a transfer is being pushed: what comes of `use`. `over` once it was taken, or given up."""

    KEY = ("transfer",)
    transfer: str
    use: str
    over: bool = False


def state_of(read: Reader, process: Process) -> str:
    """The state of the negotiation or transfer that a process is about."""
    negotiated = process.kind == "negotiation"
    found = read.get(Negotiation, process.id) if negotiated else read.get(DataTransfer, process.id)
    return found.state if found is not None else transfer.START


def by_pid(read: Reader, pid: str, peer: str) -> Process | None:
    """The process that this node calls `pid` towards a peer."""
    return next((one for one in read.list(Process, pid=pid) if one.peer == peer), None)


def by_theirs(read: Reader, theirs: str, peer: str, kind: str, role: str) -> Process | None:
    """The process that a peer calls `theirs`, of a kind in which this node has that role."""
    of = (one for one in read.list(Process, theirs=theirs) if (one.peer, one.kind, one.role) == (peer, kind, role))
    return next(of, None)


def peer_called(read: Reader, participant: str) -> Peer | None:
    """The peer that is this participant of a dataspace."""
    return next((one for one in read.list(Peer, participant=participant) if one.open), None)


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact of the dataspace changes."""
    match entry.fact:
        case PeerLinked() as fact:
            yield Peer(fact.party, fact.participant, fact.url, fact.by_hand, fact.private, True, entry.at)
        case PeerUnlinked() as fact:
            peer = read.get(Peer, fact.party)
            assert peer is not None
            yield replace(peer, open=False)
        case OfferNoted() as fact:
            yield NotedOffer(fact.offer, fact.peer, fact.dataset, fact.named, fact.rules, fact.process)
            process = read.get(Process, fact.process) if fact.process else None
            if process is not None and process.role == "consumer":
                yield replace(process, subject=fact.offer)
        case ProcessOpened() as fact:
            yield Process(
                fact.process, fact.kind, fact.role, fact.party, fact.peer, fact.pid, fact.callback, fact.theirs, fact.subject,
                fact.format, entry.at, by_peer=bool(fact.theirs),
            )  # fmt: skip
            if fact.theirs:
                yield _begun(read, fact.peer, fact.kind, 1)
        case MessageQueued() as fact:
            yield _queued(_process(read, fact.process), fact, entry.seq)
        case MessageAcknowledged() as fact:
            process = _process(read, fact.process)
            yield replace(process, sending=0, pending="", theirs=fact.theirs or process.theirs, failed=())
        case MessageFailed() as fact:
            yield replace(_process(read, fact.process), sending=0, pending="", failed=fact.reasons)
        case AgreementTold() as fact:
            yield HeldAgreement(fact.negotiation, fact.party, fact.peer, fact.dataset, fact.named, fact.rules, entry.at)
        case NegotiationMoved() as fact if fact.state in negotiation.FINAL:
            held = read.get(HeldAgreement, fact.negotiation)
            if held is not None and fact.state == "FINALIZED":
                yield replace(held, in_force=True, since=entry.at)
            yield from _over(read, fact.negotiation)
        case TransferMoved() as fact:
            yield from _transferred(read, fact, entry.at)
        case PushBegan() as fact:
            yield Push(fact.transfer, fact.use)
        case PushEnded() as fact:
            yield Push(fact.transfer, fact.use, True)
        case _:
            return


def _begun(read: Reader, peer: str, kind: str, more: int) -> Begun:
    row = read.get(Begun, peer, kind)
    return Begun(peer, kind, (row.open if row is not None else 0) + more)


def _over(read: Reader, id: str) -> Iterator[Begun]:
    """What the end of a negotiation or transfer changes, if it is one with another node, who began it."""
    process = read.get(Process, id)
    if process is not None and process.by_peer:
        yield _begun(read, process.peer, process.kind, -1)


def _transferred(read: Reader, fact: TransferMoved, at: Instant) -> Iterator[Row]:
    before = read.get(DataTransfer, fact.transfer)
    pauses = (before.pauses if before is not None else 0) + (fact.state == "SUSPENDED")
    yield DataTransfer(
        fact.transfer, fact.agreement, fact.provider, fact.consumer, fact.state, fact.format, at, fact.reasons, pauses
    )
    if fact.state in transfer.FINAL:
        yield from _over(read, fact.transfer)


def _process(read: Reader, id: str) -> Process:
    process = read.get(Process, id)
    assert process is not None
    return process


def _queued(process: Process, fact: MessageQueued, seq: int) -> Process:
    waiting = replace(
        process,
        sending=1,
        pending=fact.message,
        queued=seq,
        by=fact.by,
        code=fact.code,
        reasons=fact.reasons,
        failed=(),
    )
    if fact.message != "agree":
        return waiting
    return replace(waiting, agreement=fact.agreement, agreed=fact.since, until=fact.until, right=fact.right)
