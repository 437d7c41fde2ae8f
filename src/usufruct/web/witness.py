"""A witness over HTTP: c2sp.org/tlog-witness, for submitting and for monitoring under one address.

Nobody logs in. A log is known by its key; what it gets is a signature on what it signed itself, and everybody may read
what was signed last. Answers are those of the specification: text, and short, also where they are no.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from anyio.to_thread import run_sync
from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from usufruct.core.base.faults import NodeFault
from usufruct.core.proof.checkpoint import COSIGNATURE, vkey
from usufruct.core.proof.submission import MALFORMED, SIZE_TYPE, STALE, Objection
from usufruct.node.cosign import Witness, add_checkpoint

BODY_LIMIT = 64 * 1024
"""Bytes of a submission: 63 hashes and a note with some post-quantum signatures have about 20,000."""

PUBLIC = {"rule": "public"}


@get("/", opt=PUBLIC, media_type=MediaType.TEXT, sync_to_thread=True)
def about(request: Request[Any, Any, Any]) -> str:
    """The witness's verifier key, and the logs that it signs for."""
    witness = _witness(request)
    logs = "".join(f"{origin}\n" for origin in witness.witnessed.origins())
    return f"{vkey(witness.signer.name, witness.signer.public, COSIGNATURE)}\n\n{logs}"


@post("/add-checkpoint", opt=PUBLIC, status_code=200)
async def submit(request: Request[Any, Any, Any]) -> Response[str]:
    """Signs a log's checkpoint, or says why not."""
    return await run_sync(_answer, _witness(request), await request.body())


def _answer(witness: Witness, body: bytes) -> Response[str]:
    try:
        found = add_checkpoint(witness, body.decode())
    except UnicodeDecodeError:
        found = Objection(MALFORMED, "this is not text")
    if isinstance(found, str):
        return _text(found, 200)
    if found.status == STALE:
        # The type is compared as it stands, so nothing may be added to it.
        return Response(f"{found.size}\n", status_code=STALE, headers={"Content-Type": SIZE_TYPE})
    return _text(f"{found.why}\n", found.status)


@get("/{origin_hash:str}/checkpoint", opt=PUBLIC, sync_to_thread=True)
def last(request: Request[Any, Any, Any], origin_hash: FromPath[str]) -> Response[str]:
    """What was signed last for the log whose name has this SHA-256 digest."""
    witnessed = _witness(request).witnessed
    for origin in witnessed.origins():
        if sha256(origin.encode()).hexdigest() == origin_hash and (found := witnessed.last(origin)):
            return _text(found.note, 200)
    return _text("nothing was signed for a log of that name\n", 404)


def make_app(witness: Witness) -> Litestar:
    """The web application of a witness."""
    return Litestar(
        route_handlers=[about, submit, last],
        state=State({"witness": witness}),
        exception_handlers={NodeFault: _fault, HTTPException: _http},
        openapi_config=None,
        request_max_body_size=BODY_LIMIT,
        logging_config=None,
        debug=False,
    )


def _fault(request: Request[Any, Any, Any], fault: NodeFault) -> Response[str]:
    return _text(f"{fault.message}; nothing was signed\n", 503)


def _http(request: Request[Any, Any, Any], error: HTTPException) -> Response[str]:
    return _text(f"{error.detail}\n", error.status_code)


def _witness(request: Request[Any, Any, Any]) -> Witness:
    witness = request.app.state.witness
    assert isinstance(witness, Witness)
    return witness


def _text(text: str, status: int) -> Response[str]:
    return Response(text, status_code=status, media_type=MediaType.TEXT)
