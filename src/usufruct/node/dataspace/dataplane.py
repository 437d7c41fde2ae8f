"""Where data are to be had under a transfer: an address with a token of its own, for a short while."""

from __future__ import annotations

from usufruct.core.base.instants import later
from usufruct.core.dataspace.messages import PULL, DataAddress
from usufruct.core.dataspace.state import Process
from usufruct.node import login
from usufruct.node.node import Node

HTTP = "https://w3id.org/idsa/v4.1/HTTP"
TOKEN_MINUTES = 10


def address_for(node: Node, process: Process) -> DataAddress | None:
    """Where the consumer pulls from, with a new token; None if this node pushes."""
    if process.format != PULL:
        return None
    until = later(node.clock.now(), minutes=TOKEN_MINUTES)
    token = login.issue_data_token(node, process.peer, process.id, until)
    return DataAddress(
        HTTP, f"{node.connector.url}/data/{process.pid}",
        (("authorization", token), ("authType", "bearer"), ("expiresAt", until)),
    )  # fmt: skip
