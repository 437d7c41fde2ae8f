"""Where data are pulled from under a transfer: HttpData-PULL of the Dataspace Protocol.

The address is protected by the token that came with it, sent as it stands or as `Bearer`. A question is answered as the
API answers it; without one a consumer gets what its agreement lets out unasked, and else what can be asked and how. So a
connector that only knows how to fetch an address gets a governed answer by writing the question into it.
"""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from usufruct.core.access.gates import quoted
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy.release import Answer
from usufruct.node import use
from usufruct.node.dataspace import dataplane, push
from usufruct.node.dataspace.dataplane import Opened
from usufruct.web.api import AnyRequest, RefusedHere, done, replied
from usufruct.web.auth import node_of, who_is
from usufruct.web.dataspace import PATH, PEER
from usufruct.wire import dsp, sql

TRANSFER = {"rule": "transfer"}
SQL_MAX = 10_001

Text = Annotated[str, QueryParameter(max_length=SQL_MAX)]


class DataQuestion(Struct, forbid_unknown_fields=True):
    """A question in SQL under a transfer. `purpose` may be left out where the agreement is for one only; `micro_rho` is how
    much privacy budget it may spend, in millionths of rho. What was asked before is answered as before and costs nothing,
    unless it is asked `anew`."""

    sql: Annotated[str, Meta(max_length=SQL_MAX)]
    purpose: Annotated[str, Meta(max_length=200)] = ""
    micro_rho: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None
    anew: bool = False


def _opened(request: AnyRequest, pid: str) -> Opened:
    return done(dataplane.opened(node_of(request), who_is(request), pid))


def _sent(request: AnyRequest, result: use.Answered[Answer] | use.Refused) -> Response[Any]:
    """An answer in the form that the caller takes: JSON, or its table alone as CSV."""
    body = replied(result)
    if request.accept.best_match(["application/json", "text/csv"]) != "text/csv":
        return Response(body)
    assert isinstance(result, use.Answered)
    headers = {"Usufruct-Use": result.use, "Usufruct-Agreement": result.agreement}
    return Response(push.as_csv(result.answer), media_type="text/csv", headers=headers)


@get("/data/{pid:str}", opt=TRANSFER, sync_to_thread=True, summary="Pull data of a transfer")
def pull(
    request: AnyRequest, pid: FromPath[str], sql_: Annotated[str, QueryParameter(name="sql", max_length=SQL_MAX)] = "",
    purpose: Text = "", cube: Text = "",
) -> Response[Any]:  # fmt: skip
    """The answer to the question `sql`. Without one, what the agreement lets out unasked: records as they are, masked, or a
    cube; where it lets out answers only, what can be asked and how. JSON, or CSV for who accepts that only."""
    node, of = node_of(request), _opened(request, pid)
    if sql_:
        return _sent(request, dataplane.ask(node, of, sql_, sql.parse(sql_), purpose))
    result = dataplane.download(node, of, purpose, cube)
    return Response(_what_can_be_asked(request, of)) if result is None else _sent(request, result)


@post("/data/{pid:str}", opt=TRANSFER, status_code=200, sync_to_thread=True, summary="Ask a question under a transfer")
def ask(request: AnyRequest, pid: FromPath[str], data: JSONBody[DataQuestion]) -> Response[Any]:
    """Answers a question under the agreement of a transfer, or refuses it with reasons; either way with a receipt."""
    of, question = _opened(request, pid), sql.parse(data.sql)
    return _sent(request, dataplane.ask(
        node_of(request), of, data.sql, question, data.purpose, data.micro_rho, data.anew
    ))  # fmt: skip


@post("/data/{pid:str}/token", opt=PEER, status_code=200, sync_to_thread=True, summary="Another token for a transfer")
def renew(request: AnyRequest, pid: FromPath[str]) -> Response[bytes]:
    """TransferStartMessage with a new address, for the node that has the transfer. The tokens before are good no more."""
    started = dataplane.renew(node_of(request), who_is(request).party, pid)
    if isinstance(started, Refusal):
        raise RefusedHere(started)
    return Response(dsp.write(started), media_type="application/json")


def _what_can_be_asked(request: AnyRequest, of: Opened) -> dict[str, Any]:
    node, asset, terms = node_of(request), of.asset, of.agreement.terms
    address = f"{node.connector.url}/data/{of.process.pid}"
    example = f"SELECT COUNT(*) AS count FROM {quoted(asset.id)}"  # noqa: S608 - shown, and of an id
    return {
        "asset": asset.id, "title": asset.title, "description": asset.description, "licence": asset.licence,
        "agreement": of.agreement.id, "until": of.agreement.until, "form": terms.form, "purposes": terms.purposes,
        "price": terms.price, "currency": terms.currency,
        "columns": [
            {"name": one.name, "type": one.type, "description": one.description, "unit": one.unit} for one in asset.columns
        ],
        "cubes": dataplane.cubes_of(node, of) if terms.form == "cubes" else [],
        "ask": {"method": "POST", "url": address, "body": {"sql": example, "purpose": next(iter(terms.purposes), "")}},
        "or": {"method": "GET", "url": address, "query": ["cube", "purpose"] if terms.form == "cubes" else ["sql", "purpose"]},
    }  # fmt: skip


router = Router(PATH, route_handlers=[pull, ask, renew])
