"""Documents elsewhere: issuers' keys and lists of revoked credentials, fetched as carefully as a service is asked.

The address of an issuer's document is the steward's, but that of a status list is whoever's who signs credentials. So
both are fetched with the same care: no address in a private network unless the settings say so, no redirect, a deadline
for the whole, a limit on the bytes. A server that failed is left alone for a while.
"""

from __future__ import annotations

import asyncio
import threading
import time
from urllib.parse import urlsplit

from usufruct.core.base.faults import PeerFault
from usufruct.ports import ServiceReply, ServiceRequest

SECONDS = 10
"""How long a document may take."""
DOCUMENT_LIMIT = 2 * 1024 * 1024
"""Bytes of a document that is read."""
REST_SECONDS = 60
"""For how long a server that failed is not asked again."""


class HttpDocuments:
    """`node.identities.Documents` over HTTP."""

    def __init__(self) -> None:
        self._failed: dict[str, float] = {}
        self._lock = threading.Lock()

    def get(self, url: str, private: bool) -> bytes:
        """What lies there."""
        with self._lock:
            self._failed = {url: at for url, at in self._failed.items() if time.monotonic() - at < REST_SECONDS}
            if url in self._failed:
                raise _failure(url, f"failed less than {REST_SECONDS} seconds ago")
        try:
            return self._got(url, private)
        except PeerFault:
            with self._lock:
                self._failed[url] = time.monotonic()
            raise

    def _got(self, url: str, private: bool) -> bytes:
        try:
            scheme = urlsplit(url).scheme
        except ValueError:
            scheme = ""
        if scheme != "https" and not (private and scheme == "http"):
            raise _failure(url, "is not reached over TLS")
        try:
            reply = asyncio.run(_ask(ServiceRequest("GET", url, ((b"accept", b"*/*"),), private=private)))
        except PeerFault as fault:
            raise _failure(url, fault.message.removeprefix("the service ")) from None
        if reply.status != 200:
            raise _failure(url, f"answered with status {reply.status}")
        if len(reply.body) > DOCUMENT_LIMIT:
            raise _failure(url, f"is longer than {DOCUMENT_LIMIT} bytes")
        return reply.body


async def _ask(request: ServiceRequest) -> ServiceReply:
    from usufruct.peer.services import HttpServices  # takes a fifth of a second to load

    services = HttpServices(SECONDS)
    try:
        return await services.ask(request)
    finally:
        await services.close()


def _failure(url: str, why: str) -> PeerFault:
    return PeerFault("peer.failed", f"the document at `{url}` {why}", "try again later, or tell who publishes it")
