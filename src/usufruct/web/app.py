"""The application: routes, the guard, headers, and what faults and refusals look like."""

from __future__ import annotations

import logging
from typing import Any

from litestar import Litestar, MediaType, Request, Response, Router, get
from litestar.datastructures import MutableScopeHeaders, State
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import SecurityScheme
from litestar.response import Redirect
from litestar.types import Message, Scope

from usufruct import __version__
from usufruct.core.base.faults import BadInput, Fault, NodeFault, Unwelcome
from usufruct.node.deliver import Meter
from usufruct.node.node import Node
from usufruct.node.rulesets import Asked
from usufruct.web import (
    agreements,
    api,
    attested,
    authzen,
    cells,
    consents,
    counts,
    cover,
    cubes,
    dataplane,
    dataspace,
    decisions,
    delegations,
    findings,
    identity,
    income,
    invoicing,
    levies,
    lineage,
    log,
    market,
    matches,
    messages,
    own_work,
    participants,
    payments,
    peers,
    pools,
    rights,
    rounds,
    series,
    services,
    skills,
    tables,
    templates,
    training,
    work,
    work_pay,
)
from usufruct.web.auth import enforce
from usufruct.web.portal import open as open_data
from usufruct.web.portal import public as portal
from usufruct.wire.jose import ALGORITHMS

LOG = logging.getLogger(__name__)

_PARTS = (
    agreements, api, attested, cells, consents, counts, cubes, decisions, delegations, findings, income, invoicing, levies,
    log, lineage, market, matches, payments, peers, pools, rights, rounds, services, tables, templates, training, work,
    cover, series, skills, own_work, work_pay,
)  # fmt: skip

BODY_LIMIT = 2 * 1024 * 1024

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

AUTHENTICATE = f'Bearer, DPoP algs="{" ".join(ALGORITHMS)}"'

# What a refusal looks like in HTTP. The same status for what does not exist and what is not yours.
_STATUS = {
    "query": 400,
    "access": 403,
    "allocation": 422,
    "consent": 409,
    "privacy": 422,
    "registry": 404,
    "rights": 403,
    "contract": 409,
    "terms": 422,
    "income": 409,
    "hours": 409,
    "levy": 422,
    "cover": 422,
    "ledger": 409,
    "payout": 409,
    "pay": 409,
    "fit": 422,
    "pool": 409,
    "exchange": 403,
    "identity": 403,
    "lineage": 422,
    "match": 409,
    "market": 422,
    "work": 409,
    "skill": 422,
}
_EXACT = {
    "registry.exists": 409,
    "registry.update": 409,
    "registry.no-person-column": 422,
    "contract.terms": 422,
    "privacy.budget": 403,
    "privacy.quota": 403,
    "access.not-open": 404,
    "access.busy": 429,
    "contract.busy": 429,
    "registry.operation": 422,
    "pool.charter": 422,
    "pool.fit": 422,
    "match.asset": 422,
    "match.size": 422,
    "match.often": 429,
    "match.protocol": 422,
    "match.question": 422,
    "match.unknown": 404,
    "cover.short": 409,
    "ledger.limit": 402,
    "payout.statement": 422,
    "skill.training": 409,
    "skill.fund": 409,
    "pay.correction": 422,
    "pay.history": 422,
    "market.need": 409,
    "market.preview": 404,
    "market.allowance": 429,
}


def status_of(code: str) -> int:
    """The HTTP status of a refusal code."""
    return _EXACT.get(code, _STATUS[code.split(".")[0]])


@get("/health", opt={"rule": "public"}, include_in_schema=False, media_type=MediaType.TEXT, sync_to_thread=False)
def health() -> str:
    """Whether the node answers at all."""
    return "ok\n"


async def protect(message: Message, scope: Scope) -> None:
    """Every response carries the headers that protect, whoever made it."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        for name, value in HEADERS.items():
            headers.setdefault(name, value)


def state_of(node: Node) -> State:
    """What the application knows: its node, and who asked it how much of late. All else is the same for every node."""
    return State({"node": node, "meter": Meter(), "asked": Asked()})


def make_app(node: Node) -> Litestar:
    """The web application of a node."""
    return Litestar(
        route_handlers=[
            *(part.router for part in _PARTS),
            *authzen.routers,
            *identity.routers,
            *participants.routers,
            *dataspace.routers,
            dataplane.router,
            open_data.router,
            health,
            *portal.handlers,
        ],
        guards=[enforce, delegations.keep_machines_to_theirs],
        state=state_of(node),
        exception_handlers={
            api.RefusedHere: _refused,
            Fault: _fault,
            HTTPException: _http,
            Exception: _bug,
        },
        openapi_config=OpenAPIConfig(
            title="Usufruct",
            version=__version__,
            use_handler_docstrings=True,
            description="A node that puts data and work to use without giving them away.",
            components=dataspace.Shapes(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
            # The framework's own pages load scripts from elsewhere; ours is at /api (docs/decisions/0012).
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
            openapi_router=Router(
                "/api/description", route_handlers=[], opt={"rule": "public"}, include_in_schema=False
            ),
        ),
        request_max_body_size=BODY_LIMIT,
        before_send=[protect],
        logging_config=None,  # the framework's would make every library of the process talk
        debug=False,
    )


def _refused(request: Request[Any, Any, Any], error: api.RefusedHere) -> Response[Any]:
    status = status_of(error.body.code)
    if wants_page(request):
        return portal.trouble(request, status, error.body.message, error.body.reasons, error.body.remedy)
    return Response({"refusal": error.body}, status_code=status)


def _fault(request: Request[Any, Any, Any], fault: Fault) -> Response[Any]:
    status = {BadInput: 400, Unwelcome: 403}.get(type(fault), 503 if isinstance(fault, NodeFault) else 500)
    headers = {}
    if fault.code in ("login.needed", "login.token"):
        status, headers = 401, {"WWW-Authenticate": AUTHENTICATE}
        if wants_page(request):
            return Redirect("/login", status_code=303)
    if wants_page(request):
        return portal.trouble(request, status, fault.message, [], fault.remedy)
    return Response(_body(fault.code, fault.message, fault.remedy), status_code=status, headers=headers)


def _http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """The framework's own noes: unknown routes, wrong methods, bodies that do not fit."""
    reasons = [f"{item.get('key', '')}: {item.get('message', '')}" for item in _extra(error)]
    message = {404: "there is nothing here", 405: "this cannot be done here"}.get(
        error.status_code, "this cannot be read"
    )
    remedy = "see the pages listed at the start" if wants_page(request) else "see /api for what can be asked, and how"
    if wants_page(request):
        return portal.trouble(request, error.status_code, message, reasons, remedy)
    return Response(_body("input.http", "; ".join([message, *reasons]), remedy), status_code=error.status_code)


def _extra(error: HTTPException) -> list[dict[str, str]]:
    return [item for item in error.extra if isinstance(item, dict)] if isinstance(error.extra, list) else []


def _bug(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A bug of ours: the caller learns that it is one and nothing else; the log gets the trace."""
    LOG.exception("a bug at %s %s", request.method, request.url.path)
    message, remedy = "the node failed at this", "tell the steward; nothing acknowledged is lost"
    if wants_page(request):
        return portal.trouble(request, 500, message, [], remedy)
    return Response(_body("node.bug", message, remedy), status_code=500)


def _body(code: str, message: str, remedy: str) -> dict[str, Any]:
    return {"fault": messages.FaultBody(code, message, remedy)}


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """Whether a person in a browser asks, not a program."""
    return not request.url.path.startswith(
        ("/api/v1/", "/access/", "/dataspace/", "/journal/", "/oauth/", "/.well-known/")
    )
