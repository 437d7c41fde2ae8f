"""Services behind HTTP, asked over connections that stay open.

The address of a service is the steward's; what a name in it resolves to is whoever's who runs the name server, and may
change between two calls. So addresses are looked at when a connection is opened, by the very lookup that opens it, and
one in a private network is connected to only where the steward said so. Redirects are not followed, for they would be
addresses that nobody registered. A service gets one deadline for the whole answer, and a limit on its bytes.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from usufruct.core.base.faults import PeerFault
from usufruct.core.exchange.message import OF_ONE_CONNECTION, REQUEST_HASH
from usufruct.core.exchange.rules import SIZES
from usufruct.ports import ServiceReply, ServiceRequest

SECONDS = 30
"""How long a service may take, from the first packet to the last byte of its answer."""
REPLY_LIMIT = 16 * 1024 * 1024
"""Bytes of an answer that are read."""
CONNECTIONS = 512
"""Connections that are open at once; further calls wait for one."""

assert SIZES[-1] * 1024 == REPLY_LIMIT

_LEFT_OUT = OF_ONE_CONNECTION - {REQUEST_HASH}
_OURS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")  # what the library would add by itself
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # IPv4 inside IPv6 (RFC 6052)


def is_public(address: str) -> bool:
    """Whether an IP address lies in the open internet."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found in _TRANSLATED:
            return is_public(str(ipaddress.IPv4Address(found.packed[-4:])))
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if inner is not None:
            return is_public(str(inner))
    return found.is_global and not found.is_multicast


class _PublicOnly(AbstractResolver):
    """Looks names up and leaves out what lies in private networks."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        public = [one for one in found if is_public(one["host"])]
        if not public:
            raise OSError("the address is in a private network")
        return public

    async def close(self) -> None:
        await self._resolver.close()


class HttpServices:
    """`ports.Services` over HTTP/1.1; belongs to the event loop that first asks."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def ask(self, request: ServiceRequest) -> ServiceReply:
        """What the service answers."""
        url = URL(request.url, encoded=True)
        if not request.private and _is_private_literal(url.host or ""):
            raise _failed("lies in a private network, which its registration does not allow")
        try:
            async with self._session(request.private).request(
                request.method, url, headers=[(name.decode(), value.decode()) for name, value in request.headers],
                data=request.body or None, allow_redirects=False,
            ) as response:  # fmt: skip
                body = await _read(response)
                headers = tuple((name.lower(), value) for name, value in response.raw_headers)
        except TimeoutError:
            raise _failed(f"did not answer within {self._seconds:g} seconds") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failed(f"could not be asked ({type(error).__name__})") from None
        return ServiceReply(response.status, tuple(header for header in headers if header[0] not in _LEFT_OUT), body)

    async def close(self) -> None:
        """Lets go of all connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    def _session(self, private: bool) -> aiohttp.ClientSession:
        found = self._sessions.get(private)
        if found is None:
            connector = aiohttp.TCPConnector(
                limit=CONNECTIONS, resolver=None if private else _PublicOnly(), loop=asyncio.get_running_loop()
            )
            found = self._sessions[private] = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False,
                skip_auto_headers=_OURS, timeout=aiohttp.ClientTimeout(total=self._seconds),
            )  # fmt: skip
        return found


def _is_private_literal(host: str) -> bool:
    """Whether a host is an IP address, which no resolver gets to see, in a private network."""
    try:
        return not is_public(host)
    except ValueError:
        return False


async def _read(response: aiohttp.ClientResponse) -> bytes:
    if (response.content_length or 0) > REPLY_LIMIT and response.method != "HEAD":
        raise _failed(f"sent more than {REPLY_LIMIT} bytes")
    found = bytearray()
    async for piece in response.content.iter_any():
        found += piece
        if len(found) > REPLY_LIMIT:
            raise _failed(f"sent more than {REPLY_LIMIT} bytes")
    return bytes(found)


def _failed(why: str) -> PeerFault:
    return PeerFault("peer.failed", f"the service {why}", "ask again later, or tell the steward of the providing node")
