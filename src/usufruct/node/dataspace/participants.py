"""Who speaks, towards other nodes and from them."""

from __future__ import annotations

from usufruct.core.dataspace.state import Peer
from usufruct.node.dataspace.wallet import token_for
from usufruct.node.node import Node


def authorization(node: Node, peer: Peer) -> tuple[tuple[bytes, bytes], ...]:
    """The header by which this node shows a peer who it is: the token that the peer gave it; else, if the peer is called by
    a DID, one that this node signs itself, by which the peer may ask for its credentials."""
    token = node.connector.vault.get(f"token/{peer.party}")
    if token is None and peer.participant.startswith("did:web:"):
        token = token_for(node, peer.participant).encode()
    return ((b"authorization", b"Bearer " + token),) if token else ()
