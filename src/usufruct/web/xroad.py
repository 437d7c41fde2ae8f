"""The X-Road surface: `/r1/…` and `/listClients`, in front of the application.

This is the node's hot path, so it speaks ASGI itself: no routing, no guard, no serialization that a proxied answer does
not need (docs/decisions/0015). Its rule stands here instead: nobody is heard who does not prove itself, by a token with
the scope `call` or by the signature of a node that some client is registered with. What it proves is who is speaking,
and for whom it acts by its token; for which client it may speak, and what that client may call, is decided with the call.

Whoever proves nothing is told so and leaves no fact, lest strangers could fill the journal.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import OrderedDict
from typing import Any

from usufruct.core.access.hold import find_ground
from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput, Fault, PeerFault, Unwelcome
from usufruct.core.base.instants import Instant, later
from usufruct.core.exchange.message import HOLD, HOLD_DAYS, PURPOSE, Headers
from usufruct.core.exchange.registration import RESERVED
from usufruct.core.exchange.rules import CallRequest
from usufruct.core.exchange.speakers import Caller
from usufruct.core.exchange.state import Service, subsystem_of
from usufruct.core.proof.checkpoint import from_base64, parse_vkey
from usufruct.node import call, login, reconcile, services
from usufruct.node.node import Node
from usufruct.ports import ServiceRequest, Services
from usufruct.store.keys import verify_signature
from usufruct.web import auth
from usufruct.wire import xroad
from usufruct.wire.xroad import Read

LOG = logging.getLogger(__name__)

BODY_LIMIT = 2 * 1024 * 1024
SIGNATURE_SECONDS = 120  # how far a node's clock may be off, and how long its signatures are remembered

_DAYS = re.compile("[1-9][0-9]{0,3}")
_JSON = (b"content-type", b"application/json;charset=utf-8")
_Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


class _TooLarge(Exception):
    """The body has more bytes than are read."""


class Front:
    """An ASGI application: answers what is X-Road's and passes everything else to `app`."""

    def __init__(self, app: Any, node: Node, outbound: Services) -> None:
        self._app, self._node, self._outbound = app, node, outbound
        # Seen lately, so that none is used twice; not even across a restart, for the journal knows what was heard.
        since = later(node.clock.now(), seconds=-2 * SIGNATURE_SECONDS)
        self._signatures: OrderedDict[str, Instant] = OrderedDict(call.hashes_since(node, since))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request, or the life of the application."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            await self._outbound.close()
            return
        if scope["type"] != "http" or not (scope["path"].startswith("/r1/") or scope["path"] == "/listClients"):
            await self._app(scope, receive, send)
            return
        try:
            status, headers, body = await self._answer(scope, receive)
        except Fault as fault:
            status, headers, body = _told(fault)
        except Exception:  # a bug of ours: the caller learns that it is one and nothing else; the log gets the trace
            LOG.exception("a bug at %s %s", scope["method"], scope["path"])
            status, headers, body = xroad.error(
                "Server.ServerProxy.InternalError", "the node failed at this", "node.bug"
            )
        if scope["method"] != "HEAD" and status not in (204, 304):
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(self, scope: Any, receive: Any) -> _Answer:
        try:
            body = await _body(receive)
        except _TooLarge:
            raise BadInput("input.xroad", f"the body has more than {BODY_LIMIT} bytes", "send less at once") from None
        if scope["path"] == "/listClients":
            return 200, [_JSON], xroad.client_list(services.subsystems(self._node))
        headers: Headers = tuple((bytes(name).lower(), bytes(value)) for name, value in scope["headers"])
        read = xroad.read(scope["method"], scope["raw_path"], scope["query_string"], headers, body)
        caller = self._caller(read, headers, scope["raw_path"].decode())
        if caller is None:
            return xroad.error(
                "Server.ClientProxy.SslAuthenticationFailed", "the caller did not prove who it is",
                "send a token with the scope `call`, or sign as a node that the steward knows",
            )  # fmt: skip
        code = read.service.rpartition("/")[2]
        if code in RESERVED:
            return await self._metaservice(read, caller, code)
        return await self._call(read, caller)

    async def _call(self, read: Read, caller: Caller) -> _Answer:
        done = await call.handle(self._node, self._outbound, arrived(read, caller))
        if isinstance(done, call.Refused):
            refusal = done.refusal
            status, headers, body = xroad.error(
                "Server.ServerProxy.AccessDenied", f"{refusal.message}: {'; '.join(refusal.reasons)}. {refusal.remedy}",
                refusal.code,
            )  # fmt: skip
            return status, [*headers, (b"usufruct-receipt", str(done.receipt).encode())], body
        given = done.reply.headers
        headers = xroad.answer_headers(read, done.hash, given, done.receipt)
        if done.sent:  # what the other node says of itself stays
            theirs = dict(given)
            headers += [(name, theirs[name]) for name in (b"x-road-error",) if name in theirs]
            headers += (
                [(b"usufruct-provider-receipt", theirs[b"usufruct-receipt"])] if b"usufruct-receipt" in theirs else []
            )
        return done.reply.status, headers, done.reply.body

    async def _metaservice(self, read: Read, caller: Caller, code: str) -> _Answer:
        """What every node answers about its services. Nothing of it is a use, so nothing is noted."""
        subsystem = subsystem_of(read.service)
        found = services.methods(self._node, subsystem, read.client, caller, code == "allowedMethods")
        all_calls = code == "listCalls" and services.is_machine(self._node, caller)
        if found is None or all_calls:  # what a machine sees of calls is what it made itself
            return xroad.error(
                "Server.ServerProxy.AccessDenied", "the caller may not speak for this client", "exchange.closed"
            )
        match code:
            case "listMethods" | "allowedMethods":
                return 200, [_JSON], xroad.method_list([(one.id, one.methods, bool(one.description)) for one in found])
            case "getOpenAPI":
                wanted = dict(read.parameters).get("serviceCode", "")
                service = next((one for one in found if one.id == f"{subsystem}/{wanted}"), None)
                return await self._description(service, wanted)
            case "listCalls":
                day = dict(read.parameters).get("day", "")
                found_calls = await asyncio.to_thread(reconcile.on_day, self._node, read.client, subsystem, day)
                return 200, [(b"content-type", b"text/plain;charset=utf-8")], "\n".join(found_calls).encode()
            case _:
                raise BadInput("input.xroad", "clients are listed at /listClients", "ask there")

    async def _description(self, service: Service | None, wanted: str) -> _Answer:
        if service is None or not service.description:
            raise BadInput("input.xroad", f"there is no description of a service `{wanted}`", "see listMethods")
        request = ServiceRequest("GET", service.description, ((b"accept", b"*/*"),), private=service.private)
        reply = await self._outbound.ask(request)
        return reply.status, [header for header in reply.headers if header[0] == b"content-type"], reply.body

    def _caller(self, read: Read, headers: Headers, path: str) -> Caller | None:
        """Who proved itself, if anybody.

        Raises:
            Unwelcome: a token that is bound to a key, or the proof of that key, does not hold.
        """
        given = dict(headers)
        scheme, _, token = given.get(b"authorization", b"").decode("latin-1").partition(" ")
        match scheme.lower():
            case "bearer":
                who = login.identify(self._node, "token", token.strip())
            case "dpop":
                proofs = [given[b"dpop"].decode("latin-1")] if b"dpop" in given else []
                who = auth.by_proof(self._node, token.strip(), proofs, read.message.method, path)
            case _:
                return self._signed(read) if read.signature and read.request_id else None
        return Caller(party=who.party, actors=who.actors) if who and "call" in who.scopes else None

    def _signed(self, read: Read) -> Caller | None:
        """The node that signed: lately, for the first time, what arrived, with a key that a client is registered with."""
        hash = read.message.hash()
        if read.sent_hash != hash:
            raise BadInput(
                "input.xroad", "the message is not the one that was sent; something on the way changed its headers",
                "let proxies pass X-Road messages on as they are",
            )  # fmt: skip
        try:
            at, key, signature = read.signature.split(" ")
            _, _, public = parse_vkey(key)
            good = verify_signature(public, from_base64(signature), call.signed_text(at, hash))
        except ValueError:
            return None
        now = self._node.clock.now()
        lately = later(now, seconds=-SIGNATURE_SECONDS) <= at <= later(now, seconds=SIGNATURE_SECONDS)
        if not good or not lately or hash in self._signatures or not services.knows_key(self._node, key):
            return None
        self._signatures[hash] = Instant(at)
        while next(iter(self._signatures.values())) < later(now, seconds=-2 * SIGNATURE_SECONDS):
            self._signatures.popitem(last=False)
        return Caller(key=key)


def arrived(read: Read, caller: Caller) -> call.Arrived:
    """A request as the use case takes it.

    Raises:
        BadInput: the hold that it names cannot be.
    """
    message = read.message
    hold, days = message.header(HOLD), message.header(HOLD_DAYS)
    if hold:
        find_ground(hold)
    if days and not (hold and _DAYS.fullmatch(days)):
        raise BadInput(
            "input.hold", f"a call cannot be withheld for `{days}` days", "name a ground, and a whole number of days"
        )
    asked = CallRequest(
        read.service, read.client, caller, message.method, read.segments, read.parameters,
        holdable(message.header(PURPOSE))[: call.KEPT_TEXT], message.header(b"x-road-id"), message.header(b"x-road-issue"), hold,
        int(days) if days else None,
    )  # fmt: skip
    return call.Arrived(asked, message, read.rest)


async def _body(receive: Any) -> bytes:
    found, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":  # half a body must not be taken for a whole one
            raise BadInput("input.xroad", "the body did not arrive whole", "send it again")
        found += message.get("body", b"")
        more = message.get("more_body", False)
        if len(found) > BODY_LIMIT:
            raise _TooLarge
    return found


def _told(fault: Fault) -> _Answer:
    """A fault in the words of the protocol. Where a service lies is nobody's business."""
    match fault:
        case Unwelcome():
            told = f"{fault.message}; {fault.remedy}"
            return xroad.error("Server.ClientProxy.SslAuthenticationFailed", told, fault.code)
        case BadInput():
            return xroad.error("Client.BadRequest", f"{fault.message}; {fault.remedy}", fault.code, 400)
        case PeerFault() if fault.code == "peer.inconsistent":
            return xroad.error("Server.ClientProxy.InconsistentResponse", fault.message, fault.code)
        case PeerFault():
            return xroad.error("Server.ServerProxy.NetworkError", fault.message, fault.code)
        case _:
            return xroad.error("Server.ServerProxy.InternalError", f"{fault.message}; {fault.remedy}", fault.code)
