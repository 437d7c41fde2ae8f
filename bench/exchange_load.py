"""The processes around the node in `exchange`: the service that is called, the proxy to compare with, and the load.

One module, so that each starts fast: only the proxy, which calls on as the node does, loads anything of ours.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import quantiles
from typing import Any

import httptools
import uvicorn
import uvloop

SERVICE, CLIENT = "BENCH/GOV/100/registry/persons", "BENCH/GOV/200/clinic"
PERSONS = 2_000
CONNECTIONS = 64
ANSWER = json.dumps({"name": "Mari Maasikas", "born": "1980-01-08", "address": "Tartu", "status": "alive"}).encode()


@dataclass(frozen=True, slots=True)
class Load:
    """What a load came to: calls a second that were answered, times in ms, and how many failed."""

    rate: float
    p50: float
    p99: float
    pause: float
    failed: int


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
    from usufruct.peer.services import HttpServices
    from usufruct.ports import ServiceRequest

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
    start = now() + 0.2 if rate else now()
    due = iter(range(int(rate * seconds))) if rate else iter(range(10**9))

    async def caller() -> None:
        nonlocal failed
        _, protocol = await loop.create_connection(_Caller, "127.0.0.1", port)
        for number in due:
            moment = start + number / rate if rate else now()
            if moment > now():
                await asyncio.sleep(moment - now())
            status = await protocol.ask(requests[number % PERSONS])
            ends.append(now())
            waits.append(ends[-1] - moment)
            failed += status != 200
            if not rate and ends[-1] > start + seconds:
                break
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
