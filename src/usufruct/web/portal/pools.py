"""Pools: the charter for everybody to read, and for a member the way in and out."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from usufruct.node import pool
from usufruct.web.api import done
from usufruct.web.auth import node_of, who_is
from usufruct.web.pools import MEMBER, PUBLIC
from usufruct.web.portal.pages import AnyRequest, Form, Page, back_to, field, page


@get("/pools/{name:str}", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def show(request: AnyRequest, name: FromPath[str]) -> Page:
    """The charter of a pool, and how many members it has, in steps."""
    shown = done(pool.show(node_of(request), name))
    return page(request, "pool.html", shown.asset.title, shown=shown, place=None, became="")


@get("/member/pools/{name:str}", opt=MEMBER, include_in_schema=False, sync_to_thread=True)
def mine(request: AnyRequest, name: FromPath[str], became: FromQuery[str] = "") -> Page:
    """The charter, and her place; `became` says what her last form did."""
    place = done(pool.place(node_of(request), who_is(request).party, name))
    return page(request, "pool.html", place.shown.asset.title, shown=place.shown, place=place, became=became)


@post("/member/pools/{name:str}/membership", opt=MEMBER, include_in_schema=False, sync_to_thread=True)
def join(request: AnyRequest, name: FromPath[str], data: Form) -> Response[Any]:
    """She brings a cell."""
    who = who_is(request)
    done(pool.join(
        node_of(request), who.party, name, field(data, "cell"), field(data, "charter"), who.actors
    ))  # fmt: skip
    return back_to(f"/member/pools/{name}", became="joined")


@post("/member/pools/{name:str}/leaving", opt=MEMBER, include_in_schema=False, sync_to_thread=True)
def leave(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    """She leaves."""
    done(pool.leave(node_of(request), who_is(request).party, name))
    return back_to(f"/member/pools/{name}", became="left")


handlers = [show, mine, join, leave]
