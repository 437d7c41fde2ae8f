"""The HTTP API of a member's own cells: deposit a table, offer it, withdraw it."""

from __future__ import annotations

from typing import Annotated, Any

from anyio.to_thread import run_sync
from litestar import Router, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, JSONBody

from usufruct.core.base.money import parse as parse_money
from usufruct.core.registry.state import Asset
from usufruct.node import deposit
from usufruct.web import messages
from usufruct.web.api import AnyRequest, done, part_of
from usufruct.web.auth import node_of, who_is
from usufruct.wire import card

MEMBER = {"rule": ("member",)}
Upload = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]


@post("/me/cells", opt=MEMBER, request_max_body_size=2 * deposit.CELL_LIMIT, summary="Deposit your own data")
async def deposit_table(request: AnyRequest, data: Upload) -> Asset:
    """Takes in a table about yourself (`table`, CSV), with a `card` (TOML) or a `title` if you like."""
    return await taken_in(request, data)


async def taken_in(request: AnyRequest, data: dict[str, Any]) -> Asset:
    """The cell that an upload became."""
    node, member, title = node_of(request), who_is(request).party, data.get("title", "")
    files = {name: part for name, part in data.items() if isinstance(part, UploadFile) and part.filename}
    table = await part_of(files, "table").read()
    text = (await files["card"].read()).decode(errors="replace") if "card" in files else ""

    def take_in() -> Asset:
        described = card.read(text) if text.strip() else None
        return done(deposit.deposit(node, member, table, title if isinstance(title, str) else "", described))

    return await run_sync(take_in)


@post("/me/cells/{cell:str}/offer", opt=MEMBER, sync_to_thread=True, summary="Offer your own data")
def offer_cell(request: AnyRequest, cell: FromPath[str], data: JSONBody[messages.NewCellOffer]) -> dict[str, Any]:
    """Lets the operator offer it for these purposes; no row is read before you consent to somebody's."""
    node = node_of(request)
    price = parse_money(data.price)
    return {"offer": done(deposit.offer(node, who_is(request).party, cell, data.purposes, price, data.years))}


@post("/me/cells/{cell:str}/withdrawal", opt=MEMBER, sync_to_thread=True, summary="Withdraw your own data")
def withdraw_cell(request: AnyRequest, cell: FromPath[str]) -> dict[str, Any]:
    """Takes the offers of it back, and the rights you gave for them; agreements on it end at once."""
    return {"ended": done(deposit.withdraw(node_of(request), who_is(request).party, cell))}


router = Router("/api/v1", route_handlers=[deposit_table, offer_cell, withdraw_cell])
