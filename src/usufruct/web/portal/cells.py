"""A member's own cells: deposit a table about herself, see what is offered of it, and take that back."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from usufruct.core.base.money import parse as parse_money
from usufruct.node import deposit, pool
from usufruct.web.api import done
from usufruct.web.auth import node_of, who_is
from usufruct.web.cells import MEMBER, Upload, taken_in
from usufruct.web.portal.pages import AnyRequest, Form, Page, back_to, field, page, purpose_choices


@get("/member/cells", opt=MEMBER, include_in_schema=False, sync_to_thread=True)
def show(request: AnyRequest, became: FromQuery[str] = "") -> Page:
    """Her cells; `became` says what her last form did."""
    node = node_of(request)
    places = pool.places(node, who_is(request).party)
    return page(
        request, "cells.html", "Your own data", cells=deposit.cells(node, who_is(request).party), choices=purpose_choices(),
        became=became, most=deposit.CELL_LIMIT // 2**20, pools=places,
        pooled={place.member.cell: place.shown.asset for place in places if place.member},
    )  # fmt: skip


@post("/member/cells", opt=MEMBER, include_in_schema=False, request_max_body_size=2 * deposit.CELL_LIMIT)
async def take_in(request: AnyRequest, data: Upload) -> Response[Any]:
    """Takes a table in."""
    await taken_in(request, data)
    return back_to("/member/cells", became="deposited")


@post("/member/cells/{cell:str}/offer", opt=MEMBER, include_in_schema=False, sync_to_thread=True)
def offer(request: AnyRequest, cell: FromPath[str], data: Form) -> Response[Any]:
    """Lets the operator offer it."""
    node = node_of(request)
    price = parse_money(f"{field(data, 'price') or '0'} {node.about.currency}")
    done(deposit.offer(node, who_is(request).party, cell, [field(data, "purpose")], price))
    return back_to("/member/cells", became="offered")


@post("/member/cells/{cell:str}/withdrawal", opt=MEMBER, include_in_schema=False, sync_to_thread=True)
def withdraw(request: AnyRequest, cell: FromPath[str]) -> Response[Any]:
    """Takes it back."""
    done(deposit.withdraw(node_of(request), who_is(request).party, cell))
    return back_to("/member/cells", became="withdrawn")


handlers = [show, take_in, offer, withdraw]
