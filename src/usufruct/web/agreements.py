"""The HTTP API of what was agreed: offers and agreements as ODRL, and what became of their duties."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from usufruct.core.base.refusals import refuse
from usufruct.core.contract.facts import DutyReported
from usufruct.node import trade
from usufruct.web import messages
from usufruct.web.api import EITHER_SIDE, AnyRequest, RefusedHere, done
from usufruct.web.auth import node_of, who_is
from usufruct.wire import odrl

Format = Annotated[Literal["jsonld", "turtle"], QueryParameter(name="format")]
TYPES = {"jsonld": "application/ld+json", "turtle": "text/turtle"}


@get("/terms/{name:str}", opt={"rule": ("ask", "negotiate", "steward")}, sync_to_thread=True,
     summary="An offer or agreement as ODRL")  # fmt: skip
def terms(request: AnyRequest, name: FromPath[str], form: Format = "jsonld") -> Response[str]:
    """An open offer, or an agreement you are a side of, as ODRL 2.2 in JSON-LD or Turtle."""
    who = who_is(request)
    found = trade.as_rules(node_of(request), name, None if "steward" in who.scopes else who.party)
    if found is None:
        raise RefusedHere(refuse(
            "registry.unknown", "there is nothing to show", f"there is no offer or agreement `{name}` that is open to you",
            remedy="look at the catalogue for offers, and at your own list for agreements",
        ))  # fmt: skip
    text = odrl.to_jsonld(found) if form == "jsonld" else odrl.to_turtle(found)
    return Response(text, media_type=TYPES[form])


@post("/agreements/{agreement:str}/duties", opt=EITHER_SIDE, sync_to_thread=True, summary="Say what became of a duty")
def report_duty(request: AnyRequest, agreement: FromPath[str], data: JSONBody[messages.DutyWord]) -> DutyReported:
    """The provider says that a duty was fulfilled or violated; it counts from the next decision on."""
    return done(trade.report_duty(node_of(request), agreement, data.duty, data.fulfilled, who_is(request).party))


router = Router("/api/v1", route_handlers=[terms, report_duty])
