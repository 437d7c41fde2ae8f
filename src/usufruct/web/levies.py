"""The HTTP API of levies, and of the yearly report on sellers."""

from __future__ import annotations

from typing import Any, Literal

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.money import parse as parse_money
from usufruct.core.base.refusals import refuse
from usufruct.core.income.facts import LevyRemitted
from usufruct.core.rulebook.levy import LevyAdopted, LevyEnded
from usufruct.node import levy, sellers
from usufruct.node.levy import Raised, Report
from usufruct.web.api import STEWARD, AnyRequest, RefusedHere, done
from usufruct.web.auth import node_of, who_is
from usufruct.wire import dpi
from usufruct.wire import levy as wire

KINDS = {"json": "application/json", "csv": "text/csv", "xml": "application/xml"}


class NewLevy(Struct, forbid_unknown_fields=True):
    """A levy as TOML, on all assets or on one, from now or from a day on."""

    levy: str
    asset: str = ""
    effective: str = ""


class LevyEnding(Struct, forbid_unknown_fields=True):
    """Why a levy is no longer raised, from now or from a day on."""

    why: str
    effective: str = ""


class Remittance(Struct, forbid_unknown_fields=True):
    """What of a levy's `account` went to whom it is for: `amount` as `12.00 EUR`, under which `reference`."""

    account: str
    amount: str
    reference: str


class SellersWanted(Struct, forbid_unknown_fields=True):
    """In which form the report is wanted; `sellers` are particulars as TOML, which are not kept; `test` marks the XML."""

    format: Literal["json", "csv", "xml"] = "json"
    sellers: str = ""
    test: bool = False


@get("/levies", opt={"rule": "public"}, sync_to_thread=True, summary="Levies that are raised")
def list_levies(request: AnyRequest) -> list[Raised]:
    """The levies that are raised now, or from a later day on, with who asks for each and where that is written."""
    return levy.raised(node_of(request))


@post("/levies", opt=STEWARD, sync_to_thread=True, summary="Adopt a levy")
def adopt_levy(request: AnyRequest, data: JSONBody[NewLevy]) -> LevyAdopted:
    """Raises a levy on what is earned from now, or from a later day on."""
    node, who = node_of(request), who_is(request)
    effective = parse_instant(data.effective) if data.effective else None
    rule = wire.read(data.levy, node.about.currency)
    return done(levy.adopt(node, rule, data.asset, effective, who.party, who.actors))


@post("/levies/{name:str}/ending", opt=STEWARD, sync_to_thread=True, summary="End a levy")
def end_levy(request: AnyRequest, name: FromPath[str], data: JSONBody[LevyEnding]) -> LevyEnded:
    """Raises a levy no more."""
    who = who_is(request)
    effective = parse_instant(data.effective) if data.effective else None
    return done(levy.end(node_of(request), name, data.why, effective, who.party, who.actors))


@get("/levies/report", opt=STEWARD, sync_to_thread=True, summary="What levies took")
def report_levies(request: AnyRequest) -> Report:
    """What every levy took, by period and destination, and what of it was remitted."""
    return levy.report(node_of(request))


@post("/levies/{name:str}/remittances", opt=STEWARD, sync_to_thread=True, summary="Remit a levy")
def remit_levy(request: AnyRequest, name: FromPath[str], data: JSONBody[Remittance]) -> LevyRemitted:
    """Records that what was taken went to whom it is for."""
    amount = parse_money(data.amount)
    return done(levy.remit(node_of(request), name, data.account, amount, data.reference, who_is(request).party))


@post("/sellers/{year:int}", opt=STEWARD, sync_to_thread=True, status_code=200, summary="The yearly report on sellers")
def report_sellers(request: AnyRequest, year: FromPath[int], data: JSONBody[SellersWanted]) -> Response[bytes]:
    """What each seller earned in a year, by quarter, as platforms report it (Directive (EU) 2021/514)."""
    node, said = node_of(request), dpi.read(data.sellers)
    found = sellers.report(node, year, said.said(), said.activity)
    match data.format:
        case "json":
            content = dpi.as_json(found).encode()
        case "csv":
            content = dpi.as_csv(found).encode()
        case "xml":
            content = dpi.as_xml(found, said, node.clock.now(), data.test)
    return Response(content, media_type=KINDS[data.format])


@get("/me/earnings/{year:int}", opt={"rule": "anyone"}, sync_to_thread=True, summary="Your own report")
def own_report(request: AnyRequest, year: FromPath[int]) -> dict[str, Any]:
    """What you earned in a year, by quarter, and what was withheld of it: what would be reported about you."""
    node = node_of(request)
    found = sellers.own(node, who_is(request).party, year)
    if found is None:
        raise RefusedHere(refuse(
            "registry.unknown", "there is no report about you", f"you were credited nothing in {year}",
            remedy="choose a year in which a period was closed that paid you",
        ))  # fmt: skip
    return dpi.plain(found, node.about.currency)


router = Router(
    "/api/v1",
    route_handlers=[
        list_levies, adopt_levy, end_levy, report_levies, remit_levy, report_sellers, own_report,
    ],
)  # fmt: skip
