"""The exchange attacked: by calling systems, foreign nodes, trackers, members, and the services behind the node.

What is at stake: that the node notes down the very person, service and purpose that the service sees; that nobody is
heard in another's name, or twice; that nobody learns what is there from how he is refused; and that a service, or a node,
that answers cannot make the node say what it did not say, nor keep it from answering others.
"""

from __future__ import annotations

import asyncio
import re
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import aiohttp.resolver
import httpx
import pytest

from exchange.test_calls import FOR
from exchange.test_nodes import _reconcile as compare_with
from exchange.test_nodes import send, signed
from exchange.test_usage import find
from exchange.world import CLINIC, CODE, PERSONS, PURPOSE, SUBSYSTEM, USAGE, Provider, done, facts_of, pair, provider
from serving import served
from usufruct.core.base.faults import PeerFault
from usufruct.core.base.instants import later
from usufruct.core.exchange.facts import (
    CallAbandoned,
    CallAnswered,
    CallRefused,
    CallReturned,
    CallSent,
    PersonLookedUp,
    ServiceRegistered,
)
from usufruct.core.registry.facts import PartyRegistered
from usufruct.node import services
from usufruct.peer import services as outward
from usufruct.peer.services import HttpServices
from usufruct.ports import ServiceRequest
from usufruct.web import xroad as front
from usufruct.web.app import make_app
from usufruct.web.xroad import Front

WEATHER = f"{SUBSYSTEM}/weather"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with provider(tmp_path_factory.mktemp("attacked") / "node") as found:
        with found.node.store.read() as state:
            row = state.get(services.Service, PERSONS)
        assert row is not None
        behind = row.url
        publish(found, WEATHER, behind)
        publish(found, f"{SUBSYSTEM}/by-code", behind, "query:code")
        yield found


def publish(there: Provider, service: str, url: str, person: str = "") -> None:
    """Registers a service and opens it to the clinic."""
    done(services.register_service(there.node, ServiceRegistered(
        service, "register", "A service", url, (PURPOSE,), ("GET", "POST"), 3, person, private=True
    )))  # fmt: skip
    done(services.open_service(there.node, service, CLINIC, (PURPOSE,), PURPOSE))


def raw(there: Provider, head: bytes, body: bytes = b"", leave: bool = False) -> bytes:
    """What comes back for these very bytes; the head is the request line and headers without the empty line. Who leaves does
    not wait for an answer."""
    host, port = there.url.removeprefix("http://").split(":")
    head += f"\r\nX-Road-Client: {CLINIC}\r\nAuthorization: Bearer {there.token}".encode()
    with closing(socket.create_connection((host, int(port)), 10)) as connection:
        connection.sendall(
            head + b"\r\nHost: x\r\nUsufruct-Purpose: ServiceProvision\r\nConnection: close\r\n\r\n" + body
        )
        if leave:
            connection.shutdown(socket.SHUT_WR)
        found = b""
        while piece := connection.recv(65536):
            found += piece
    return found


def size(there: Provider) -> int:
    with there.node.store.read() as state:
        return state.size()


# ---- a calling system


CLIMBING = [
    "/..", "/../x", "/a/../../x", "/%2e%2e/x", "/%2E./x", "/.%2e/x", "/./x", "/..;/x", "/..;a=b/x", "/%2e%2e;/x", "/..%3b/x",
    "/%252e%252e/x", "/a%2fb", "/a%252fb", "/a%5cb", "/a%255c..%255cb", "/a\\b", "/%00", "/%2500", "/%c0%ae%c0%ae/x",
    "/%ff", "/%e0%80%af", "/a#b", "/a?b#c",
]  # fmt: skip


@pytest.mark.parametrize("beneath", CLIMBING)
def test_nothing_beneath_a_service_leads_beside_it(there: Provider, beneath: str) -> None:
    before, seen = size(there), len(there.registry.seen)
    answer = raw(there, f"GET /r1/{WEATHER}{beneath} HTTP/1.1".encode())
    for _, target, _, _ in there.registry.seen[seen:]:  # a server in front may cut a fragment off
        assert re.fullmatch(r"/api(/[a-z]*)*(\?[a-z]*)?", target), target
    if len(there.registry.seen) == seen:
        assert b" 400 " in answer.split(b"\r\n")[0] and size(there) == before, answer


@pytest.mark.parametrize(
    "target",
    [
        f"http://elsewhere.example/r1/{WEATHER}", f"//elsewhere.example/r1/{WEATHER}", f"/%721/{WEATHER}", f"/r1//{WEATHER}",
        f"/r1/../r1/{WEATHER}", f"/r1/EE/GOV/70008440/rr%2Fweather/{WEATHER}", f"/R1/{WEATHER}", f"/r2/{WEATHER}",
        f"/r1/EE/GOV/70008440/../{WEATHER}", f"/r1/EE/GOV/70008440/rr/%2e%2e/{WEATHER}", "/r1/" + "a/" * 1999, "*",
    ],
)  # fmt: skip
def test_what_is_not_plainly_a_service_reaches_none(there: Provider, target: str) -> None:
    """An absolute address may be served as its path, as HTTP says; never as another's."""
    before = len(there.registry.seen)
    answer = raw(there, f"GET {target} HTTP/1.1".encode())
    assert answer.startswith(b"HTTP/1.1 ")
    for _, reached, _, _ in there.registry.seen[before:]:
        assert target.startswith("http://") and reached == "/api"


SMUGGLED = [
    b"X-Road-UserId: EE1\r\nX-Road-UserId: EE2", b"X-Road-Id: a\r\nX-Road-Id: a", b"Usufruct-Hold: tax\r\nUsufruct-Hold: tax",
    b"Usufruct-Purpose: Marketing", b"X_Road_Client: EE/GOV/1/police", b"X_Road_UserId: EE1", b"x-road_userid: EE1",
    b"Usufruct_Purpose: Marketing", b"X-Original-URL: /admin", b"X-Rewrite-URL: /admin",
    b"X-HTTP-Method-Override: DELETE", b"X-Method-Override: DELETE", b"Authorization: Bearer other",
    b"Usufruct-Signature: a b c\r\nX-Road-Request-Id: mine", b"X-Fill: " + b"a" * 33_000,
    b"\r\n".join(b"X-Fill-%d: %s" % (n, b"a" * 990) for n in range(33)), b"X-Bad: \xff\xfe",
]  # fmt: skip


@pytest.mark.parametrize("header", SMUGGLED, ids=lambda header: header[:40].decode("latin-1"))
def test_headers_that_could_be_read_in_two_ways_are_refused(there: Provider, header: bytes) -> None:
    before, seen = size(there), len(there.registry.seen)
    answer = raw(there, f"GET /r1/{WEATHER} HTTP/1.1\r\n".encode() + header)
    assert b" 400 " in answer.split(b"\r\n")[0], answer[:300]
    assert size(there) == before and len(there.registry.seen) == seen


BROKEN = [
    b"X-A: b\rX-Smuggled: 1", b"X-A: b\nX-Smuggled: 1", b"X-A: b\r\n X-Smuggled: 1", b"X-A: b\x00X-Smuggled: 1",
    b"X-A : b\r\nX-B: c", b"X-A\x00: b", b"Content-Length: 4\r\nTransfer-Encoding: chunked", b"Content-Length: 4, 4",
    b"Content-Length: 4\r\nContent-Length: 5", b"Transfer-Encoding: identity, chunked", b"Content-Length: +4",
]  # fmt: skip


@pytest.mark.parametrize("header", BROKEN, ids=repr)
def test_no_header_is_smuggled_past_the_node(there: Provider, header: bytes) -> None:
    """Whatever the server makes of it, the service sees no header that was hidden, and one request at most."""
    before = len(there.registry.seen)
    raw(there, f"POST /r1/{WEATHER} HTTP/1.1\r\n".encode() + header, b"0\r\n\r\nGET /r1/x HTTP/1.1\r\nHost: x\r\n\r\n")
    assert len(there.registry.seen) <= before + 1
    for _, target, passed, _ in there.registry.seen[before:]:
        assert target == "/api" and "x-smuggled" not in passed


def test_headers_of_one_connection_end_there_and_the_protocols_do_not(there: Provider) -> None:
    answer = raw(
        there,
        f"GET /r1/{WEATHER} HTTP/1.1\r\nX-Hop: 1\r\nTE: trailers\r\nX-Forwarded-Prefix: /admin\r\nX-Forwarded-For: 1.1.1.1\r\n"
        "Keep-Alive: 5\r\nProxy-Authorization: Basic x\r\nUpgrade: h2c\r\n"
        "Connection: x-hop, x-road-client, usufruct-purpose, x-road-request-id".encode(),
    )
    assert b" 200 " in answer.split(b"\r\n")[0], answer
    _, _, passed, _ = there.registry.seen[-1]
    assert passed["x-road-client"] == CLINIC and passed["usufruct-purpose"] == PURPOSE and passed["x-road-request-id"]
    gone = {"x-hop", "te", "x-forwarded-prefix", "x-forwarded-for", "keep-alive", "proxy-authorization", "upgrade",
            "authorization"}  # fmt: skip
    assert not gone & set(passed)


def test_half_a_body_is_not_taken_for_a_whole_one(there: Provider) -> None:
    before, seen = size(there), len(there.registry.seen)
    raw(there, f"POST /r1/{WEATHER} HTTP/1.1\r\nContent-Length: 100".encode(), b"transfer 1", leave=True)
    raw(there, f"POST /r1/{WEATHER} HTTP/1.1\r\nTransfer-Encoding: chunked".encode(), b"64\r\ntransfer 1", leave=True)
    time.sleep(0.3)
    assert size(there) == before and len(there.registry.seen) == seen


@pytest.mark.parametrize("length", [front.BODY_LIMIT + 1, 3 * front.BODY_LIMIT])
def test_a_body_has_a_limit(there: Provider, length: int) -> None:
    before = size(there)
    answer = there.ask(f"/r1/{WEATHER}", method="POST", content=bytes(length))
    assert answer.status_code == 400 and "more than" in answer.json()["message"] and size(there) == before


@pytest.mark.parametrize(
    "beneath",
    ["//EE1/EE2", "/v1//EE2", "///EE2", "/v1/EE1;EE2", "/v1;/../EE2", "/v1/EE1%3Bx", "/v1/EE1%0a", "/v1/%20EE1", "/v1/EE1%20",
     "/v1/EE1,EE2", "/v1/EE1%7CEE2", "/v1/*", "/v1/%25", "/v1/EE1%C3%B5", "/v1/%EF%BC%A5%EF%BC%A51", "/v1/'or'1'='1",
     "/v1/" + "E" * 65, "/v1/-EE1", "/v1/.", "/v1/EE1+EE2", "/v1/EE1&EE2"],
)  # fmt: skip
def test_who_is_noted_down_is_whom_the_service_sees(there: Provider, beneath: str) -> None:
    before, seen = len(there.facts(PartyRegistered)), len(there.registry.seen)
    answer = raw(there, f"GET /r1/{PERSONS}{beneath} HTTP/1.1".encode())
    assert re.match(rb"HTTP/1.1 (400|500) ", answer), answer
    assert len(there.registry.seen) == seen and len(there.facts(PartyRegistered)) == before


@pytest.mark.parametrize(
    "query",
    ["code=A1&code[]=B1", "code=A1&code%5B%5D=B1", "code=A1&code%5B$ne%5D=x", "code=A1&[code]=B1", "code=A1&%20code=B1",
     "code=A1&code%00x=B1", "code=A1&CODE=B1", "code=A1&c%6fde=B1", "code=A1&code.=B1", "code=A1&code_=B1",
     "code=A1&+code=B1", "code=A1;code=B1", "code=A1%26code=B1", "code=A1,B1", "code[]=A1&code[]=B1"],
)  # fmt: skip
def test_a_parameter_that_some_system_reads_otherwise_is_no_answer_to_whom(there: Provider, query: str) -> None:
    seen = len(there.registry.seen)
    answer = raw(there, f"GET /r1/{SUBSYSTEM}/by-code?{query} HTTP/1.1".encode())
    assert re.match(rb"HTTP/1.1 (400|500) ", answer) and len(there.registry.seen) == seen, answer


def test_a_code_is_nobodys_id(there: Provider) -> None:
    """A code that reads like the id of an organisation names a person of her own, and nobody's rights change."""
    assert there.ask(f"/r1/{PERSONS}/v1/clinic", headers=FOR).status_code == 200
    person = there.facts(PersonLookedUp)[-1][1].person
    assert person.startswith("p-") and person != "clinic"
    with there.node.store.read() as state:
        named = services.find_party(state, "clinic")
    assert named is not None and named.kind == "organisation"


def test_what_is_not_there_and_what_is_not_open_look_the_same(there: Provider) -> None:
    """In words, in the journal's growth, and in time: also for somebody whom the node knows well."""
    there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers=FOR)
    done(services.register_service(there.node, ServiceRegistered(
        f"{SUBSYSTEM}/locked", "register", "C", "http://127.0.0.1:9", (PURPOSE,), ("GET",), 3, "path:2", private=True
    )))  # fmt: skip
    told, times = {}, {}
    with httpx.Client() as client:
        for service in ("locked", "absent") * 20:
            before, start = size(there), time.perf_counter()
            answer = client.get(
                f"{there.url}/r1/{SUBSYSTEM}/{service}/v1/{CODE}",
                headers={**FOR, "X-Road-Client": CLINIC, "Authorization": f"Bearer {there.token}"},
            )
            times.setdefault(service, []).append(time.perf_counter() - start)
            new_each_time = ("date", "usufruct-receipt", "content-length")
            headers = sorted(header for header in answer.headers.items() if header[0] not in new_each_time)
            told.setdefault(service, set()).add(
                (answer.status_code, answer.text.replace(service, "…"), *headers, size(there) - before)
            )
    assert told["locked"] == told["absent"] and len(told["locked"]) == 1
    locked, absent = (statistics.median(times[service]) for service in ("locked", "absent"))
    assert 1 / 3 < locked / absent < 3, (locked, absent)


def test_a_system_that_may_not_speak_leaves_nothing_in_her_history(there: Provider) -> None:
    there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers=FOR)
    looks = len(there.facts(PersonLookedUp))
    for client, token in ((CLINIC, there.tracker), ("EE/COM/1/none", there.token)):
        there.ask(f"/r1/{PERSONS}/v1/{CODE}", client, headers=FOR, token=token)
    assert len(there.facts(PersonLookedUp)) == looks
    assert [fact.party for _, fact in there.facts(CallRefused)[-2:]] == ["ria", "clinic"], (
        "who it was stands in the journal"
    )


def test_who_asks_is_what_the_client_says_and_nothing_rests_on_it(there: Provider) -> None:
    """X-Road-UserId is not proven; it gets nobody further, and no record shows it."""
    told = [
        there.ask(f"/r1/{USAGE}/v2/findUsage?userCode={CODE}", headers={**FOR, "X-Road-UserId": user}).json()
        for user in (CODE, "EE1")
    ]
    assert told[0] == told[1] and told[0]["detail"] == "exchange.closed"
    there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers={**FOR, "X-Road-UserId": "EE-spoofed"})
    with there.node.store.read() as state:
        assert not any("EE-spoofed" in str(state.entry(seq).fact) for seq in range(state.size()))


def test_a_long_purpose_does_not_fill_the_journal(there: Provider) -> None:
    there.ask(f"/r1/{WEATHER}", headers={"Usufruct-Purpose": "x" * 20_000})
    assert len(str(there.facts(CallRefused)[-1][1])) < 2_000


# ---- a tracker, a member


def test_a_tracker_reads_nothing_but_find_usage_and_only_where_it_is_opened(there: Provider) -> None:
    there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers=FOR)
    assert find(there, f"userCode={CODE}").json()["totalUsages"] >= 1
    answer = there.ask(f"/r1/{PERSONS}/v1/{CODE}", "EE/GOV/70006317/datatracker", there.tracker, headers=FOR)
    assert answer.json()["detail"] == "exchange.closed"
    done(services.register_client(there.node, "EE/GOV/1/other-tracker", "ria"))
    answer = there.ask(
        f"/r1/{USAGE}/v2/findUsage?userCode={CODE}", "EE/GOV/1/other-tracker", there.tracker,
        headers={**FOR, "X-Road-UserId": CODE},
    )  # fmt: skip
    assert answer.json()["detail"] == "exchange.closed", "the same party, another system"


# ---- the service behind


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """The address of a service that answers each request with the next of these very bytes, and hangs after the last."""
    listening = socket.create_server(("127.0.0.1", 0))
    left, stopped = list(answers), threading.Event()

    def serve() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            connection.settimeout(10)
            connection.recv(65536)
            if left:
                connection.sendall(left.pop(0))
                connection.close()
            else:
                hung.append(connection)

    hung: list[socket.socket] = []
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        stopped.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for connection in hung:
            connection.close()


OK = b"HTTP/1.1 200 OK\r\n"
LIES = [
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    b"HTTP/1.1 999 Odd\r\n\r\n",
    b"HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n",
    OK + b"X-A: b\rX-Road-Error: lie\r\nContent-Length: 0\r\n\r\n",
    OK + b"X-A: b\x01c\r\nContent-Length: 0\r\n\r\n",
    OK + b"X-A: b\x00c\r\nContent-Length: 0\r\n\r\n",
    OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    OK + b"Content-Length: 99\r\n\r\nshort",
    OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    b"no answer at all\r\n\r\n",
    b"",
    OK + b"X-Fill: aaaaaaaaaaaaaaaaaaaa\r\n" * 40_000 + b"\r\n",
    OK + b"X-A: " + b"a" * 100_000 + b"\r\n\r\n",
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: repr(lie[:50]))
def test_an_answer_that_is_none_is_not_passed_on(there: Provider, lie: bytes) -> None:
    """The caller gets the node's own error, whole and well-formed; the call is abandoned, and the next is answered."""
    with answering(lie) as url:
        service = f"{SUBSYSTEM}/lies-{LIES.index(lie)}"
        publish(there, service, url)
        answer = raw(there, f"GET /r1/{service} HTTP/1.1".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 500 " in head.split(b"\r\n")[0] and b"x-road-error: Server.ServerProxy.NetworkError" in head, answer[:500]
    assert b"HTTP/1.1" not in body and b"lie" not in head and len(there.facts(CallAbandoned)) > 0
    assert there.facts(CallAbandoned)[-1][0].seq == size(there) - 1
    assert there.ask(f"/r1/{WEATHER}").status_code == 200


def test_a_service_does_not_speak_for_the_node(there: Provider) -> None:
    said = [b"X-Road-Error: Server.Lie", b"X-Road-Id: lie", b"X-Road-Request-Hash: lie", b"X-Road-Service: lie",
            b"Usufruct-Receipt: 1", b"Usufruct-Provider-Receipt: 1", b"Usufruct-Anything: 1", b"Connection: x-hop, close",
            b"X-Hop: 1", b"Transfer-Encoding: chunked", b"X-Kept: yes"]  # fmt: skip
    with answering(b"HTTP/1.1 200 OK\r\n" + b"\r\n".join(said) + b"\r\n\r\n2\r\nhi\r\n0\r\n\r\n") as url:
        publish(there, f"{SUBSYSTEM}/false", url)
        answer = there.ask(f"/r1/{SUBSYSTEM}/false")
    assert answer.status_code == 200, answer.text
    assert answer.text == "hi" and answer.headers["x-kept"] == "yes"
    assert not {"x-road-error", "usufruct-provider-receipt", "usufruct-anything", "x-hop"} & set(answer.headers)
    assert int(answer.headers["usufruct-receipt"]) == there.facts(CallAnswered)[-1][0].seq
    assert "lie" not in answer.headers.values()


def test_a_service_that_hangs_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its own share of the connections; whoever waits for one of them is told in time."""
    monkeypatch.setattr(outward, "CONNECTIONS", 8)
    monkeypatch.setattr(outward, "CONNECTIONS_EACH", 2)
    with provider(tmp_path / "node") as there, answering() as url:
        publish(there, WEATHER, url)
        kinds: list[Any] = []

        def hang() -> None:
            kinds.append(there.ask(f"/r1/{WEATHER}", timeout=20).headers["x-road-error"])

        waiting = [threading.Thread(target=hang) for _ in range(12)]
        for thread in waiting:
            thread.start()
        time.sleep(0.5)
        start = time.monotonic()
        assert there.ask(f"/r1/{PERSONS}/v1/{CODE}", headers=FOR).status_code == 200
        assert time.monotonic() - start < 1
        for thread in waiting:
            thread.join(20)
        assert kinds == ["Server.ServerProxy.NetworkError"] * 12
        assert len(there.facts(CallAbandoned)) == 12


# ---- the network


class Rebinding:
    """A name server that says a public address first and another afterwards."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[dict[str, Any]]:
        address = self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [{"hostname": host, "host": address, "port": port, "family": kind, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0"])
def test_a_name_that_is_moved_into_the_private_network_is_not_followed(address: str) -> None:
    """Each lookup that opens a connection is looked at, so there is nothing between the look and the connection."""

    async def twice() -> list[str]:
        resolver = outward._PublicOnly()
        resolver._resolver = Rebinding("1.1.1.1", address)  # type: ignore[assignment]
        first = [one["host"] for one in await resolver.resolve("moving.example", 80)]
        with pytest.raises(OSError, match="private network"):
            await resolver.resolve("moving.example", 80)
        return first

    assert asyncio.run(twice()) == ["1.1.1.1"]


def test_of_many_addresses_only_the_public_ones_are_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[str] = []

    async def connect(addr_infos: Any, **_: Any) -> Any:
        connected.extend(info[4][0] for info in addr_infos)
        raise OSError("nobody there")

    async def resolve(self: Any, host: str, port: int = 0, family: Any = 0) -> list[dict[str, Any]]:
        return [
            {"hostname": host, "host": address, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
            for address in ("127.0.0.1", "1.1.1.1", "10.0.0.1")
        ]

    monkeypatch.setattr("aiohttp.connector.aiohappyeyeballs.start_connection", connect)
    monkeypatch.setattr(aiohttp.resolver.ThreadedResolver, "resolve", resolve)

    async def ask() -> None:
        outbound = HttpServices(5)
        try:
            await outbound.ask(ServiceRequest("GET", "http://many.example/", ()))
        finally:
            await outbound.close()

    with pytest.raises(PeerFault):
        asyncio.run(ask())
    assert connected == ["1.1.1.1"]


@pytest.mark.parametrize(
    "host",
    ["127.1", "0177.0.0.1", "0x7f000001", "2130706433", "127.0.0.1.", "localhost.", "LOCALHOST", "[::ffff:7f00:1]",
     "[::7f00:1]", "[::1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "0", "[::]"],
)  # fmt: skip
def test_loopback_by_any_other_name_is_not_asked(host: str) -> None:
    asked = []

    async def witness(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["type"])

    async def ask(port: str) -> None:
        outbound = HttpServices(5)
        try:
            await outbound.ask(ServiceRequest("GET", f"http://{host}:{port}/", ()))
        finally:
            await outbound.close()

    with served(witness) as url:
        asked.clear()
        with pytest.raises(PeerFault):
            asyncio.run(ask(url.rpartition(":")[2]))
        assert asked == []


# ---- a foreign node


def test_a_signed_call_is_heard_once_even_if_the_node_restarts(tmp_path: Path) -> None:
    with pair(tmp_path) as (here, there):
        headers = signed(here)
        assert send(there, headers).status_code == 200
        with served(Front(make_app(there.node), there.node, HttpServices(5))) as url:  # as after a restart
            there.url = url
            assert send(there, headers).headers["x-road-error"] == "Server.ClientProxy.SslAuthenticationFailed"
            assert send(there, signed(here)).status_code in (200, 500)
        assert len(there.facts(CallAnswered)) >= 1


@pytest.mark.parametrize(("seconds", "heard"), [(-300, False), (-121, False), (-100, True), (100, True), (125, False)])
def test_a_nodes_clock_may_be_off_by_two_minutes(tmp_path: Path, seconds: int, heard: bool) -> None:
    with pair(tmp_path) as (here, there):
        answer = send(there, signed(here, at=later(here.node.clock.now(), seconds=seconds)))
        assert (answer.status_code == 200) == heard, answer.text


def test_a_signature_does_not_come_with_another_client_or_purpose(tmp_path: Path) -> None:
    with pair(tmp_path) as (here, there):
        for name, value in ((b"x-road-client", b"EE/GOV/70006317/datatracker"), (b"usufruct-purpose", b"Marketing")):
            headers = [(n, value if n == name else v) for n, v in signed(here)]
            before = size(there)
            assert send(there, headers).status_code == 400 and size(there) == before
            assert send(there, [*signed(here), (name, value)]).status_code == 400 and size(there) == before


def foreign(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> Any:
    """A node that answers everything with this."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    return answer


def test_a_node_that_answers_something_else_is_not_believed(tmp_path: Path) -> None:
    lies = [[], [(b"x-road-request-hash", b"")], [(b"x-road-request-hash", b"A" * 86 + b"==")],
            [(b"x-road-request-hash", b"\xff")]]  # fmt: skip
    with pair(tmp_path) as (here, _):
        for headers in lies:
            with served(foreign(200, [*headers, (b"usufruct-receipt", b"7")], b"lies")) as url:
                done(services.link_node(here.node, SUBSYSTEM, url, private=True))
                answer = here.ask(f"/r1/{PERSONS}/v1/{CODE}")
            assert answer.headers["x-road-error"] == "Server.ClientProxy.InconsistentResponse"
            assert b"lies" not in answer.content and "usufruct-provider-receipt" not in answer.headers
        assert len(facts_of(here.node, CallAbandoned)) == len(lies) and facts_of(here.node, CallReturned) == []


@pytest.mark.parametrize("receipt", [b"-1", b"9" * 30, b"1e3", b"x", "٣".encode(), b" "])
def test_a_nodes_receipt_is_a_number_or_none(tmp_path: Path, receipt: bytes) -> None:
    headers = [(b"x-road-error", b"Server.Lie"), (b"usufruct-receipt", receipt)]
    with pair(tmp_path) as (here, _), served(foreign(200, headers, b"")) as url:
        done(services.link_node(here.node, SUBSYSTEM, url, private=True))
        here.ask(f"/r1/{PERSONS}/v1/{CODE}")
        assert facts_of(here.node, CallReturned)[-1][1].receipt is None


GARBAGE = [b"\xff\xfe", b"nonsense", b"A" * 87 + b"= 2026-11-22T00:00:00.000Z extra", b"\x1b[2J" * 100, b"<html>",
           b"A" * 86 + b"== tomorrow", b"A" * (2 * 2**20)]  # fmt: skip


@pytest.mark.parametrize("body", GARBAGE, ids=lambda body: repr(body[:20]))
def test_a_peer_that_lists_nonsense_is_told_from_one_that_lists_calls(tmp_path: Path, body: bytes) -> None:
    with pair(tmp_path) as (here, _), served(foreign(200, [], body)) as url:
        done(services.link_node(here.node, SUBSYSTEM, url, private=True))
        with pytest.raises(PeerFault) as raised:
            asyncio.run(compare_with(here.node, url))
        assert "\x1b" not in raised.value.message and len(raised.value.message) < 500


def test_a_peer_that_lies_about_calls_is_caught_at_each(tmp_path: Path) -> None:
    """It leaves a call out, makes one up, moves one in time, and says everything twice."""
    with pair(tmp_path) as (here, there):
        honest, lines = Front(make_app(there.node), there.node, HttpServices(2)), [""]

        async def liar(scope: Any, receive: Any, send: Any) -> None:
            listing = scope["type"] == "http" and scope["path"].endswith("/listCalls")
            await (foreign(200, [], "\n".join(lines).encode()) if listing else honest)(scope, receive, send)

        with served(liar) as url:
            done(services.link_node(here.node, SUBSYSTEM, url, private=True))
            for code in ("EE1", "EE2", "EE3"):
                assert here.ask(f"/r1/{PERSONS}/v1/{code}").status_code == 200
            first, second, third = ((fact.hash, entry.at) for entry, fact in facts_of(here.node, CallSent))
            made_up = "B" * 86 + "=="
            told = [first, (second[0], later(second[1], days=-400)), (made_up, third[1])]
            lines[:] = [f"{hash} {at}" for hash, at in told * 2]
            found = asyncio.run(compare_with(here.node, url))
    assert (found.both, found.only_ours, found.only_theirs) == (2, (third,), ((made_up, third[1]),))
