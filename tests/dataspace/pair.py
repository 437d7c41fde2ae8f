"""Two whole nodes, served: a hospital group that offers its table, and a city that asks for it, real sockets between them."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

import story
from serving import application
from usufruct.core.base.ids import did_web
from usufruct.core.contract.facts import Terms
from usufruct.core.contract.state import Offer
from usufruct.core.dataspace.offered import spoken
from usufruct.main import open_node
from usufruct.node import login, register, trade
from usufruct.node.dataspace import outbox
from usufruct.node.node import Node
from usufruct.wire import odrl

HOSPITAL, CITY = "hospital", "city"
PATIENCE = outbox.Patience(tries=6, pause=0.05, longest=0.5, silence=30)


@dataclass
class Side:
    """One of them: `token` is its operator's as a data user, `steward` the same as steward."""

    node: Node
    url: str
    token: str
    steward: str

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> httpx.Response:
        """A request to the API of this node."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return httpx.request(method, f"{self.url}/api/v1{path}", json=body, headers=headers, timeout=30)

    def get(self, path: str) -> Any:
        """What the API shows."""
        found = self.call("GET", path)
        assert found.is_success, found.text
        return found.json()

    def post(self, path: str, body: Any = None) -> Any:
        """What the API did."""
        done = self.call("POST", path, body)
        assert done.is_success, done.text
        return done.json()

    def until(self, process: str, *states: str) -> Any:
        """A process once it has come to one of the states."""
        for _ in range(400):
            found = self.get(f"/processes/{process}")
            if found["state"] in states and not found["pending"]:
                return found
            time.sleep(0.02)
        raise AssertionError(found)


@contextlib.contextmanager
def served_at(app: Any, port: int) -> Iterator[None]:
    """Serves on a port that is known beforehand, for a node tells others where it is."""
    import threading

    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(20)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def settle_at(directory: Path, port: int, name: str) -> None:
    """A node directory whose node says that it is reached at that port."""
    settings = directory / "node.toml"
    text = settings.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^url = .*$", f'url = "http://127.0.0.1:{port}"', text)
    settings.write_text(re.sub(r"(?m)^name = .*$", f'name = "{name}"', text), encoding="utf-8")


def know(here: Node, name: str) -> str:
    """Registers the other's party here; the token that its node comes with."""
    story.done(register.add_party(here, name, "public-body", name.capitalize()))
    story.done(register.verify_party(here, name, "its entry in the public register", None))
    return login.issue_token(here, name, "user", ("negotiate",), 1, "its node")


def account(here: Node, party: str) -> str:
    """The token of somebody who may negotiate, and has nothing to do with the story."""
    story.done(register.add_party(here, party, "organisation", party.capitalize()))
    return login.issue_token(here, party, "user", ("negotiate",), 1, "")


def linked(name: str, other: Side, token: str, by_hand: bool = False) -> dict[str, Any]:
    """The other node, as a steward describes it to the API."""
    return {
        "party": name, "participant": did_web(other.url), "url": f"{other.url}/dataspace/2025-1", "by_hand": by_hand,
        "private": True, "token": token,
    }  # fmt: skip


@contextlib.contextmanager
def two(tmp: Path, founded: Path, table: Path, by_hand: bool = False) -> Iterator[tuple[Side, Side]]:
    """The hospital and the city, served and linked, both outboxes sending."""
    with contextlib.ExitStack() as stack:
        sides = []
        for name in (HOSPITAL, CITY):
            directory, port = Path(shutil.copytree(founded, tmp / name)), free_port()
            settle_at(directory, port, name.capitalize())
            node = stack.enter_context(open_node(directory))
            tokens = [
                login.issue_token(node, story.OPERATOR, role, scopes, 1, role)
                for role, scopes in (("user", ("ask", "negotiate")), ("steward", ("steward",)))
            ]
            stack.enter_context(served_at(stack.enter_context(application(node)), port))
            stack.enter_context(outbox.sending(node, PATIENCE))
            sides.append(Side(node, f"http://127.0.0.1:{port}", *tokens))
        hospital, city = sides
        story.register_table(hospital.node, table)
        terms = Terms("aggregates", (story.PURPOSE,), story.PRICE, "EUR", 1)
        story.done(trade.publish_offer(
            hospital.node, story.OFFER, story.ASSET, story.OPERATOR, terms, standing=not by_hand
        ))  # fmt: skip
        given, taken = know(hospital.node, CITY), know(city.node, HOSPITAL)
        for here, other, name, token in ((hospital, city, CITY, taken), (city, hospital, HOSPITAL, given)):
            done = here.call("POST", "/peers", linked(name, other, token, by_hand), here.steward)
            assert done.is_success, done.text
        yield hospital, city


def offer_as_odrl(hospital: Side) -> str:
    """The hospital's offer as it says it to other nodes."""
    with hospital.node.store.read() as state:
        offer = state.get(Offer, story.OFFER)
        assert offer is not None
        return odrl.to_jsonld(spoken(offer))
