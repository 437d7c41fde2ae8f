"""The portal: the pages that people look at. Here are those for everybody; members, stewards and data users have theirs
in `member`, `steward` and `desk`, and the API is described in `description`.

A page is read without JavaScript; what changes something is a form with the session's CSRF proof. After a form comes a
redirect, so that loading a page again does nothing twice. No secret ever stands in an address: one-time codes come
behind `#`, which browsers keep to themselves, and go on in the body of a form.
"""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import urlsplit

from litestar import Response, Router, get, post
from litestar.params import FromPath

from usufruct.core.base.faults import Fault, Unwelcome
from usufruct.core.base.refusals import refuse
from usufruct.node import login, views
from usufruct.web.api import RefusedHere
from usufruct.web.auth import COOKIE, node_of, session_cookie, who_is
from usufruct.web.portal import (
    agents,
    ask,
    cells,
    cover,
    cubes,
    description,
    desk,
    exchange,
    findings,
    grades,
    income,
    levies,
    market,
    matches,
    member,
    openid,
    own_work,
    pages,
    payments,
    peers,
    pools,
    products,
    requests,
    rulesets,
    skills,
    steward,
    tables,
    templates,
    title,
    trace,
    work,
    work_day,
)
from usufruct.web.portal import open as open_data
from usufruct.web.portal.pages import HOMES, AnyRequest, Form, Page, PageNumber, back_to, field, page, trouble

__all__ = ["handlers", "trouble"]

PUBLIC = {"rule": "public"}
ANYONE = {"rule": "anyone"}
CATALOGUE_PART = 8


@get("/", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def front(request: AnyRequest, number: PageNumber = 1) -> Page:
    """What this node is, what it offers, and the state of its journal."""
    shown = views.public_page(node_of(request))
    part = pages.part(shown.listed, number, CATALOGUE_PART)
    return page(request, "front.html", shown.name, shown=shown, part=part, levied=levies.on_top(request, part.items))


@get("/static/{name:str}", opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
def static(name: FromPath[str]) -> Response[bytes]:
    """The style sheet and the script, which change their address when they change."""
    if name not in pages.STATIC:
        raise RefusedHere(refuse(
            "registry.unknown", "there is nothing here", f"there is no file `{name}`", remedy="start at the first page"
        ))  # fmt: skip
    return Response(
        pages.static_file(name), media_type=pages.STATIC[name],
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )  # fmt: skip


def _log_in_again(request: AnyRequest, fault: Unwelcome) -> Page:
    return _again(request, fault, "login.html", "Log in")


def _enter_again(request: AnyRequest, fault: Unwelcome) -> Page:
    return _again(request, fault, "enter.html", "Log in with a link")


def _again(request: AnyRequest, fault: Fault, template: str, title: str) -> Page:
    """The form once more with what went wrong, and what was typed unless it was a password.

    Who follows a link from elsewhere comes without her session's cookie, so the form she gets cannot carry that
    session's CSRF proof; sent from here, it comes with the cookie. She is told who she is already logged in as, and the
    form has the proof now.
    """
    typed = request.scope["state"].get("typed", "")
    return page(request, template, f"Error: {title}", 403, fault=fault, typed=typed)


@get("/login", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def login_form(request: AnyRequest) -> Page:
    """Party and password."""
    return page(request, "login.html", "Log in", fault=None, typed="")


@post("/login", opt=PUBLIC, include_in_schema=False, sync_to_thread=True,
      exception_handlers={Unwelcome: _log_in_again})  # fmt: skip
def log_in(request: AnyRequest, data: Form) -> Response[Any]:
    """Opens a session for who knows the password."""
    party = field(data, "party", 63)
    request.scope["state"]["typed"] = party
    _from_here(request)
    password = data.get("password")
    return _opened(
        request, login.check_password(node_of(request), party, password if isinstance(password, str) else "")
    )


@get("/enter", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def enter_form(request: AnyRequest) -> Page:
    """A one-time code; the script takes it from behind the `#`, people can paste it."""
    return page(request, "enter.html", "Log in with a link", fault=None, typed="")


@post("/enter", opt=PUBLIC, include_in_schema=False, sync_to_thread=True,
      exception_handlers={Unwelcome: _enter_again})  # fmt: skip
def enter(request: AnyRequest, data: Form) -> Response[Any]:
    """Opens a session for who has the code; whole links are taken too."""
    _from_here(request)
    code = field(data, "code").rpartition("#")[2]
    return _opened(request, login.redeem_link(node_of(request), code))


def _from_here(request: AnyRequest) -> None:
    """Refuses a login form that another site sends: it would log a visitor in as somebody else, unnoticed.

    Browsers say where a form comes from in `Sec-Fetch-Site`, older ones in `Origin`; what says neither is no browser.
    `Origin: null` says nothing: it is what our own pages send, for they send no referrer.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "null")
    hosts = {request.headers.get("host"), urlsplit(node_of(request).about.url).netloc}
    if site not in (None, "same-origin", "none") or (origin != "null" and urlsplit(origin).netloc not in hosts):
        raise Unwelcome("login.elsewhere", "this form was sent from another site", "fill it in here")


def _opened(request: AnyRequest, who: login.Identity) -> Response[Any]:
    """A new session in place of the one there may have been, and the way to where this role is at home."""
    node = node_of(request)
    old = request.cookies.get(COOKIE)
    if old:
        login.forget(node, "session", old)
    response = back_to(HOMES[who.role][0])
    response.set_cookie(session_cookie(node, login.open_session(node, who)))
    return response


@post("/logout", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def log_out(request: AnyRequest) -> Response[Any]:
    """Ends the session."""
    session = request.cookies.get(COOKIE)
    if session:
        login.forget(node_of(request), "session", session)
    response = back_to("/")
    response.delete_cookie(COOKIE, path="/")
    return response


@get("/receipts/{seq:int}", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def receipt(request: AnyRequest, seq: FromPath[int]) -> Response[str]:
    """A receipt as a file."""
    found = views.receipt_for(node_of(request), who_is(request).party, seq)
    if found is None:
        raise RefusedHere(refuse(
            "registry.unknown", "no receipt was given", f"there is no fact {seq} that concerns you",
            remedy="take receipts from your own page",
        ))  # fmt: skip
    return _file(found.text(), f"receipt-{seq}.tlog-proof", "text/plain")


@get("/questions/{use:str}/answer.csv", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def answer(request: AnyRequest, use: FromPath[str]) -> Response[str]:
    """A whole answer as a file, for who asked and for the members whose rows counted."""
    found = views.answer_for(node_of(request), who_is(request).party, use)
    if not isinstance(found, dict):
        raise RefusedHere(refuse(
            "registry.unknown", "no answer was given", f"there is no answer `{use}` that concerns you",
            remedy="take answers from your own page",
        ))  # fmt: skip
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([[_cell(cell) for cell in row] for row in (found["columns"], *found["rows"])])
    return _file(text.getvalue(), f"{use}.csv", "text/csv")


def _cell(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: the names in an answer are chosen by who asked."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, str) and cell[:1] in "=+-@\t" and not cell[1:].replace(".", "", 1).isdigit():
        return f"'{cell}"
    return cell


def _file(text: str, name: str, kind: str) -> Response[str]:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=f"{kind}; charset=utf-8", headers=headers)


# One router, for the application itself registers a path with two methods twice, and wraps its handlers twice then.
handlers = [
    Router("/", route_handlers=[
        front, static, login_form, log_in, enter_form, enter, log_out, receipt, answer, *member.handlers,
        *steward.handlers, *desk.handlers, *ask.handlers, *description.handlers, *trace.handlers,
        *exchange.handlers, *matches.handlers, *requests.handlers, *grades.handlers, *open_data.handlers,
        *openid.handlers, *title.handlers, *cells.handlers, *levies.handlers, *findings.handlers, *agents.handlers,
        *rulesets.handlers, *pools.handlers, *cubes.handlers, *products.handlers, *tables.handlers, *templates.handlers,
        *payments.handlers, *market.handlers, *income.handlers, *peers.handlers, *work.handlers, *work_day.handlers,
        *cover.handlers, *skills.handlers, *own_work.handlers,
    ])
]  # fmt: skip
