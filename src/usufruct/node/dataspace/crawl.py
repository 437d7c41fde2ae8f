"""Reading other nodes' catalogues: page after page, kept for searching, with where each entry comes from.

A catalogue is read whole or not at all, so that what is searched was on offer at one time. It may be long and it is not
ours: pages, entries and bytes have limits, and the next page must lie where the first did. Catalogues in a catalogue are
kept as whose they are; what we are told by one of another is not what that other says itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from usufruct.connector import Entry, Visit
from usufruct.core.base.faults import BadInput, Fault, PeerFault
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.refusals import Refusal
from usufruct.core.dataspace import rules
from usufruct.core.dataspace.catalogue import Catalogue
from usufruct.core.dataspace.state import Peer
from usufruct.node.dataspace.participants import authorization
from usufruct.node.dataspace.peers import peers
from usufruct.node.node import Node
from usufruct.ports import ServiceRequest, Services

PAGES, ENTRIES = 1_000, 100_000
MINUTES = 60  # after so long a catalogue is read again
_JSON = b"application/json"


def read(node: Node, party: str) -> Visit | Refusal:
    """Reads the catalogue of a peer now, and keeps it.

    Raises:
        PeerFault: it cannot be had.
        BadInput: it is none.
    """
    with node.store.read() as state:
        peer = rules.open_peer(state, party)
    if peer is None or not peer.url:
        return rules.unknown("peer", party)
    return asyncio.run(_alone(node, peer))


def follow(node: Node) -> str:
    """One round: reads what was not read for an hour. One that fails does not stop the others."""
    visits, now = node.connector.catalogues.visits(), node.clock.now()
    due = [one for one in peers(node) if one.url and _is_due(visits.get(one.party), now)]
    told = []
    for peer in due:
        try:
            visit = asyncio.run(_alone(node, peer))
            told.append(f"{visit.entries} datasets of {peer.party}")
        except Fault as fault:
            before = visits.get(peer.party)
            node.connector.catalogues.note(Visit(peer.party, now, before.entries if before else 0, failed=str(fault)))
            told.append(f"{peer.party}: {fault.message}")
    return "; ".join(told)


def _is_due(visit: Visit | None, now: Instant) -> bool:
    return visit is None or later(visit.at, minutes=MINUTES) <= now


async def _alone(node: Node, peer: Peer) -> Visit:
    services = node.connector.services()
    try:
        return await _read(node, services, peer)
    finally:
        await services.close()


async def _read(node: Node, services: Services, peer: Peer) -> Visit:
    connector, now = node.connector, node.clock.now()
    url, entries, left_out = f"{peer.url}/catalog/request", list[Entry](), 0
    headers = ((b"content-type", _JSON), (b"accept", _JSON), *authorization(node, peer))
    for _ in range(PAGES):
        reply = await services.ask(
            ServiceRequest("POST", url, headers, connector.spelling.write_catalogue_request(), peer.private)
        )
        if reply.status != 200:
            raise PeerFault(
                "peer.failed", f"`{peer.party}` answered with status {reply.status}", "ask who runs that node"
            )
        page = connector.spelling.read_catalogue(reply.body)
        left_out += sum(one.left_out for one in page.within())
        entries += _entries(peer, page, now)
        link = b", ".join(value for name, value in reply.headers if name.lower() == b"link").decode("latin-1")
        following = connector.spelling.read_links(link).get("next", "")
        if not following or len(entries) > ENTRIES:
            break
        url = _beside(url, following)
    visit = Visit(peer.party, now, len(entries[:ENTRIES]), left_out + max(0, len(entries) - ENTRIES))
    connector.catalogues.keep(visit, entries[:ENTRIES])
    return visit


def _entries(peer: Peer, page: Catalogue, now: Instant) -> Iterator[Entry]:
    for catalogue in page.within():
        for dataset in catalogue.datasets:
            yield Entry(peer.party, catalogue.participant or page.participant, now, dataset)


def _beside(url: str, following: str) -> str:
    """Where the next page is; it must lie at the same server, or our credentials would go elsewhere.

    Raises:
        BadInput: it does not.
    """
    found = urljoin(url, following)
    if urlsplit(found)[:2] != urlsplit(url)[:2]:
        raise BadInput(
            "input.dataspace", "the next page of the catalogue lies at another server", "ask who runs that node"
        )
    return found
