"""A system calls another through the node.

The order is that of a question: read and decide → admitted → the service is asked → decide again → answered → the answer
leaves. Each append is on disk before the step after it, and a crash in between leaves a call that is abandoned when the
node opens again. What permitted a call may end while the service is asked: then its answer goes no further, though what
the service did is done. A call of a system of ours to a service that another node answers goes the same way, as sent and
returned; that node does the same at its end, and the request hash, which both keep, lets the two be compared (see
`reconcile`).

Nothing here blocks: a call waits for the writer's batch and for the service, and thousands can wait at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from usufruct.core.access import hold
from usufruct.core.access.facts import UseHeld
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import Fault, PeerFault
from usufruct.core.base.ids import numbered
from usufruct.core.base.instants import Instant
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.exchange import message as header
from usufruct.core.exchange.facts import (
    CallAbandoned,
    CallAdmitted,
    CallAnswered,
    CallRefused,
    CallReturned,
    CallSent,
    PersonLookedUp,
)
from usufruct.core.exchange.message import Message
from usufruct.core.exchange.rules import (
    CallPermit,
    CallRequest,
    decide,
    ended,
    known_as,
    person_known_as,
    size_class,
)
from usufruct.core.exchange.speakers import line
from usufruct.core.exchange.state import FIND_USAGE, MATCH, Call, Client, LinkedNode, Service
from usufruct.core.proof.checkpoint import to_base64, vkey
from usufruct.core.registry.facts import PartyRegistered
from usufruct.node import match_answers, usage
from usufruct.node.node import Node
from usufruct.ports import ServiceReply, ServiceRequest, Services, Transaction

T = TypeVar("T")

KEPT_TEXT = 200  # characters of what a caller says of its call that are kept in the journal


@dataclass(frozen=True, slots=True)
class Arrived:
    """A call that came in: what it asks, the message as it is hashed, and the `rest` of its target behind the service
    code, as on the wire."""

    asked: CallRequest
    message: Message
    rest: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """What the service, or the other node, answered; `receipt` is the number of the fact of it here."""

    reply: ServiceReply
    hash: str
    receipt: int
    sent: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal and the number of the fact of it."""

    refusal: Refusal
    receipt: int


@dataclass(frozen=True, slots=True)
class _Begun:
    call: str
    permit: CallPermit
    message: Message
    hash: str


async def handle(node: Node, services: Services, arrived: Arrived) -> Answered | Refused:
    """Answers or refuses one call; either way it is a fact when this returns.

    Raises:
        PeerFault: the service or the other node gave no answer that could be let out; the call is abandoned.
        NodeFault: the node cannot go on.
    """
    node.reach("call before admitted")
    begun = await _write(node, lambda tx: _begin(node, tx, arrived))
    node.reach("call after admitted")
    if isinstance(begun, Refused):
        return begun
    try:
        reply = await _ask(node, services, begun, arrived)
    except Exception as error:
        cause = error.message if isinstance(error, Fault) else "the node failed"
        await _write(node, lambda tx: tx.append(CallAbandoned(begun.call, cause)))
        raise
    node.reach("call before answered")
    released = await _write(node, lambda tx: _release(tx, arrived.asked, begun, reply))
    node.reach("call after answered")
    if isinstance(released, Refused):
        return released
    return Answered(reply, begun.hash, released, isinstance(begun.permit.to, LinkedNode))


async def _write(node: Node, command: Callable[[Transaction], T]) -> T:
    """`store.write` for the event loop. A caller who goes away does not undo what is on its way to the disk."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[T] = loop.create_future()
    node.store.submit(command).add_done_callback(lambda done: loop.call_soon_threadsafe(_tell, told, done))
    return await told


def _tell(told: asyncio.Future[T], done: Future[T]) -> None:
    if told.cancelled():
        return
    failure = done.exception()
    if failure is None:
        told.set_result(done.result())
    else:
        told.set_exception(failure)


def _begin(node: Node, tx: Transaction, arrived: Arrived) -> _Begun | Refused:
    """Decide; then the fact, one way or the other, and one for the person the call is about."""
    asked, call = arrived.asked, numbered("call", tx.next)
    permit = decide(tx, asked, tx.now)
    held = _held(tx, call, asked, permit)
    if isinstance(held, UseHeld):
        tx.append(held)  # first, as with a question: so nobody is ever shown what is withheld
    elif isinstance(held, Refusal) and isinstance(permit, CallPermit):
        permit = held
    message_id = holdable(asked.message)[:KEPT_TEXT]
    if isinstance(permit, Refusal):
        client = tx.get(Client, asked.client)
        through = line(tx, asked.caller, client) if client else None
        _, party, actors = through or ((), asked.caller.party, asked.caller.actors)
        entry = tx.append(CallRefused(
            call, asked.service, asked.client, party, asked.method, holdable(asked.purpose)[:KEPT_TEXT], message_id,
            arrived.message.hash(), permit.code, permit.reasons, permit.remedy, actors,
        ))  # fmt: skip
        _note_attempt(tx, call, asked, party, actors, permit)
        return Refused(permit, entry.seq)
    if isinstance(permit.to, LinkedNode):
        message = arrived.message.having(header.PURPOSE, permit.purpose)
        begun = _Begun(call, permit, message, message.hash())
        tx.append(CallSent(
            call, asked.service, asked.client, permit.requester, asked.method, permit.purpose, message_id, begun.hash,
            permit.to.url, permit.actors, permit.delegations,
        ))  # fmt: skip
        return begun
    begun = _Begun(call, permit, arrived.message, arrived.message.hash())
    tx.append(CallAdmitted(
        call, asked.service, asked.client, permit.requester, asked.method, permit.purpose, message_id, begun.hash,
        permit.actors, permit.delegations,
    ))  # fmt: skip
    _note_person(node, tx, call, asked, permit, permit.to)
    return begun


def _held(tx: Transaction, call: str, asked: CallRequest, permit: CallPermit | Refusal) -> UseHeld | Refusal | None:
    """The hold that the caller wants on its call; none where nobody is told of it here."""
    if not asked.hold or (isinstance(permit, Refusal) and permit.code == "exchange.closed"):
        return None
    service, client = tx.get(Service, asked.service), tx.get(Client, asked.client)
    through = line(tx, asked.caller, client) if client else None
    assert through is not None, "nothing is open to a client that is not there, or to who may not speak for it"
    if service is None:  # the node that answers notes whom it is about, and decides
        return None
    if not service.person:
        return refuse(
            "access.hold", "the call was not passed on", "the service is not about persons, so there is nothing to withhold",
            remedy="call without a hold",
        )  # fmt: skip
    return hold.place(tx, call, through.requester, asked.hold, asked.hold_days, tx.now)


def _note_person(node: Node, tx: Transaction, call: str, asked: CallRequest, permit: CallPermit, to: Service) -> None:
    """The look at a person, in her own history; whoever was never heard of is registered, so that it waits for her."""
    if to.url == FIND_USAGE:
        parties = usage.subjects(tx, to, asked)
    elif permit.person:
        name = known_as(to.prefix, permit.person)
        known = person_known_as(tx, name)
        parties = [known.id if known else _register(node, tx, name)]
    else:
        return
    issue = holdable(asked.issue)[:KEPT_TEXT]
    for party in parties:
        tx.append(PersonLookedUp(
            call, party, to.id, asked.client, permit.requester, permit.purpose, issue, actors=permit.actors
        ))  # fmt: skip


def _register(node: Node, tx: Transaction, name: str) -> str:
    party = f"p-{node.entropy.bytes(8).hex()}"
    tx.append(PartyRegistered(party, "person", f"Person {name}", known_as=name, key=tx.new_key()))
    return party


def _note_attempt(
    tx: Transaction, call: str, asked: CallRequest, party: str, actors: tuple[str, ...], refusal: Refusal
) -> None:
    """A refused look at somebody the node knows; nobody is registered because of one.

    What is not open to the caller leaves nothing with her: else anybody could write into her history, in another's name
    too, and read from the journal's growth whether the node knows her and which services there are.
    """
    service = tx.get(Service, asked.service)
    if refusal.code == "exchange.closed" or service is None or not service.person:
        return
    for person in usage.subjects(tx, service, asked):
        tx.append(PersonLookedUp(
            call, person, service.id, asked.client, party, holdable(asked.purpose)[:KEPT_TEXT],
            holdable(asked.issue)[:KEPT_TEXT], refusal.code, actors,
        ))  # fmt: skip


async def _ask(node: Node, services: Services, begun: _Begun, arrived: Arrived) -> ServiceReply:
    to, message = begun.permit.to, begun.message
    if isinstance(to, LinkedNode):
        return await _ask_node(node, services, begun, to)
    if to.url == FIND_USAGE:
        return await asyncio.to_thread(usage.answer, node, to, arrived.asked, message.header(b"x-road-userid"))
    if to.url == MATCH:
        return await asyncio.to_thread(match_answers.answer, node, begun.permit, arrived.asked, message.body)
    passed = message.having(header.PURPOSE, begun.permit.purpose).without(header.HOLD, header.HOLD_DAYS)
    url = to.url + arrived.rest.decode()
    return await services.ask(ServiceRequest(message.method, url, passed.headers, message.body, to.private))


async def _ask_node(node: Node, services: Services, begun: _Begun, to: LinkedNode) -> ServiceReply:
    """The other node's answer, if it is to what was asked (X-Road, 4.3: the client's side must verify the hash)."""
    message = begun.message
    headers = (
        *message.headers,
        (header.REQUEST_HASH, begun.hash.encode()),
        (header.SIGNATURE, signature(node, begun.hash)),
    )
    url = to.url + message.target.decode()
    reply = await services.ask(ServiceRequest(message.method, url, headers, message.body, to.private))
    given = dict(reply.headers)
    if b"x-road-error" not in given and given.get(header.REQUEST_HASH, b"").decode("latin-1") != begun.hash:
        raise PeerFault(
            "peer.inconsistent", "the other node answered something else than what was asked",
            "ask again; if it stays so, tell the steward of that node",
        )  # fmt: skip
    return reply


def signed_text(at: str, hash: str) -> bytes:
    """What a node signs to prove a call its own."""
    return f"usufruct/call/v1\n{at}\n{hash}\n".encode()


def signature(node: Node, hash: str) -> bytes:
    """The header by which this node proves a call its own: when, its verifier key, and its signature."""
    at = node.clock.now()
    signed = to_base64(node.signer.sign(signed_text(at, hash)))
    return f"{at} {vkey(node.signer.name, node.signer.public)} {signed}".encode()


def _release(tx: Transaction, asked: CallRequest, begun: _Begun, reply: ServiceReply) -> int | Refused:
    """Lets the answer out, if what permitted it is what it was: the number of the fact, or why not."""
    reasons = ended(tx, asked, begun.permit, tx.now)
    if not reasons:
        return tx.append(_ended(begun, reply)).seq
    seq = tx.append(CallAbandoned(begun.call, "what permitted it ended before the answer could leave")).seq
    return Refused(refuse(
        "access.ended", "the answer was not passed on", *reasons, "the service was asked, and may have done what was asked",
        remedy="call again under what is in force now",
    ), seq)  # fmt: skip


def _ended(begun: _Begun, reply: ServiceReply) -> CallAnswered | CallReturned:
    kib = size_class(len(reply.body))
    if not isinstance(begun.permit.to, LinkedNode):
        return CallAnswered(begun.call, reply.status, kib)
    theirs = dict(reply.headers).get(b"usufruct-receipt", b"")
    return CallReturned(begun.call, reply.status, kib, int(theirs) if theirs.isdigit() and len(theirs) < 19 else None)


def target(service: str, rest: bytes) -> bytes:
    """The target of a call on the wire."""
    return b"/r1/" + "/".join(quote(part, safe="") for part in service.split("/")).encode() + rest


def hashes_since(node: Node, since: Instant) -> Iterator[tuple[str, Instant]]:
    """Hash and instant of the calls that came in since, the oldest first; nothing if no node calls this one."""
    with node.store.read() as state:
        if not any(client.key_of_node for client in state.list(Client)):
            return
        first = state.size()
        while first > 0 and state.entry(first - 1).at >= since:
            first -= 1
        for entry in state.entries(first, state.size()):
            if isinstance(entry.fact, CallAdmitted | CallSent | CallRefused):
                yield entry.fact.hash, entry.at


def recover(node: Node) -> int:
    """Abandons the calls that a crash left open; returns how many. Run when the node opens, before it serves."""

    def command(tx: Transaction) -> int:
        calls = [call for state in ("admitted", "sent") for call in tx.list(Call, state=state)]
        for call in calls:
            tx.append(CallAbandoned(call.id, "the node stopped before it could answer"))
        return len(calls)

    with node.store.read() as state:
        if all(next(state.list(Call, state=open), None) is None for open in ("admitted", "sent")):
            return 0
    return node.store.write(command)
