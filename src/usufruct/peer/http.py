"""One request to somebody else's server, whatever that server does.

A server that was friendly yesterday may today hang, drip a byte a minute, send without end, or redirect to a machine
inside our own network. So a request has one deadline from the first packet to the last byte (time-outs of single reads
would let a dripping server hold us for ever), a limit on bytes, no redirects, and no decompression.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
from dataclasses import dataclass

import httpx

from usufruct.core.base.faults import PeerFault

SECONDS = 10
"""How long a request may take, from the first packet to the last byte of the answer."""
ANSWER_LIMIT = 64 * 1024
"""Bytes of an answer that are read."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered; `media_type` without parameters."""

    status: int
    media_type: str
    body: bytes


def post(url: str, media_type: str, body: bytes, *, seconds: float = SECONDS, limit: int = ANSWER_LIMIT) -> Reply:
    """What the server at `url` answers.

    Raises:
        PeerFault: it does not, or not within `seconds`, or with more than `limit` bytes; or the URL cannot be.
    """
    try:
        return asyncio.run(_post(url, media_type, body, seconds, limit))
    except TimeoutError:
        why = f"did not answer within {seconds:g} seconds"
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        why = f"could not be asked: {error or type(error).__name__}"
    except _TooMuch:
        why = f"sent more than {limit} bytes"
    raise PeerFault("peer.failed", f"the server at `{url}` {why}", "nothing is lost; it is asked again")


class _TooMuch(Exception):
    """More bytes came than are read."""


async def _post(url: str, media_type: str, body: bytes, seconds: float, limit: int) -> Reply:
    headers = {"Content-Type": media_type, "Accept-Encoding": "identity"}
    async with (
        asyncio.timeout(seconds),
        httpx.AsyncClient(verify=_tls(), timeout=seconds) as client,
        client.stream("POST", url, content=body, headers=headers) as response,
    ):
        found = bytearray()
        async for piece in response.aiter_raw():
            found += piece
            if len(found) > limit:
                raise _TooMuch
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Reply(response.status_code, kind, bytes(found))


@functools.cache
def _tls() -> ssl.SSLContext:
    """Made once, for reading the machine's roots takes longer than a request."""
    return httpx.create_ssl_context()
