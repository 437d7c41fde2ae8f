"""The steward's pages of tables: register one, see whether a stored one is whole, give it new rows."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath, FromQuery

from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.state import Asset
from usufruct.core.registry.update import check_update
from usufruct.engine.source import FILES
from usufruct.node import stored
from usufruct.web.api import UPLOAD_LIMIT, done
from usufruct.web.auth import node_of, who_is
from usufruct.web.portal.pages import AnyRequest, Page, back_to, page
from usufruct.web.tables import taken_in, updated

STEWARD = {"rule": ("steward",)}


@get("/steward/tables", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def form(request: AnyRequest) -> Page:
    """Where a table is registered."""
    return page(request, "tables.html", "Register a table", kinds=FILES)


@post("/steward/tables", opt=STEWARD, include_in_schema=False, request_max_body_size=UPLOAD_LIMIT)
async def register_table(request: AnyRequest) -> Response[Any]:
    """Registers a table under its card."""
    files, name = await _sent(request)
    made = await taken_in(request, files, name)
    return back_to(f"/steward/tables/{made.id}", became="registered")


@get("/steward/tables/{asset:str}", opt=STEWARD, include_in_schema=False, sync_to_thread=True)
def show(request: AnyRequest, asset: FromPath[str], became: FromQuery[str] = "") -> Page:
    """Whether a stored table is whole; and the form for new rows."""
    node = node_of(request)
    examined = done(stored.examine(node, asset))
    with node.store.read() as state:
        found = state.get(Asset, asset)
        may_update = not isinstance(check_update(state, asset, who_is(request).party, node.clock.now()), Refusal)
    return page(
        request, "table.html", f"The table of {asset}", asset=found, examined=examined, became=became, kinds=FILES,
        may_update=may_update,
    )  # fmt: skip


@post("/steward/tables/{asset:str}", opt=STEWARD, include_in_schema=False, request_max_body_size=UPLOAD_LIMIT)
async def update_table(request: AnyRequest, asset: FromPath[str]) -> Response[Any]:
    """Lets the rows of a table take the place of those that are stored."""
    files, name = await _sent(request)
    made = await updated(request, asset, files, name)
    return back_to(f"/steward/tables/{made.id}", became="updated")


async def _sent(request: AnyRequest) -> tuple[dict[str, UploadFile], str]:
    """The files of a form, and the name of the table in one."""
    sent = await request.form()
    name = sent.get("name", "")
    files = {key: part for key, part in sent.items() if isinstance(part, UploadFile) and part.filename}
    return files, name if isinstance(name, str) else ""


handlers = [form, register_table, show, update_table]
