"""May this system call that service, for this purpose, about this person? And what may be registered.

Only an explicit permit passes: a service that is registered (or that another node answers), opened to this very client
by the steward, for a purpose that both the service and the access right cover; and where agents speak for the client,
each within its delegation (see `speakers`). A service that does not exist and one that is not open to the caller get the
same refusal.

When a service is about persons, the call must say whom it is about exactly once and plainly. Were it said twice, the
node might note one person down while the service reads the other; so doubt is refused, not resolved.

A call is decided twice, before the service is asked and before its answer leaves, and there are many of them. So what
seldom changes of it is worked out once and remembered for as long as the rows that it rests on are the very same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from usufruct.core.access.remembered import Remembered
from usufruct.core.base.ids import slug
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.exchange.speakers import Caller, Line, line, may
from usufruct.core.exchange.state import FIND_USAGE, AccessRight, Client, LinkedNode, Service, subsystem_of
from usufruct.core.registry.state import Party
from usufruct.core.rulebook import purposes

SIZES = (1, 4, 16, 64, 256, 1024, 4096, 16384)  # KiB; what the journal says of an answer's size

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NO_NAME = re.compile(r"(?<=.)[\[\0].*|[^a-z0-9]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CallRequest:
    """What is asked: `segments` are the path behind the service code and `parameters` the query, both decoded.

    `hold` is the ground on which the call is to be withheld from whom it is about, for `hold_days` (None: as long as the
    client's party may).
    """

    service: str
    client: str
    caller: Caller
    method: str
    segments: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]
    purpose: str
    message: str
    issue: str
    hold: str = ""
    hold_days: int | None = None


class Opening(NamedTuple):
    """A service of ours or a linked node that is open to a client by an access right, and the line that speaks for it."""

    to: Service | LinkedNode
    client: Client
    right: AccessRight
    through: Line


@dataclass(frozen=True, slots=True)
class CallPermit:
    """Yes: to what is open, for this purpose, under these `delegations`; `person` is her code, if it is about one."""

    opening: Opening
    purpose: str
    person: str
    delegations: tuple[str, ...]

    @property
    def to(self) -> Service | LinkedNode:
        """What is called."""
        return self.opening.to

    @property
    def requester(self) -> str:
        """Who answers for the call."""
        return self.opening.through.requester

    @property
    def actors(self) -> tuple[str, ...]:
        """Who acts for the requester, who speaks first first."""
        return self.opening.through.actors


_OPEN: Remembered[Opening | None] = Remembered(10_000)


def decide(
    read: Reader, asked: CallRequest, at: Instant, admitted: bool = False, under: tuple[str, ...] = ()
) -> CallPermit | Refusal:
    """Permit or refusal for one call, from the state as it is at `at`; `admitted` for a call that was permitted before,
    `under` these delegations, and is among those that they have counted."""
    refused = "the call was not passed on"
    opening = _opening(read, asked, at)
    if opening is None:
        return refuse(
            "exchange.closed", refused, f"there is no service `{asked.service}` that is open to `{asked.client}`",
            remedy="look at allowedMethods, or ask the steward of the providing node for access; an agent needs a delegation "
            "that names the service",
        )  # fmt: skip
    to, _, right, through = opening
    purpose = purposes.normal(asked.purpose or right.default)
    if purpose is None:
        code, reason, remedy = _no_purpose(asked, right)
        return refuse(code, refused, reason, remedy=remedy)
    person = person_in(to, asked) if isinstance(to, Service) else ""
    delegations, lacking = may(read, through, asked.service, purpose, at, admitted, under)
    noes = [*((no.code, no.reason, no.remedy) for no in lacking), *_closed_gates(asked, right, to, purpose, person)]
    if noes:
        remedies = dict.fromkeys(no[2] for no in noes)
        return refuse(noes[0][0], refused, *(no[1] for no in noes), remedy="; and ".join(remedies))
    return CallPermit(opening, purpose, person or "", delegations)


def ended(read: Reader, asked: CallRequest, permit: CallPermit, at: Instant) -> tuple[str, ...]:
    """Why a call that was admitted under a permit is not permitted any more, or not in the same way; empty if it is."""
    if not permit.actors and _opening(read, asked, at) is permit.opening:
        return ()  # nothing that the permit came of is another now
    again = decide(read, asked, at, admitted=True, under=permit.delegations)
    if isinstance(again, Refusal):
        return again.reasons
    return () if again == permit else ("what permitted the call was changed meanwhile",)


def _opening(read: Reader, asked: CallRequest, at: Instant) -> Opening | None:
    name = asked.service, asked.client, asked.caller
    return _OPEN.find(name, read, at, partial(_open, *name, at))


def _open(service: str, client: str, caller: Caller, at: Instant, read: Reader) -> Opening | None:
    """What is open to a caller that speaks for a client; None where nothing is."""
    whose, right = read.get(Client, client), read.get(AccessRight, service, client)
    to = read.get(Service, service) or read.get(LinkedNode, subsystem_of(service))
    through = line(read, caller, whose) if whose is not None else None
    if whose is None or right is None or to is None or through is None:
        return None
    good = right.open and right.until > at and (isinstance(to, LinkedNode) or to.open)
    return Opening(to, whose, right, through) if good and through.reaches(read, service, at) else None


def _no_purpose(asked: CallRequest, right: AccessRight) -> tuple[str, str, str]:
    allowed = ", ".join(right.purposes)
    if not asked.purpose:
        return (
            "exchange.no-purpose", "the call names no purpose, and none is set for this client",
            f"name one in the header Usufruct-Purpose: {allowed}",
        )  # fmt: skip
    return "access.unknown-purpose", f"`{asked.purpose}` is not in the purpose tree", f"name one of {allowed}"


def _closed_gates(
    asked: CallRequest, right: AccessRight, to: Service | LinkedNode, purpose: str, person: str | None
) -> Iterator[tuple[str, str, str]]:
    """Code, reason and remedy of whatever stands in the way."""
    service = to if isinstance(to, Service) else None
    if not _covered(right.purposes, purpose) or (service and not _covered(service.purposes, purpose)):
        allowed = ", ".join(right.purposes)
        yield (
            "access.purpose", f"the service is not open to this client for {purpose}, only for {allowed}",
            f"ask for {allowed}, if that is what it is for, or have the access right widened",
        )  # fmt: skip
    if service and asked.method not in service.methods:
        allowed = ", ".join(service.methods)
        yield "exchange.method", f"the service is not open to {asked.method}", f"use {allowed}"
    if service and service.person and service.url != FIND_USAGE and person is None:
        where, _, name = service.person.partition(":")
        place = f"as segment {name} of the path" if where == "path" else f"in the parameter `{name}`"
        yield "exchange.person", "the call does not say plainly whom it is about", f"give one code of a person {place}"


def _covered(allowed: tuple[str, ...], purpose: str) -> bool:
    return any(purposes.covers(broader, purpose) for broader in allowed)


def person_in(service: Service, asked: CallRequest) -> str | None:
    """The code of the person a call is about: empty if the service is not about persons, None if it is not plain."""
    if not service.person:
        return ""
    where, _, name = service.person.partition(":")
    if where == "path":
        if "" in asked.segments[:-1]:  # some systems take two slashes for one, and then count otherwise
            return None
        found = asked.segments[int(name) - 1 : int(name)]
    else:
        if any(";" in part for pair in asked.parameters for part in pair):  # some systems take it for `&`
            return None
        found = tuple(value for key, value in asked.parameters if _bare(key) == _bare(name))
    return found[0] if len(found) == 1 and _CODE.fullmatch(found[0]) else None


def _bare(name: str) -> str:
    """What the most lenient system makes of a parameter's name: `code[0]`, ` code` and `Code` are all `code` to some."""
    return _NO_NAME.sub("", name.lower())


def known_as(prefix: str, code: str) -> str:
    """The name by which the person with this code is known; the same that a table with that `member_prefix` gives."""
    return slug(f"{prefix}-{code}" if prefix else code.lower())


def person_known_as(read: Reader, name: str) -> Party | None:
    """The person of that name, if the node knows her."""
    party = next(read.list(Party, known_as=name), None) or read.get(Party, name)
    return party if party and party.kind == "person" else None


def size_class(length: int) -> int:
    """The smallest of `SIZES` that so many bytes fit in."""
    return next((kib for kib in SIZES if length <= 1024 * kib), SIZES[-1])
