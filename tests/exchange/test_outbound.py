"""Connections to services: no private network unless allowed, no redirects, one deadline, a limit on bytes."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from serving import served
from usufruct.core.base.faults import PeerFault
from usufruct.peer import services
from usufruct.peer.services import HttpServices, is_public
from usufruct.ports import ServiceReply, ServiceRequest


def ask(url: str, private: bool = False, seconds: float = 10, **more: Any) -> ServiceReply:
    async def once() -> ServiceReply:
        outbound = HttpServices(seconds)
        try:
            return await outbound.ask(ServiceRequest(more.get("method", "GET"), url, (), private=private))
        finally:
            await outbound.close()

    return asyncio.run(once())


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1", "::1",
     "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "::", "255.255.255.255",
     "::10.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b:1::a00:1", "fec0::1", "240.0.0.1", "198.18.0.1", "ff02::1"],
)  # fmt: skip
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


async def answers(scope: Any, receive: Any, send: Any) -> None:
    """A service with bad habits, by path."""
    if scope["type"] != "http":
        return
    headers, path = [(b"content-type", b"text/plain")], scope["path"]
    status = 302 if path == "/away" else 200
    if path == "/away":
        headers.append((b"location", b"http://127.0.0.1:1/"))
    if path == "/announced":
        headers.append((b"content-length", str(services.REPLY_LIMIT + 1).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if path in ("/endless", "/announced"):
        for _ in range(services.REPLY_LIMIT // 2**20 + 1):
            await send({"type": "http.response.body", "body": bytes(2**20), "more_body": True})
    if path == "/drip":
        for _ in range(15):
            await send({"type": "http.response.body", "body": b".", "more_body": True})
            await asyncio.sleep(0.2)
    await send({"type": "http.response.body", "body": b"" if path == "/announced" else b"done"})


def test_loopback_is_asked_only_where_the_steward_said_so() -> None:
    with served(answers) as url:
        port = url.rpartition(":")[2]
        assert ask(url, private=True).body == b"done"
        for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"):
            with pytest.raises(PeerFault):
                ask(f"http://{host}:{port}/")


def test_a_redirect_is_an_answer() -> None:
    with served(answers) as url:
        assert ask(f"{url}/away", private=True).status == 302


@pytest.mark.parametrize("path", ["/endless", "/announced"])
def test_there_is_a_limit_on_bytes(path: str) -> None:
    with served(answers) as url, pytest.raises(PeerFault, match="more than"):
        ask(url + path, private=True, seconds=20)


def test_dripping_does_not_hold_it_for_ever() -> None:
    with served(answers) as url:
        start = time.monotonic()
        with pytest.raises(PeerFault, match="within 1 seconds"):
            ask(f"{url}/drip", private=True, seconds=1)
        assert time.monotonic() - start < 5


def test_nobody_there() -> None:
    with pytest.raises(PeerFault, match="could not be asked"):
        ask("http://127.0.0.1:9/", private=True)
