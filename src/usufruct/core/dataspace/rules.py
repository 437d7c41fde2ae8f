"""What may be said between this node and another: link a peer, open a process, queue a message, take one in.

Whoever may make a move, and when, stands in the two tables of `core.contract`; here stands what comes of having two ends.

- A state is entered on acknowledgement. Until then the process has a *pending* message and keeps its state.
- An answer proves receipt. If the other side's message fits only behind our pending one, ours has arrived: its
  acknowledgement is on the way, or lost.
- One message waits at a time. To terminate needs no waiting: it takes the place of what is pending.
- Who is not the other end of a process is told what she would be told if there were none.
"""

from __future__ import annotations

from dataclasses import replace

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.contract import negotiation, transfer
from usufruct.core.contract import rules as trade
from usufruct.core.contract.facts import AgreementReached, NegotiationMoved
from usufruct.core.contract.state import Agreement, Offer
from usufruct.core.dataspace.facts import MessageQueued, PeerLinked, PeerUnlinked, TransferMoved
from usufruct.core.dataspace.messages import (
    FORMATS,
    AgreementVerification,
    ContractAgreement,
    ContractOffer,
    ContractRequest,
    Message,
    NegotiationAccepted,
    TransferRequest,
)
from usufruct.core.dataspace.offered import same_rules, spoken
from usufruct.core.dataspace.state import (
    Begun,
    DataTransfer,
    HeldAgreement,
    NotedOffer,
    Peer,
    Process,
    peer_called,
    state_of,
)
from usufruct.core.exchange.registration import checked_url
from usufruct.core.registry.state import Party

NAME_MAX = 2000  # letters of what others call things
REASON_MAX, REASONS_MAX = 1000, 20
OPEN_MAX = {"negotiation": 200, "transfer": 1000}  # that one peer has begun, and that are not over

_TABLES = {"negotiation": negotiation.MOVES, "transfer": transfer.MOVES}
FINAL = {"negotiation": negotiation.FINAL, "transfer": transfer.FINAL}


# ---- peers


def link(read: Reader, party: str, participant: str, url: str, by_hand: bool, private: bool) -> PeerLinked | Refusal:
    """A party's node, as the steward describes it.

    Raises:
        BadInput: the participant or the address cannot be.
    """
    participant = named(participant, "a participant")
    if url:
        url = checked_url(url)
    not_done = f"the node of `{party}` was not linked"
    if read.get(Party, party) is None:
        return refuse("registry.unknown", not_done, f"there is no party `{party}`", remedy="register the party first")
    other = peer_called(read, participant)
    if other is not None and other.party != party:
        return refuse(
            "registry.exists",
            not_done,
            f"`{participant}` is the node of `{other.party}`",
            remedy="unlink that one first",
        )
    return PeerLinked(party, participant, url, by_hand, private)


def unlink(read: Reader, party: str) -> PeerUnlinked | Refusal:
    """The steward has nothing more to do with a party's node."""
    if open_peer(read, party) is None:
        return unknown("peer", party)
    return PeerUnlinked(party)


def open_peer(read: Reader, party: str) -> Peer | None:
    """The node of a party, if it is linked now."""
    peer = read.get(Peer, party)
    return peer if peer is not None and peer.open else None


def named(text: str, what: str) -> str:
    """What others call something, if it can be kept.

    Raises:
        BadInput: it is empty, too long, a step in a path, or has letters that cannot be shown.
    """
    if 0 < len(text) <= NAME_MAX and text.isprintable() and holdable(text) == text and text not in (".", ".."):
        return text
    raise BadInput("input.dataspace", f"this cannot be the name of {what}", f"use 1 to {NAME_MAX} printable letters")


def reasons_of(reasons: tuple[str, ...]) -> tuple[str, ...]:
    """What another node gives as its reasons, in letters and lengths that the journal can hold."""
    return tuple(holdable(reason[:REASON_MAX]) for reason in reasons[:REASONS_MAX])


def answered_at(peer: Peer, callback: str) -> Refusal | None:
    """Why a peer cannot be told at this address. We show ourselves there by what the peer gave us, so whoever speaks for
    the peer with some token of its must not have that sent to a server of her own."""
    if not peer.url or _server(callback) == _server(peer.url):
        return None
    return refuse(
        "contract.crossed", "nothing was begun", f"the callback address is not at the server of `{peer.party}`",
        remedy="name an address there, or ask the steward to link the node at its new one",
    )  # fmt: skip


def silent(peer: Peer, process: Process) -> str:
    """Why nothing more is said to the other end of a process; empty if it is. A process remembers the address that it began
    with, and what we show there is for the server at which the peer is linked now."""
    if not peer.open:
        return "the peer was unlinked"
    return "the peer is linked at another server now" if answered_at(peer, process.callback) else ""


def too_many(read: Reader, peer: str, kind: str) -> Refusal | None:
    """Why a peer can begin no more for now: it has begun so much that is not over."""
    row = read.get(Begun, peer, kind)
    if row is None or row.open < OPEN_MAX[kind]:
        return None
    return refuse(
        "contract.busy", "nothing was begun", f"`{peer}` has begun {row.open} {kind}s that are not over",
        remedy="bring some of them to an end, and ask again",
    )  # fmt: skip


def _server(url: str) -> str:
    return "/".join(url.lower().split("/")[:3])


def is_for(offer: Offer, party: str, at: Instant) -> bool:
    """Whether a party may see an offer: it is open, and not made to somebody else by its rules."""
    if not offer.open or offer.until <= at:
        return False
    permissions = offer.terms.rules.of("permission") if offer.terms.rules else ()
    named = [one.assignee for one in permissions]
    return None in named or not named or any(one is not None and (one.collection or one.uid == party) for one in named)


# ---- what is said


def target_of(process: Process, state: str, message: str, side: str) -> str | None:
    """The state to which `message` of that side leads from `state`; None if it cannot be sent there."""
    who, then = _TABLES[process.kind].get((state, message), ("", ""))
    return then if who in ("either", side) else None


def moves_of(process: Process, state: str) -> tuple[str, ...]:
    """What this side can say in a state: while a message of its is on its way, only that it gives up."""
    found = (message for start, message in _TABLES[process.kind] if start == state)
    own = tuple(message for message in found if target_of(process, state, message, process.role) is not None)
    if not process.pending:
        return own
    return ("terminate",) if "terminate" in own and process.pending != "terminate" else ()


def side_of(process: Process, party: str) -> str:
    """Whether a party is the `provider` or the `consumer`."""
    return "provider" if party == process.provider else "consumer"


def queue(read: Reader, process: Process, wanted: MessageQueued) -> MessageQueued | Refusal:
    """`wanted.by`, the party on this side, says something to the other node."""
    if wanted.by != process.party:
        return unknown(process.kind, process.id)
    state, message = state_of(read, process), wanted.message
    not_done = f"{process.kind} `{process.id}` was not moved by `{message}`"
    if process.pending and not (message == "terminate" and process.pending != "terminate"):
        return refuse(
            "contract.transition", not_done, f"`{process.pending}` is still on its way to the other node",
            remedy="wait until it has arrived, or look whether that node can be reached",
        )  # fmt: skip
    if target_of(process, state, message, process.role) is None:
        return out_of_turn(process, state, message)
    return wanted


def out_of_turn(process: Process, state: str, message: str) -> Refusal:
    """The refusal of a message that does not fit the state."""
    table = _TABLES[process.kind]
    allowed = ", ".join(f"{m} (by the {who})" for (start, m), (who, _) in table.items() if start == state)
    return refuse(
        "contract.transition", f"{process.kind} `{process.id}` was not moved by `{message}`", f"it stands at {state}",
        remedy=f"what can be sent now: {allowed or 'nothing; it is over'}",
    )  # fmt: skip


def has_arrived(read: Reader, process: Process, message: str) -> bool:
    """Whether the other side's message proves that our pending one has arrived: it fits behind that, and not before."""
    state, theirs = state_of(read, process), "consumer" if process.role == "provider" else "provider"
    if not process.pending or target_of(process, state, message, theirs) is not None:
        return False
    then = target_of(process, state, process.pending, process.role)
    return then is not None and target_of(process, then, message, theirs) is not None


def moved(
    read: Reader, process: Process, message: str, by: str, reasons: tuple[str, ...] = ()
) -> NegotiationMoved | TransferMoved | Refusal:
    """The move that a message makes, of this side once it is acknowledged, of the other at once."""
    state = state_of(read, process)
    then = target_of(process, state, message, side_of(process, by))
    if then is None:
        return out_of_turn(process, state, message)
    ends = (process.subject, process.provider, process.consumer, by, message, then)
    if process.kind == "negotiation":
        return NegotiationMoved(process.id, *ends, reasons)
    return TransferMoved(process.id, *ends, process.format, reasons)


def ended(
    read: Reader, process: Process, reasons: tuple[str, ...], state: str = "TERMINATED"
) -> NegotiationMoved | TransferMoved | None:
    """The end of a process that the other side has ended already, or is not there any more to end: whoever's turn it is.
    None if it is over, or never began."""
    now = state_of(read, process)
    if now in (*FINAL[process.kind], negotiation.START):
        return None
    message = "complete" if state == "COMPLETED" else "terminate"
    ends = (process.subject, process.provider, process.consumer, process.party, message, state)
    if process.kind == "negotiation":
        return NegotiationMoved(process.id, *ends, reasons)
    return TransferMoved(process.id, *ends, process.format, reasons)


# ---- openings


def wanted_offer(read: Reader, offer: str, dataset: str, consumer: str, at: Instant) -> Offer | Refusal:
    """The offer that another node's consumer asks for."""
    fact = trade.request(read, "", offer, consumer, at)
    if isinstance(fact, Refusal):
        return fact
    row = read.get(Offer, offer)
    assert row is not None
    return row if row.asset == dataset else unknown("offer", offer)


def may_transfer(read: Reader, agreement: str, consumer: str, format: str, at: Instant) -> Agreement | Refusal:
    """The agreement under which another node's consumer wants data."""
    row = read.get(Agreement, agreement)
    if row is None or row.consumer != consumer:
        return unknown("agreement", agreement)
    if format not in FORMATS:
        return refuse(
            "contract.format", "no transfer was begun", f"`{format}` is not a way in which this node transfers",
            remedy=f"use {' or '.join(FORMATS)}",
        )  # fmt: skip
    if not row.active(at):
        return refuse(
            "access.ended", "no transfer was begun", "the agreement was ended or has run out",
            remedy="negotiate a new one",
        )  # fmt: skip
    return row


def agrees(read: Reader, process: Process, agreement: str, since: Instant) -> MessageQueued | Refusal:
    """The provider's yes to what is negotiated: the offer's terms, for no longer than its right."""
    reached = trade.conclude(read, agreement, process.id, since)
    if isinstance(reached, Refusal):
        return reached
    return MessageQueued(
        process.id,
        "agree",
        process.provider,
        agreement=agreement,
        since=since,
        until=reached.until,
        right=reached.right,
    )


def reached(read: Reader, process: Process) -> AgreementReached:
    """The agreement of this node that a finalized negotiation came to, as it was told the other side."""
    offer = read.get(Offer, process.subject)
    assert offer is not None
    return AgreementReached(
        process.agreement, process.id, offer.id, offer.asset, offer.provider, process.peer, offer.terms, process.until,
        process.right,
    )  # fmt: skip


def refuses(process: Process, refused: Refusal) -> MessageQueued:
    """The end of a process, with the rule that failed."""
    why = (refused.message, *refused.reasons, *((refused.remedy,) if refused.remedy else ()))
    return MessageQueued(process.id, "terminate", process.party, refused.code, reasons_of(why))


def noted(read: Reader, process: Process) -> NotedOffer | None:
    """What another node offered, in a negotiation in which this one consumes."""
    return read.get(NotedOffer, process.subject)


def held(read: Reader, negotiation: str, party: str) -> HeldAgreement | Refusal:
    """The agreement that a party here has with another node, by the negotiation that came to it."""
    row = read.get(HeldAgreement, negotiation)
    return row if row is not None and row.party == party and row.in_force else unknown("agreement", negotiation)


def misread(read: Reader, process: Process, message: ContractAgreement) -> Refusal | None:
    """Why what the provider calls an agreement is none on what was asked for; whether its rules are the same is for
    `answer`, for a person may agree to others."""
    offer = noted(read, process)
    assert offer is not None
    if message.dataset == offer.dataset:
        return None
    return refuse(
        "contract.crossed", "the agreement was not taken", f"it is about `{message.dataset}`, not `{offer.dataset}`",
        remedy="agree on the dataset that was asked for",
    )  # fmt: skip


def answer(read: Reader, process: Process, message: Message) -> MessageQueued | None:
    """What this node says of itself when the other side has said `message`; None where somebody decides.

    A standing offer, asked for as it stands, is agreed to; so is what this side offered and the other accepted. What was
    asked for is accepted and verified if it comes back with the same rules, and else the negotiation ends, for nobody here
    said yes to others. What was verified is finalized, what may be transferred is started, unless
    another transfer under the agreement is suspended: who suspended it did not mean it to be asked for anew.
    """
    said = MessageQueued(process.id, "", process.party)
    match message:
        case ContractRequest():
            offer = read.get(Offer, process.subject)
            plain = (
                offer is not None
                and offer.standing
                and (not message.provider_pid or same_rules(spoken(offer), message.offer))
            )
            return replace(said, message="agree") if plain else None
        case NegotiationAccepted():
            return replace(said, message="agree")
        case ContractOffer():
            asked = noted(read, process)
            same = bool(message.consumer_pid) and asked is not None and same_rules(asked.rules, message.offer)
            return replace(said, message="accept") if same else None
        case ContractAgreement():
            asked = noted(read, process)
            if asked is not None and same_rules(asked.rules, message.agreement):
                return replace(said, message="verify")
            why = ("the rules of the agreement are not those that were asked for",)
            return replace(said, message="terminate", code="contract.terms", reasons=why)
        case AgreementVerification():
            return replace(said, message="finalize")
        case TransferRequest():
            halted = any(read.list(DataTransfer, agreement=process.subject, state="SUSPENDED"))
            return None if halted else replace(said, message="start")
        case _:
            return None


def agreement_name(origin: str, agreement: str) -> str:
    """What other nodes call an agreement of this one: no other node gives that name."""
    return f"https://{origin}/{agreement}"


def agreement_named(origin: str, name: str) -> str:
    """The agreement of this node that others call so; empty if none can be."""
    start = agreement_name(origin, "")
    return name.removeprefix(start) if name.startswith(start) else ""


def unknown(what: str, name: str) -> Refusal:
    """There is none, or it is not for whoever asks."""
    return refuse(
        "registry.unknown", f"nothing was done with {what} `{name}`", f"there is no {what} of that name that is open to you",
        remedy="look at the list of your own, or at the catalogue",
    )  # fmt: skip
