"""Messages and answers from bytes, one function for each: read safely, put into the plain form, held to its schema.

What comes out are the values of `core.dataspace`. Whatever is not as the protocol has it is a `BadInput` that says where,
and nothing was done.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from usufruct.core.dataspace.messages import (
    AgreementVerification,
    ContractAgreement,
    ContractOffer,
    ContractRequest,
    DataAddress,
    NegotiationAccepted,
    NegotiationFinalized,
    NegotiationTermination,
    ProcessState,
    ProtocolError,
    TransferCompletion,
    TransferRequest,
    TransferStart,
    TransferSuspension,
    TransferTermination,
)
from usufruct.core.dataspace.versions import Version
from usufruct.wire.dsp import odrl, shapes
from usufruct.wire.dsp.spelling import ENDPOINT, bad, parse, plain

MESSAGE_MAX = 1024 * 1024  # bytes
_WHERE = re.compile(r"^(.*?)(?: - at `(\$.*)`)?$", re.DOTALL)

Shape = TypeVar("Shape")


def fitting(said: Any, shape: type[Shape]) -> Shape:
    """What was said, as the schema has it.

    Raises:
        BadInput: it does not fit; the message says where.
    """
    try:
        return msgspec.convert(said, shape)
    except msgspec.ValidationError as error:
        found = _WHERE.match(str(error))
        assert found is not None
        what, where = found.groups()
        raise bad(where or "$", what[:1].lower() + what[1:]) from None
    except RecursionError:
        raise bad("$", "it is nested too deeply") from None


def _message(kind: str, body: bytes, shape: type[Shape]) -> tuple[dict[str, Any], Shape]:
    said = plain(parse(body, MESSAGE_MAX))
    _expect(said, kind)
    return said, fitting(said, shape)


def _expect(said: dict[str, Any], *kinds: str) -> None:
    found = said.get("@type")
    if found not in kinds:
        told = f"`{found[:80]}`" if isinstance(found, str) else "something else"
        raise bad("$.@type", f"`{'` or `'.join(kinds)}` is expected, found {told}")


# ---- negotiations


def read_contract_request(body: bytes) -> ContractRequest:
    """A ContractRequestMessage: the first has a callback, a counter-offer the provider's pid."""
    said, found = _message("ContractRequestMessage", body, shapes.ContractRequest)
    offer = odrl.read(said["offer"], found.offer.target)
    return ContractRequest(found.consumer, found.offer.target, offer, found.provider, found.callback)


def read_contract_offer(body: bytes) -> ContractOffer:
    """A ContractOfferMessage: unasked with a callback, in a negotiation with the consumer's pid."""
    said, found = _message("ContractOfferMessage", body, shapes.ContractOffer)
    offer = odrl.read(said["offer"], found.offer.target)
    return ContractOffer(found.provider, found.offer.target, offer, found.consumer, found.callback)


def read_contract_agreement(body: bytes) -> ContractAgreement:
    """A ContractAgreementMessage. Its time is empty if it says none, which the schema allows and the text does not."""
    said, found = _message("ContractAgreementMessage", body, shapes.ContractAgreement)
    about = found.agreement
    rules = odrl.read(said["agreement"], about.target, about.assigner, about.assignee)
    return ContractAgreement(
        found.provider, found.consumer, about.target, rules, about.assigner, about.assignee, about.timestamp
    )  # fmt: skip


def read_agreement_verification(body: bytes) -> AgreementVerification:
    """A ContractAgreementVerificationMessage."""
    _, found = _message("ContractAgreementVerificationMessage", body, shapes.Process)
    return AgreementVerification(found.provider, found.consumer)


def read_negotiation_event(body: bytes) -> NegotiationAccepted | NegotiationFinalized:
    """A ContractNegotiationEventMessage, whichever of the two events it tells."""
    _, found = _message("ContractNegotiationEventMessage", body, shapes.Event)
    kind = NegotiationAccepted if found.event == "ACCEPTED" else NegotiationFinalized
    return kind(found.provider, found.consumer)


def read_negotiation_termination(body: bytes) -> NegotiationTermination:
    """A ContractNegotiationTerminationMessage."""
    _, found = _message("ContractNegotiationTerminationMessage", body, shapes.Reasoned)
    return NegotiationTermination(found.provider, found.consumer, found.code, _reasons(found.reason))


def _reasons(said: list[Any] | msgspec.UnsetType) -> tuple[str, ...]:
    return () if said is msgspec.UNSET else tuple(odrl.letters(one) for one in said)


# ---- transfers


def read_transfer_request(body: bytes) -> TransferRequest:
    """A TransferRequestMessage; its address is where to push to."""
    _, found = _message("TransferRequestMessage", body, shapes.TransferRequest)
    return TransferRequest(found.consumer, found.agreement, found.format, found.callback, _address(found.address))


def _address(said: shapes.DataAddress | msgspec.UnsetType) -> DataAddress | None:
    if said is msgspec.UNSET:
        return None
    properties = () if said.properties is msgspec.UNSET else tuple((one.name, one.value) for one in said.properties)
    endpoint = said.endpoint or dict(properties).get(ENDPOINT, "")
    return DataAddress(said.kind, endpoint, tuple(one for one in properties if one != (ENDPOINT, endpoint)))


def read_transfer_start(body: bytes) -> TransferStart:
    """A TransferStartMessage; its address is where to pull from."""
    _, found = _message("TransferStartMessage", body, shapes.TransferStart)
    return TransferStart(found.provider, found.consumer, _address(found.address))


def read_transfer_suspension(body: bytes) -> TransferSuspension:
    """A TransferSuspensionMessage."""
    _, found = _message("TransferSuspensionMessage", body, shapes.Reasoned)
    return TransferSuspension(found.provider, found.consumer, found.code, _reasons(found.reason))


def read_transfer_completion(body: bytes) -> TransferCompletion:
    """A TransferCompletionMessage."""
    _, found = _message("TransferCompletionMessage", body, shapes.Process)
    return TransferCompletion(found.provider, found.consumer)


def read_transfer_termination(body: bytes) -> TransferTermination:
    """A TransferTerminationMessage."""
    _, found = _message("TransferTerminationMessage", body, shapes.Reasoned)
    return TransferTermination(found.provider, found.consumer, found.code, _reasons(found.reason))


# ---- answers, and questions without a process


def read_negotiation(body: bytes) -> ProcessState:
    """A ContractNegotiation: where it stands."""
    _, found = _message("ContractNegotiation", body, shapes.NegotiationState)
    return ProcessState(found.provider, found.consumer, found.state)


def read_transfer(body: bytes) -> ProcessState:
    """A TransferProcess: where it stands."""
    _, found = _message("TransferProcess", body, shapes.TransferState)
    return ProcessState(found.provider, found.consumer, found.state)


def read_error(body: bytes) -> ProtocolError:
    """An error of any of the three kinds. One about the catalogue names no process."""
    said = plain(parse(body, MESSAGE_MAX))
    _expect(said, "ContractNegotiationError", "TransferError", "CatalogError")
    if said["@type"] == "CatalogError":
        about = fitting(said, shapes.CatalogueError)
        return ProtocolError("", "", about.code, _reasons(about.reason))
    found = fitting(said, shapes.ProcessError)
    return ProtocolError(found.provider, found.consumer, found.code, _reasons(found.reason))


def read_catalogue_request(body: bytes) -> tuple[str, ...]:
    """A CatalogRequestMessage: its filters, as text; a provider that knows none must refuse any (section "Catalog Request
    Message"). The query that the connectors of Eclipse Dataspace Components send with every request is no filter, as long as
    it asks for everything from the beginning."""
    _, found = _message("CatalogRequestMessage", body, shapes.CatalogueRequest)
    filters = [] if found.filter is msgspec.UNSET else found.filter
    return _reasons([one for one in filters if not _everything(one)])


def _everything(query: Any) -> bool:
    if not isinstance(query, dict) or str(query.get("@type", "")).rpartition("/")[2] != "QuerySpec":
        return False
    said = {name.rpartition("/")[2]: value for name, value in query.items()}
    return not said.get("offset") and not said.get("filterExpression") and not said.get("sortField")


def read_versions(body: bytes) -> tuple[Version, ...]:
    """A VersionResponse, which is plain JSON without a context."""
    found = fitting(parse(body, MESSAGE_MAX), shapes.Versions)
    return tuple(
        Version(
            one.version, one.path, one.binding,
            ("", "") if one.auth is msgspec.UNSET else (one.auth.protocol, one.auth.version),
            () if one.auth is msgspec.UNSET else tuple(one.auth.profile), one.service, one.identifiers,
        )
        for one in found.versions
    )  # fmt: skip
