"""The pages of levies: what is raised, for everybody; what was taken and remitted, for the steward; and each seller's year."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from usufruct.core.base.money import parse as parse_money
from usufruct.core.income.sellers import ACTIVITIES
from usufruct.core.rulebook.levy import Surcharge
from usufruct.node import levy, sellers
from usufruct.node.views import Listed
from usufruct.web.api import done
from usufruct.web.auth import node_of, who_is
from usufruct.web.portal.pages import AnyRequest, Form, Page, back_to, field, page

STEWARD = {"rule": ("steward",)}
LISTED = 200  # sellers on the page; the API has all


@get("/levies", opt={"rule": "public"}, include_in_schema=False, sync_to_thread=True)
def show(request: AnyRequest) -> Page:
    """What the public takes of what data earn here; the steward sees what is owed too."""
    node, who = node_of(request), request.scope["state"]["identity"]
    steward = who is not None and "steward" in who.scopes
    report = levy.report(node) if steward else None
    years = sellers.years(node) if steward else []
    return page(request, "levies.html", "Levies", raised=levy.raised(node), report=report, years=years)


@post("/levies/{name:str}/remittances", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def remit(request: AnyRequest, name: FromPath[str], data: Form) -> Response[Any]:
    """Records that what was taken went to whom it is for."""
    amount = parse_money(field(data, "amount"))
    who = who_is(request).party
    done(levy.remit(node_of(request), name, field(data, "account"), amount, field(data, "reference"), who))
    return back_to("/levies")


@get("/sellers/{year:int}", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def year_of_sellers(request: AnyRequest, year: FromPath[int]) -> Page:
    """Everybody who earned through the node in a year."""
    found = sellers.report(node_of(request), year)
    return page(request, "sellers.html", f"Sellers of {year}", report=found, shown=found.sellers[:LISTED],
                activities=ACTIVITIES)  # fmt: skip


@get("/earnings/{year:int}", opt={"rule": "anyone"}, include_in_schema=False, sync_to_thread=True)
def own(request: AnyRequest, year: FromPath[int]) -> Page:
    """What would be reported about whoever looks."""
    node = node_of(request)
    found = sellers.own(node, who_is(request).party, year)
    return page(request, "earnings.html", f"Your earnings in {year}", year=year, one=found, currency=node.about.currency,
                activities=ACTIVITIES, years=sellers.years(node))  # fmt: skip


def on_top(request: AnyRequest, listed: Sequence[Listed]) -> dict[str, tuple[Surcharge, ...]]:
    """What comes on top of the price of each offer that is listed."""
    prices = {offer.id: (offer.asset, offer.terms.price) for item in listed for offer in item.offers}
    return levy.on_top(node_of(request), prices)


handlers = [show, remit, year_of_sellers, own]
