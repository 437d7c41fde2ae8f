"""What two nodes of a match say to each other: messages of a run, each a call of the other node's service.

So each is in both journals, signed and with its hash.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass

from usufruct.core.base.faults import BadInput
from usufruct.core.base.refusals import Refusal
from usufruct.core.exchange import message as header
from usufruct.core.exchange.message import Message
from usufruct.core.exchange.rules import CallRequest
from usufruct.core.exchange.speakers import Caller
from usufruct.core.privacy.matching_messages import refusal_in
from usufruct.node import call, use
from usufruct.node.node import Node
from usufruct.ports import Services


@dataclass(frozen=True, slots=True)
class Speaking:
    """For whom, through which actors, one speaks to which `service` of the other node, as which of this node's systems
    (`client`), for which purpose."""

    requester: str
    actors: tuple[str, ...]
    service: str
    client: str
    purpose: str


class No(Exception):
    """Carries a refusal out of the talk."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


@dataclass(slots=True)
class Talk:
    """The messages of one run, each a call from `client` to the other node's service; `receipt` is the number of the last
    one's fact there. Once it has a `tick`, they leave at multiples of it after it `began`."""

    node: Node
    services: Services
    speaking: Speaking
    run: str
    began: int = 0
    tick: int = 0
    receipt: int | None = None

    async def say(self, step: str, body: bytes = b"", batch: int | None = None) -> bytes:
        """What the other node answers. Raises No for a refusal, of either node; PeerFault."""
        await self.wait()
        one, query = self.speaking, "" if batch is None else f"?batch={batch}"
        rest = f"/v1/{self.run}/{step}{query}".encode()
        message = Message("POST", call.target(one.service, rest), (), body)
        for name, value in (
            (b"accept", "application/octet-stream"), (b"content-type", "application/octet-stream"),
            (b"x-road-client", call.target(one.client, b"")[4:].decode()), (header.PURPOSE, one.purpose),
            (header.REQUEST_ID, str(uuid.uuid4())), (header.MESSAGE_ID, str(uuid.uuid4())),
        ):  # fmt: skip
            message = message.having(name, value)
        parameters = () if batch is None else (("batch", str(batch)),)
        request = CallRequest(
            one.service, one.client, Caller(party=one.requester, actors=one.actors), "POST", ("v1", self.run, step),
            parameters, one.purpose, message.header(header.MESSAGE_ID), "",
        )  # fmt: skip
        done = await call.handle(self.node, self.services, call.Arrived(request, message, rest))
        if isinstance(done, call.Refused):
            raise No(done.refusal)
        if not done.sent:
            raise BadInput(
                "input.match", f"`{one.service}` is a service of this node", "match with a table of another node"
            )
        if done.reply.status != 200:
            raise No(refusal_in(done.reply.body))
        theirs = dict(done.reply.headers).get(b"usufruct-receipt", b"")
        self.receipt = int(theirs) if theirs.isdigit() and len(theirs) < 19 else None
        return done.reply.body

    async def wait(self) -> None:
        """Returns at the next tick, once there are any."""
        if self.tick:
            await asyncio.to_thread(use.wait, self.node, self.began, self.tick)
