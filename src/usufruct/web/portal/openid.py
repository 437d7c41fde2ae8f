"""Logging in at an OpenID Connect provider, and linking an account to who one is there.

What ties the provider's answer to the browser that asked is one random secret in a cookie; `state`, `nonce` and the PKCE
verifier are made from it, so the node keeps nothing for visitors who never come back. The cookie has to come along when
the provider sends the browser back, which the session's may not (`SameSite=Strict`); so the answer ends in a page that
sends the browser on, and then the session's cookie comes along again.

Who the provider says she is opens an account only if that subject was linked to it: by a steward, or by the member
herself while she was logged in. An e-mail address links nothing, for at most providers people choose theirs.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from litestar import Response, get, post
from litestar.datastructures import Cookie

from usufruct.core.base.faults import BadInput, PeerFault, Unwelcome
from usufruct.core.base.instants import later
from usufruct.node import login
from usufruct.node.identities import OpenId
from usufruct.node.node import Node
from usufruct.web.auth import COOKIE, node_of, session_cookie, who_is
from usufruct.web.portal.pages import HOMES, AnyRequest, back_to, page
from usufruct.wire.jose import to_base64url

PUBLIC = {"rule": "public"}
FLOW = "usufruct_openid"
FLOW_MINUTES = 10
BACK = "/login/openid/back"


@get("/login/openid", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def start(request: AnyRequest) -> Response[Any]:
    """Sends the browser to the provider."""
    node = node_of(request)
    url, cookie = _started(node, "")
    response = back_to(url)
    response.set_cookie(cookie)
    return response


@post("/login/openid/link", opt={"rule": "session"}, include_in_schema=False, sync_to_thread=True)
def start_link(request: AnyRequest) -> Response[Any]:
    """The same, to link the account that is logged in to who she is there.

    A page sends the browser on and no redirect does: browsers hold the target of a form to our own site.
    """
    node, who = node_of(request), who_is(request)
    intent = login.issue_link_intent(node, who, later(node.clock.now(), minutes=FLOW_MINUTES))
    url, cookie = _started(node, intent)
    return _sent_on(request, "Link your account", url, cookie)


def _started(node: Node, intent: str) -> tuple[str, Cookie]:
    secret = node.entropy.bytes(32).hex()
    url = _provider(node).start(node.about.url + BACK, *_made(secret))
    return url, _flow_cookie(node, f"{secret}.{intent}", FLOW_MINUTES * 60)


def _sent_on(request: AnyRequest, title: str, target: str, *cookies: Cookie) -> Response[Any]:
    response = page(request, "openid.html", title, target=target)
    response.headers["Refresh"] = f"0; url={target}"
    for cookie in cookies:
        response.set_cookie(cookie)
    return response


def _not_in(request: AnyRequest, fault: Unwelcome | PeerFault) -> Response[Any]:
    response = page(request, "login.html", "Error: Log in", 403, fault=fault, typed="")
    response.set_cookie(_flow_cookie(node_of(request), "", 0))
    return response


@get(BACK, opt=PUBLIC, include_in_schema=False, sync_to_thread=True,
     exception_handlers={Unwelcome: _not_in, PeerFault: _not_in})  # fmt: skip
def back(request: AnyRequest) -> Response[Any]:
    """The provider's answer: opens the account that its subject is linked to, or links it."""
    node = node_of(request)
    provider = _provider(node)
    secret, _, intent = request.cookies.get(FLOW, "").partition(".")
    if not secret:
        raise Unwelcome(
            "login.openid", "this log-in did not begin in this browser, or too long ago", "log in from this page"
        )
    query = request.scope["query_string"].decode("latin-1")
    subject = provider.finish(query, node.about.url + BACK, *_made(secret), node.clock.now())
    who = login.redeem_link_intent(node, intent, subject) if intent else login.linked(node, subject)
    if who is None:
        raise Unwelcome(
            "login.unlinked", f"no account is linked to `{subject}` at {provider.issuer}",
            "log in another way and link your account, or ask the steward to link it",
        )  # fmt: skip
    old = request.cookies.get(COOKIE)
    if old:
        login.forget(node, "session", old)
    session = session_cookie(node, login.open_session(node, who))
    return _sent_on(request, "You are logged in", HOMES.get(who.role, ("/", ""))[0], session, _flow_cookie(node, "", 0))


def _provider(node: Node) -> OpenId:
    if node.identities.openid is None:
        raise BadInput("input.openid", "this node has no login provider", "log in with your password or a login link")
    return node.identities.openid


def _made(secret: str) -> tuple[str, str, str]:
    """State, nonce and PKCE verifier, made from the browser's secret."""

    def made(what: str) -> str:
        return to_base64url(hmac.new(secret.encode(), f"usufruct/openid/v1/{what}".encode(), hashlib.sha256).digest())

    return made("state"), made("nonce"), made("verifier")


def _flow_cookie(node: Node, value: str, seconds: int) -> Cookie:
    return Cookie(
        key=FLOW, value=value, max_age=seconds, path=BACK, httponly=True, samesite="lax",
        secure=node.about.url.startswith("https:"),
    )  # fmt: skip


handlers = [start, start_link, back]
