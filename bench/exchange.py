"""Governed service calls over HTTP: how many a second, how long one takes, and the longest pause.

Four processes share the machine, as they would not elsewhere: the load generator, the node (`usufruct serve`), the
service it calls, and for comparison a proxy. A call comes in with a token, is authorized for a purpose, noted down with
the person it is about, passed on, and its answer noted down before it leaves: three facts, on disk, in a signed tree.
The peer is the plainest thing in the same framework and with the same client: an ungoverned proxy that writes a line to
SQLite for each call, on disk before the answer leaves. It proves nothing.

The load is open: calls are due at fixed times whatever became of those before, and a call's time counts from when it was
due, so that a pause is felt by every call that fell into it. A pause is the longest time without an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import quantiles
from typing import Any

import httptools
import uvicorn
import uvloop

from bench.measure import scratch, setup, tell
from bench.report import Result, against, alone
from usufruct.core.base.refusals import Refusal
from usufruct.core.exchange.facts import ServiceRegistered
from usufruct.main import create_node, open_node
from usufruct.node import login, register, services
from usufruct.peer.services import HttpServices
from usufruct.ports import ServiceRequest

SERVICE, CLIENT = "BENCH/GOV/100/registry/persons", "BENCH/GOV/200/clinic"
PERSONS = 2_000
CONNECTIONS = 64
ANSWER = json.dumps({"name": "Mari Maasikas", "born": "1980-01-08", "address": "Tartu", "status": "alive"}).encode()
OFTEN, SELDOM = 1_100, 250  # calls a second that are due; all of Estonia makes 246 on average
ENOUGH = 1_000  # calls a second
PAUSE_MS = 300


@dataclass(frozen=True, slots=True)
class Load:
    """What a load came to: calls a second that were answered, times in ms, and how many failed."""

    rate: float
    p50: float
    p99: float
    pause: float
    failed: int


def run(quick: bool) -> list[Result]:
    """The figures at both rates, then as fast as it goes."""
    minute = 2 if quick else 60
    with scratch() as folder, _child("service") as service, _child("proxy", folder / "log.sqlite", service) as proxy:
        with setup("a node with a service and a client"):
            token = _prepare(folder / "node", service)
        with _serve(folder / "node") as node:
            with setup(f"{PERSONS:,} persons looked up for the first time"):
                _load(node, token, SELDOM * 2, PERSONS / SELDOM / 2)
            _load(proxy, token, SELDOM, 2)
            seldom = [_load(port, token, SELDOM, minute / 2) for port in (node, proxy)]
            often = [_load(port, token, OFTEN, minute) for port in (node, proxy)]
            fast = [_load(port, token, 0, minute / 6) for port in (node, proxy)]
    for name, (ours, theirs) in {"seldom": seldom, "often": often, "fast": fast}.items():
        tell(f"{name}: ours {asdict(ours)}; theirs {asdict(theirs)}")
        assert not ours.failed and not theirs.failed, "calls failed"
    return _results(seldom, often, fast, minute)


def _results(seldom: list[Load], often: list[Load], fast: list[Load], seconds: float) -> list[Result]:
    peer = "a proxy that governs nothing, a line in SQLite a call"
    (ours, theirs) = often
    case = f"{OFTEN:,} calls a second are due, for {seconds:g} s"
    rate = against(f"{case}: answered", ours.rate, "calls/s", peer, theirs.rate)
    pause = against(f"{case}: the longest pause", ours.pause, "ms", peer, theirs.pause)
    results = [
        _barred(rate, f"at least {ENOUGH:,} a second", ours.rate >= ENOUGH),
        _barred(pause, f"at most {PAUSE_MS} ms", ours.pause <= PAUSE_MS),
    ]
    for (ours, theirs), due in ((often, OFTEN), (seldom, SELDOM)):
        results.append(against(f"{due:,} a second: one call, p50", ours.p50, "ms", peer, theirs.p50))
        results.append(against(f"{due:,} a second: one call, p99", ours.p99, "ms", peer, theirs.p99))
    results.append(alone(f"{SELDOM:,} a second: the longest pause", seldom[0].pause, "ms"))
    results.append(against(f"as fast as {CONNECTIONS} callers go", fast[0].rate, "calls/s", peer, fast[1].rate))
    return results


def _barred(result: Result, bar: str, holds: bool) -> Result:
    return Result(**{**asdict(result), "bar": bar, "holds": holds})


def _prepare(directory: Path, service: int) -> str:
    """A node whose one service may be called by one client; the client's token."""
    create_node(directory, "Bench", "registry", "Registry", "EUR")
    with open_node(directory) as node:
        _done(register.add_party(node, "clinic", "organisation", "Clinic"))
        _done(services.register_service(node, ServiceRegistered(
            SERVICE, "registry", "Population register", f"http://127.0.0.1:{service}", ("ServiceProvision",), ("GET",), 3,
            "path:2", private=True,
        )))  # fmt: skip
        _done(services.register_client(node, CLIENT, "clinic"))
        _done(services.open_service(node, SERVICE, CLIENT, ("ServiceProvision",), "ServiceProvision"))
        return login.issue_token(node, "clinic", "system", ("call",), 1, "bench")


def _done(result: object) -> None:
    assert not isinstance(result, Refusal), result


# ---- the processes


@contextlib.contextmanager
def _serve(directory: Path) -> Iterator[int]:
    port = _free_port()
    command = [str(Path(sys.executable).parent / "usufruct"), "serve", "--dir", str(directory), "--port", str(port)]
    with _running(command, port):
        yield port


@contextlib.contextmanager
def _child(role: str, *arguments: object) -> Iterator[int]:
    port = _free_port()
    with _running([sys.executable, "-m", "bench.exchange", role, str(port), *map(str, arguments)], port):
        yield port


@contextlib.contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            assert process.poll() is None, f"{command} ended"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _load(port: int, token: str, rate: float, seconds: float) -> Load:
    command = [sys.executable, "-m", "bench.exchange", "load", str(port), token, str(rate), str(seconds)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return Load(**json.loads(found.stdout))


class _Service(asyncio.Protocol):
    """The service: the same small answer to every request."""

    reply = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER) + ANSWER

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(self.reply * data.count(b"\r\n\r\n"))


async def _service(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Service, "127.0.0.1", port)
    await server.serve_forever()


def _proxy(port: int, log: str, service: int) -> None:
    """The peer: passes everything on and writes a line down, on disk before the answer leaves."""
    lines = sqlite3.connect(log, isolation_level=None)
    lines.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
    lines.execute("CREATE TABLE call (at REAL, client TEXT, path TEXT, status INTEGER)")
    outbound = HttpServices()

    async def app(scope, receive, send):  # type: ignore[no-untyped-def]
        if scope["type"] != "http":
            return
        headers = tuple(header for header in scope["headers"] if header[0] not in (b"host", b"authorization"))
        path = scope["raw_path"].decode().split("/", 7)[7]
        reply = await outbound.ask(ServiceRequest("GET", f"http://127.0.0.1:{service}/{path}", headers, private=True))
        client = dict(headers)[b"x-road-client"].decode()
        lines.execute("INSERT INTO call VALUES (?, ?, ?, ?)", (time.time(), client, path, reply.status))
        length = (b"content-length", str(len(reply.body)).encode())
        await send({"type": "http.response.start", "status": reply.status, "headers": [*reply.headers, length]})
        await send({"type": "http.response.body", "body": reply.body})

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False, lifespan="off")


# ---- the load


class _Caller(asyncio.Protocol):
    """One connection that makes one call at a time."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        status, self.parser = self.parser.get_status_code(), httptools.HttpResponseParser(self)
        self.done.set_result(status)

    def ask(self, request: bytes) -> asyncio.Future[int]:
        self.done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.done


async def _generate(port: int, token: str, rate: float, seconds: float) -> Load:
    """`rate` calls a second, or as many as go if it is 0."""
    loop, now = asyncio.get_running_loop(), time.monotonic
    requests = [
        f"GET /r1/{SERVICE}/v1/EE{380_000 + n} HTTP/1.1\r\nhost: node\r\nx-road-client: {CLIENT}\r\n"
        f"accept: application/json\r\nauthorization: Bearer {token}\r\n\r\n".encode()
        for n in range(PERSONS)
    ]
    waits: list[float] = []
    ends: list[float] = []
    failed = 0
    start = now() + 0.2
    due = iter(range(int(rate * seconds))) if rate else iter(range(10**9))

    async def caller() -> None:
        nonlocal failed
        _, protocol = await loop.create_connection(_Caller, "127.0.0.1", port)
        for number in due:
            moment = start + number / rate if rate else now()
            if moment > now():
                await asyncio.sleep(moment - now())
            if not rate and moment > start + seconds:
                break
            status = await protocol.ask(requests[number % PERSONS])
            ends.append(now())
            waits.append(ends[-1] - moment)
            failed += status != 200
        protocol.transport.close()

    await asyncio.gather(*(caller() for _ in range(CONNECTIONS)))
    ends.sort()
    taken = max(ends[-1] - start, seconds) if rate else ends[-1] - start
    cuts = quantiles(waits, n=100)
    pause = max(later - earlier for earlier, later in pairwise([start, *ends]))
    return Load(len(ends) / taken, 1000 * cuts[49], 1000 * cuts[98], 1000 * pause, failed)


def main(arguments: list[str]) -> None:
    """One of the processes of this benchmark."""
    match arguments:
        case ["service", port]:
            uvloop.run(_service(int(port)))
        case ["proxy", port, log, service]:
            _proxy(int(port), log, int(service))
        case ["load", port, token, rate, seconds]:
            print(json.dumps(asdict(uvloop.run(_generate(int(port), token, float(rate), float(seconds))))))


if __name__ == "__main__":
    main(sys.argv[1:])
