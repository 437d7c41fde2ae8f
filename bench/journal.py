"""Durable facts a second, and how long one takes, with one caller and with 200 at a time.

Ours is a fact through the node's store: canonical bytes, a salted leaf, the Merkle tree, the state folded, the index of
whose history it belongs in, a signed checkpoint, and one sync for all who wait together. The peer is the plainest thing
that is as durable: two inserts (the fact and a row of state) and a commit for each, in plain sqlite3 (WAL, FULL). It
proves nothing. Its many callers take turns in two ways: at a lock around its one connection, which is what one would
write first, and at a queue before one writing thread, which is all of our way but the group commit.

Group commit pays by how long a sync takes: `sync_ms` of the machine says how long that is here.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count, islice
from pathlib import Path
from statistics import median, quantiles

from bench.measure import in_turns, medians, scratch, seconds
from bench.report import Result, against
from usufruct.core import facts
from usufruct.core.base.records import Entry
from usufruct.core.registry.facts import PartyRegistered
from usufruct.store.keys import KeyFile, SystemClock, SystemEntropy
from usufruct.store.sqlite import SqliteStore

CALLERS = ((1, 1_000), (200, 10))  # callers, facts of each in one turn
QUICK = ((1, 20), (10, 5))
AT_ONCE = 1_000  # facts in one transaction
TURNS = 5
OURS, LOCK, QUEUE = "ours", "sqlite3, a commit per fact, behind a lock", "sqlite3, a commit per fact, one writer"


@dataclass
class Contestant:
    """Whoever makes facts durable: `write` does it for one number and returns when it is done."""

    write: Callable[[int], object]
    waits: list[float] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    def rate(self, callers: int, each: int) -> float:
        """Facts a second of `callers` threads with `each` facts; how long each fact took goes to `waits`."""
        shares = [list(islice(self.numbers, each)) for _ in range(callers)]
        gate = threading.Barrier(callers + 1)
        failures: list[BaseException] = []
        threads = [threading.Thread(target=self._call, args=(share, gate, failures)) for share in shares]
        for thread in threads:
            thread.start()
        gate.wait()
        start = time.perf_counter()
        for thread in threads:
            thread.join()
        taken = time.perf_counter() - start
        assert not failures, failures[0]
        return callers * each / taken

    def percentile(self, percent: int) -> float:
        """How long a fact took at that percentile, in milliseconds."""
        return 1000 * quantiles(self.waits, n=100)[percent - 1]

    def _call(self, share: list[int], gate: threading.Barrier, failures: list[BaseException]) -> None:
        gate.wait()
        try:
            for number in share:
                start = time.perf_counter()
                self.write(number)
                self.waits.append(time.perf_counter() - start)
        except BaseException as error:
            failures.append(error)


def run(quick: bool) -> list[Result]:
    """The figures for each number of callers, then for one large transaction."""
    turns = 2 if quick else TURNS
    results = []
    for callers, each in QUICK if quick else CALLERS:
        with scratch() as folder, _stores(folder) as (ours, plain, queued):
            everyone = {OURS: Contestant(partial(_append, ours)), LOCK: Contestant(plain.one)}
            if callers > 1:
                everyone[QUEUE] = Contestant(queued.one)
            results += _callers(everyone, callers, each, turns)
    with scratch() as folder, _stores(folder) as (ours, plain, _):
        results.append(_at_once(ours, plain, 50 if quick else AT_ONCE, turns))
    return results


def _callers(everyone: dict[str, Contestant], callers: int, each: int, turns: int) -> list[Result]:
    for one in everyone.values():
        one.rate(callers, each)  # to warm up
        one.waits.clear()
    rates = medians(turns, {name: partial(one.rate, callers, each) for name, one in everyone.items()}, warm=False)
    ours, who = everyone.pop(OURS), f"{callers} caller{'s' if callers > 1 else ''}"
    results = []
    for peer, theirs in everyone.items():
        results.append(against(f"{who} at a time", rates[OURS], "facts/s", peer, rates[peer]))
        for percent in (50, 99):
            case = f"{who} at a time: one fact, p{percent}"
            results.append(against(case, ours.percentile(percent), "ms", peer, theirs.percentile(percent)))
    return results


def _at_once(ours: SqliteStore, plain: Plain, size: int, turns: int) -> Result:
    numbers = {OURS: count(), LOCK: count()}

    def together() -> object:
        chunk = list(islice(numbers[OURS], size))
        return ours.write(lambda tx: [tx.append(_fact(n)) for n in chunk])

    def plainly() -> None:
        plain.many(islice(numbers[LOCK], size))

    taken = in_turns(turns, {OURS: lambda: seconds(together), LOCK: lambda: seconds(plainly)})
    rates = {name: size / median(figures) for name, figures in taken.items()}
    case = f"{size:,} facts in one transaction"
    return against(case, rates[OURS], "facts/s", "sqlite3, one commit for all", rates[LOCK])


class Plain:
    """The peer: the same record and a row of state, each fact committed by itself, one after another."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            "CREATE TABLE journal (seq INTEGER PRIMARY KEY, kind TEXT, at TEXT, record BLOB);"
            "CREATE TABLE party (id TEXT PRIMARY KEY, name TEXT)"
        )

    def one(self, number: int) -> None:
        """One fact, durable when this returns."""
        self.many((number,))

    def many(self, numbers: Iterable[int]) -> None:
        """Facts in one transaction."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            for number in numbers:
                self._insert(number)
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()

    def _insert(self, number: int) -> None:
        fact, at = _fact(number), SystemClock().now()
        record = facts.encode(Entry(number, at, fact))
        self._connection.execute("INSERT INTO journal (kind, at, record) VALUES (?, ?, ?)", (fact.KIND, at, record))
        self._connection.execute("INSERT INTO party VALUES (?, ?)", (fact.party, fact.name))


class Queued:
    """The peer with one writing thread: callers wait for it instead of for a lock."""

    def __init__(self, path: Path) -> None:
        self._plain = Plain(path)
        self._queue: queue.Queue[tuple[int, Future[None]] | None] = queue.Queue()
        self._writer = threading.Thread(target=self._run, daemon=True)
        self._writer.start()

    def one(self, number: int) -> None:
        """One fact, durable when this returns."""
        future: Future[None] = Future()
        self._queue.put((number, future))
        future.result()

    def close(self) -> None:
        """Lets go of the file."""
        self._queue.put(None)
        self._writer.join()
        self._plain.close()

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            number, future = item
            try:
                self._plain.one(number)
                future.set_result(None)
            except BaseException as error:
                future.set_exception(error)


def _append(store: SqliteStore, number: int) -> None:
    store.write(lambda tx: tx.append(_fact(number)))


def _fact(number: int) -> PartyRegistered:
    return PartyRegistered(f"member-{number}", "person", f"Member {number}")


@contextmanager
def _stores(folder: Path) -> Iterator[tuple[SqliteStore, Plain, Queued]]:
    KeyFile.create(folder / "key.pem")
    key = KeyFile("bench.example/journal", folder / "key.pem")
    with (
        closing(SqliteStore(folder / "journal.sqlite", SystemClock(), SystemEntropy(), key)) as ours,
        closing(Plain(folder / "plain.sqlite")) as plain,
        closing(Queued(folder / "queued.sqlite")) as queued,
    ):
        yield ours, plain, queued
