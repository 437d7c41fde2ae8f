"""Who used a person's data, asked by the person through the Estonian Data Tracker (findUsage v2).

The tracker asks every register for the uses of one person's data and shows them to her. Here they come from the journal:
the look-ups of her through services, and the questions in which rows about her counted. Refused attempts are on her own
page and not here, for the protocol knows none; nor are the tracker's own look-ups, for then every look would make the
next one longer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from usufruct.core.access import hold
from usufruct.core.base.faults import BadInput, Fault
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.records import Entry, Reader
from usufruct.core.epochs import parts_in
from usufruct.core.exchange.facts import PersonLookedUp
from usufruct.core.exchange.rules import CallRequest, known_as, person_in, person_known_as
from usufruct.core.exchange.state import FIND_USAGE, Client, Service
from usufruct.core.privacy.state import Use
from usufruct.core.registry.state import Person
from usufruct.core.rulebook import purposes
from usufruct.node import views
from usufruct.node.node import Node
from usufruct.ports import ServiceReply, Snapshot

USAGES = 1000  # returned when no limit is asked for, as the protocol says
USAGES_LIMIT = 10_000
_INT32 = 2**31
_INTEGER = re.compile(r"-?[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Usage:
    """One use, in the words of the protocol."""

    logtime: Instant
    action: str
    receiverCode: str
    receiverName: str
    receiverSystem: str


def subjects(read: Reader, service: Service, asked: CallRequest) -> list[str]:
    """The persons known to the node whom a call is about, without registering anybody.

    The tracker writes a code with the country before it (EE38001085718), as X-Road asks of user ids; a register of that
    country may know her without. Another country's code stays as it is, for it would mean somebody else.
    """
    code = person_in(service, asked)
    if not code:
        return []
    names = {known_as(service.prefix, code)}
    if service.url == FIND_USAGE:
        own = code[:2].upper() == service.id[:2].upper()
        names |= {known_as("", code), known_as(service.prefix, code[2:] if own and code[2:] else code)}
    found = [person_known_as(read, name) for name in sorted(names)]
    return list(dict.fromkeys(party.id for party in found if party))


def answer(node: Node, service: Service, asked: CallRequest, user: str) -> ServiceReply:
    """The answer to a call of the tracker. What does not fit the protocol gets 400, what is not in it 404."""
    try:
        match asked.segments:
            case ("v2", "findUsage"):
                return _reply(200, _find_usage(node, service, asked, user))
            case ("v2", "usagePeriod"):
                with node.store.read() as state:
                    return _reply(200, {"periodStart": state.entry(0).at})
            case ("v2", "heartbeat"):
                return _reply(200, _heartbeat(node))
            case _:
                return _reply(404, {"message": "there is nothing here; see getOpenAPI"})
    except BadInput as fault:
        return _reply(400, {"message": str(fault)})


def _reply(status: int, body: object) -> ServiceReply:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return ServiceReply(status, ((b"content-type", b"application/json"),), text)


def _heartbeat(node: Node) -> dict[str, str]:
    try:
        with node.store.read() as state:
            return {"status": "OK", "message": f"{state.size()} facts"}
    except Fault as fault:
        return {"status": "FAIL", "message": fault.message}


def _find_usage(node: Node, service: Service, asked: CallRequest, user: str) -> dict[str, object]:
    if not user:
        raise BadInput("input.xroad", "the header X-Road-UserId is missing", "say who asks")
    if "usercode" not in {name.lower() for name, _ in asked.parameters}:
        raise BadInput("input.xroad", "the parameter `userCode` is missing", "say whose data it is about")
    since = _instant(asked, "periodStart", Instant(""))
    until = _instant(asked, "periodEnd", END_OF_TIME)
    offset = max(_integer(asked, "offset", 0), 0)
    limit = min(max(_integer(asked, "limit", USAGES), 0), USAGES_LIMIT)
    with node.store.read() as state:
        found = [
            usage
            for party in subjects(state, service, asked)
            for usage in _usages(node, state, party)
            if since <= usage.logtime <= until
        ]
    found.sort(key=lambda usage: usage.logtime, reverse=True)
    return {"totalUsages": len(found), "usages": [asdict(usage) for usage in found[offset : offset + limit]]}


def _one(asked: CallRequest, name: str) -> str | None:
    found = [value for key, value in asked.parameters if key == name]
    if len(found) > 1:
        raise BadInput("input.xroad", f"the parameter `{name}` is given more than once", "give it once")
    return found[0] if found else None


def _integer(asked: CallRequest, name: str, default: int) -> int:
    text = _one(asked, name)
    if text is None:
        return default
    if not _INTEGER.fullmatch(text) or not -_INT32 <= int(text) < _INT32:
        raise BadInput("input.xroad", f"`{text}` cannot be the {name}", "write a whole number")
    return int(text)


def _instant(asked: CallRequest, name: str, default: Instant) -> Instant:
    text = _one(asked, name)
    if text is None:
        return default
    if len(text) < len("2021-01-31T10:20:30Z"):
        raise BadInput("input.instant", f"`{text}` is not a moment in time", "write it as 2021-01-31T10:20:30Z")
    return parse_instant(text.upper())


def _usages(node: Node, state: Snapshot, party: str) -> Iterator[Usage]:
    now = node.clock.now()
    for entry in visible(state, party, now):
        fact = entry.fact
        assert isinstance(fact, PersonLookedUp)
        service = state.get(Service, fact.service)
        if fact.refused or service is None or service.url == FIND_USAGE:
            continue
        code, system = _codes(fact.client)
        action = f"{service.title}: {purposes.label(fact.purpose)}{_through(state, fact.actors)}"
        yield Usage(entry.at, action, code, views.name_of(state, fact.party), system)
    for use in _counted_uses(state, party, now):
        client = next(iter(state.list(Client, party=use.requester)), None)
        code, system = _codes(client.id) if client else (use.requester, node.about.name)
        action = f"{use.meaning}: {purposes.label(use.purpose)}{_through(state, use.actors)}"
        yield Usage(use.at, action, code, views.name_of(state, use.requester), system)


def _through(state: Snapshot, actors: tuple[str, ...]) -> str:
    """What is said of a machine that asked; the protocol has no place of its own for it."""
    return f" (its agent {views.name_of(state, actors[0])} asked)" if actors else ""


def _counted_uses(state: Snapshot, party: str, now: Instant) -> Iterator[Use]:
    """The answered questions in which rows about a person counted, but for those withheld from her."""
    for person in state.list(Person, party=party):
        for use in state.list(Use, asset=person.asset):
            counted = use.state == "answered" and parts_in(use, state.evidence)(person.number)
            if counted and hold.active(state, use.id, now) is None:
                yield use


def _codes(client: str) -> tuple[str, str]:
    """The member's and the subsystem's code in an X-Road id; the member stands for both if no subsystem is named."""
    parts = client.split("/")
    return parts[2], parts[-1]


def visible(state: Snapshot, party: str, now: Instant) -> list[Entry]:
    """The look-ups of a person that she may see now, newest first; what is withheld from her is left out."""
    return [
        entry
        for entry in reversed(state.history(party))
        if isinstance(entry.fact, PersonLookedUp) and views.hidden(state, entry.fact, party, now) is None
    ]
