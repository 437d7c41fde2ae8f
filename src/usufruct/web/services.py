"""The steward's side of the exchange in the HTTP API, and a member's list of who looked her up."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from litestar import Router, get, post
from litestar.params import JSONBody
from msgspec import Meta, Struct, field

from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.exchange.facts import (
    ClientRegistered,
    NodeLinked,
    ServiceClosed,
    ServiceOpened,
    ServiceRegistered,
    ServiceWithdrawn,
)
from usufruct.node import reconcile, services
from usufruct.peer.services import HttpServices
from usufruct.web.api import STEWARD, AnyRequest, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.messages import Day, Id, Purpose, Text

XRoadId = Annotated[str, Meta(min_length=1, max_length=600, description="instance/class/member/subsystem/service")]
Url = Annotated[str, Meta(min_length=1, max_length=2000)]
Purposes = Annotated[list[Purpose], Meta(min_length=1, max_length=50)]


class NewService(Struct, forbid_unknown_fields=True):
    """A system behind HTTP. `person` says where a call says whom it is about: `path:2` or `query:code`."""

    service: XRoadId
    title: Text
    url: Url
    purposes: Purposes
    methods: Annotated[list[Text], Meta(min_length=1, max_length=8)] = field(default_factory=lambda: ["GET"])
    grade: Annotated[int, Meta(ge=0, le=6)] = 3
    person: Annotated[str, Meta(max_length=100)] = ""
    prefix: Annotated[str, Meta(max_length=32)] = ""
    description: Annotated[str, Meta(max_length=2000)] = ""
    private: bool = False


class NamedService(Struct, forbid_unknown_fields=True):
    """A service to withdraw."""

    service: XRoadId


class NewClient(Struct, forbid_unknown_fields=True):
    """A calling system of `party`. It comes with a token of `via`, or its node signs with `key`."""

    client: XRoadId
    party: Id
    via: Id | None = None
    key: Annotated[str, Meta(max_length=500)] = ""


class NewAccessRight(Struct, forbid_unknown_fields=True):
    """Lets a client call a service; `default` is the purpose of calls that name none."""

    service: XRoadId
    client: XRoadId
    purposes: Purposes
    default: Annotated[str, Meta(max_length=100)] = ""
    until: Day | None = None


class EndedAccessRight(Struct, forbid_unknown_fields=True):
    """An access right to take back."""

    service: XRoadId
    client: XRoadId


class NewLinkedNode(Struct, forbid_unknown_fields=True):
    """The node that answers for a subsystem."""

    subsystem: XRoadId
    url: Url
    private: bool = False


class NewReconciliation(Struct, forbid_unknown_fields=True):
    """A linked node and a period."""

    url: Url
    since: Day
    until: Day


@post("/services", opt=STEWARD, sync_to_thread=True, summary="Register a service")
def add_service(request: AnyRequest, data: JSONBody[NewService]) -> ServiceRegistered:
    """Nobody may call it until it is opened to somebody."""
    return done(services.register_service(node_of(request), ServiceRegistered(
        data.service, who_is(request).party, data.title, data.url, tuple(data.purposes), tuple(data.methods), data.grade,
        data.person, data.prefix, data.description, data.private,
    )))  # fmt: skip


@get("/services", opt=STEWARD, sync_to_thread=True, summary="Services, clients and calls")
def list_services(request: AnyRequest) -> services.ServicesPage:
    """What is registered, who may call it, and what was called lately."""
    return services.services_page(node_of(request))


@post("/services/withdrawals", opt=STEWARD, sync_to_thread=True, summary="Withdraw a service")
def withdraw_service(request: AnyRequest, data: JSONBody[NamedService]) -> ServiceWithdrawn:
    """From the next call on nobody may call it."""
    return done(services.withdraw_service(node_of(request), data.service))


@post("/clients", opt=STEWARD, sync_to_thread=True, summary="Register a client")
def add_client(request: AnyRequest, data: JSONBody[NewClient]) -> ClientRegistered:
    """A calling system, whose it is, and how it proves itself."""
    return done(services.register_client(node_of(request), data.client, data.party, data.via or "", data.key))


@post("/access-rights", opt=STEWARD, sync_to_thread=True, summary="Open a service to a client")
def open_service(request: AnyRequest, data: JSONBody[NewAccessRight]) -> ServiceOpened:
    """Takes the place of an earlier access right."""
    until = parse_instant(data.until) if data.until else None
    return done(services.open_service(
        node_of(request), data.service, data.client, tuple(data.purposes), data.default, until
    ))  # fmt: skip


@post("/access-rights/ends", opt=STEWARD, sync_to_thread=True, summary="Close a service to a client")
def close_service(request: AnyRequest, data: JSONBody[EndedAccessRight]) -> ServiceClosed:
    """From the next call on."""
    return done(services.close_service(node_of(request), data.service, data.client))


@post("/linked-nodes", opt=STEWARD, sync_to_thread=True, summary="Link a node")
def link_node(request: AnyRequest, data: JSONBody[NewLinkedNode]) -> NodeLinked:
    """Calls to services of this subsystem are sent there."""
    return done(services.link_node(node_of(request), data.subsystem, data.url, data.private))


@post("/reconciliations", opt=STEWARD, status_code=200, summary="Compare calls with a linked node")
async def compare(request: AnyRequest, data: JSONBody[NewReconciliation]) -> reconcile.Reconciliation:
    """Which calls of the period both nodes have, and which only one."""
    outbound = HttpServices()
    try:
        return await reconcile.reconcile(
            node_of(request), outbound, data.url, parse_instant(data.since), parse_instant(data.until)
        )
    finally:
        await outbound.close()


@get("/me/look-ups", opt={"rule": ("member",)}, sync_to_thread=True, summary="Who looked you up")
def look_ups(request: AnyRequest) -> list[dict[str, Any]]:
    """Look-ups of you through the services of this node, and refused attempts, the newest first."""
    return [asdict(one) for one in services.lookups(node_of(request), who_is(request).party)]


router = Router(
    "/api/v1",
    route_handlers=[
        add_service, list_services, withdraw_service, add_client, open_service, close_service, link_node, compare, look_ups,
    ],
)  # fmt: skip
