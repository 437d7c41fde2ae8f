"""A principal's page about its agents: what each may do, what it did, what it spent, and one button to end it."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from usufruct.core.access.delegation import ACTS
from usufruct.node import delegation
from usufruct.web.api import done
from usufruct.web.auth import node_of, who_is
from usufruct.web.portal import pages
from usufruct.web.portal.pages import AnyRequest, Form, Page, PageNumber, back_to, page

ANYONE = {"rule": "anyone"}
DONE_PART = 20


@get("/agents", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def show(request: AnyRequest, number: PageNumber = 1, ended: FromQuery[str] = "") -> Page:
    """The delegations of whoever is logged in; `ended` is the one that the last form ended."""
    party = who_is(request).speaker
    found = delegation.agents(node_of(request), party)
    return page(
        request, "agents.html", "Your agents", found=found, done=pages.part(found.done, number, DONE_PART), acts=ACTS,
        party=party, ended=next((line for line in found.lines if line.row.id == ended and line.row.ended), None),
    )  # fmt: skip


@post("/agents/{id:str}/end", opt=ANYONE, include_in_schema=False, sync_to_thread=True)
def end(request: AnyRequest, id: FromPath[str], data: Form) -> Response[Any]:
    """Ends a delegation."""
    fact = done(delegation.end(node_of(request), id, who_is(request).party))
    return back_to("/agents", ended=fact.delegation)


handlers = [show, end]
