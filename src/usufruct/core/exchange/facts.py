"""What can have happened between systems.

Around every call stand two facts, as around every question: *admitted*, before the service is touched, and *answered*
or *abandoned*, before anything leaves. A call that another node is to answer is *sent* and has *returned*. `party` is who
answers for the client; `actors` are the agents through whom it speaks, who speaks first first, and `delegations` those under
which they do. Path, query
and payload are in none of them. What binds the two ends is the request hash, and it covers a random number that only
the two ends know (the request id), so that nobody can guess what was asked from it.

A look at a person is a fact of its own, hers alone, so that she can count it and have it erased.
"""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Fact


@dataclass(frozen=True, slots=True)
class ServiceRegistered(Fact):
    """A system behind HTTP can be called through the node as `service` (instance/class/member/subsystem/code).

    `url` is where it lies, or one of `state.OWN` for what the node answers itself. `person` says where
    a call says whom it is about: `path:2`, the second segment behind the service code, `query:code`, a parameter, or
    nothing for a service that is not about persons; `prefix` stands before her code in the name she is known by.
    `description` is where its OpenAPI document lies. `private` allows a `url` in a private network.
    """

    KIND = "service.registered/1"
    service: str
    publisher: str
    title: str
    url: str
    purposes: tuple[str, ...]
    methods: tuple[str, ...]
    grade: int
    person: str = ""
    prefix: str = ""
    description: str = ""
    private: bool = False

    def about(self) -> tuple[str, ...]:
        return (self.publisher,)


@dataclass(frozen=True, slots=True)
class ServiceWithdrawn(Fact):
    """Nobody can call the service any more."""

    KIND = "service.withdrawn/1"
    service: str


@dataclass(frozen=True, slots=True)
class ClientRegistered(Fact):
    """The system with the X-Road id `client` belongs to `party`.

    It proves itself with a token of `via` (the party itself, or whoever runs the security server it calls through), or
    its node does by signing with `key`, the verifier key of that node's journal.
    """

    KIND = "client.registered/1"
    client: str
    party: str
    via: str
    key: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.party,)


@dataclass(frozen=True, slots=True)
class ServiceOpened(Fact):
    """`client` may call `service` for these purposes until `until`; `default` is the purpose of a call that names none.

    The service may be one of this node, or one that another node answers.
    """

    KIND = "service.opened/1"
    service: str
    client: str
    purposes: tuple[str, ...]
    default: str = ""
    until: Instant = END_OF_TIME


@dataclass(frozen=True, slots=True)
class ServiceClosed(Fact):
    """`client` may no longer call `service`."""

    KIND = "service.closed/1"
    service: str
    client: str


@dataclass(frozen=True, slots=True)
class NodeLinked(Fact):
    """Services of `subsystem` (instance/class/member/subsystem) are answered by another node, at `url`."""

    KIND = "node.linked/1"
    subsystem: str
    url: str
    private: bool = False


@dataclass(frozen=True, slots=True)
class CallAdmitted(Fact):
    """A call will be passed on to its service. `message` is the caller's own id of it, `hash` the request hash."""

    KIND = "call.admitted/1"
    call: str
    service: str
    client: str
    party: str
    method: str
    purpose: str
    message: str
    hash: str
    actors: tuple[str, ...] = ()
    delegations: tuple[str, ...] = ()

    def about(self) -> tuple[str, ...]:
        return (self.party, *self.actors) if self.actors else ()


@dataclass(frozen=True, slots=True)
class CallSent(Fact):
    """A call of a system of ours will be sent to the node at `node`, which answers for its service."""

    KIND = "call.sent/1"
    call: str
    service: str
    client: str
    party: str
    method: str
    purpose: str
    message: str
    hash: str
    node: str
    actors: tuple[str, ...] = ()
    delegations: tuple[str, ...] = ()

    def about(self) -> tuple[str, ...]:
        return (self.party, *self.actors) if self.actors else ()


@dataclass(frozen=True, slots=True)
class CallAnswered(Fact):
    """The service answered with `status` and a body of at most `kib` KiB; see `rules.SIZES`."""

    KIND = "call.answered/1"
    call: str
    status: int
    kib: int


@dataclass(frozen=True, slots=True)
class CallReturned(Fact):
    """The other node answered; `receipt` is the number of the fact of it in its journal, if it gave one."""

    KIND = "call.returned/1"
    call: str
    status: int
    kib: int
    receipt: int | None = None


@dataclass(frozen=True, slots=True)
class CallAbandoned(Fact):
    """A call that was admitted or sent came to no answer that was let out."""

    KIND = "call.abandoned/1"
    call: str
    cause: str


@dataclass(frozen=True, slots=True)
class CallRefused(Fact):
    """A call was not passed on. `party` is the caller itself where it may not speak for `client`."""

    KIND = "call.refused/1"
    call: str
    service: str
    client: str
    party: str
    method: str
    purpose: str
    message: str
    hash: str
    code: str
    reasons: tuple[str, ...]
    remedy: str
    actors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonLookedUp(Fact):
    """A call was about `person`. `issue` is the case that the caller named; `refused` the code if it was refused."""

    KIND = "person.looked-up/1"
    call: str
    person: str
    service: str
    client: str
    party: str
    purpose: str
    issue: str = ""
    refused: str = ""
    actors: tuple[str, ...] = ()

    def about(self) -> tuple[str, ...]:
        return (self.person,)

    def owner(self) -> str | None:
        return self.person
