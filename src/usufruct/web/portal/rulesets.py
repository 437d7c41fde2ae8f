"""The steward's page of rulesets: by which rules the node decides for others, in words, and what is wrong with them."""

from __future__ import annotations

from litestar import get

from usufruct.core.access.ruleset_words import CONFLICTS, sentences
from usufruct.node import rulesets, views
from usufruct.web.auth import node_of
from usufruct.web.authzen import asked
from usufruct.web.portal import pages
from usufruct.web.portal.pages import AnyRequest, Page, PageNumber, page

ENTITIES_PART = 50
RULESETS, RULES, LOOKS = 8, 15, 5  # rulesets; rules of one, and of each kind of what needs a look


@get("/steward/rulesets", opt={"rule": ("steward",)}, include_in_schema=False, sync_to_thread=True)
def show(request: AnyRequest, number: PageNumber = 1) -> Page:
    """Every ruleset that is in force or will be, and what is known of subjects and resources."""
    node = node_of(request)
    listed = rulesets.listed(node)
    shown = listed[::-1][:RULESETS]
    with node.store.read() as state:
        names = {party: views.name_of(state, party) for one in shown for party in one.row.points}
    return page(
        request, "rulesets.html", "Decisions for others", shown=[(one, sentences(one.row.rules)) for one in shown],
        left=len(listed) - len(shown), most=RULES, looks=LOOKS, names=names, conflicts=CONFLICTS,
        counts=asked(request).counts(), now=node.clock.now(),
        part=pages.part(rulesets.entities(node)[::-1], number, ENTITIES_PART),
    )  # fmt: skip


handlers = [show]
