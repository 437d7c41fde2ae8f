"""The public log over HTTP, in the form of c2sp.org/tlog-tiles, under the prefix `/journal`.

Only what a signed checkpoint covers is there: full tiles, and partial ones of the widths that a tree had for which a
checkpoint was signed, for ever. They never change, so caches may keep them. Whatever else is asked for is not there, in
the same words as any address that is not. Hashes do not compress, so nothing is compressed.
"""

from __future__ import annotations

from litestar import MediaType, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from usufruct.core.proof import tiles
from usufruct.core.proof.tiles import Tile
from usufruct.node import witness
from usufruct.web.api import AnyRequest
from usufruct.web.auth import node_of

PUBLIC = {"rule": "public"}
CHECKPOINT_SECONDS = 5
TILE_SECONDS = 365 * 86400


@get("/checkpoint", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def checkpoint(request: AnyRequest) -> Response[str]:
    """The newest signed checkpoint, with witnesses' lines once enough have signed it."""
    node = node_of(request)
    with node.store.read() as state:
        note = witness.checkpoint(node, state)
    if note is None:
        raise NotFoundException
    return Response(
        note, media_type=MediaType.TEXT,
        headers={"Cache-Control": f"public, max-age={CHECKPOINT_SECONDS}"},
    )  # fmt: skip


@get("/tile/{tile:path}", opt=PUBLIC, include_in_schema=False, sync_to_thread=True)
def tile(request: AnyRequest, tile: FromPath[str]) -> Response[bytes]:
    """A tile of hashes, or a bundle of entries."""
    try:
        wanted = Tile.parse(f"tile{tile}")
    except ValueError:
        raise NotFoundException from None
    with node_of(request).store.read() as state:
        if not state.signed_between(*wanted.sizes()):
            raise NotFoundException
        content = tiles.content(wanted, state)
    return Response(
        content, media_type="application/octet-stream",
        headers={"Cache-Control": f"public, max-age={TILE_SECONDS}, immutable"},
    )  # fmt: skip


router = Router("/journal", route_handlers=[checkpoint, tile])
