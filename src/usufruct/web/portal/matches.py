"""The page of matches with other nodes: what was proposed, by whom, and what came of it."""

from __future__ import annotations

from litestar import get

from usufruct.node import match
from usufruct.web.auth import node_of, who_is
from usufruct.web.portal import pages
from usufruct.web.portal.pages import AnyRequest, Page, PageNumber, page

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


handlers = [show]
