"""Two nodes and a wire between them that can lose, repeat and delay what is said."""

from __future__ import annotations

import contextlib
import pickle
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import story
from usufruct.core.base.faults import PeerFault
from usufruct.core.base.refusals import Refusal
from usufruct.core.contract.facts import Terms
from usufruct.core.dataspace.messages import (
    ContractOffer,
    ContractRequest,
    ProcessState,
    ProtocolError,
    TransferRequest,
)
from usufruct.node import trade
from usufruct.node.dataspace import peers, receive
from usufruct.node.node import Node, no_step
from usufruct.ports import ServiceReply, ServiceRequest

HOSPITAL, CITY = "hospital", "city"
INBOX = "http://inbox"


class Pickled:
    """`connector.Spelling` without a spelling, for what is under test here is who says what when."""

    def write(self, message: Any) -> bytes:
        return pickle.dumps(message)

    def read_negotiation(self, body: bytes) -> ProcessState:
        found = pickle.loads(body)
        assert isinstance(found, ProcessState)
        return found

    read_transfer = read_negotiation

    def read_error(self, body: bytes) -> ProtocolError:
        found = pickle.loads(body)
        assert isinstance(found, ProtocolError)
        return found


@dataclass
class Wire:
    """Carries requests to the node whose address begins with a name; `lose`, `repeat`, `mute` are chances: that a request is
    lost, arrives twice, that its answer is lost."""

    nodes: dict[str, Node] = field(default_factory=dict)
    lose: float = 0.0
    repeat: float = 0.0
    mute: float = 0.0
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    down: set[str] = field(default_factory=set)
    heard: list[str] = field(default_factory=list)
    inbox: list[ServiceRequest] = field(default_factory=list)  # what was pushed to INBOX

    def services(self, sender: str) -> Services:
        return Services(self, sender)


@dataclass
class Services:
    """`ports.Services` of one node."""

    wire: Wire
    sender: str

    async def ask(self, request: ServiceRequest) -> ServiceReply:
        wire, dice = self.wire, self.wire.dice
        place = request.url.removeprefix("http://").partition("/dataspace")[0]
        if place in wire.down or dice.random() < wire.lose:
            raise PeerFault("peer.failed", "the wire lost it", "")
        reply = self._deliver(place, request)
        if dice.random() < wire.repeat:
            self._deliver(place, request)
        if dice.random() < wire.mute:
            raise PeerFault("peer.failed", "the wire lost the answer", "")
        return reply

    def _deliver(self, place: str, request: ServiceRequest) -> ServiceReply:
        if request.url == INBOX:
            self.wire.inbox.append(request)
            return ServiceReply(204, (), b"")
        node, parts = self.wire.nodes[place], request.url.split("/")
        self.wire.heard.append(f"{self.sender} → {place}: {request.method} /{'/'.join(parts[5:6] + parts[7:])}")
        if request.method == "GET":
            return _reply(receive.state(node, self.sender, parts[6], parts[5].removesuffix("s")))
        message = pickle.loads(request.body)
        match message:
            case ContractRequest(callback=address) if address:
                return _reply(receive.negotiation_requested(node, self.sender, message))
            case ContractOffer(callback=address) if address:
                return _reply(receive.offered(node, self.sender, message))
            case TransferRequest():
                return _reply(receive.transfer_requested(node, self.sender, message))
        return _reply(receive.moved(node, self.sender, parts[6], message))

    async def close(self) -> None:
        pass


def _reply(answer: receive.Answer) -> ServiceReply:
    if isinstance(answer, Refusal):
        error = ProtocolError("", "", answer.code, answer.reasons)
        return ServiceReply(404 if answer.code == "registry.unknown" else 400, (), pickle.dumps(error))
    return ServiceReply(200, (), pickle.dumps(answer))


def connect(wire: Wire, name: str, node: Node) -> Node:
    """The node, plugged into the wire."""
    connector = replace(
        node.connector, participant=f"did:web:{name}", url=f"http://{name}/dataspace/2025-1", spelling=Pickled(),
        services=lambda: wire.services(name),
    )  # fmt: skip
    wire.nodes[name] = replace(node, connector=connector)
    return wire.nodes[name]


def introduce(here: Node, name: str, by_hand: bool = False) -> None:
    """Lets a node know the other, as a party and as a peer."""
    from usufruct.node import register

    story.done(register.add_party(here, name, "public-body", name.capitalize()))
    story.done(register.verify_party(here, name, "its entry in the public register", None))
    story.done(peers.link(here, name, f"did:web:{name}", f"http://{name}/dataspace/2025-1", by_hand, True))


@contextlib.contextmanager
def two(
    tmp: Path, founded: Path, table: Path, by_hand: bool = False,
    reaching: Callable[[str], Callable[[str], None]] = lambda name: no_step,
) -> Iterator[tuple[Wire, Node, Node]]:  # fmt: skip
    """A hospital that offers its table, and a city that may ask for it. `reaching` is told the steps of each, by name."""
    import shutil

    from usufruct.main import open_node

    wire = Wire()
    with contextlib.ExitStack() as stack:
        made = []
        for name in (HOSPITAL, CITY):
            shutil.copytree(founded, tmp / name)
            made.append(connect(wire, name, stack.enter_context(open_node(tmp / name, reach=reaching(name)))))
        hospital, city = made
        story.register_table(hospital, table)
        introduce(hospital, CITY, by_hand)
        introduce(city, HOSPITAL, by_hand)
        terms = Terms("aggregates", (story.PURPOSE,), 500, "EUR", 1)
        story.done(trade.publish_offer(hospital, story.OFFER, story.ASSET, story.OPERATOR, terms, standing=not by_hand))
        yield wire, hospital, city
