"""Two nodes compare what passed between them.

Each keeps the request hash of every call, so each can say which of the other's calls it knows, and nothing more needs to
be told. A call that only one of them has is named: it was lost on the way, refused before it was heard, or taken out of
a journal. The node that calls asks the node that answers; each does so for its own direction.

Clocks differ, and a call is younger where it arrives, so what one side has in the period is looked for on the other in
a little more than the period.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from usufruct.core.base.faults import BadInput, PeerFault
from usufruct.core.base.instants import Instant, later
from usufruct.core.exchange import message as header
from usufruct.core.exchange.message import Message
from usufruct.core.exchange.state import AccessRight, Call, LinkedNode, subsystem_of
from usufruct.node.call import signature, target
from usufruct.node.node import Node
from usufruct.ports import ServiceRequest, Services, Snapshot

LIST_CALLS = "listCalls"
MARGIN_SECONDS = 600
DAYS_LIMIT = 366

_LINE = re.compile(r"([A-Za-z0-9+/]{86}==) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)")


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How many calls both sides have in the period, and the hash and instant of those that only one has."""

    both: int
    only_ours: tuple[tuple[str, Instant], ...]
    only_theirs: tuple[tuple[str, Instant], ...]


def compare(
    ours: Mapping[str, Instant], theirs: Mapping[str, Instant], since: Instant, until: Instant
) -> Reconciliation:
    """Looks for each side's calls of the period (`since` included, `until` not) among all that are given of the other."""

    def missing(here: Mapping[str, Instant], there: Mapping[str, Instant]) -> tuple[tuple[str, Instant], ...]:
        found = [(hash, at) for hash, at in here.items() if since <= at < until and hash not in there]
        return tuple(sorted(found, key=lambda one: one[1]))

    both = sum(1 for hash, at in ours.items() if since <= at < until and hash in theirs)
    return Reconciliation(both, missing(ours, theirs), missing(theirs, ours))


async def reconcile(node: Node, services: Services, url: str, since: Instant, until: Instant) -> Reconciliation:
    """Compares the calls that this node sent to the one at `url` with what that one says it received.

    Raises:
        BadInput: no such node is linked, or the period cannot be.
        PeerFault: the other node does not answer, or not as it must.
    """
    days = _days(since, until)
    with node.store.read() as state:
        linked = [row for row in state.list(LinkedNode) if row.url == url]
        if not linked:
            raise BadInput("input.url", f"no node at `{url}` is linked", "see `usufruct service list`")
        rights = [r for row in linked for r in state.list(AccessRight) if subsystem_of(r.service) == row.subsystem]
        sent = [call for day in days for call in state.list(Call, day=day) if call.node == url]
    pairs = {(r.client, subsystem_of(r.service)) for r in rights} | {(c.client, subsystem_of(c.service)) for c in sent}
    theirs: dict[str, Instant] = {}
    for client, subsystem in sorted(pairs):
        for day in days:
            theirs |= await _ask(node, services, linked[0], client, subsystem, day)
    return compare({call.hash: call.at for call in sent}, theirs, since, until)


def _days(since: Instant, until: Instant) -> list[str]:
    """The days of a period with its margin."""
    if until <= since:
        raise BadInput("input.instant", "the period ends before it begins", "name an earlier beginning")
    last, days = later(until, seconds=MARGIN_SECONDS)[:10], [later(since, seconds=-MARGIN_SECONDS)[:10]]
    while days[-1] < last:
        if len(days) > DAYS_LIMIT:
            raise BadInput("input.instant", f"the period has more than {DAYS_LIMIT} days", "compare a part at a time")
        days.append(later(Instant(f"{days[-1]}T00:00:00.000Z"), days=1)[:10])
    return days


async def _ask(
    node: Node, services: Services, linked: LinkedNode, client: str, subsystem: str, day: str
) -> dict[str, Instant]:
    """What the other node says it received of a client's calls to a subsystem on a day."""
    message = Message("GET", target(f"{subsystem}/{LIST_CALLS}", f"?day={day}".encode()), (), b"")
    for name, value in (
        (b"accept", "application/json"), (b"x-road-client", target(client, b"")[4:].decode()),
        (header.REQUEST_ID, str(uuid.uuid4())), (header.MESSAGE_ID, str(uuid.uuid4())),
    ):  # fmt: skip
        message = message.having(name, value)
    hash = message.hash()
    headers = (*message.headers, (header.REQUEST_HASH, hash.encode()), (header.SIGNATURE, signature(node, hash)))
    reply = await services.ask(
        ServiceRequest("GET", linked.url + message.target.decode(), headers, private=linked.private)
    )
    try:
        if reply.status != 200:
            raise ValueError(f"status {reply.status}")
        return read_lines(reply.body.decode().splitlines())
    except ValueError as error:
        raise PeerFault(
            "peer.failed", f"the node at `{linked.url}` did not list its calls: {error}",
            "see that the client is registered there with this node's key",
        ) from None  # fmt: skip


def _listed(state: Snapshot, client: str, subsystem: str, day: str) -> Iterator[str]:
    for call in state.list(Call, day=day, client=client):
        if subsystem_of(call.service) == subsystem:
            yield f"{call.hash} {call.at}"


def on_day(node: Node, client: str, subsystem: str, day: str) -> list[str]:
    """A client's calls to a subsystem on a day, as lines of hash and instant."""
    with node.store.read() as state:
        return list(_listed(state, client, subsystem, day))


def in_period(node: Node, client: str, subsystem: str, since: Instant, until: Instant) -> list[str]:
    """The calls between a client and a subsystem in a period and its margin, to be kept in a file and compared."""
    return [line for day in _days(since, until) for line in on_day(node, client, subsystem, day)]


def read_lines(found: Iterable[str]) -> dict[str, Instant]:
    """Hash and instant of each call.

    Raises:
        ValueError: a line is not of that form.
    """
    calls: dict[str, Instant] = {}
    for number, line in enumerate(found, 1):
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ValueError(f"line {number} is not a request hash and an instant")
        calls[match[1]] = Instant(match[2])
    return calls
