"""Durable facts a second, and how long one takes, with one caller and with 200 at a time.

Ours is a fact through the node's store: canonical bytes, a salted leaf, the Merkle tree, the state folded, the index of
whose history it belongs in, a signed checkpoint, and one sync for all who wait together. The peer is the plainest thing
that is as durable: two inserts (the fact and a row of state) and a commit for each, in plain sqlite3 (WAL, FULL). It
proves nothing. Its many callers take turns in two ways: at a lock around its one connection, which is what one would
write first, and at a queue before one writing thread, which is all of our way but the group commit.

Group commit pays by how long a sync takes: `sync_ms` of the machine says how long that is here.

pymerkle's SQLite tree (WAL, FULL) is what one would take from the shelf for the proof: a leaf hash for each entry, one
commit each, and proofs worked out when they are asked for. It keeps no state, signs nothing and hides nothing. It is
GPL, so it is here to be measured and never a dependency of the node.

Last comes the whole that the public sees: many facts in flight, a receipt in hand for each, while another process brings
the tiled log up in a folder every second, as the node's publisher does. At the bar's rate facts are handed over by the
clock, whether or not the ones before are done, and each is waited for from when it was due. What that takes of the
processor stands beside it: unlike the waits it hardly depends on what else the machine does.
"""

from __future__ import annotations

import multiprocessing
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count, islice
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median, quantiles

from pymerkle import SqliteTree

from bench.measure import in_turns, medians, scratch, seconds, tell
from bench.report import Result, against, alone, barred
from usufruct.cli.commands import share_the_interpreter
from usufruct.core import facts
from usufruct.core.base.records import Entry, Fact
from usufruct.core.exchange.facts import PersonLookedUp
from usufruct.core.proof import monitor
from usufruct.core.proof.checkpoint import vkey
from usufruct.core.registry.facts import PartyRegistered
from usufruct.ports import Transaction
from usufruct.store.folder import export, public_log, read
from usufruct.store.guard import Guard
from usufruct.store.keyring import KeyRing
from usufruct.store.keys import KeyFile, SystemClock, SystemEntropy, verify_signature
from usufruct.store.sqlite import SqliteStore

CALLERS = ((1, 1_000), (200, 10))  # callers, facts of each in one turn
QUICK = ((1, 20), (10, 5))
AT_ONCE = 1_000  # facts in one transaction
TURNS = 5
CROWD = (16, 32)  # callers of the published journal, facts of each in flight
RATE, SECONDS = 5_000, 10  # facts a second by the clock, for how long
RATE_BAR, WAIT_BAR = 5_000, 250  # facts a second; milliseconds at the 99th percentile
PERSONS = 1_000  # whom the sealed facts are about
OURS, LOCK, QUEUE = "ours", "sqlite3, a commit per fact, behind a lock", "sqlite3, a commit per fact, one writer"
SHELF = "pymerkle, a commit per entry"


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
            shelf = _shelf(folder / "shelf.sqlite")
            everyone = {OURS: Contestant(partial(_append, ours)), LOCK: Contestant(plain.one)}
            if callers > 1:
                everyone[QUEUE] = Contestant(queued.one)
            everyone[SHELF] = Contestant(lambda number, shelf=shelf: shelf.append_entry(_record(number)))
            results += _callers(everyone, callers, each, turns)
            shelf.close()
    with scratch() as folder, _stores(folder) as (ours, plain, _):
        results.append(_at_once(ours, plain, 50 if quick else AT_ONCE, turns))
    return results + _published(quick, turns)


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


def _published(quick: bool, turns: int) -> list[Result]:
    """Everything at once: state, signed checkpoints, tiles in a folder, and a receipt for each fact."""
    callers, in_flight = (4, 4) if quick else CROWD
    results = []
    with scratch() as folder, _stores(folder) as (store, *_):
        share_the_interpreter()  # as a node that serves does; what comes beside it gains as much
        store.write(_register_persons)
        flows = {"a plain fact": Flow(store, _fact), "a sealed one": Flow(store, _looked_up)}
        shelf = _shelf(folder / "shelf.sqlite")
        proven = Contestant(lambda number: shelf.prove_inclusion(shelf.append_entry(_record(number))))
        with _publisher(folder):
            rates = medians(turns, {
                **{name: partial(flow.crowd, callers, in_flight, 2 if quick else 10) for name, flow in flows.items()},
                SHELF: partial(proven.rate, callers, 2 if quick else 20),
            })  # fmt: skip
            for name in flows:
                case = f"published, {callers} callers, {in_flight} in flight each: {name} and its receipt"
                line = against(case, rates[name], "facts/s", f"{SHELF}, and its proof", rates[SHELF])
                results.append(barred(line, f">= {RATE_BAR:,} facts/s", None if quick else rates[name] >= RATE_BAR))
            for name, flow in flows.items():
                results += _offered(name, flow, quick)
        shelf.close()
        report = monitor.check(partial(read, folder / "public"), _vkey(folder), verify_signature)
        assert not report.findings and report.checkpoint is not None, report
        tell(f"published: {report.checkpoint.size:,} entries, all verified")
    return results


def _offered(name: str, flow: Flow, quick: bool) -> list[Result]:
    rate, seconds, turns = (200, 1, 2) if quick else (RATE, SECONDS, 3)
    busy = time.process_time()
    waits = [quantiles(flow.offered(rate, seconds), n=100) for _ in range(turns)]
    busy = (time.process_time() - busy) / (rate * seconds * turns)
    half, most = (1000 * median(wait[percent - 1] for wait in waits) for percent in (50, 99))
    tell(f"{name}: p99 of each turn, ms: {', '.join(f'{1000 * wait[98]:.0f}' for wait in waits)}")
    case = f"published, {rate:,} facts a second by the clock: until {name} has its receipt"
    line = barred(alone(f"{case}, p99", most, "ms"), f"< {WAIT_BAR} ms", None if quick else most < WAIT_BAR)
    spent = alone(f"{case}: processor time for each", 1e6 * busy, "us")
    return [alone(f"{case}, p50", half, "ms"), line, spent]


@dataclass
class Flow:
    """Many facts in flight, and a receipt in hand for each."""

    store: SqliteStore
    fact: Callable[[int], Fact]
    numbers: Iterator[int] = field(default_factory=count)

    def crowd(self, callers: int, in_flight: int, rounds: int) -> float:
        """Facts a second of callers who each hand over so many at a time and take their receipts."""

        def call() -> None:
            for _ in range(rounds):
                self._receipts([self._submit() for _ in range(in_flight)])

        with ThreadPoolExecutor(callers) as pool:
            start = time.perf_counter()
            for done in [pool.submit(call) for _ in range(callers)]:
                done.result()
            return callers * in_flight * rounds / (time.perf_counter() - start)

    def offered(self, rate: int, seconds: int) -> list[float]:
        """How long each fact took from when it was due to when its receipt was in hand."""
        total, waits, start = rate * seconds, [], time.perf_counter()
        pending: deque[tuple[float, Future[int]]] = deque()

        def hand_over() -> None:
            handed = 0
            while handed < total:
                due = min(total, 1 + int((time.perf_counter() - start) * rate))
                for number in range(handed, due):
                    pending.append((start + number / rate, self._submit()))
                handed = due
                time.sleep(0.002)

        clock = threading.Thread(target=hand_over)
        clock.start()
        while len(waits) < total:
            if not pending:
                time.sleep(0.001)
                continue
            pending[0][1].result()
            done = [pending.popleft()]
            while pending and pending[0][1].done():
                done.append(pending.popleft())
            self._receipts([future for _, future in done])
            now = time.perf_counter()
            waits += [now - due for due, _ in done]
        clock.join()
        return waits

    def _submit(self) -> Future[int]:
        fact = self.fact(next(self.numbers))
        return self.store.submit(lambda tx: tx.append(fact).seq)

    def _receipts(self, futures: Iterable[Future[int]]) -> None:
        numbers = [future.result() for future in futures]
        with self.store.read() as state:
            for number in numbers:
                state.receipt(number)


@contextmanager
def _publisher(folder: Path) -> Iterator[None]:
    """Another process brings `public` up to the newest checkpoint every second, and once more at the end."""
    spawn = multiprocessing.get_context("spawn")
    stop = spawn.Event()
    process = spawn.Process(target=_publish, args=(folder, stop))
    process.start()
    try:
        yield
    finally:
        stop.set()
        process.join()


def _publish(folder: Path, stop: Event) -> None:
    taken: list[float] = []
    last = False
    while not last:
        last = stop.wait(1)
        with public_log(folder) as log:
            note = log.checkpoint()
            assert note is not None
            taken.append(seconds(partial(export, log, note, folder / "public")))
    tell(f"published {len(taken)} times, {median(taken):.2f} s each, at most {max(taken):.2f}")


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


def _record(number: int) -> bytes:
    return facts.encode(Entry(number, SystemClock().now(), _fact(number)))


def _register_persons(tx: Transaction) -> None:
    for number in range(PERSONS):
        tx.append(PartyRegistered(f"person-{number}", "person", f"Person {number}", key=tx.new_key()))


def _looked_up(number: int) -> PersonLookedUp:
    return PersonLookedUp(
        f"call-{number}", f"person-{number % PERSONS}", "EE/GOV/1/register/persons", "EE/GOV/2/office", "office", "Care"
    )


def _shelf(path: Path) -> SqliteTree:
    tree = SqliteTree(str(path))
    tree.con.execute("PRAGMA journal_mode = WAL")  # as quick as it can be made without being less durable
    tree.con.execute("PRAGMA synchronous = FULL")
    return tree


def _vkey(folder: Path) -> str:
    key = KeyFile("bench.example/journal", folder / "key.pem")
    return vkey(key.name, key.public)


@contextmanager
def _stores(folder: Path) -> Iterator[tuple[SqliteStore, Plain, Queued]]:
    KeyFile.create(folder / "key.pem")
    key = KeyFile("bench.example/journal", folder / "key.pem")
    with (
        closing(KeyRing(folder / "persons")) as keyring,
        closing(Guard(folder / "last-signed", _vkey(folder))) as guard,
        closing(SqliteStore(folder / "journal.sqlite", SystemClock(), SystemEntropy(), key, keyring, guard)) as ours,
        closing(Plain(folder / "plain.sqlite")) as plain,
        closing(Queued(folder / "queued.sqlite")) as queued,
    ):
        yield ours, plain, queued
