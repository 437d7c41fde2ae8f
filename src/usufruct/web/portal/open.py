"""Open data and the yearly disclosure, for anybody: as pages, and for programs. Nobody is asked who she is."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import asdict
from typing import Annotated, Any

from litestar import Response, Router, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import File
from msgspec import Meta, Struct

from usufruct.core.access.opening import DataClosed, DataOpened
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.refusals import Refusal
from usufruct.core.disclosure import in_tables
from usufruct.core.registry.operation import OperationAuthorised
from usufruct.node import deliver, disclosure
from usufruct.node.deliver import FORMATS, Left, Listed
from usufruct.web.api import STEWARD, AnyRequest, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.messages import Day, Id, Text
from usufruct.web.portal.pages import Page, page
from usufruct.wire import sql

PUBLIC = {"rule": "public"}
Sql = Annotated[str, QueryParameter(name="sql", max_length=10_000)]


class Opening(Struct, forbid_unknown_fields=True):
    """How the source of open data is to be named."""

    attribution: Text


class NewAuthorisation(Struct, forbid_unknown_fields=True):
    """Who may make products of a public asset. `method` is how she was chosen, `document` where the decision lies."""

    operator: Id
    method: Annotated[str, Meta(max_length=50)]
    document: Text
    until: Day


@get("/open", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def listed_page(request: AnyRequest) -> Page:
    """What anybody may have."""
    return page(request, "open.html", "Open data", listed=deliver.listed(node_of(request)))


@get("/open/{asset:str}", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def asset_page(request: AnyRequest, asset: FromPath[str]) -> Page:
    """One open table: what it holds, and how to have it."""
    found = done(deliver.find(node_of(request), asset))
    name = found.asset.id if found.asset.id.isalnum() else f'"{found.asset.id}"'
    return page(request, "open-table.html", found.asset.title, item=found, name=name)


@get("/disclosure/{year:int}", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def disclosure_page(request: AnyRequest, year: FromPath[int]) -> Page:
    """The yearly disclosure of authorised operation."""
    found = disclosure.disclose(node_of(request), year)
    return page(request, "disclosure.html", f"Authorised operation in {year}", shown=found, tables=in_tables(found))


@get("/open", opt=PUBLIC, sync_to_thread=True, summary="What is open to anyone")
def listed(request: AnyRequest) -> list[dict[str, Any]]:
    """Every open table with its columns, licence and addresses."""
    url = node_of(request).about.url
    return [_described(item, url) for item in deliver.listed(node_of(request))]


@get("/open/{asset:str}/data.csv", opt=PUBLIC, sync_to_thread=True, summary="A whole open table as CSV")
def data_csv(request: AnyRequest, asset: FromPath[str]) -> Response[Any]:
    """Lines that begin with `#` name title, source, licence and version; then come the header and the rows."""
    return _sent(done(deliver.file(node_of(request), asset, "csv", request.app.state.meter)))


@get("/open/{asset:str}/data.parquet", opt=PUBLIC, sync_to_thread=True, summary="A whole open table as Parquet")
def data_parquet(request: AnyRequest, asset: FromPath[str]) -> Response[Any]:
    """Title, source, licence and version are in the file's metadata."""
    return _sent(done(deliver.file(node_of(request), asset, "parquet", request.app.state.meter)))


@get("/open/{asset:str}/rows", opt=PUBLIC, sync_to_thread=True, summary="Some rows of an open table")
def rows(request: AnyRequest, asset: FromPath[str], text: Sql) -> Response[Any]:
    """The rows that a question in SQL asks for, as JSON: SELECT with WHERE, ORDER BY and LIMIT."""
    asked = sql.parse(text)
    if not isinstance(asked, Refusal) and asked.asset != asset:
        raise BadInput("input.asset", f"the question is about `{asked.asset[:63]}`", f"ask about `{asset}` here")
    return _sent(done(deliver.rows(node_of(request), asked, text, request.app.state.meter)))


@post("/assets/{asset:str}/opening", opt=STEWARD, sync_to_thread=True, summary="Open an asset to anyone")
def open_data(request: AnyRequest, asset: FromPath[str], data: JSONBody[Opening]) -> DataOpened:
    """It must be about nobody, and every column public and of grade 0."""
    return done(deliver.open_data(node_of(request), asset, who_is(request).party, data.attribution))


@delete("/assets/{asset:str}/opening", opt=STEWARD, sync_to_thread=True, status_code=200, summary="Close an open asset")
def close_data(request: AnyRequest, asset: FromPath[str]) -> DataClosed:
    """Nothing more of it is delivered."""
    return done(deliver.close_data(node_of(request), asset, who_is(request).party))


@post("/assets/{asset:str}/operation", opt=STEWARD, sync_to_thread=True, summary="Authorise an operator")
def authorise(request: AnyRequest, asset: FromPath[str], data: JSONBody[NewAuthorisation]) -> OperationAuthorised:
    """A public body lets an organisation make products of public data."""
    return done(disclosure.authorise(
        node_of(request), asset, who_is(request).party, data.operator, data.method, data.document, parse_instant(data.until)
    ))  # fmt: skip


@get("/disclosure/{year:int}", opt=PUBLIC, sync_to_thread=True, summary="The yearly disclosure of authorised operation")
def disclose(request: AnyRequest, year: FromPath[int]) -> dict[str, Any]:
    """Authorisations, operators, products and prices of a year, from the journal."""
    return asdict(disclosure.disclose(node_of(request), year))


@get("/disclosure/{year:int}/{part:str}", opt=PUBLIC, sync_to_thread=True, summary="A table of the disclosure")
def disclose_table(request: AnyRequest, year: FromPath[int], part: FromPath[str]) -> Response[str]:
    """`authorisations`, `operators`, `products` or `open-data`, as CSV."""
    tables = in_tables(disclosure.disclose(node_of(request), year))
    if part not in tables:
        raise BadInput(
            "input.format", f"`{part[:30]}` is no table of the disclosure", f"use one of {', '.join(tables)}"
        )
    columns, lines = tables[part]
    text = io.StringIO()
    csv.writer(text).writerows([columns, *lines])
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8")


def _described(item: Listed, url: str) -> dict[str, Any]:
    asset = item.asset
    return {
        "asset": asset.id, "title": asset.title, "description": asset.description, "licence": asset.licence,
        "attribution": item.opening.attribution, "version": asset.version, "rows": asset.quality.rows,
        "since": item.opening.since,
        "columns": [{"name": c.name, "type": c.type, "unit": c.unit, "description": c.description} for c in asset.columns],
        "downloads": {form: f"{url}/api/v1/open/{asset.id}/data.{form}" for form in FORMATS},
    }  # fmt: skip


def _sent(left: Left) -> Response[Any]:
    """What leaves, with the number of its fact and its digest; a file is read in pieces as it goes."""
    digest = base64.b64encode(bytes.fromhex(left.digest)).decode()
    headers = {
        "Usufruct-Fact": str(left.seq), "Repr-Digest": f"sha-256=:{digest}:", "Access-Control-Allow-Origin": "*"
    }  # fmt: skip
    if isinstance(left.content, bytes):
        return Response(left.content, media_type=left.media_type, headers=headers)
    path = left.content.path
    name = f"{left.asset.id}{path.suffix}"
    return File(path, filename=name, media_type=left.media_type, headers=headers)


router = Router(
    "/api/v1",
    route_handlers=[listed, data_csv, data_parquet, rows, open_data, close_data, authorise, disclose, disclose_table],
)
handlers = [listed_page, asset_page, disclosure_page]
