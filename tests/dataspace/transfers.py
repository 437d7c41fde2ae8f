"""A city's transfers from a hospital, begun by use cases and spoken over real sockets; see `pair`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pair

import story
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.state import Agreement, Offer
from usufruct.core.dataspace.messages import PULL, DataAddress
from usufruct.core.dataspace.offered import spoken
from usufruct.core.dataspace.state import DataTransfer, Process
from usufruct.node import trade
from usufruct.node.dataspace import talk
from usufruct.node.node import Node


def until(found: Callable[[], Any]) -> Any:
    """What is found, once there is something."""
    for _ in range(500):
        there = found()
        if there:
            return there
        time.sleep(0.02)
    raise AssertionError("it did not come to pass")


@dataclass(frozen=True)
class Begun:
    """A transfer: what it is called here and there, and the agreement that it is under, as the provider calls it."""

    here: Process
    there: Process
    agreement: str
    city: Node
    hospital: Node

    def state(self) -> str:
        """Where it stands at the provider."""
        return state_of(self.hospital, self.there.id)

    def address(self) -> DataAddress:
        """The address that the consumer was given last."""
        kept = self.city.connector.vault.get(f"pull/{self.here.pid}")
        assert kept is not None
        return DataAddress.from_bytes(kept)

    def token(self) -> str:
        """The token in it."""
        return self.address().property("authorization")

    def come_to(self, state: str) -> None:
        """Waits until both sides are in a state."""
        until(lambda: state_of(self.city, self.here.id) == state and self.state() == state)

    def ask(self, sql: str = story.QUESTION, token: str | None = None, **more: Any) -> httpx.Response:
        """A question at the address, shown the newest token or another."""
        return at(self.address().endpoint, self.token() if token is None else token, {"sql": sql, **more})


def at(url: str, token: str, body: Any = None, **headers: str) -> httpx.Response:
    """A request as a foreign connector makes it: the token as it stands. Without a body it is a GET."""
    sent = {"Authorization": token, **headers} if token else headers
    return httpx.request("GET" if body is None else "POST", url, json=body, headers=sent, timeout=60)


def state_of(node: Node, transfer: str) -> str:
    with node.store.read() as read:
        row = read.get(DataTransfer, transfer)
        return row.state if row is not None and not read.get(Process, transfer).sending else ""  # type: ignore[union-attr]


def agreed(hospital: pair.Side, city: pair.Side, terms: Terms | None = None, asset: str = story.ASSET) -> str:
    """An agreement of the city with the hospital, on the offer there is or on a new one; what the city calls it."""
    offer = story.OFFER
    if terms is not None:
        offer = f"{asset}-{terms.form}-{terms.price}"
        story.done(trade.publish_offer(hospital.node, offer, asset, story.OPERATOR, terms, standing=True))
    with hospital.node.store.read() as state:
        row = state.get(Offer, offer)
        assert row is not None
    asked = story.done(talk.negotiate(city.node, pair.HOSPITAL, asset, spoken(row), story.OPERATOR))
    city.until(asked.process, "FINALIZED")
    return asked.process


def transfer(
    hospital: pair.Side, city: pair.Side, agreement: str, format: str = PULL, address: DataAddress | None = None,
    started: bool = True,
) -> Begun:  # fmt: skip
    """A transfer under an agreement, begun and started."""
    begun = story.done(talk.transfer(city.node, agreement, format, story.OPERATOR, address))

    def there() -> Process | None:
        with hospital.node.store.read() as state, city.node.store.read() as mine:
            here = mine.get(Process, begun.process)
            assert here is not None
            return next(state.list(Process, theirs=here.pid), None)

    row = until(there)
    with city.node.store.read() as state:
        here = state.get(Process, begun.process)
    assert here is not None
    found = Begun(here, row, row.subject, city.node, hospital.node)
    if started:
        found.come_to("STARTED")
        with city.node.store.read() as state:
            here = state.get(Process, begun.process)
        assert here is not None
    return replace(found, here=here)


def of(hospital: pair.Side, name: str) -> Agreement:
    """The hospital's own agreement."""
    with hospital.node.store.read() as state:
        row = state.get(Agreement, name)
    assert row is not None
    return row
