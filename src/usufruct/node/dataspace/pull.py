"""Data from another node: asked for at the address that it gave, shown the token that came with it.

The address is a secret in the vault, and its token is neither printed nor in any fact. It runs out after minutes; then
the other node is asked for another, as itself, once. What comes back may be anything: it is handed on as bytes, with the
type that the other side says it has, and never more than a door lets through (`peer.services`). Redirects are not
followed, for the token is for one address.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput, PeerFault
from usufruct.core.base.instants import Instant
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.dataspace import rules
from usufruct.core.dataspace.messages import PULL, DataAddress
from usufruct.core.dataspace.saying import part_of_path
from usufruct.core.dataspace.state import Peer, Process, state_of
from usufruct.core.exchange.registration import checked_url
from usufruct.node.dataspace.participants import authorization
from usufruct.node.node import Node
from usufruct.ports import ServiceReply, ServiceRequest, Services

JSON = "application/json"
TYPES = {"json": JSON, "csv": "text/csv"}
_NO_DATA = "no data were given by the other node"


@dataclass(frozen=True, slots=True)
class Pulled:
    """What another node gave: bytes of the type that it names, whatever they hold."""

    media_type: str
    body: bytes


def pull(node: Node, transfer: str, by: str, sql: str = "", purpose: str = "", accept: str = JSON) -> Pulled | Refusal:
    """Has data under a transfer: what a question asks, or without one what the other node gives to who just comes.

    Raises:
        PeerFault: the other node cannot be reached, or answers too much or what is no answer.
    """
    with node.store.read() as read:
        row = read.get(Process, transfer)
        if row is None or row.party != by or (row.kind, row.role) != ("transfer", "consumer"):
            return rules.unknown("transfer", transfer)
        state, peer = state_of(read, row), rules.open_peer(read, row.peer)
    kept = node.connector.vault.get(f"pull/{row.pid}")
    if state != "STARTED" or row.format != PULL or peer is None or kept is None:
        return refuse(
            "contract.pull", _NO_DATA, f"the transfer stands at {state}, of {row.format}",
            remedy=f"pull from a transfer of {PULL} that is started",
        )  # fmt: skip
    body = json.dumps({"sql": sql, **({"purpose": purpose} if purpose else {})}).encode() if sql else b""
    return asyncio.run(_pull(node, row, peer, DataAddress.from_bytes(kept), body, accept))


async def _pull(
    node: Node, row: Process, peer: Peer, address: DataAddress, body: bytes, accept: str
) -> Pulled | Refusal:
    services = node.connector.services()
    try:
        fresh = _ran_out(address, node.clock.now())
        if fresh:
            address = await _renewed(node, services, row, peer) or address
        reply = await _ask(services, peer, address, body, accept)
        if reply.status in (401, 403) and not fresh and _refusal(reply) is None:
            found = await _renewed(node, services, row, peer)
            if found is not None:
                reply = await _ask(services, peer, found, body, accept)
    finally:
        await services.close()
    if 200 <= reply.status < 300:
        media_type = dict(reply.headers).get(b"content-type", b"application/octet-stream").decode("latin-1")
        return Pulled(media_type, reply.body)
    return _refusal(reply) or refuse(
        "contract.pull", _NO_DATA, f"it answered with status {reply.status}",
        remedy="suspend and resume the transfer for a new address, or ask for another transfer",
    )  # fmt: skip


async def _ask(services: Services, peer: Peer, address: DataAddress, body: bytes, accept: str) -> ServiceReply:
    """The token goes to the address as it was given; some give it with `Bearer`, some without."""
    try:
        url = checked_url(address.endpoint)
    except BadInput as fault:
        raise PeerFault(
            "peer.failed", f"the other node gave an address that is none: {fault.message}", fault.remedy
        ) from None
    headers = [(b"accept", accept.encode())]
    if shown := address.property("authorization"):
        headers.append((b"authorization", shown.encode()))
    if body:
        headers.append((b"content-type", JSON.encode()))
    return await services.ask(ServiceRequest("POST" if body else "GET", url, tuple(headers), body, peer.private))


async def _renewed(node: Node, services: Services, row: Process, peer: Peer) -> DataAddress | None:
    """Another address for the transfer, which is kept; None if the other node gives none."""
    kept = node.connector.vault.get(f"pull/{row.pid}")
    if kept is None:
        return None
    headers = ((b"accept", JSON.encode()), *authorization(node, peer))
    url = f"{peer.url.rstrip('/')}/data/{part_of_path(row.theirs)}/token"
    try:
        reply = await services.ask(ServiceRequest("POST", url, headers, b"", peer.private))
        address = node.connector.spelling.read_transfer_start(reply.body).address if reply.status == 200 else None
    except (PeerFault, BadInput):
        return None
    if address is not None:
        node.connector.vault.keep(f"pull/{row.pid}", address.to_bytes())
    return address


def _ran_out(address: DataAddress, now: Instant) -> bool:
    """Whether the address says that its time is over."""
    try:
        return parse_instant(address.property("expiresAt")) <= now
    except BadInput:
        return False


def _refusal(reply: ServiceReply) -> Refusal | None:
    """Why a node of this kind said no, if it is one and says so."""
    try:
        found = json.loads(reply.body)["refusal"]
        said = [found["message"], *found["reasons"], found["remedy"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not all(isinstance(text, str) for text in said):
        return None
    *why, remedy = (holdable(text[: rules.REASON_MAX]) for text in said)
    return refuse("contract.pull", _NO_DATA, *why[: rules.REASONS_MAX], remedy=remedy)
