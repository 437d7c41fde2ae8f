"""The Dataspace Protocol 2025-1 over HTTPS: every endpoint of either role, on one address.

What is asked comes in the protocol's own shapes and is answered in them, noes too: 400 for what cannot be read or does not
fit the state, 404 alike for what is unknown and for what is not the caller's. Who calls is the party whose node it is
(`auth`); only linked peers are heard. Bodies are read by `wire.dsp`, and everything is decided in `node.dataspace`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from litestar import Response, Router, get, post
from litestar.openapi.spec import Components, OpenAPIMediaType, OpenAPIResponse, Operation, Reference, RequestBody
from litestar.params import FromPath, QueryParameter

from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import Refusal
from usufruct.core.dataspace import rules
from usufruct.core.dataspace.messages import Message, ProtocolError
from usufruct.core.dataspace.versions import Version
from usufruct.node.dataspace import catalogue as shown
from usufruct.node.dataspace import receive
from usufruct.node.node import Node
from usufruct.web.api import AnyRequest
from usufruct.web.auth import node_of, who_is
from usufruct.wire import dsp

PATH = "/dataspace/2025-1"
PEER = {"rule": ("negotiate", "steward"), "participants": True}
_JSON = "application/json"
_ANSWERS = {
    "negotiation": ("ContractNegotiation", "ContractNegotiationError"),
    "transfer": ("TransferProcess", "TransferError"),
}
# Refusals that say nothing but that there is nothing here for the caller, and those that say: not now.
_STATUS = {"registry.unknown": 404, "contract.busy": 429}


def _speaks(said: str, told: str, error: str, status: int = 200) -> type[Operation]:
    """What is `said` to an operation and `told` by it, or what `error`, in the description of the API; the framework reads
    no bodies here, so it cannot know."""
    noes = ("400", "404", "429") if status == 201 else ("400", "404")
    answers = {str(status): told, **dict.fromkeys(noes, error)}

    @dataclass
    class Described(Operation):
        def __post_init__(self) -> None:
            if said:
                self.request_body = RequestBody(_schema(said), required=True)
            self.responses = {
                answer: OpenAPIResponse(HTTPStatus(int(answer)).phrase, content=_schema(name))
                for answer, name in answers.items()
            }

    return Described


@dataclass
class Shapes(Components):
    """The shapes of the API, and those of the protocol, which stand in no handler's signature."""

    def to_schema(self) -> dict[str, Any]:
        made = super().to_schema()
        return {**made, "schemas": {**made.get("schemas", {}), **dsp.schemas()}}


def _schema(name: str) -> dict[str, OpenAPIMediaType]:
    return {_JSON: OpenAPIMediaType(Reference(f"#/components/schemas/{name}"))} if name else {}


Heard = Callable[[Node, str, Any], receive.Answer]


@get("/.well-known/dspace-version", opt={"rule": "public"}, sync_to_thread=False, summary="Versions of the protocol")
def versions(request: AnyRequest) -> Response[bytes]:
    """Which versions of the Dataspace Protocol this node speaks, and where."""
    return Response(dsp.write_versions((Version("2025-1", PATH),)), media_type=_JSON)


async def _told(
    request: AnyRequest, kind: str, pid: str, read: Callable[[bytes], Message], heard: Heard, opened: int = 200
) -> Response[bytes]:
    """Reads a message, lets it be heard, and answers in the protocol's words."""
    pids = (pid, pid)
    try:
        message = read(await request.body())
        pids = getattr(message, "provider_pid", ""), message.consumer_pid
        answer = await asyncio.to_thread(heard, node_of(request), who_is(request).party, message)
    except BadInput as fault:
        return _error(kind, pids, 400, fault.code, (fault.message, fault.remedy))
    return _answered(kind, pids, answer, opened)


def _answered(kind: str, pids: tuple[str, str], answer: receive.Answer, status: int = 200) -> Response[bytes]:
    if isinstance(answer, Refusal):
        reasons = (answer.message, *answer.reasons, *((answer.remedy,) if answer.remedy else ()))
        return _error(kind, pids, _STATUS.get(answer.code, 400), answer.code, reasons)
    written = dsp.write_negotiation(answer) if kind == "negotiation" else dsp.write_transfer(answer)
    return Response(written, status_code=status, media_type=_JSON)


def _error(kind: str, pids: tuple[str, str], status: int, code: str, reasons: tuple[str, ...]) -> Response[bytes]:
    error = ProtocolError(*pids, code, reasons)
    written = dsp.write_negotiation_error(error) if kind == "negotiation" else dsp.write_transfer_error(error)
    return Response(written, status_code=status, media_type=_JSON)


# ---- the catalogue


@post("/catalog/request", opt=PEER, status_code=200, summary="What is on offer",
      operation_class=_speaks("CatalogRequestMessage", "", "CatalogError"))  # fmt: skip
async def catalogue(
    request: AnyRequest, cursor: Annotated[str, QueryParameter(max_length=300)] = ""
) -> Response[bytes]:
    """CatalogRequestMessage → Catalog: what the caller may see, a page at a time; `Link` says where the next is."""
    node = node_of(request)
    try:
        if dsp.read_catalogue_request(await request.body()):
            raise BadInput(
                "input.dataspace", "this node knows no filters", "leave `filter` out, and look through the pages"
            )
        found, page = await asyncio.to_thread(shown.page_for, node, who_is(request).party, cursor)
    except BadInput as fault:
        return _no_catalogue(400, fault.code, (fault.message, fault.remedy))
    links = dsp.write_links(f"{node.connector.url}/catalog/request", page)
    return Response(dsp.write_catalogue(found), media_type=_JSON, headers={"Link": links} if links else {})


@get(
    "/catalog/datasets/{dataset:str}", opt=PEER, summary="One dataset", operation_class=_speaks("", "", "CatalogError")
)
async def dataset(request: AnyRequest, dataset: FromPath[str]) -> Response[bytes]:
    """Dataset."""
    found = await asyncio.to_thread(shown.dataset_for, node_of(request), who_is(request).party, dataset)
    if found is None:
        refused = rules.unknown("dataset", dataset)
        return _no_catalogue(404, refused.code, (*refused.reasons, refused.remedy))
    return Response(dsp.write_dataset(found), media_type=_JSON)


def _no_catalogue(status: int, code: str, reasons: tuple[str, ...]) -> Response[bytes]:
    return Response(
        dsp.write_catalogue_error(ProtocolError("", "", code, reasons)), status_code=status, media_type=_JSON
    )


# ---- negotiations


@post("/negotiations/request", opt=PEER, status_code=201, summary="A consumer asks for an offer",
      operation_class=_speaks("ContractRequestMessage", *_ANSWERS["negotiation"], 201))  # fmt: skip
async def request_contract(request: AnyRequest) -> Response[bytes]:
    """ContractRequestMessage → ContractNegotiation."""
    return await _told(request, "negotiation", "", dsp.read_contract_request, receive.negotiation_requested, opened=201)


@post("/negotiations/offers", opt=PEER, status_code=201, summary="A provider makes an offer unasked",
      operation_class=_speaks("ContractOfferMessage", *_ANSWERS["negotiation"], 201))  # fmt: skip
async def offer_contract(request: AnyRequest) -> Response[bytes]:
    """ContractOfferMessage → ContractNegotiation."""
    return await _told(request, "negotiation", "", dsp.read_contract_offer, receive.offered, opened=201)


@get("/negotiations/{pid:str}", opt=PEER, summary="Where a negotiation stands",
     operation_class=_speaks("", *_ANSWERS["negotiation"]))  # fmt: skip
async def negotiation(request: AnyRequest, pid: FromPath[str]) -> Response[bytes]:
    """ContractNegotiation."""
    return _answered("negotiation", (pid, pid), await asyncio.to_thread(
        receive.state, node_of(request), who_is(request).party, pid, "negotiation"
    ))  # fmt: skip


def _move(kind: str, path: str, name: str, read: Callable[[bytes], Message], summary: str, meaning: str) -> Any:
    """An endpoint that takes a message to a process that there is already."""

    async def handler(request: AnyRequest, pid: FromPath[str]) -> Response[bytes]:
        return await _told(
            request, kind, pid, read, lambda node, peer, message: receive.moved(node, peer, pid, message)
        )

    handler.__name__, handler.__doc__ = name, meaning
    root = {"negotiation": "negotiations", "transfer": "transfers"}[kind]
    said = _speaks(meaning.rstrip("."), *_ANSWERS[kind])
    return post(f"/{root}/{{pid:str}}/{path}", opt=PEER, status_code=200, summary=summary, operation_class=said)(
        handler
    )


_moves = [
    _move("negotiation", "request", "counter_offer", dsp.read_contract_request,
          "A consumer makes a counter-offer", "ContractRequestMessage."),
    _move("negotiation", "offers", "offer_again", dsp.read_contract_offer,
          "A provider makes another offer", "ContractOfferMessage."),
    _move("negotiation", "agreement", "agree", dsp.read_contract_agreement,
          "A provider agrees", "ContractAgreementMessage."),
    _move("negotiation", "agreement/verification", "verify", dsp.read_agreement_verification,
          "A consumer verifies the agreement", "ContractAgreementVerificationMessage."),
    _move("negotiation", "events", "event", dsp.read_negotiation_event,
          "A consumer accepts, or a provider finalizes", "ContractNegotiationEventMessage."),
    _move("negotiation", "termination", "terminate_negotiation", dsp.read_negotiation_termination,
          "Either side ends a negotiation", "ContractNegotiationTerminationMessage."),
    _move("transfer", "start", "start_transfer", dsp.read_transfer_start,
          "A provider starts, or either side resumes", "TransferStartMessage."),
    _move("transfer", "suspension", "suspend_transfer", dsp.read_transfer_suspension,
          "Either side interrupts a transfer", "TransferSuspensionMessage."),
    _move("transfer", "completion", "complete_transfer", dsp.read_transfer_completion,
          "Either side is done", "TransferCompletionMessage."),
    _move("transfer", "termination", "terminate_transfer", dsp.read_transfer_termination,
          "Either side ends a transfer", "TransferTerminationMessage."),
]  # fmt: skip


# ---- transfers


@post("/transfers/request", opt=PEER, status_code=201, summary="A consumer asks for data",
      operation_class=_speaks("TransferRequestMessage", *_ANSWERS["transfer"], 201))  # fmt: skip
async def request_transfer(request: AnyRequest) -> Response[bytes]:
    """TransferRequestMessage → TransferProcess."""
    return await _told(request, "transfer", "", dsp.read_transfer_request, receive.transfer_requested, opened=201)


@get("/transfers/{pid:str}", opt=PEER, summary="Where a transfer stands",
     operation_class=_speaks("", *_ANSWERS["transfer"]))  # fmt: skip
async def transfer(request: AnyRequest, pid: FromPath[str]) -> Response[bytes]:
    """TransferProcess."""
    return _answered("transfer", (pid, pid), await asyncio.to_thread(
        receive.state, node_of(request), who_is(request).party, pid, "transfer"
    ))  # fmt: skip


routers = (versions, Router(PATH, route_handlers=[
    catalogue, dataset, request_contract, offer_contract, negotiation, *_moves, request_transfer, transfer,
]))  # fmt: skip
