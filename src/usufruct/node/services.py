"""Register services, clients and access rights; and what people and systems may see of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from usufruct.core.access import delegation
from usufruct.core.access.hold import Hold
from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import Refusal
from usufruct.core.exchange import registration as rules
from usufruct.core.exchange.facts import (
    ClientRegistered,
    NodeLinked,
    PersonLookedUp,
    ServiceClosed,
    ServiceOpened,
    ServiceRegistered,
    ServiceWithdrawn,
)
from usufruct.core.exchange.speakers import Caller, line
from usufruct.core.exchange.state import AccessRight, Call, Client, LinkedNode, Service, Traffic
from usufruct.core.registry.rules import find_party, id_of
from usufruct.core.registry.state import Party
from usufruct.node import usage, views
from usufruct.node.node import Node
from usufruct.ports import Snapshot

DAYS_SHOWN = 30
CALLS_SHOWN = 50
FACTS_LOOKED_AT = 500  # back from the newest, for calls to show


def register_service(node: Node, wanted: ServiceRegistered) -> ServiceRegistered | Refusal:
    """Lets a system be called through the node. Nobody may call it until it is opened to somebody."""
    return node.record(lambda tx: rules.register_service(tx, wanted))


def withdraw_service(node: Node, service: str) -> ServiceWithdrawn | Refusal:
    """Takes a service back; access rights to it stay, and hold again should it be registered again."""
    return node.record(lambda tx: rules.withdraw_service(tx, service))


def register_client(node: Node, client: str, party: str, via: str = "", key: str = "") -> ClientRegistered | Refusal:
    """Says whose a calling system is, and how it proves itself."""
    return node.record(lambda tx: rules.register_client(tx, client, party, via or party, key))


def open_service(
    node: Node, service: str, client: str, purposes: tuple[str, ...], default: str = "", until: Instant | None = None
) -> ServiceOpened | Refusal:
    """Lets a client call a service."""
    return node.record(lambda tx: rules.open_service(tx, service, client, purposes, default, until, tx.now))


def close_service(node: Node, service: str, client: str) -> ServiceClosed | Refusal:
    """Takes an access right back, from the next call on."""
    return node.record(lambda tx: rules.close_service(tx, service, client))


def link_node(node: Node, subsystem: str, url: str, private: bool = False) -> NodeLinked | Refusal:
    """Says which node answers for a subsystem."""
    return node.record(lambda tx: rules.link_node(subsystem, url, private))


@dataclass(frozen=True, slots=True)
class ServicesPage:
    """All a steward sees of the exchange; `calls` the newest, `traffic` by day, service and client, newest first."""

    services: tuple[Service, ...]
    clients: tuple[Client, ...]
    rights: tuple[AccessRight, ...]
    nodes: tuple[LinkedNode, ...]
    traffic: tuple[Traffic, ...]
    calls: tuple[Call, ...]


def services_page(node: Node) -> ServicesPage:
    """Services, clients, rights, and what was called lately."""
    with node.store.read() as state:
        days = sorted({row.day for row in state.list(Traffic)}, reverse=True)[:DAYS_SHOWN]
        traffic = tuple(row for day in days for row in state.list(Traffic, day=day))
        return ServicesPage(
            tuple(service for service in state.list(Service) if service.open),
            tuple(state.list(Client)),
            tuple(right for right in state.list(AccessRight) if right.open),
            tuple(state.list(LinkedNode)),
            traffic,
            tuple(_newest_calls(state)),
        )


def _newest_calls(state: Snapshot) -> Iterator[Call]:
    """Looked for at the end of the journal only, for a day may have millions of them."""
    seen: set[str] = set()
    for seq in range(state.size() - 1, max(state.size() - FACTS_LOOKED_AT, 0) - 1, -1):
        name = getattr(state.entry(seq).fact, "call", "")
        if name and name not in seen and len(seen) < CALLS_SHOWN:
            seen.add(name)
            call = state.get(Call, name)
            if call is not None:
                yield call


@dataclass(frozen=True, slots=True)
class LookUp:
    """A look at a person through a service: by whom, with which system, what for, and what came of it. `actors` are the
    agents that acted for who looked."""

    at: Instant
    title: str
    service: str
    who: str
    party: str
    client: str
    purpose: str
    issue: str
    outcome: str
    seq: int
    actors: tuple[str, ...]


def lookups(node: Node, party: str) -> tuple[LookUp, ...]:
    """Who looked a person up through the services of this node, or tried to, newest first."""
    with node.store.read() as state:
        row = find_party(state, party)
        return tuple(_lookups(state, row, node.clock.now())) if row else ()


def _lookups(state: Snapshot, row: Party, now: Instant) -> Iterator[LookUp]:
    for entry in usage.visible(state, row.id, now):
        fact = entry.fact
        assert isinstance(fact, PersonLookedUp)
        service, call = state.get(Service, fact.service), state.get(Call, fact.call)
        yield LookUp(
            entry.at, service.title if service else fact.service, fact.service, views.name_of(state, fact.party),
            fact.party, fact.client, fact.purpose, fact.issue, call.state if call else "", entry.seq,
            fact.actors,
        )  # fmt: skip


def withheld_lookups(node: Node, party: str) -> tuple[Hold, ...]:
    """The holds under which look-ups of a person are kept from her now: of those she is told ground and end only."""
    with node.store.read() as state:
        now, person = node.clock.now(), id_of(state, party)
        looks = (entry.fact for entry in state.history(person) if isinstance(entry.fact, PersonLookedUp))
        return tuple(held for held in (views.hidden(state, fact, person, now) for fact in looks) if held)


def methods(node: Node, subsystem: str, client: str, caller: Caller, allowed: bool) -> list[Service] | None:
    """The services of a subsystem, all or those open to a client; None if the caller may not speak for that client. An
    agent is told of those that were delegated to it."""
    with node.store.read() as state:
        row = state.get(Client, client)
        through = line(state, caller, row) if row is not None else None
        if through is None:
            return None
        now = node.clock.now()
        found = [s for s in state.list(Service, subsystem=subsystem) if s.open and through.reaches(state, s.id, now)]
        return [service for service in found if not allowed or _is_open(state, service, client, now)]


def is_machine(node: Node, caller: Caller) -> bool:
    """Whether an agent speaks."""
    with node.store.read() as state:
        return delegation.is_machine(state, caller.party, caller.actors)


def _is_open(state: Snapshot, service: Service, client: str, now: Instant) -> bool:
    right = state.get(AccessRight, service.id, client)
    return right is not None and right.open and right.until > now


def subsystems(node: Node) -> list[tuple[str, str]]:
    """The subsystems whose services this node or one that it is linked to answers, each with a name."""
    with node.store.read() as state:
        own = {s.subsystem: views.name_of(state, s.publisher) for s in state.list(Service) if s.open}
        return sorted({**{linked.subsystem: "" for linked in state.list(LinkedNode)}, **own}.items())


def knows_key(node: Node, key: str) -> bool:
    """Whether a client is registered whose node signs with this verifier key."""
    with node.store.read() as state:
        return any(True for _ in state.list(Client, key_of_node=key))
