"""Cubes: what there is, for a data user the way to get one, for whoever operates the asset the way to build it."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from usufruct.node import cubes
from usufruct.node.use import Wanted
from usufruct.web.api import STEWARD, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.cubes import EITHER
from usufruct.web.portal.pages import AnyRequest, Form, Page, back_to, field, page, purpose_choices

ASK = {"rule": ("ask",)}


@get("/cubes", opt=EITHER, include_in_schema=False, sync_to_thread=True)
def listed(request: AnyRequest, built: FromQuery[str] = "") -> Page:
    """The cubes that are open to whoever looks; `built` is the one that the last form built."""
    found = cubes.listed(node_of(request), who_is(request).party)
    became = next((one for one in found if one.cube.id == built and one.built), None)
    return page(request, "cubes.html", "Cubes", found=found, became=became, choices=purpose_choices())


@post("/desk/cubes/{cube:str}", opt=ASK, include_in_schema=False, sync_to_thread=True)
def get_cube(request: AnyRequest, cube: FromPath[str], data: Form) -> Response[Any]:
    """Asks for a cube, then shows what came of it at its own address."""
    wanted = Wanted(who_is(request).party, f"cube {cube}", field(data, "purpose", 100))
    return back_to(f"/questions/{cubes.get(node_of(request), cube, wanted).use}")


@post("/steward/cubes/{cube:str}", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def build(request: AnyRequest, cube: FromPath[str], data: Form) -> Response[Any]:
    """Builds a cube."""
    return back_to("/cubes", built=done(cubes.build(node_of(request), cube, who_is(request).party)).cube)


handlers = [listed, get_cube, build]
