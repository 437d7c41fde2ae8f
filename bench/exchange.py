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

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from bench.exchange_load import CLIENT, CONNECTIONS, PERSONS, SERVICE, Load
from bench.measure import scratch, setup, tell
from bench.report import Result, against, alone
from usufruct.core.base.refusals import Refusal
from usufruct.core.exchange.facts import ServiceRegistered
from usufruct.main import create_node, open_node
from usufruct.node import login, register, services

OFTEN, SELDOM = 1_100, 250  # calls a second that are due; all of Estonia makes 246 on average
ENOUGH = 1_000  # calls a second
PAUSE_MS = 300


def run(quick: bool) -> list[Result]:
    """The figures at both rates, then as fast as it goes."""
    minute, persons = (0.6, 100) if quick else (60, PERSONS)
    with scratch() as folder, _child("service") as service, _child("proxy", folder / "log.sqlite", service) as proxy:
        with setup("a node with a service and a client"):
            token = _prepare(folder / "node", service)
        with serve(folder / "node") as node:
            with setup(f"{persons:,} persons looked up for the first time"):
                _load(node, token, SELDOM * 2, persons / SELDOM / 2)
            _load(proxy, token, SELDOM, minute / 30)
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
        done(register.add_party(node, "clinic", "organisation", "Clinic"))
        done(services.register_service(node, ServiceRegistered(
            SERVICE, "registry", "Population register", f"http://127.0.0.1:{service}", ("ServiceProvision",), ("GET",), 3,
            "path:2", private=True,
        )))  # fmt: skip
        done(services.register_client(node, CLIENT, "clinic"))
        done(services.open_service(node, SERVICE, CLIENT, ("ServiceProvision",), "ServiceProvision"))
        return login.issue_token(node, "clinic", "system", ("call",), 1, "bench")


def done(result: object) -> None:
    assert not isinstance(result, Refusal), result


# ---- the processes


@contextlib.contextmanager
def serve(directory: Path) -> Iterator[int]:
    port = free_port()
    command = [str(Path(sys.executable).parent / "usufruct"), "serve", "--dir", str(directory), "--port", str(port)]
    with running(command, port):
        yield port


@contextlib.contextmanager
def _child(role: str, *arguments: object) -> Iterator[int]:
    port = free_port()
    with running([sys.executable, "-m", "bench.exchange_load", role, str(port), *map(str, arguments)], port):
        yield port


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
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


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _load(port: int, token: str, rate: float, seconds: float) -> Load:
    command = [sys.executable, "-m", "bench.exchange_load", "load", str(port), token, str(rate), str(seconds)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return Load(**json.loads(found.stdout))
