"""Who speaks, towards other nodes and from them."""

from __future__ import annotations

from usufruct.core.dataspace.state import Peer
from usufruct.node.node import Node


def authorization(node: Node, peer: Peer) -> tuple[tuple[bytes, bytes], ...]:
    """The header by which this node shows a peer who it is: the token that the peer gave it, if it gave one."""
    token = node.connector.vault.get(f"token/{peer.party}")
    return ((b"authorization", b"Bearer " + token),) if token else ()
