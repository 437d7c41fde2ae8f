"""The pages of matches with other nodes: what was proposed, by whom, what came of it, and questions over whom it found."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from usufruct.core.privacy import matched
from usufruct.node import match, match_questions, query, views
from usufruct.peer.services import HttpServices
from usufruct.web.api import RefusedHere
from usufruct.web.auth import node_of, who_is
from usufruct.web.portal import desk, pages
from usufruct.web.portal.pages import AnyRequest, Form, Page, PageNumber, back_to, field, page
from usufruct.wire import sql

PART = 20


@get("/matches", opt={"rule": ("ask", "steward")}, include_in_schema=False, sync_to_thread=True)
def show(request: AnyRequest, number: PageNumber = 1) -> Page:
    """Those of whoever is logged in; all of them for the steward."""
    who = who_is(request)
    steward = "steward" in who.scopes
    found = match.matches(node_of(request), None if steward else who.party)
    return page(
        request, "matches.html", "Matches", matches=pages.part(found, number, PART), kinds=match.KINDS, steward=steward
    )


@get("/matches/{name:str}", opt=desk.ASK, include_in_schema=False, sync_to_thread=True)
def one(request: AnyRequest, name: FromPath[str]) -> Page:
    """A match that found persons: to ask over them."""
    node, party = node_of(request), who_is(request).party
    row = next((row for row in match.matches(node, party) if row.id == name and row.client and row.population), None)
    if row is None:
        raise RefusedHere(matched.unknown(name))
    covered = views.desk_page(node, party).agreements
    return page(request, "match.html", "Ask over the persons of a match", row=row,
                form=desk.form_for(request, covered, "", row.purpose))  # fmt: skip


@post("/matches/{name:str}/questions", opt=desk.ASK, include_in_schema=False)
async def ask(request: AnyRequest, name: FromPath[str], data: Form) -> Response[Any]:
    """Asks, then shows what came of it at its own address."""
    text, outbound = field(data, "sql", sql.TEXT_LIMIT), HttpServices()
    asked = query.Asked(
        who_is(request).party, text, sql.parse(text), field(data, "purpose", 100), desk.precision_of(data)
    )
    try:
        return back_to(f"/questions/{(await match_questions.ask(node_of(request), outbound, asked, name)).use}")
    finally:
        await outbound.close()


handlers = [show, one, ask]
