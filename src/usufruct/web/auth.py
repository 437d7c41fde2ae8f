"""Who may call which route.

Every route states its rule as `opt={"rule": …}`: `public`, `anyone` (whoever proved who she is), `account` (an account
itself, by no narrower token and through nobody who acts for it: for what outlives a token), `session` (in a browser),
`transfer` (another node, with the token of a transfer that its route must then hold against its address), or
the scopes one of which is needed (`("steward",)`). One guard enforces the rules for the whole application; a route without one lets
nobody in, and a test keeps the list of routes that are public.

Where a rule goes with `"participants": True`, another node may come with a token that it signed itself.

Programs send a bearer token, or one that is bound to a key and with it a proof of that key (RFC 9449); browsers a session
cookie, and then every request that changes something must carry the session's CSRF proof in the form field `csrf` or the
header `X-CSRF-Token`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.handlers import BaseRouteHandler

from usufruct.core.base.faults import Unwelcome
from usufruct.core.base.instants import seconds
from usufruct.node import login
from usufruct.node.dataspace import dataplane
from usufruct.node.dataspace.recognition import participant
from usufruct.node.login import Identity
from usufruct.node.node import Node
from usufruct.wire import oauth

COOKIE = "usufruct_session"
_CHANGING = ("POST", "PUT", "PATCH", "DELETE")

Rule = str | tuple[str, ...]


async def enforce(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Lets a request through, or not.

    Raises:
        Unwelcome: nobody, or somebody without the scope, or a form that was not made for this session.
    """
    rule: Rule | None = handler.opt.get("rule")
    if rule == "transfer":
        connection.scope["state"]["identity"] = _with_data_token(connection)
        return
    who = _bound(connection) if _scheme(connection) == "dpop" else identify(connection)
    if who is None and handler.opt.get("participants"):
        who = await _participant(connection)
    connection.scope["state"]["identity"] = who
    if who is not None and not _scheme(connection):
        assert isinstance(connection, Request)
        if connection.method in _CHANGING:
            await _check_csrf(connection)
    if rule == "public":
        return
    if who is None:
        raise Unwelcome(
            "login.needed", "this is only for people who are logged in", "log in, or send a token that is good"
        )
    if not _reaches(who, rule, connection):
        raise Unwelcome(
            "login.scope", "your account does not reach this far, or not in this way",
            "log in yourself, or ask the steward for an account that does",
        )  # fmt: skip


async def _participant(connection: ASGIConnection[Any, Any, Any, Any]) -> Identity | None:
    """The party whose node sent a request with a token that it signed itself.

    Raises:
        Unwelcome: the token does not hold.
    """
    token, node = bearer(connection), node_of(connection)
    if token is None or token.count(".") != 2:  # it is no JWT; the node's own tokens have no points
        return None
    services = node.connector.services()
    try:
        return Identity(await participant(node, services, token), "user", frozenset({"negotiate"}), signed=True)
    finally:
        await services.close()


def _reaches(who: Identity, rule: Rule | None, connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    match rule:
        case "anyone":
            return True
        case "account":
            return not who.actors and who.scopes >= set(login.ROLES[who.role])
        case "session":
            return not _scheme(connection)
        case tuple():
            return bool(who.scopes.intersection(rule))
    return False


def identify(connection: ASGIConnection[Any, Any, Any, Any]) -> Identity | None:
    """Who is calling, by token or session; not by a token that needs a proof, which is good once."""
    token = bearer(connection)
    if token is not None:
        return login.identify(node_of(connection), "token", token)
    if _scheme(connection):
        return None
    session = connection.cookies.get(COOKIE)
    return login.identify(node_of(connection), "session", session) if session else None


def _with_data_token(connection: ASGIConnection[Any, Any, Any, Any]) -> Identity:
    """Who comes with the token of a transfer, as it stands or as `Bearer`: other nodes send either."""
    token = bearer(connection) or connection.headers.get("authorization", "").strip()
    who = login.identify(node_of(connection), "data", token) if token else None
    if who is None:
        raise dataplane.unwelcome()
    return who


def _bound(connection: ASGIConnection[Any, Any, Any, Any]) -> Identity:
    assert isinstance(connection, Request)
    text = connection.headers.get("authorization", "").partition(" ")[2].strip()
    return by_proof(node_of(connection), text, *_shown(connection))


def by_proof(node: Node, text: str, proofs: Sequence[str], method: str, path: str) -> Identity:
    """Who is calling with a token that is bound to a key, and a proof of having that key (RFC 9449).

    Raises:
        Unwelcome: the token or the proof does not hold.
    """
    try:
        access = oauth.read_access(text, node.about.url, node.signer.public, seconds(node.clock.now()))
        if _proof(node, proofs, method, path, text).thumbprint != access.holder:
            raise ValueError("the proof is by another key than the token is bound to")
        who = login.acting(node, access)
        if who is None:
            raise ValueError("a key that it was got with is revoked")
    except ValueError as error:
        raise Unwelcome(
            "login.token",
            f"the token was not accepted: {error}",
            "get a new one, and send a new proof with each request",
        ) from None
    return who


def proof_of(request: Request[Any, Any, Any]) -> oauth.Proof:
    """The proof that comes with a request for a token; it is used up.

    Raises:
        ValueError: there is none, or more than one, or it does not hold, or was seen before.
    """
    return _proof(node_of(request), *_shown(request))


def _shown(request: Request[Any, Any, Any]) -> tuple[list[str], str, str]:
    """The proofs that come with a request, its method and its path."""
    path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
    return request.headers.getall("dpop", []), request.method, path


def _proof(node: Node, proofs: Sequence[str], method: str, path: str, token: str = "") -> oauth.Proof:
    if len(proofs) != 1:
        raise ValueError("send one proof, in the header `DPoP`")
    url = node.about.url.rstrip("/") + path
    proof = oauth.read_proof(proofs[0], method, url, seconds(node.clock.now()), token)
    claim_once(node, proof.signed)
    return proof


def claim_once(node: Node, signed: oauth.Signed) -> None:
    """Uses up what may be seen once.

    Raises:
        ValueError: it was seen before, or could have been before the node started.
    """
    if not node.identities.once.first(signed.id, signed.issued, signed.until, seconds(node.clock.now())):
        raise ValueError("it was used before, or made before this node started; make a new one for each request")


def _scheme(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    scheme = connection.headers.get("authorization", "").partition(" ")[0].lower()
    return scheme if scheme in ("bearer", "dpop") else ""


def bearer(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """The token of an `Authorization: Bearer` header."""
    token = connection.headers.get("authorization", "").partition(" ")[2]
    return token.strip() if _scheme(connection) == "bearer" else None


async def _check_csrf(request: Request[Any, Any, Any]) -> None:
    given = request.headers.get("x-csrf-token", "")
    kind = request.headers.get("content-type", "")
    if not given and kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
        given = str((await request.form()).get("csrf", ""))
    if not login.csrf_matches(request.cookies[COOKIE], given):
        raise Unwelcome(
            "login.csrf", "this form was not made for your session", "load the page again and send it from there"
        )


def node_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Node:
    """The node that this application serves."""
    node = connection.app.state.node
    assert isinstance(node, Node)
    return node


def who_is(request: Request[Any, Any, Any]) -> Identity:
    """Who is calling a route that is not public."""
    who = request.scope["state"]["identity"]
    assert isinstance(who, Identity), "the guard lets nobody else through"
    return who


def csrf(request: Request[Any, Any, Any]) -> str:
    """What a form on this page must carry; empty without a session."""
    session = request.cookies.get(COOKIE)
    return login.csrf_of(session) if session else ""


def session_cookie(node: Node, secret: str) -> Cookie:
    """The cookie of a new session: not for scripts, not from other sites, only over TLS where the node has it."""
    return Cookie(
        key=COOKIE,
        value=secret,
        max_age=login.SESSION_HOURS * 3600,
        path="/",
        httponly=True,
        samesite="strict",
        secure=node.about.url.startswith("https:"),
    )
