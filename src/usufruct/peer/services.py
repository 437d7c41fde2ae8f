"""Services behind HTTP, asked over connections that stay open.

The address of a service is the steward's; what a name in it resolves to is whoever's who runs the name server, and may
change between two calls. So addresses are looked at when a connection is opened, by the very lookup that opens it, and
one in a private network is connected to only where the steward said so. Redirects are not followed, for they would be
addresses that nobody registered. A service gets one deadline for the whole answer, and a limit on its bytes.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from usufruct.core.base.faults import PeerFault
from usufruct.core.exchange.message import REQUEST_HASH, Headers, stays_behind
from usufruct.core.exchange.rules import SIZES
from usufruct.ports import ServiceReply, ServiceRequest

SECONDS = 30
"""How long a service may take, from the first packet to the last byte of its answer."""
REPLY_LIMIT = 16 * 1024 * 1024
"""Bytes of an answer that are read."""
CONNECTIONS = 512
"""Connections that are open at once; further calls wait for one."""
CONNECTIONS_EACH = CONNECTIONS // 4
"""Of them, those to one service, so that one that hangs does not stop the others."""

assert SIZES[-1] * 1024 == REPLY_LIMIT

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_NO_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_OURS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")  # what the library would add by itself
_LOCAL = tuple(map(ipaddress.ip_network, ("64:ff9b:1::/48", "fec0::/10")))  # RFC 8215, RFC 3879
# IPv4 inside IPv6: RFC 6052, RFC 2765, and the first 96 bits nought, as it was before.
_TRANSLATED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "::ffff:0:0:0/96", "::/96")))


def is_public(address: str) -> bool:
    """Whether an IP address lies in the open internet."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if any(found in network for network in _TRANSLATED):
            return is_public(str(ipaddress.IPv4Address(found.packed[-4:])))
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if inner is not None:
            return is_public(str(inner))
    return found.is_global and not found.is_multicast and not any(found in network for network in _LOCAL)


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
        try:
            url = URL(request.url, encoded=True)
            if not request.private and _is_private_literal(url.host or ""):
                raise _failed("lies in a private network, which its registration does not allow")
            async with self._session(request.private).request(
                request.method, url, headers=[(name.decode(), value.decode()) for name, value in request.headers],
                data=request.body or None, allow_redirects=False,
            ) as response:  # fmt: skip
                body = await _read(response)
                headers = _headers(response)
        except TimeoutError:
            raise _failed(f"did not answer within {self._seconds:g} seconds") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failed(f"could not be asked ({type(error).__name__})") from None
        return ServiceReply(response.status, headers, body)

    async def close(self) -> None:
        """Lets go of all connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    def _session(self, private: bool) -> aiohttp.ClientSession:
        found = self._sessions.get(private)
        if found is None:
            connector = aiohttp.TCPConnector(
                limit=CONNECTIONS,
                limit_per_host=CONNECTIONS_EACH,
                resolver=None if private else _PublicOnly(),
                loop=asyncio.get_running_loop(),
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


def _headers(response: aiohttp.ClientResponse) -> Headers:
    """What is passed on of an answer's headers.

    The library reads answers leniently. What it lets through could make two answers of one further down.
    """
    if not 200 <= response.status < 600:
        raise _failed(f"answered with status {response.status}, which ends no call")
    found = tuple((name.lower(), value) for name, value in response.raw_headers)
    if not all(_NAME.fullmatch(name) and not _NO_VALUE.search(value) for name, value in found):
        raise _failed("answered with a header that cannot be passed on")
    named = {name.strip().lower() for key, value in found if key == b"connection" for name in value.split(b",")}
    named = {name for name in named if not name.startswith((b"x-road-", b"usufruct-"))}
    return tuple(
        (name, value) for name, value in found
        if name == REQUEST_HASH or (name not in named and not stays_behind(name))
    )  # fmt: skip


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
