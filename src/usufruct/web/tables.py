"""The HTTP API of tables: a card to start from, registering one, new rows for one, and whether one is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from anyio.to_thread import run_sync
from litestar import MediaType, Router, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from usufruct.core.base.refusals import Refusal
from usufruct.core.registry.state import Asset
from usufruct.node import register, stored, update
from usufruct.node.stored import Examined
from usufruct.ports import TableIn
from usufruct.web.api import UPLOAD_LIMIT, AnyRequest, done, kept, part_of
from usufruct.web.auth import node_of, who_is
from usufruct.wire import card

STEWARD = {"rule": ("steward",)}
Upload = Annotated[dict[str, UploadFile], Body(media_type=RequestEncodingType.MULTI_PART)]


def named(path: Path, name: str) -> Path | TableIn:
    """A table of a file that was sent; `name` says which, if it may hold several."""
    return TableIn(path, name) if name else path


@post("/assets/proposal", opt=STEWARD, request_max_body_size=UPLOAD_LIMIT, media_type=MediaType.TEXT,
      summary="A card to start from")  # fmt: skip
async def propose_card(request: AnyRequest, data: Upload, name: FromQuery[str] = "") -> str:
    """Looks at a table (`table`, a file; `name` says which of its tables) and proposes its card, as TOML."""
    file = part_of(data, "table")
    content = await file.read()

    def look() -> str:
        with kept(file.filename, content) as path:
            engine, table = node_of(request).engine, named(path, name)
            return card.propose(name or Path(file.filename).stem, engine.inspect(table), engine.classify(table))

    return await run_sync(look)


@post("/assets", opt=STEWARD, request_max_body_size=UPLOAD_LIMIT, summary="Register an asset")
async def add_asset(request: AnyRequest, data: Upload, name: FromQuery[str] = "") -> Asset:
    """Takes in a table (`table`, a file; `name` says which of its tables) under its card (`card`, TOML)."""
    return await taken_in(request, data, name)


async def taken_in(request: AnyRequest, data: dict[str, UploadFile], name: str) -> Asset:
    """The asset that an upload became."""
    node, file, described = node_of(request), part_of(data, "table"), part_of(data, "card")
    text = (await described.read()).decode(errors="replace")
    content = await file.read()

    def take_in() -> register.Registered | Refusal:
        with kept(file.filename, content) as path:
            return register.add_asset(node, card.read(text), named(path, name), node.about.operator)

    return done(await run_sync(take_in)).asset


@get("/assets", opt=STEWARD, sync_to_thread=True, summary="All assets")
def list_assets(request: AnyRequest) -> list[Asset]:
    """All assets, offered or not."""
    with node_of(request).store.read() as state:
        return list(state.list(Asset))


@post("/assets/{asset:str}/rows", opt=STEWARD, request_max_body_size=UPLOAD_LIMIT, summary="Update an asset")
async def update_asset(request: AnyRequest, asset: FromPath[str], data: Upload, name: FromQuery[str] = "") -> Asset:
    """Lets the rows of a table (`table`, a file) take the place of the asset's, under its card and its budget."""
    return await updated(request, asset, data, name)


async def updated(request: AnyRequest, asset: str, data: dict[str, UploadFile], name: str) -> Asset:
    """The asset with the rows that an upload holds."""
    node, by, file = node_of(request), who_is(request).party, part_of(data, "table")
    content = await file.read()

    def take_in() -> register.Registered | Refusal:
        with kept(file.filename, content) as path:
            return update.update_asset(node, asset, named(path, name), by)

    return done(await run_sync(take_in)).asset


@get("/assets/{asset:str}/check", opt=STEWARD, sync_to_thread=True, summary="Is a stored table whole?")
def check_asset(request: AnyRequest, asset: FromPath[str]) -> Examined:
    """What is wrong with the stored table of an asset, with the rows; nothing if it is the one that was registered."""
    return done(stored.examine(node_of(request), asset))


router = Router("/api/v1", route_handlers=[propose_card, add_asset, list_assets, update_asset, check_asset])
