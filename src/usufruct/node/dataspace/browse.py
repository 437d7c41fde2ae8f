"""Other nodes' catalogues, looked through; and an offer found there, asked for.

What is shown was read before (`crawl`); a catalogue that was never read is read first. An offer is asked for by the rules
that stand in the catalogue, so a person asks for what she has read; should the other node have changed them since, it says
no, and reading its catalogue anew helps.
"""

from __future__ import annotations

from usufruct.connector import Entry, Visit
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.dataspace import rules
from usufruct.core.terms.model import Ruleset
from usufruct.node.dataspace import crawl, talk
from usufruct.node.node import Node

LISTED = 200


def catalogue(node: Node, peer: str, words: str = "") -> tuple[Visit, list[Entry]] | Refusal:
    """What a peer has on offer, in which the words occur, and when it was read.

    Raises:
        PeerFault: it was never read, and cannot be had now.
        BadInput: it is none.
    """
    visit = _visit(node, peer)
    if isinstance(visit, Refusal):
        return visit
    return visit, node.connector.catalogues.search(words, peer, LISTED)


def search(node: Node, words: str) -> list[Entry]:
    """What any peer has on offer, as it was last read, the closest first."""
    return node.connector.catalogues.search(words, limit=LISTED)


def entry(node: Node, peer: str, dataset: str) -> Entry | Refusal:
    """One dataset of a peer.

    Raises:
        PeerFault, BadInput: as `catalogue`.
    """
    visit = _visit(node, peer)
    if isinstance(visit, Refusal):
        return visit
    return node.connector.catalogues.entry(peer, dataset) or rules.unknown("dataset", dataset)


def negotiate(node: Node, peer: str, dataset: str, offer: str, by: str) -> talk.Spoken | Refusal:
    """`by` asks for an offer of a peer's catalogue; without its name for the only one on the dataset.

    Raises:
        PeerFault, BadInput: as `catalogue`.
    """
    found = entry(node, peer, dataset)
    if isinstance(found, Refusal):
        return found
    wanted = _offer(found, offer)
    return wanted if isinstance(wanted, Refusal) else talk.negotiate(node, peer, dataset, wanted, by)


def _visit(node: Node, peer: str) -> Visit | Refusal:
    with node.store.read() as state:
        linked = rules.open_peer(state, peer)
    if linked is None:
        return rules.unknown("peer", peer)
    before = node.connector.catalogues.visits().get(peer)
    return before if before is not None and (before.entries or not before.failed) else crawl.read(node, peer)


def _offer(found: Entry, offer: str) -> Ruleset | Refusal:
    offers = found.dataset.offers
    if not offer and len(offers) == 1:
        return offers[0]
    named = next((one for one in offers if one.uid == offer), None)
    if named is not None:
        return named
    there = ", ".join(f"`{one.uid}`" for one in offers) or "none"
    why = (
        f"there is no offer `{offer}` on `{found.dataset.id}`"
        if offer
        else f"there are several offers on `{found.dataset.id}`"
    )
    return refuse(
        "registry.unknown", "nothing was asked for", why,
        remedy=f"on {found.fetched[:10]} the catalogue had {there}; name one, or read it anew",
    )  # fmt: skip
