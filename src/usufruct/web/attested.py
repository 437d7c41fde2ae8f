"""What others said of the node's checkpoints, for everybody to download: the witnessed checkpoint, and time stamps."""

from __future__ import annotations

from litestar import MediaType, Response, Router, get
from litestar.params import FromPath

from usufruct.attested import Timestamp
from usufruct.core.base.refusals import refuse
from usufruct.web.api import AnyRequest, RefusedHere
from usufruct.web.auth import node_of

PUBLIC = {"rule": "public"}


@get(
    "/checkpoint/witnessed",
    opt=PUBLIC,
    sync_to_thread=True,
    media_type=MediaType.TEXT,
    summary="The witnessed checkpoint",
)
def witnessed(request: AnyRequest) -> str:
    """The newest checkpoint that enough witnesses signed, with their lines; it may be behind the newest checkpoint."""
    found = node_of(request).outside.attestations.witnessed()
    if found is None:
        raise RefusedHere(refuse(
            "registry.unknown", "no checkpoint was given", "none was signed by enough witnesses so far",
            remedy="take the checkpoint that only the node signed",
        ))  # fmt: skip
    return found


@get("/timestamps", opt=PUBLIC, sync_to_thread=True, summary="Time stamps of checkpoints")
def list_timestamps(request: AnyRequest) -> list[dict[str, int | str]]:
    """How many facts, and when the authority says that their checkpoint existed."""
    return [{"facts": size, "at": at} for size, at in node_of(request).outside.attestations.timestamps()]


@get("/timestamps/{size:int}", opt=PUBLIC, sync_to_thread=True, summary="A time stamp")
def timestamp(request: AnyRequest, size: FromPath[int]) -> Response[bytes]:
    """The authority's answer (RFC 3161), as it came."""
    return Response(_stamp(request, size).token, media_type="application/timestamp-reply")


@get(
    "/timestamps/{size:int}/checkpoint", opt=PUBLIC, sync_to_thread=True, media_type=MediaType.TEXT,
    summary="What was stamped",
)  # fmt: skip
def stamped(request: AnyRequest, size: FromPath[int]) -> str:
    """The checkpoint that the time stamp is for, byte for byte."""
    return _stamp(request, size).note


def _stamp(request: AnyRequest, size: int) -> Timestamp:
    found = node_of(request).outside.attestations.timestamp(size) if 0 <= size < 2**63 else None
    if found is None:
        raise RefusedHere(refuse(
            "registry.unknown", "no time stamp was given", f"there is none for {size} facts",
            remedy="see which there are at `/api/v1/timestamps`",
        ))  # fmt: skip
    return found


router = Router("/api/v1", route_handlers=[witnessed, list_timestamps, timestamp, stamped])
