"""The HTTP API of cubes and masks: declare, build, let out; how rows are masked."""

from __future__ import annotations

from typing import Any

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from usufruct.core.privacy.cubes import CubeBuilt, CubeDeclared
from usufruct.core.privacy.masking import MaskDeclared
from usufruct.node import cubes, rows
from usufruct.node.use import Wanted
from usufruct.web import messages
from usufruct.web.api import STEWARD, AnyRequest, done, replied
from usufruct.web.auth import node_of, who_is

EITHER = {"rule": ("ask", "steward")}


@post("/cubes", opt=STEWARD, sync_to_thread=True, summary="Declare a cube")
def declare_cube(request: AnyRequest, data: JSONBody[messages.NewCube]) -> CubeDeclared:
    """What is counted and added up by which columns, for which purpose. It cannot be changed, and nothing is built yet."""
    node, by = node_of(request), who_is(request).party
    return done(cubes.declare(node, data.cube, data.asset, data.keys, data.sums, data.purpose, data.least, by))


@post("/cubes/{cube:str}/builds", opt=STEWARD, sync_to_thread=True, summary="Build a cube")
def build_cube(request: AnyRequest, cube: FromPath[str]) -> CubeBuilt:
    """From the rows of those who allow its purpose now. Again only when enough persons have changed."""
    return done(cubes.build(node_of(request), cube, who_is(request).party))


@get("/cubes", opt=EITHER, sync_to_thread=True, summary="Cubes")
def list_cubes(request: AnyRequest) -> list[dict[str, Any]]:
    """Those of the assets that you have an agreement on, or operate."""
    return [
        {
            "cube": one.cube.id, "asset": one.cube.asset, "keys": one.cube.keys, "sums": one.cube.sums,
            "purpose": one.cube.purpose, "least": one.cube.least, "share": one.cube.share,
            "built": one.built.at if one.built else None, "withheld": one.built.withheld if one.built else None,
        }
        for one in cubes.listed(node_of(request), who_is(request).party)
    ]  # fmt: skip


@post(
    "/cubes/{cube:str}/deliveries", opt={"rule": ("ask",)}, sync_to_thread=True, status_code=200, summary="Get a cube"
)
def get_cube(request: AnyRequest, cube: FromPath[str], data: JSONBody[messages.NewDelivery]) -> messages.AnswerBody:
    """Its newest build, for a purpose, or a refusal with reasons; either way with a receipt."""
    who = who_is(request)
    wanted = Wanted(who.party, f"cube {cube}", data.purpose, data.hold, data.hold_days, who.actors, who.signed)
    return replied(cubes.get(node_of(request), cube, wanted))


@post("/assets/{asset:str}/mask", opt=STEWARD, sync_to_thread=True, summary="Declare how rows are masked")
def declare_mask(request: AnyRequest, asset: FromPath[str], data: JSONBody[messages.NewMask]) -> MaskDeclared:
    """A rule for columns that are not to be masked as usual. It cannot be changed once rows have left under it."""
    chosen = [(one.column, one.rule, one.width) for one in data.columns]
    return done(rows.declare_mask(
        node_of(request), asset, chosen, data.least, data.linked, who_is(request).party
    ))  # fmt: skip


@get("/assets/{asset:str}/mask", opt=EITHER, sync_to_thread=True, summary="How rows are masked")
def show_mask(request: AnyRequest, asset: FromPath[str]) -> dict[str, Any]:
    """The columns of masked rows, each with its rule, and how many persons must be alike."""
    shown = done(rows.mask(node_of(request), asset, who_is(request).party))
    return {
        "asset": asset, "least": shown.view.least, "linked": shown.view.linked, "fixed": shown.fixed,
        "columns": [{"column": rule.column, "rule": rule.rule, "width": width} for rule, width in shown.rules],
    }  # fmt: skip


router = Router("/api/v1", route_handlers=[declare_cube, build_cube, list_cubes, get_cube, declare_mask, show_mask])
