"""A queued message as it is said: from the facts alone, so that it is the same whenever it is sent."""

from __future__ import annotations

import re
from dataclasses import replace

from usufruct.core.base.records import Reader
from usufruct.core.contract.state import Agreement, Offer
from usufruct.core.dataspace import rules
from usufruct.core.dataspace.messages import (
    AgreementVerification,
    ContractAgreement,
    ContractOffer,
    ContractRequest,
    Message,
    NegotiationAccepted,
    NegotiationFinalized,
    NegotiationTermination,
    TransferCompletion,
    TransferRequest,
    TransferStart,
    TransferSuspension,
    TransferTermination,
)
from usufruct.core.dataspace.offered import spoken
from usufruct.core.dataspace.state import HeldAgreement, Peer, Process

_PATHS = {
    "negotiation": {
        "offer": "offers", "agree": "agreement", "accept": "events", "finalize": "events", "verify": "agreement/verification",
        "terminate": "termination", "request": "request",
    },
    "transfer": {"start": "start", "suspend": "suspension", "complete": "completion", "terminate": "termination"},
}  # fmt: skip
_NO_PCHAR = re.compile(rb"[^A-Za-z0-9._~!$&'()*+,;=:@-]")
_ROOTS = {"negotiation": "/negotiations", "transfer": "/transfers"}


def path_of(process: Process) -> str:
    """Where below the other side's address the pending message belongs (HTTPS binding, tables of endpoints)."""
    root, message = _ROOTS[process.kind], process.pending
    if not process.theirs:
        return f"{root}/{'offers' if message == 'offer' else 'request'}"
    return f"{root}/{part_of_path(process.theirs)}/{_PATHS[process.kind][message]}"


def place_of(process: Process) -> str:
    """Where the other side tells how the process stands."""
    return f"{_ROOTS[process.kind]}/{part_of_path(process.theirs)}"


def part_of_path(name: str) -> str:
    """Another node's name for something, as one part of a path (RFC 3986, section 3.3). It may hold anything, and must not
    lead where its giver could not go himself, for what is sent there goes with our credentials."""
    return _NO_PCHAR.sub(lambda found: b"%%%02X" % ord(found[0]), name.encode()).decode()


def message_of(read: Reader, process: Process, participant: str, callback: str, origin: str) -> Message:
    """The pending message of a process. `participant` and `callback` are this node's own; `origin` names its agreements.

    The address of data is not in it, for that is a secret, and no fact.
    """
    if process.kind == "transfer":
        return _of_transfer(read, process, callback, origin)
    return _of_negotiation(read, process, participant, callback, origin)


def _pids(process: Process) -> tuple[str, str]:
    ours, theirs = process.pid, process.theirs
    return (ours, theirs) if process.role == "provider" else (theirs, ours)


def _of_negotiation(read: Reader, process: Process, participant: str, callback: str, origin: str) -> Message:
    pids, first = _pids(process), not process.theirs
    match process.pending:
        case "request":
            asked = rules.noted(read, process)
            assert asked is not None
            return ContractRequest(
                process.pid, asked.dataset, asked.rules, process.theirs, callback=callback if first else ""
            )
        case "offer":
            offer = _offer(read, process)
            return ContractOffer(
                process.pid, offer.asset, spoken(offer), process.theirs, callback=callback if first else ""
            )
        case "agree":
            return _agreement(read, process, participant, origin)
        case "accept":
            return NegotiationAccepted(*pids)
        case "verify":
            return AgreementVerification(*pids)
        case "finalize":
            return NegotiationFinalized(*pids)
    return NegotiationTermination(*pids, process.code, process.reasons)


def _agreement(read: Reader, process: Process, participant: str, origin: str) -> ContractAgreement:
    fact, peer = rules.reached(read, process), read.get(Peer, process.peer)
    assert peer is not None
    agreement = Agreement(
        fact.agreement, fact.offer, fact.asset, fact.provider, fact.consumer, fact.terms, process.agreed, fact.until,
        fact.right,
    )  # fmt: skip
    told = replace(spoken(agreement), uid=rules.agreement_name(origin, fact.agreement))
    return ContractAgreement(*_pids(process), fact.asset, told, participant, peer.participant, process.agreed)


def _offer(read: Reader, process: Process) -> Offer:
    offer = read.get(Offer, process.subject)
    assert offer is not None
    return offer


def _of_transfer(read: Reader, process: Process, callback: str, origin: str) -> Message:
    pids = _pids(process)
    match process.pending:
        case "request":
            held = read.get(HeldAgreement, process.subject)
            assert held is not None
            return TransferRequest(process.pid, held.named, process.format, callback)
        case "start":
            return TransferStart(*pids)
        case "suspend":
            return TransferSuspension(*pids, process.code, process.reasons)
        case "complete":
            return TransferCompletion(*pids)
    return TransferTermination(*pids, process.code, process.reasons)
