"""What can have happened between this node and others that speak the Dataspace Protocol.

A negotiation or a transfer that is spoken of with another node is a *process*. What moves it is told by the facts of the
trade itself (`NegotiationMoved`, `TransferMoved`), the same for a process inside this node and for one between two. The
facts here tell of the talk: that a process has two ends, that a message waits to be sent, that the other end took it. A
state is entered when the other side has acknowledged the message that leads to it; so a message is first *queued*, and the
move stands in the journal with its acknowledgement.
"""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Fact
from usufruct.core.terms.model import Ruleset

NOT_YET = Instant("")


@dataclass(frozen=True, slots=True)
class PeerLinked(Fact):
    """A party has a node of its own: the participant `participant` of a dataspace, whose protocol endpoints lie below
    `url` (empty where only it calls us). `by_hand`: nothing is answered to it of itself, every move is somebody's.
    `private` allows addresses in a private network. A second time it replaces what was said."""

    KIND = "peer.linked/1"
    party: str
    participant: str
    url: str = ""
    by_hand: bool = False
    private: bool = False

    def about(self) -> tuple[str, ...]:
        return (self.party,)


@dataclass(frozen=True, slots=True)
class PeerUnlinked(Fact):
    """Nothing more is said to that party's node, nor heard from it."""

    KIND = "peer.unlinked/1"
    party: str

    def about(self) -> tuple[str, ...]:
        return (self.party,)


@dataclass(frozen=True, slots=True)
class OfferNoted(Fact):
    """An offer of another node's, or a counter-offer, as that node said it: `named` is its own name for it, `dataset` for what
    it is about. Said in a `process`, it is what is negotiated from then on where the other side provides."""

    KIND = "offer.noted/1"
    offer: str
    peer: str
    dataset: str
    named: str
    rules: Ruleset
    process: str = ""


@dataclass(frozen=True, slots=True)
class ProcessOpened(Fact):
    """A negotiation or transfer (`kind`) has two ends: `party` here as `role`, `peer` there. `pid` is what this node calls
    it towards the other, `theirs` what that one does (empty until it says so); `callback` is where it wants to be told."""

    KIND = "process.opened/1"
    process: str
    kind: str
    role: str
    party: str
    peer: str
    pid: str
    callback: str
    theirs: str = ""
    subject: str = ""
    format: str = ""


@dataclass(frozen=True, slots=True)
class MessageQueued(Fact):
    """`by` wants to say `message` in a process; the other node is told by a follower. To agree is to say which `agreement`,
    from `since` `until` when, on which `right`; to say no is to say why."""

    KIND = "message.queued/1"
    process: str
    message: str
    by: str
    code: str = ""
    reasons: tuple[str, ...] = ()
    agreement: str = ""
    since: Instant = NOT_YET
    until: Instant = NOT_YET
    right: str = ""


@dataclass(frozen=True, slots=True)
class MessageAcknowledged(Fact):
    """The other node took the message that waited; `theirs` is its name for the process, if that was not known."""

    KIND = "message.acknowledged/1"
    process: str
    message: str
    theirs: str = ""


@dataclass(frozen=True, slots=True)
class MessageFailed(Fact):
    """The message was not taken: `status` is what the other node answered with (0: it could not be reached)."""

    KIND = "message.failed/1"
    process: str
    message: str
    status: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgreementTold(Fact):
    """The provider elsewhere has agreed to what `party` here asked for: to these rules, on its `dataset`; `named` is what it
    calls the agreement. It is in force once the negotiation is finalized."""

    KIND = "agreement.told/1"
    negotiation: str
    party: str
    peer: str
    dataset: str
    named: str
    rules: Ruleset

    def about(self) -> tuple[str, ...]:
        return (self.party, self.peer)


@dataclass(frozen=True, slots=True)
class TransferMoved(Fact):
    """One side sent `message` and the transfer came to `state`; see `contract.transfer.MOVES`."""

    KIND = "transfer.moved/1"
    transfer: str
    agreement: str
    provider: str
    consumer: str
    by: str
    message: str
    state: str
    format: str
    reasons: tuple[str, ...] = ()

    def about(self) -> tuple[str, ...]:
        return (self.provider, self.consumer)


@dataclass(frozen=True, slots=True)
class PushBegan(Fact):
    """What a use lets out is to be sent to where the consumer wants it; the use was admitted for that, or answered before."""

    KIND = "push.began/1"
    transfer: str
    consumer: str
    use: str

    def about(self) -> tuple[str, ...]:
        return (self.consumer,)


@dataclass(frozen=True, slots=True)
class PushEnded(Fact):
    """It was sent: `size` bytes, `digest` is the seal of their SHA-256, and `status` what was answered (0: nothing). With
    `reasons` it was not taken, for good."""

    KIND = "push.ended/1"
    transfer: str
    consumer: str
    use: str
    size: int
    digest: str
    status: int
    reasons: tuple[str, ...] = ()

    def about(self) -> tuple[str, ...]:
        return (self.consumer,)
