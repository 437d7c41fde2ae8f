"""The smallest exchange: a population register behind one node, a clinic behind another, real sockets between them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from serving import application, served
from usufruct.core.base.records import Entry, Fact
from usufruct.core.base.refusals import Refusal
from usufruct.core.exchange.facts import ServiceRegistered
from usufruct.core.exchange.state import FIND_USAGE
from usufruct.core.proof.checkpoint import vkey
from usufruct.main import create_node, open_node
from usufruct.node import login, register, services
from usufruct.node.node import Node
from usufruct.peer.services import HttpServices
from usufruct.ports import Clock
from usufruct.web.xroad import Front

T = TypeVar("T")
FactT = TypeVar("FactT", bound=Fact)

SUBSYSTEM = "EE/GOV/70008440/rr"
PERSONS, USAGE = f"{SUBSYSTEM}/persons", f"{SUBSYSTEM}/findUsage"
CLINIC, TRACKER = "EE/COM/10000001/clinic", "EE/GOV/70006317/datatracker"
PURPOSE = "ServiceProvision"
CODE = "EE38001085718"


@dataclass
class Registry:
    """The system behind HTTP: it answers what `reply` makes of a request, and remembers what it was asked."""

    reply: Callable[[str, str], tuple[int, list[tuple[bytes, bytes]], bytes]]
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = (await receive())["body"]
        target = scope["raw_path"].decode() + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
        self.seen.append((scope["method"], target, {k.decode(): v.decode() for k, v in scope["headers"]}, body))
        status, headers, answer = self.reply(scope["method"], target)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


def person(method: str, target: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """A person of the register; headers that it has no business to set are set too."""
    headers = [(b"content-type", b"application/json"), (b"x-road-id", b"forged"), (b"x-road-error", b"Forged.Error"),
               (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]  # fmt: skip
    return 200, headers, json.dumps({"asked": target, "name": "Mari Maasikas"}).encode()


@dataclass
class Provider:
    """The node of the register, served; `token` is the clinic's, `tracker` the data tracker's."""

    node: Node
    url: str
    registry: Registry
    token: str
    tracker: str

    def ask(self, path: str, client: str = CLINIC, token: str | None = None, **more: Any) -> httpx.Response:
        """One call of an information system."""
        headers = {"X-Road-Client": client, "Authorization": f"Bearer {self.token if token is None else token}"}
        headers |= more.pop("headers", {})
        method = more.pop("method", "GET")
        return httpx.request(method, f"{self.url}{path}", headers=headers, **more)

    def facts(self, kind: type[FactT]) -> list[tuple[Entry, FactT]]:
        """Every fact of a kind."""
        return facts_of(self.node, kind)


def facts_of(node: Node, kind: type[FactT]) -> list[tuple[Entry, FactT]]:
    """Every fact of a kind in a node's journal."""
    with node.store.read() as state:
        entries = [state.entry(seq) for seq in range(state.size())]
    return [(entry, entry.fact) for entry in entries if isinstance(entry.fact, kind)]


@contextlib.contextmanager
def provider(
    directory: Path, reply: Callable[[str, str], Any] = person, key: str = "", clock: Clock | None = None
) -> Iterator[Provider]:
    """A node with the register behind it, opened to the clinic and to the tracker."""
    create_node(directory, "Register node", "register", "Population Register", "EUR")
    registry = Registry(reply)
    with open_node(directory, clock) as node, served(registry) as behind:
        for party, name in (("clinic", "Tartu Clinic"), ("ria", "RIA"), ("stranger", "Stranger")):
            done(register.add_party(node, party, "organisation", name))
        done(services.register_service(node, ServiceRegistered(
            PERSONS, "register", "Population register", f"{behind}/api", (PURPOSE, "PublicBenefit"), ("GET", "POST"), 3,
            "path:2", private=True, description=f"{behind}/openapi.yaml",
        )))  # fmt: skip
        done(services.register_service(node, ServiceRegistered(
            USAGE, "register", "Data tracker", FIND_USAGE, (PURPOSE,), ("GET",), 3, "query:userCode"
        )))  # fmt: skip
        done(services.register_client(node, CLINIC, "clinic", key=key))
        done(services.register_client(node, TRACKER, "ria"))
        done(services.open_service(node, PERSONS, CLINIC, (PURPOSE,)))
        done(services.open_service(node, USAGE, TRACKER, (PURPOSE,), PURPOSE))
        tokens = [login.issue_token(node, party, "system", ("call",), 1, "") for party in ("clinic", "ria")]
        with application(node) as app, served(Front(app, node, HttpServices(5))) as url:
            yield Provider(node, url, registry, *tokens)


@dataclass
class Consumer:
    """The clinic's own node, served; `token` is of its information system."""

    node: Node
    url: str
    token: str

    def ask(self, path: str, **more: Any) -> httpx.Response:
        """One call of the clinic's information system."""
        headers = {"X-Road-Client": CLINIC, "Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return httpx.request(more.pop("method", "GET"), f"{self.url}{path}", headers=headers, **more)


@contextlib.contextmanager
def pair(tmp_path: Path) -> Iterator[tuple[Consumer, Provider]]:
    """The clinic's node, linked to that of the register, which knows its key."""
    create_node(tmp_path / "clinic", "Clinic node", "hospital", "Hospital", "EUR", origin="clinic.example/journal")
    with open_node(tmp_path / "clinic") as node:
        key = vkey(node.signer.name, node.signer.public)
        with provider(tmp_path / "register", key=key) as there:
            done(services.register_client(node, CLINIC, "hospital"))
            done(services.link_node(node, SUBSYSTEM, there.url, private=True))
            done(services.open_service(node, PERSONS, CLINIC, (PURPOSE,), PURPOSE))
            token = login.issue_token(node, "hospital", "system", ("call",), 1, "")
            with application(node) as app, served(Front(app, node, HttpServices(5))) as url:
                yield Consumer(node, url, token), there


def done(result: T | Refusal) -> T:
    """What a use case did; fails the test if it refused."""
    assert not isinstance(result, Refusal), result
    return result
