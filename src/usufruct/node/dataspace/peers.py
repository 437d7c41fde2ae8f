"""Other nodes: which are known, and how this one shows itself there."""

from __future__ import annotations

from usufruct.core.base.refusals import Refusal
from usufruct.core.dataspace import rules
from usufruct.core.dataspace.facts import PeerLinked, PeerUnlinked
from usufruct.core.dataspace.state import Peer
from usufruct.node.node import Node


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
