"""The HTTP API of a worker's own data, and of what everybody may know of an operator."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct

from usufruct.core.base.faults import BadInput
from usufruct.core.work.own.history import HistoryRead
from usufruct.core.work.own.series import MONTH
from usufruct.node import operators, owndata
from usufruct.node.operators import OperatorPage
from usufruct.web.api import STEWARD, AnyRequest, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.messages import Id
from usufruct.wire import figures as wire
from usufruct.wire import portable

ANYONE = {"rule": "anyone"}
PUBLIC = {"rule": "public"}
KINDS = {"json": "application/json", "csv": "text/csv"}


class BroughtHistory(Struct, forbid_unknown_fields=True):
    """A worker's export of another node, whose it is here, and the verifier key of that node's journal, for which you vouch."""

    party: Id
    key: Annotated[str, Meta(min_length=1, max_length=500)]
    export: Annotated[str, Meta(min_length=1)]


@get("/me/work", opt=ANYONE, sync_to_thread=True, summary="Take your work with you")
def export(request: AnyRequest) -> Response[bytes]:
    """Everything about your work in one document: registration, agreements, services, series, payslips, facts with receipts."""
    found = done(owndata.export(node_of(request), who_is(request).party))
    headers = {"Content-Disposition": 'attachment; filename="my-work.json"'}
    return Response(portable.as_json(found).encode(), media_type="application/json", headers=headers)


@get("/me/work/series", opt=ANYONE, sync_to_thread=True, summary="Your five series")
def series(request: AnyRequest, every: FromQuery[str] = MONTH) -> list[dict[str, Any]]:
    """Pay per hour, take rate, waiting, spread and predictability, by month or by week."""
    found = done(owndata.own(node_of(request), who_is(request).party, every))
    return [portable.series(one) for one in found.series]


@get("/me/work/payslips", opt=ANYONE, sync_to_thread=True, summary="Your payslips")
def payslips(request: AnyRequest) -> list[dict[str, Any]]:
    """What you were paid, with every line."""
    found = done(owndata.own(node_of(request), who_is(request).party))
    return [portable.payslip(one) for one in found.payslips]


@get("/me/work/payslips/{payslip:str}", opt=ANYONE, sync_to_thread=True, summary="A payslip")
def payslip(request: AnyRequest, payslip: FromPath[str]) -> dict[str, Any]:
    """A payslip that you got, or paid."""
    found, _ = done(owndata.payslip(node_of(request), who_is(request).party, payslip))
    return portable.payslip(found)


@get("/me/work/histories", opt=ANYONE, sync_to_thread=True, summary="Your work elsewhere")
def histories(request: AnyRequest) -> list[dict[str, Any]]:
    """What you brought from other nodes, with where it comes from."""
    return portable.histories(done(owndata.own(node_of(request), who_is(request).party)))


@post("/work/histories", opt=STEWARD, sync_to_thread=True, summary="Read in work from elsewhere")
def read_history(request: AnyRequest, data: JSONBody[BroughtHistory]) -> HistoryRead:
    """Reads a worker's export of another node as a claim of hers; every receipt in it is checked with the key."""
    brought = portable.read(data.export.encode())
    return done(owndata.read_in(node_of(request), data.party, brought, data.key))


@get("/work/operators/{operator:str}", opt=PUBLIC, sync_to_thread=True, summary="What an operator shows")
def show_operator(request: AnyRequest, operator: FromPath[str]) -> dict[str, Any]:
    """Parameters of allocation with their weights, take rate, floors, public figures, and what is proved of fair work."""
    return as_plain(done(operators.page(node_of(request), operator)))


def as_plain(found: OperatorPage) -> dict[str, Any]:
    """An operator's public page as JSON."""
    allocation = found.allocation
    return {
        "operator": found.party.id, "name": found.party.name,
        "allocation": None if allocation is None else {
            "method": allocation.method,
            "parameters": [{"name": one.name, "says": one.says, "weight": one.weight} for one in allocation.weights],
        },
        "take_rate_basis_points": found.take_rate, "floors": list(found.floors), "figures": wire.plain(found.figures),
        "fairwork": wire.fair(found.report),
    }  # fmt: skip


@get("/work/operators/{operator:str}/fairwork", opt=PUBLIC, sync_to_thread=True, summary="What is proved of fair work")
def show_fairwork(request: AnyRequest, operator: FromPath[str]) -> dict[str, Any]:
    """Ten points, each with its evidence or with what is missing."""
    return wire.fair(done(operators.fair(node_of(request), operator)))


@get(
    "/work/operators/{operator:str}/figures/{half:str}", opt=PUBLIC, sync_to_thread=True, summary="Six-monthly figures"
)
def show_figures(
    request: AnyRequest, operator: FromPath[str], half: FromPath[str], format: FromQuery[str] = "json"
) -> Response[bytes]:
    """The figures of a half-year, as `2026-2`: whole for the steward and the operator, small numbers suppressed for others."""
    if format not in KINDS:
        raise BadInput("input.format", f"`{format[:20]}` is no form of the figures", "say json or csv")
    node, who = node_of(request), request.scope["state"]["identity"]
    whole = who is not None and ("steward" in who.scopes or (who.party == operator and not who.actors))
    found = done(operators.six_monthly(node, operator, half, whole))
    content = wire.as_json(found) if format == "json" else wire.as_csv(found)
    return Response(content.encode(), media_type=KINDS[format])


router = Router(
    "/api/v1",
    route_handlers=[
        export, series, payslips, payslip, histories, read_history, show_operator, show_fairwork, show_figures,
    ],
)  # fmt: skip
