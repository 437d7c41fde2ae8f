"""Messages and answers to bytes: plain JSON that fits the protocol's schemas, and says the same to a reader of JSON-LD.

Empty lists are left out, for the schemas want at least one item where there is a list.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from usufruct.core.dataspace.messages import (
    AgreementVerification,
    ContractAgreement,
    ContractOffer,
    ContractRequest,
    DataAddress,
    Message,
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
from usufruct.core.terms.model import Ruleset
from usufruct.wire.dsp import odrl
from usufruct.wire.dsp.spelling import CONTEXT, ENDPOINT


def encoded(kind: str, said: dict[str, Any]) -> bytes:
    """What is said, as a message of that kind."""
    return msgspec.json.encode({"@context": [CONTEXT], "@type": kind, **said})


def write(message: Message) -> bytes:
    """Any message of a negotiation or a transfer.

    Raises:
        BadInput: its rules cannot be said in the protocol's schemas (see `odrl.write`).
    """
    match message:
        case ContractRequest():
            about = {"offer": _rules("Offer", message.offer, message.dataset)}
            return encoded("ContractRequestMessage", {**_pids(message), **about, **_callback(message.callback)})
        case ContractOffer():
            about = {"offer": _rules("Offer", message.offer, message.dataset)}
            return encoded("ContractOfferMessage", {**_pids(message), **about, **_callback(message.callback)})
        case ContractAgreement():
            return encoded("ContractAgreementMessage", {**_pids(message), "agreement": _agreement(message)})
        case AgreementVerification():
            return encoded("ContractAgreementVerificationMessage", _pids(message))
        case NegotiationAccepted():
            return encoded("ContractNegotiationEventMessage", {**_pids(message), "eventType": "ACCEPTED"})
        case NegotiationFinalized():
            return encoded("ContractNegotiationEventMessage", {**_pids(message), "eventType": "FINALIZED"})
        case NegotiationTermination():
            return encoded("ContractNegotiationTerminationMessage", {**_pids(message), **_why(message)})
        case TransferRequest():
            said = {"consumerPid": message.consumer_pid, "agreementId": message.agreement, "format": message.format}
            return encoded(
                "TransferRequestMessage", {**said, **_callback(message.callback), **_address(message.address)}
            )
        case TransferStart():
            return encoded("TransferStartMessage", {**_pids(message), **_address(message.address)})
        case TransferSuspension():
            return encoded("TransferSuspensionMessage", {**_pids(message), **_why(message)})
        case TransferCompletion():
            return encoded("TransferCompletionMessage", _pids(message))
        case TransferTermination():
            return encoded("TransferTerminationMessage", {**_pids(message), **_why(message)})


def _pids(of: Any) -> dict[str, Any]:
    """The names of a process that are known."""
    found = {"providerPid": of.provider_pid, "consumerPid": of.consumer_pid}
    return {name: pid for name, pid in found.items() if pid}


def _rules(kind: str, rules: Ruleset, dataset: str, assigner: str = "", assignee: str = "") -> dict[str, Any]:
    return {"@type": kind, "target": dataset, **odrl.write(rules, dataset, assigner, assignee)}


def _agreement(message: ContractAgreement) -> dict[str, Any]:
    said = _rules("Agreement", message.agreement, message.dataset, message.assigner, message.assignee)
    timestamp = {"timestamp": message.timestamp} if message.timestamp else {}
    return {**said, "assigner": message.assigner, "assignee": message.assignee, **timestamp}


def _callback(callback: str) -> dict[str, Any]:
    return {"callbackAddress": callback} if callback else {}


def _why(of: NegotiationTermination | TransferSuspension | TransferTermination | ProtocolError) -> dict[str, Any]:
    code: dict[str, Any] = {"code": of.code} if of.code else {}
    return {**code, "reason": list(of.reasons)} if of.reasons else code


def _address(address: DataAddress | None) -> dict[str, Any]:
    if address is None:
        return {}
    said: dict[str, Any] = {"@type": "DataAddress", "endpointType": address.kind}
    properties = address.properties
    if address.endpoint:
        said["endpoint"] = address.endpoint
        properties = ((ENDPOINT, address.endpoint), *properties)
    if properties:
        said["endpointProperties"] = [
            {"@type": "EndpointProperty", "name": name, "value": value} for name, value in properties
        ]
    return {"dataAddress": said}


def write_negotiation(state: ProcessState) -> bytes:
    """Where a negotiation stands."""
    return encoded("ContractNegotiation", {**_pids(state), "state": state.state})


def write_transfer(state: ProcessState) -> bytes:
    """Where a transfer stands."""
    return encoded("TransferProcess", {**_pids(state), "state": state.state})


def write_negotiation_error(error: ProtocolError) -> bytes:
    """A no in a negotiation. A pid that nobody knows is said as it is, for the schema wants both."""
    return encoded("ContractNegotiationError", _about(error))


def write_transfer_error(error: ProtocolError) -> bytes:
    """A no in a transfer."""
    return encoded("TransferError", _about(error))


def _about(error: ProtocolError) -> dict[str, Any]:
    return {"providerPid": error.provider_pid, "consumerPid": error.consumer_pid, **_why(error)}


def write_catalogue_error(error: ProtocolError) -> bytes:
    """A no to a question for the catalogue or a dataset."""
    return encoded("CatalogError", _why(error))


def write_catalogue_request() -> bytes:
    """The question for a catalogue. No filters: each provider has its own."""
    return encoded("CatalogRequestMessage", {})


def write_versions(versions: Iterable[Version]) -> bytes:
    """Which versions are spoken where."""
    return msgspec.json.encode({"protocolVersions": [_version(one) for one in versions]})


def _version(one: Version) -> dict[str, Any]:
    said: dict[str, Any] = {"version": one.version, "path": one.path, "binding": one.binding}
    if any(one.auth):
        said["auth"] = {"protocol": one.auth[0], "version": one.auth[1]}
        if one.profiles:
            said["auth"]["profile"] = list(one.profiles)
    known = {"serviceId": one.service, "identifierType": one.identifiers}
    return {**said, **{name: value for name, value in known.items() if value}}
