"""What two connectors say to each other: the messages of the Dataspace Protocol 2025-1, as values.

Each is one sentence about one *process*, which is a negotiation or a transfer. A process has two names, one on either
side (`provider_pid`, `consumer_pid`); the first message knows only its sender's. `MOVE` is the name of the message in
the tables of states, `contract.negotiation.MOVES` and `contract.transfer.MOVES`, so the protocol's words and the
portal's mean the same step.

Offers and agreements are rulesets (`terms.model`). Their `uid` is the `@id` on the wire; `dataset` is what they are
about, as the provider calls it. How all this is spelled is the business of `wire/dsp`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import ClassVar

from usufruct.core.terms.model import Ruleset

VERSION = "2025-1"
PULL, PUSH = "HttpData-PULL", "HttpData-PUSH"
FORMATS = (PULL, PUSH)


@dataclass(frozen=True, slots=True)
class DataAddress:
    """Where data are to be had, or to be sent: an `endpoint` and how to show oneself there. `properties` are names with
    values, among them `authorization`, a secret: so they are never printed, and never in the journal."""

    kind: str  # endpointType, as `https://w3id.org/idsa/v4.1/HTTP`
    endpoint: str
    properties: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def property(self, name: str) -> str:
        """A property's value; empty without."""
        return dict(self.properties).get(name, "")

    def to_bytes(self) -> bytes:
        """The address, to be kept where secrets are."""
        return json.dumps([self.kind, self.endpoint, self.properties]).encode()

    @classmethod
    def from_bytes(cls, kept: bytes) -> DataAddress:
        """The address that `to_bytes` made."""
        kind, endpoint, properties = json.loads(kept)
        return cls(kind, endpoint, tuple((name, value) for name, value in properties))


# ---- negotiations (section "Contract Negotiation Protocol")


@dataclass(frozen=True, slots=True)
class ContractRequest:
    """The consumer asks for an offer, or makes a counter-offer: the first has a `callback`, the second a `provider_pid`."""

    MOVE: ClassVar[str] = "request"
    consumer_pid: str
    dataset: str
    offer: Ruleset
    provider_pid: str = ""
    callback: str = ""


@dataclass(frozen=True, slots=True)
class ContractOffer:
    """The provider makes an offer: unasked with a `callback`, in a negotiation with a `consumer_pid`."""

    MOVE: ClassVar[str] = "offer"
    provider_pid: str
    dataset: str
    offer: Ruleset
    consumer_pid: str = ""
    callback: str = ""


@dataclass(frozen=True, slots=True)
class ContractAgreement:
    """The provider agrees, to this: `assigner` and `assignee` are participants, `timestamp` an xsd:dateTime."""

    MOVE: ClassVar[str] = "agree"
    provider_pid: str
    consumer_pid: str
    dataset: str
    agreement: Ruleset
    assigner: str
    assignee: str
    timestamp: str


@dataclass(frozen=True, slots=True)
class AgreementVerification:
    """The consumer has verified the agreement."""

    MOVE: ClassVar[str] = "verify"
    provider_pid: str
    consumer_pid: str


@dataclass(frozen=True, slots=True)
class NegotiationAccepted:
    """The consumer accepts the offer (event ACCEPTED)."""

    MOVE: ClassVar[str] = "accept"
    provider_pid: str
    consumer_pid: str


@dataclass(frozen=True, slots=True)
class NegotiationFinalized:
    """The provider has put the agreement into force (event FINALIZED)."""

    MOVE: ClassVar[str] = "finalize"
    provider_pid: str
    consumer_pid: str


@dataclass(frozen=True, slots=True)
class NegotiationTermination:
    """Either side ends the negotiation."""

    MOVE: ClassVar[str] = "terminate"
    provider_pid: str
    consumer_pid: str
    code: str = ""
    reasons: tuple[str, ...] = ()


# ---- transfers (section "Transfer Process Protocol")


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """The consumer asks for data under an agreement; `address` is where to push them to."""

    MOVE: ClassVar[str] = "request"
    consumer_pid: str
    agreement: str
    format: str
    callback: str
    address: DataAddress | None = None


@dataclass(frozen=True, slots=True)
class TransferStart:
    """The provider starts, or either side resumes; `address` is where to pull from."""

    MOVE: ClassVar[str] = "start"
    provider_pid: str
    consumer_pid: str
    address: DataAddress | None = None


@dataclass(frozen=True, slots=True)
class TransferSuspension:
    """Either side interrupts the transfer."""

    MOVE: ClassVar[str] = "suspend"
    provider_pid: str
    consumer_pid: str
    code: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TransferCompletion:
    """Either side is done."""

    MOVE: ClassVar[str] = "complete"
    provider_pid: str
    consumer_pid: str


@dataclass(frozen=True, slots=True)
class TransferTermination:
    """Either side ends the transfer."""

    MOVE: ClassVar[str] = "terminate"
    provider_pid: str
    consumer_pid: str
    code: str = ""
    reasons: tuple[str, ...] = ()


NegotiationMessage = (
    ContractRequest
    | ContractOffer
    | ContractAgreement
    | AgreementVerification
    | NegotiationAccepted
    | NegotiationFinalized
    | NegotiationTermination
)
TransferMessage = TransferRequest | TransferStart | TransferSuspension | TransferCompletion | TransferTermination
Message = NegotiationMessage | TransferMessage
Move = NegotiationMessage | TransferStart | TransferSuspension | TransferCompletion | TransferTermination
"""What can be said of a process that there is already."""


# ---- answers


@dataclass(frozen=True, slots=True)
class ProcessState:
    """Where a negotiation or transfer stands (`ContractNegotiation`, `TransferProcess`)."""

    provider_pid: str
    consumer_pid: str
    state: str


@dataclass(frozen=True, slots=True)
class ProtocolError:
    """A no (`ContractNegotiationError`, `TransferError`, `CatalogError`): it changes no state."""

    provider_pid: str
    consumer_pid: str
    code: str = ""
    reasons: tuple[str, ...] = ()
