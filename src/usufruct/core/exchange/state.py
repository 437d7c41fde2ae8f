"""Which services there are, who may call them, and what became of each call."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

from usufruct.core.access import delegation
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.exchange.facts import (
    CallAbandoned,
    CallAdmitted,
    CallAnswered,
    CallRefused,
    CallReturned,
    CallSent,
    ClientRegistered,
    NodeLinked,
    ServiceClosed,
    ServiceOpened,
    ServiceRegistered,
    ServiceWithdrawn,
)

FIND_USAGE = "journal:find-usage"  # the `url` of the service that the node answers from its journal
MATCH = "node:match"  # the `url` of the service by which other nodes match tables with those of this one
OWN = {"findUsage": FIND_USAGE, "match": MATCH}  # what the node answers itself, by the code of the service


def subsystem_of(service: str) -> str:
    """The first four parts of a service's id."""
    return service.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Service(Row):
    """See `ServiceRegistered`; `open` until it is withdrawn."""

    KEY = ("id",)
    INDEXED = ("subsystem",)
    id: str
    subsystem: str
    publisher: str
    title: str
    url: str
    purposes: tuple[str, ...]
    methods: tuple[str, ...]
    grade: int
    person: str
    prefix: str
    description: str
    private: bool
    open: bool
    since: Instant


@dataclass(frozen=True, slots=True)
class Client(Row):
    """See `ClientRegistered`."""

    KEY = ("id",)
    INDEXED = ("party", "key_of_node")
    id: str
    party: str
    via: str
    key_of_node: str


@dataclass(frozen=True, slots=True)
class AccessRight(Row):
    """See `ServiceOpened`; `open` until it is closed."""

    KEY = ("service", "client")
    INDEXED = ("client", "service")
    service: str
    client: str
    purposes: tuple[str, ...]
    default: str
    until: Instant
    open: bool


@dataclass(frozen=True, slots=True)
class LinkedNode(Row):
    """See `NodeLinked`."""

    KEY = ("subsystem",)
    subsystem: str
    url: str
    private: bool


@dataclass(frozen=True, slots=True)
class Call(Row):
    """One call: `state` is admitted, sent, answered, returned, abandoned or refused; `at` and `day` when it came in.

    `ended` is the number of the last fact on it. `node` is where it was sent, `theirs` the number of the fact there.
    """

    KEY = ("id",)
    INDEXED = ("day", "client", "state")
    id: str
    day: str
    client: str
    state: str
    service: str
    party: str
    purpose: str
    message: str
    hash: str
    at: Instant
    ended: int
    status: int = 0
    code: str = ""
    node: str = ""
    theirs: int | None = None
    actors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Traffic(Row):
    """How many calls of a client to a service ended on a day, and how: answered or returned, abandoned, refused."""

    KEY = ("day", "service", "client")
    INDEXED = ("day",)
    day: str
    service: str
    client: str
    answered: int = 0
    abandoned: int = 0
    refused: int = 0


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact of the exchange changes."""
    match entry.fact:
        case CallAdmitted() as fact:
            yield _begun(entry, fact, "admitted")
            yield from delegation.used(read, fact.delegations, 1, 0)
        case CallSent() as fact:
            yield replace(_begun(entry, fact, "sent"), node=fact.node)
            yield from delegation.used(read, fact.delegations, 1, 0)
        case CallAnswered() as fact:
            yield from _ended(read, entry, fact.call, "answered", fact.status)
        case CallReturned() as fact:
            yield from _ended(read, entry, fact.call, "returned", fact.status, fact.receipt)
        case CallAbandoned() as fact:
            yield from _ended(read, entry, fact.call, "abandoned")
        case CallRefused() as fact:
            call = replace(_begun(entry, fact, "refused"), code=fact.code)
            yield call
            yield _counted(read, call)
        case ServiceRegistered() as fact:
            yield Service(
                fact.service, subsystem_of(fact.service), fact.publisher, fact.title, fact.url, fact.purposes,
                fact.methods, fact.grade, fact.person, fact.prefix, fact.description, fact.private, open=True,
                since=entry.at,
            )  # fmt: skip
        case ServiceWithdrawn() as fact:
            service = read.get(Service, fact.service)
            assert service is not None
            yield replace(service, open=False)
        case ClientRegistered() as fact:
            yield Client(fact.client, fact.party, fact.via, fact.key)
        case ServiceOpened() as fact:
            yield AccessRight(fact.service, fact.client, fact.purposes, fact.default, fact.until, open=True)
        case ServiceClosed() as fact:
            access = read.get(AccessRight, fact.service, fact.client)
            assert access is not None
            yield replace(access, open=False)
        case NodeLinked() as fact:
            yield LinkedNode(fact.subsystem, fact.url, fact.private)
        case _:
            return


def _begun(entry: Entry, fact: CallAdmitted | CallSent | CallRefused, state: str) -> Call:
    return Call(
        fact.call, entry.at[:10], fact.client, state, fact.service, fact.party, fact.purpose, fact.message, fact.hash,
        entry.at, entry.seq, actors=fact.actors,
    )  # fmt: skip


def _ended(
    read: Reader, entry: Entry, name: str, state: str, status: int = 0, theirs: int | None = None
) -> Generator[Row, None, None]:
    call = read.get(Call, name)
    assert call is not None and call.state in ("admitted", "sent"), "a call ends once, after it began"
    call = replace(call, state=state, ended=entry.seq, status=status, theirs=theirs)
    yield call
    yield _counted(read, call)


def _counted(read: Reader, call: Call) -> Traffic:
    """The day's count with this call in it."""
    row = read.get(Traffic, call.day, call.service, call.client) or Traffic(call.day, call.service, call.client)
    match call.state:
        case "abandoned":
            return replace(row, abandoned=row.abandoned + 1)
        case "refused":
            return replace(row, refused=row.refused + 1)
        case _:
            return replace(row, answered=row.answered + 1)
