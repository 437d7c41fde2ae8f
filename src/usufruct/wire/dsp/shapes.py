"""The schemas of the messages, as types: what must be there, and of which kind. msgspec compiles them.

They demand what the protocol's own schemas demand (draft 2019-09, `https://w3id.org/dspace/2025/1/`), and these things
besides, which its text demands or which any answer needs:

- an offer in a message names its `target` (the schema asks that of the provider's only);
- names and addresses are not empty, and at most 2,000 letters long, in Unicode normalization form C;
- the time of an agreement is an xsd:dateTime from its first letter to its last;
- the duties of a rule are rules, for one that could be read as having none would permit too much.

Members that stand in no schema are left alone here; of rules they are kept (see `odrl`).
"""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from usufruct.wire.dsp.spelling import CONTEXT

NAME_MAX = 2_000  # letters
Name = Annotated[str, Meta(min_length=1, max_length=NAME_MAX)]
OPERATORS = ("eq", "neq", "gt", "gteq", "lt", "lteq", "hasPart", "isA", "isAllOf", "isAnyOf", "isNoneOf", "isPartOf",
             "term-lteq")  # fmt: skip
_DATE_TIME = (
    r"^-?([1-9][0-9]{3,}|0[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T(([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?|24:00:00(\.0+)?)"
    r"(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))?\Z"
)
Time = Annotated[str, Meta(pattern=_DATE_TIME, max_length=64)]
NEGOTIATION_STATES = ("REQUESTED", "OFFERED", "ACCEPTED", "AGREED", "VERIFIED", "FINALIZED", "TERMINATED")
TRANSFER_STATES = ("REQUESTED", "STARTED", "SUSPENDED", "COMPLETED", "TERMINATED")


class Condition(Struct):
    """A constraint: it compares, or it joins others in one of four ways."""

    left: Any = field(name="leftOperand", default=UNSET)
    operator: Any = UNSET
    right: Any = field(name="rightOperand", default=UNSET)
    and_: list[Condition] | UnsetType = field(name="and", default=UNSET)
    or_: list[Condition] | UnsetType = field(name="or", default=UNSET)
    xone: list[Condition] | UnsetType = UNSET
    sequence: list[Condition] | UnsetType = field(name="andSequence", default=UNSET)

    def __post_init__(self) -> None:
        ways = sum(way is not UNSET for way in (self.and_, self.or_, self.xone, self.sequence))
        wrong = self._compares()
        if ways == 1 and not wrong:
            raise ValueError("it joins constraints and compares; nest one in the other")
        if ways > 1 and wrong:
            raise ValueError("it joins constraints in two ways; nest one in the other")
        if not ways and wrong:
            raise ValueError(wrong)

    def _compares(self) -> str:
        """What is wrong with it as a comparison; empty if nothing is."""
        if not isinstance(self.left, str):
            return "a constraint needs a `leftOperand`, a text"
        if self.operator not in OPERATORS:
            return f"a constraint needs an `operator`, one of {', '.join(OPERATORS)}"
        if not isinstance(self.right, str | dict | list):
            return "a constraint needs a `rightOperand`, a text, an object or a list"
        return ""


class Duty(Struct):
    """What must be done."""

    action: str
    constraint: list[Condition] | UnsetType = UNSET
    consequence: list[Duty] | UnsetType = UNSET


class Permission(Struct):
    """What may be done."""

    action: str
    constraint: list[Condition] | UnsetType = UNSET
    duty: list[Duty] | UnsetType = UNSET


class Prohibition(Struct):
    """What must not be done."""

    action: str
    constraint: list[Condition] | UnsetType = UNSET
    remedy: list[Duty] | UnsetType = UNSET


class Rules(Struct, kw_only=True):
    """The rules of an offer or agreement: something is permitted, or something is prohibited."""

    id: Name = field(name="@id")
    profile: list[str] | str | UnsetType = UNSET
    permission: Annotated[list[Permission], Meta(min_length=1)] | UnsetType = UNSET
    prohibition: Annotated[list[Prohibition], Meta(min_length=1)] | UnsetType = UNSET
    obligation: Annotated[list[Duty], Meta(min_length=1)] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.permission is UNSET and self.prohibition is UNSET:
            raise ValueError("it needs a `permission` or a `prohibition`")
        _check_letters(self)


class ListedOffer(Rules, kw_only=True):
    """An offer in a catalogue: the dataset above it is its target."""

    type: Literal["Offer"] = field(name="@type", default="Offer")
    target: Any = UNSET

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target is not UNSET:
            raise ValueError("an offer in a catalogue has no `target`")


class Offer(Rules, kw_only=True):
    """An offer in a message."""

    type: Literal["Offer"] = field(name="@type")
    target: Name


class Agreement(Rules, kw_only=True):
    """An agreement."""

    type: Literal["Agreement"] = field(name="@type")
    target: Name
    assigner: Name
    assignee: Name
    timestamp: Time = ""


class EndpointProperty(Struct):
    """A name with its value, beside an address."""

    type: Literal["EndpointProperty"] = field(name="@type")
    name: str
    value: str


class DataAddress(Struct, kw_only=True):
    """Where data are, or are to go."""

    type: Literal["DataAddress"] = field(name="@type")
    kind: str = field(name="endpointType")
    endpoint: str = ""
    properties: Annotated[list[EndpointProperty], Meta(min_length=1)] | UnsetType = field(
        name="endpointProperties", default=UNSET
    )


class Message(Struct, kw_only=True):
    """Whatever has a context; the `@type` was looked at before."""

    context: list[str] = field(name="@context")

    def __post_init__(self) -> None:
        if CONTEXT not in self.context:
            raise ValueError(f"its `@context` must contain {CONTEXT}")
        _check_letters(self)


def _check_letters(shape: Struct) -> None:
    """Names are kept in the journal and said again letter by letter, so they must be such as it can hold."""
    for name in shape.__struct_fields__:
        value = getattr(shape, name)
        if isinstance(value, str) and not (value.isascii() or unicodedata.is_normalized("NFC", value)):
            raise ValueError(f"`{name}` is not in Unicode normalization form C")


class ContractRequest(Message, kw_only=True):
    """See `messages.ContractRequest`."""

    consumer: Name = field(name="consumerPid")
    offer: Offer
    provider: Name = field(name="providerPid", default="")
    callback: Name = field(name="callbackAddress", default="")

    def __post_init__(self) -> None:
        super().__post_init__()
        _either("providerPid", self.provider, self.callback)


class ContractOffer(Message, kw_only=True):
    """See `messages.ContractOffer`."""

    provider: Name = field(name="providerPid")
    offer: Offer
    consumer: Name = field(name="consumerPid", default="")
    callback: Name = field(name="callbackAddress", default="")

    def __post_init__(self) -> None:
        super().__post_init__()
        _either("consumerPid", self.consumer, self.callback)


def _either(pid: str, name: str, callback: str) -> None:
    if bool(name) == bool(callback):
        raise ValueError(f"the first message has a `callbackAddress`, any later one a `{pid}`, and none has both")


class Process(Message, kw_only=True):
    """A message about a process that both sides know."""

    provider: Name = field(name="providerPid")
    consumer: Name = field(name="consumerPid")


class ContractAgreement(Process, kw_only=True):
    """See `messages.ContractAgreement`."""

    agreement: Agreement


class Event(Process, kw_only=True):
    """See `messages.NegotiationAccepted` and `messages.NegotiationFinalized`."""

    event: Literal["ACCEPTED", "FINALIZED"] = field(name="eventType")


class Reasoned(Process, kw_only=True):
    """A message that ends or interrupts a process: why."""

    code: Annotated[str, Meta(max_length=NAME_MAX)] = ""
    reason: Annotated[list[Any], Meta(min_length=1)] | UnsetType = UNSET


class ProcessError(Message, kw_only=True):
    """A no in a process. The schemas want both its names, but a request that was refused has only one."""

    provider: Annotated[str, Meta(max_length=NAME_MAX)] = field(name="providerPid", default="")
    consumer: Annotated[str, Meta(max_length=NAME_MAX)] = field(name="consumerPid", default="")
    code: Annotated[str, Meta(max_length=NAME_MAX)] = ""
    reason: list[Any] | UnsetType = UNSET


class TransferRequest(Message, kw_only=True):
    """See `messages.TransferRequest`."""

    consumer: Name = field(name="consumerPid")
    agreement: Name = field(name="agreementId")
    format: Name
    callback: Name = field(name="callbackAddress")
    address: DataAddress | UnsetType = field(name="dataAddress", default=UNSET)


class TransferStart(Process, kw_only=True):
    """See `messages.TransferStart`."""

    address: DataAddress | UnsetType = field(name="dataAddress", default=UNSET)


class NegotiationState(Process, kw_only=True):
    """Where a negotiation stands."""

    state: Literal[NEGOTIATION_STATES]  # type: ignore[valid-type]


class TransferState(Process, kw_only=True):
    """Where a transfer stands."""

    state: Literal[TRANSFER_STATES]  # type: ignore[valid-type]


class CatalogueRequest(Message, kw_only=True):
    """Somebody asks for the catalogue."""

    filter: list[Any] | UnsetType = UNSET


class CatalogueError(Message, kw_only=True):
    """A no to a question for the catalogue."""

    code: Annotated[str, Meta(max_length=NAME_MAX)] = ""
    reason: list[Any] | UnsetType = UNSET


class Auth(Struct):
    """How to show oneself."""

    protocol: str
    version: str
    profile: list[str] = field(default_factory=list)


class Version(Struct, kw_only=True):
    """A version of the protocol that a connector speaks."""

    version: str
    path: str
    binding: Literal["HTTPS"]
    auth: Auth | UnsetType = UNSET
    service: str = field(name="serviceId", default="")
    identifiers: str = field(name="identifierType", default="")


class Versions(Struct):
    """All of them."""

    versions: Annotated[list[Version], Meta(min_length=1)] = field(name="protocolVersions")
