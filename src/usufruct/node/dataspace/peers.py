"""Other nodes: which are known, and how this one shows itself there."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from usufruct.core.base.faults import PeerFault
from usufruct.core.base.ids import did_web
from usufruct.core.base.refusals import Refusal
from usufruct.core.dataspace import rules, versions
from usufruct.core.dataspace.facts import PeerLinked, PeerUnlinked
from usufruct.core.dataspace.messages import VERSION
from usufruct.core.dataspace.state import Peer
from usufruct.core.exchange.registration import checked_url
from usufruct.node.node import Node
from usufruct.ports import ServiceReply, ServiceRequest


def link(
    node: Node, party: str, participant: str, url: str, by_hand: bool = False, private: bool = False, token: str = ""
) -> PeerLinked | Refusal:
    """Makes a party's node known. With a `token` this node shows itself there; it is kept out of the journal.

    Raises:
        BadInput: the participant or the address cannot be.
    """
    fact = node.record(lambda tx: rules.link(tx, party, participant, url, by_hand, private))
    if isinstance(fact, PeerLinked) and token:
        node.connector.vault.keep(f"token/{party}", token.encode())
    assert isinstance(fact, PeerLinked | Refusal)
    return fact


def described(node: Node, site: str, exactly: bool, private: bool) -> tuple[str, str]:
    """Where a node speaks the protocol, and which participant it is by its `site`; `exactly` takes the address for that of
    its endpoints, and asks nobody.

    Raises:
        PeerFault, BadInput: as `find`.
    """
    if not exactly:
        return find(node, site, private), did_web(site)
    scheme, place, *_ = urlsplit(site)
    return site, did_web(f"{scheme}://{place}")


def find(node: Node, root: str, private: bool = False) -> str:
    """Where the node whose site is at `root` speaks the protocol: it says so itself (section "Exposure of Versions").

    Raises:
        PeerFault: it cannot be reached, or does not say.
        BadInput: the address cannot be.
    """
    url = f"{checked_url(root).rstrip('/')}/.well-known/dspace-version"
    reply = asyncio.run(_asked(node, ServiceRequest("GET", url, ((b"accept", b"application/json"),), b"", private)))
    found = versions.base(root, node.connector.spelling.read_versions(reply.body)) if reply.status == 200 else None
    if found is None:
        raise PeerFault(
            "peer.failed", f"`{root}` does not say where it speaks version {VERSION} of the Dataspace Protocol",
            "ask who runs that node for the address of its protocol endpoints, and give that",
        )  # fmt: skip
    return found


async def _asked(node: Node, request: ServiceRequest) -> ServiceReply:
    services = node.connector.services()
    try:
        return await services.ask(request)
    finally:
        await services.close()


def unlink(node: Node, party: str) -> PeerUnlinked | Refusal:
    """Has nothing more to do with a party's node."""
    fact = node.record(lambda tx: rules.unlink(tx, party))
    if isinstance(fact, PeerUnlinked):
        node.connector.vault.drop(f"token/{party}")
        node.connector.catalogues.forget(party)
    assert isinstance(fact, PeerUnlinked | Refusal)
    return fact


def peers(node: Node) -> list[Peer]:
    """Those that are linked now."""
    with node.store.read() as state:
        return [one for one in state.list(Peer) if one.open]
