"""Who may call which route.

Every route states its rule as `opt={"rule": …}`: `public`, `anyone` (whoever proved who she is), or the scopes one of
which is needed (`("steward",)`). One guard enforces the rules for the whole application; a route without one lets
nobody in, and a test keeps the list of routes that are public.

Programs send a bearer token; browsers a session cookie, and then every request that changes something must carry the
session's CSRF proof in the form field `csrf` or the header `X-CSRF-Token`.
"""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.handlers import BaseRouteHandler

from usufruct.core.base.faults import Unwelcome
from usufruct.node import login
from usufruct.node.login import Identity
from usufruct.node.node import Node

COOKIE = "usufruct_session"
_CHANGING = ("POST", "PUT", "PATCH", "DELETE")

Rule = str | tuple[str, ...]


async def enforce(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Lets a request through, or not.

    Raises:
        Unwelcome: nobody, or somebody without the scope, or a form that was not made for this session.
    """
    rule: Rule | None = handler.opt.get("rule")
    who = identify(connection)
    connection.scope["state"]["identity"] = who
    if who is not None and bearer(connection) is None:
        assert isinstance(connection, Request)
        if connection.method in _CHANGING:
            await _check_csrf(connection)
    if rule == "public":
        return
    if who is None:
        raise Unwelcome(
            "login.needed", "this is only for people who are logged in", "log in, or send a token that is good"
        )
    if rule != "anyone" and not (isinstance(rule, tuple) and who.scopes.intersection(rule)):
        raise Unwelcome(
            "login.scope", "your account does not reach this far", "ask the steward for an account that does"
        )


def identify(connection: ASGIConnection[Any, Any, Any, Any]) -> Identity | None:
    """Who is calling, by token or session."""
    token = bearer(connection)
    if token is not None:
        return login.identify(node_of(connection), "token", token)
    session = connection.cookies.get(COOKIE)
    return login.identify(node_of(connection), "session", session) if session else None


def bearer(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """The token of an `Authorization: Bearer` header."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


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
