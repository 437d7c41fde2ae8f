"""The HTTP API of pools: found one, read its charter, join with a cell of one's own, leave."""

from __future__ import annotations

from typing import Any

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from usufruct.node import pool
from usufruct.node.pool import Place, Shown
from usufruct.web import messages
from usufruct.web.api import STEWARD, AnyRequest, done
from usufruct.web.auth import node_of, who_is
from usufruct.wire import charter

MEMBER = {"rule": ("member",)}
PUBLIC = {"rule": "public"}


@post("/pools", opt=STEWARD, sync_to_thread=True, summary="Found a pool")
def found_pool(request: AnyRequest, data: JSONBody[messages.NewPool]) -> dict[str, Any]:
    """A cooperative adopts a charter; nobody is in its pool yet. Only a person decides it."""
    who = who_is(request)
    row = done(pool.found(node_of(request), charter.read(data.charter), data.cooperative, who.party, who.actors))
    return {"pool": row.pool, "charter": row.digest, "fact": row.seq}


@get("/pools", opt=PUBLIC, sync_to_thread=True, summary="Pools")
def list_pools(request: AnyRequest) -> list[dict[str, Any]]:
    """The pools of this node, with their charters."""
    return [_shown(one) for one in pool.pools(node_of(request))]


@get("/pools/{name:str}", opt=PUBLIC, sync_to_thread=True, summary="The charter of a pool")
def show_pool(request: AnyRequest, name: FromPath[str]) -> dict[str, Any]:
    """Its charter in words with the digest of it, and how many members it has, in steps."""
    return _shown(done(pool.show(node_of(request), name)))


@get("/me/pools", opt=MEMBER, sync_to_thread=True, summary="Your places in pools")
def my_pools(request: AnyRequest) -> list[dict[str, Any]]:
    """Every pool, whether you are in, and which of your cells fit."""
    return [_place(one) for one in pool.places(node_of(request), who_is(request).party)]


@post("/me/pools/{name:str}/membership", opt=MEMBER, sync_to_thread=True, summary="Join a pool")
def join_pool(request: AnyRequest, name: FromPath[str], data: JSONBody[messages.NewMembership]) -> dict[str, Any]:
    """You bring one of your cells, under the charter whose digest you send back."""
    who = who_is(request)
    fact = done(pool.join(node_of(request), who.party, name, data.cell, data.charter, who.actors))
    return {"pool": fact.pool, "cell": fact.cell, "charter": fact.charter, "rights": [fact.use, fact.operate]}


@post("/me/pools/{name:str}/leaving", opt=MEMBER, sync_to_thread=True, summary="Leave a pool")
def leave_pool(request: AnyRequest, name: FromPath[str]) -> dict[str, Any]:
    """At any time and without a reason: no later question counts you."""
    return {"left": done(pool.leave(node_of(request), who_is(request).party, name)).pool}


def _shown(shown: Shown) -> dict[str, Any]:
    asset, charter = shown.asset, shown.charter
    return {
        "pool": asset.id, "title": asset.title, "cooperative": charter.cooperative, "members": shown.members,
        "words": charter.words, "charter": charter.digest, "purposes": asset.purposes, "prohibited": asset.prohibited,
        "least_price": charter.price, "currency": charter.currency, "until": charter.until, "over": shown.over,
        "columns": asset.columns, "fact": charter.seq,
    }  # fmt: skip


def _place(place: Place) -> dict[str, Any]:
    mine = place.member
    return {
        "pool": place.shown.asset.id, "charter": place.shown.charter.digest, "over": place.shown.over,
        "cell": mine.cell if mine else None, "since": mine.since if mine else None,
        "cells": [{"cell": choice.cell.id, "misfits": choice.misfits} for choice in place.choices],
    }  # fmt: skip


router = Router("/api/v1", route_handlers=[found_pool, list_pools, show_pool, my_pools, join_pool, leave_pool])
