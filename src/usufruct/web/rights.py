"""The HTTP API of rights: pass on, transfer, lend, give back, revoke, and the title of an asset."""

from __future__ import annotations

from typing import Any

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from usufruct.core.base.instants import parse as parse_instant
from usufruct.core.base.refusals import refuse
from usufruct.core.registry.facts import RightGranted
from usufruct.core.registry.grants import RightPledged, RightReleased, RightRevoked, RightTransferred
from usufruct.core.registry.rights import Limits
from usufruct.core.registry.title import Line
from usufruct.node import rights
from usufruct.node.rights import Title
from usufruct.web import messages
from usufruct.web.api import AnyRequest, RefusedHere, done
from usufruct.web.auth import node_of, who_is

HOLDERS = {"rule": ("negotiate", "member", "steward")}


@post("/assets/{asset:str}/rights", opt=HOLDERS, sync_to_thread=True, summary="Pass a right on")
def grant_right(request: AnyRequest, asset: FromPath[str], data: JSONBody[messages.NewRight]) -> RightGranted:
    """You pass one of your rights on."""
    return done(rights.grant(node_of(request), who_is(request).party, data.grantee, asset, data.right, _limits(data)))


@post("/rights/{right:str}/transfer", opt=HOLDERS, sync_to_thread=True, summary="Give a right up to another")
def transfer_right(request: AnyRequest, right: FromPath[str], data: JSONBody[messages.NewTransfer]) -> RightTransferred:
    """You give a right up wholly to another."""
    return done(rights.transfer(node_of(request), right, who_is(request).party, data.to, data.keeps))


@post("/rights/{right:str}/pledge", opt=HOLDERS, sync_to_thread=True, summary="Lend a right to a pilot")
def pledge_right(request: AnyRequest, right: FromPath[str], data: JSONBody[messages.NewPledge]) -> RightPledged:
    """You lend a right until a day; it comes back by itself."""
    return done(rights.pledge(
        node_of(request), right, who_is(request).party, data.to, data.pilot, _limits(data), data.exclusive
    ))  # fmt: skip


@post("/rights/{right:str}/release", opt=HOLDERS, sync_to_thread=True, summary="Give a right back")
def release_right(request: AnyRequest, right: FromPath[str]) -> RightReleased:
    """You give a right back before its end."""
    return done(rights.release(node_of(request), right, who_is(request).party))


@post("/rights/{right:str}/revocation", opt=HOLDERS, sync_to_thread=True, summary="Take a right back")
def revoke_right(request: AnyRequest, right: FromPath[str]) -> RightRevoked:
    """You take back a right that you gave, or that rests on your data; what rests on it ends at once."""
    return done(rights.revoke(node_of(request), right, who_is(request).party))


@get("/assets/{asset:str}/title", opt={"rule": "public"}, sync_to_thread=True, summary="Who holds which right")
def show_title(request: AnyRequest, asset: FromPath[str]) -> dict[str, Any]:
    """The title of an asset that is offered, or in which you have a place; persons are not named."""
    found = title_for(request, asset)
    said = {"asset": asset, "title": found.asset.title, "rights": [_line(line) for line in found.lines]}
    return said | ({"members": found.members} if found.members else {})


def title_for(request: AnyRequest, asset: str) -> Title:
    """The title of an asset as whoever calls may see it.

    Raises:
        RefusedHere: there is none, or none that she may know of.
    """
    who = request.scope["state"]["identity"]
    steward = who is not None and "steward" in who.scopes
    found = rights.title(node_of(request), asset, who.party if who else None, steward)
    if found is None:
        raise RefusedHere(refuse(
            "registry.unknown", "there is no title to show", f"there is no asset `{asset}` that is open to you",
            remedy="take the names of assets from the catalogue, or from your own page",
        ))  # fmt: skip
    return found


def _line(line: Line) -> dict[str, Any]:
    right = line.right
    return {
        "id": right.id, "right": right.right, "holder": line.holder, "from": line.giver, "rests_on": right.rests_on,
        "yours": line.mine, "state": line.state, "why": line.broken.why if line.broken else "", "until": right.until,
        "purposes": right.purposes, "columns": right.columns, "may_grant": right.may_grant, "further": right.further,
        "pilot": right.pilot, "fact": right.seq, "changed_in": line.changed_in(),
    }  # fmt: skip


def _limits(data: messages.NewRight | messages.NewPledge) -> Limits:
    until = parse_instant(data.until) if data.until else None
    return Limits(until, data.may_grant, data.further, tuple(data.purposes), tuple(data.columns))


router = Router(
    "/api/v1",
    route_handlers=[grant_right, transfer_right, pledge_right, release_right, revoke_right, show_title],
)
