"""What the journal costs as it grows: appending, proving, publishing, opening; and counting for many persons.

Every fact here is a record that somebody looked up a person, sealed with her key. Journals of this length are not made
by millions of commits: records, commitments, hashes and signatures are made by the node's own code and written in bulk,
a signed checkpoint every 50,000 facts. Then the node is opened as it always is, and everything measured is done by it.
10 million facts take minutes and some 5 GB, so they come with `--full` only.

The peer is pymerkle's SQLite tree with as many entries (WAL, FULL). It keeps leaf hashes and works out the rest when it
is asked, with a cache of subroots; so its first proof after opening stands by itself, beside our first.

An epoch roots what is new and everybody's count. It follows one question in which the rows of all persons counted, the
most that one look can cause. Of 10,000 persons each is to see it within 10 seconds, and `serve` looks for work every 2,
so the bar is 8; for 100,000 there is none. The smaller figure is of an epoch in which one person has something new.
"""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median

from pymerkle import SqliteTree

from bench.measure import scratch, seconds, setup
from bench.report import Result, against, alone, barred
from usufruct.core import facts
from usufruct.core.base.records import Entry
from usufruct.core.exchange.facts import PersonLookedUp
from usufruct.core.privacy.facts import BudgetOpened, QueryAdmitted, QueryAnswered
from usufruct.core.proof import book
from usufruct.core.proof.checkpoint import Checkpoint, sign_note, vkey
from usufruct.core.proof.commitment import commit
from usufruct.core.proof.tree import Frontier, consistency_proof, inclusion_proof
from usufruct.core.registry.facts import AssetRegistered, Column, PartyRegistered, PersonsEnrolled, Quality
from usufruct.main import create_node, open_node
from usufruct.node import epoch
from usufruct.node.node import Node
from usufruct.ports import Snapshot, Transaction
from usufruct.store.folder import export, public_log
from usufruct.store.guard import Guard
from usufruct.store.keyring import KeyRing
from usufruct.store.keys import KeyFile, SystemClock, SystemEntropy, verify_signature
from usufruct.store.sql import trusted_frontier
from usufruct.store.sqlite import connect

SIZES, FULL, QUICK = (10_000, 1_000_000), (10_000_000,), (1_000, 3_000)
PEER_LIMIT = 1_000_000  # entries; more would be minutes for what the first sizes show
PERSONS = 1_000  # whom the records are about
CHUNK = 50_000  # facts of one bulk transaction
TIMES = 200  # how often one thing is done; the median counts
CROWDS, QUICK_CROWDS = (10_000, 100_000), (50, 200)  # persons of one asset
ROOTED_WITHIN, PROMISED_TO = 8, 10_000  # seconds, persons
PEER = "pymerkle, SQLite"


def run(quick: bool, full: bool = False) -> list[Result]:
    """The figures for each size, then for each number of persons."""
    results = []
    for size in QUICK if quick else SIZES + FULL if full else SIZES:
        with scratch() as folder:
            results += _size(folder, size, 20 if quick else TIMES)
    for persons in QUICK_CROWDS if quick else CROWDS:
        with scratch() as folder:
            results += _crowd(folder, persons, quick)
    return results


@dataclass
class Figure:
    """One line, ours and perhaps theirs: seconds, shown in `unit`."""

    what: str
    unit: str
    ours: float
    theirs: float | None = None

    def line(self, size: int) -> Result:
        """As it is reported."""
        scale = {"ms": 1e3, "us": 1e6, "bytes": 1}[self.unit]
        case = f"{size:,} facts: {self.what}"
        if self.theirs is None:
            return alone(case, scale * self.ours, self.unit)
        return against(case, scale * self.ours, self.unit, PEER, scale * self.theirs)


def _size(folder: Path, size: int, times: int) -> list[Result]:
    node = folder / "node"
    create_node(node, "Bench", "op", "Operator", "EUR")
    with setup(f"a journal of {size:,} facts"):
        fill(node, size)
    with setup("its log published in a folder"):
        _publish(node, folder / "public")
    theirs = _peer(folder / "peer.sqlite", size, times) if size <= PEER_LIMIT else {}
    ours = _ours(node, folder / "public", times)
    ours["bytes on disk for each"] = (node / "journal.sqlite").stat().st_size / size
    units = {"bytes on disk for each": "bytes", "one of 1,000 facts in one transaction": "us"}
    return [Figure(what, units.get(what, "ms"), figure, theirs.get(what)).line(size) for what, figure in ours.items()]


def _ours(node: Path, public: Path, times: int) -> dict[str, float]:
    figures = {"opening": median(_opening(node) for _ in range(5))}
    with open_node(node) as opened:
        store, chance = opened.store, random.Random(1)
        with store.read() as state:
            size = state.size()
            figures["the first inclusion proof after opening"] = seconds(partial(_include, state, size // 3))

        def reading(work: Callable[[Snapshot], object]) -> float:
            def once() -> None:
                with store.read() as state:
                    work(state)

            return median(seconds(once) for _ in range(times))

        figures["an inclusion proof"] = reading(lambda state: _include(state, chance.randrange(size)))
        figures["a consistency proof"] = reading(lambda state: _continue(state, chance.randrange(1, size)))
        figures["a receipt"] = reading(lambda state: state.receipt(chance.randrange(size)))
        numbers = iter(range(size, size + 10**6))
        figures["appending one fact"] = median(
            seconds(lambda: store.write(lambda tx: tx.append(looked_up(next(numbers))))) for _ in range(times)
        )
        together = median(
            seconds(lambda: store.write(lambda tx: [tx.append(looked_up(n)) for n in islice(numbers, 1_000)]))
            for _ in range(7)
        )
        figures["one of 1,000 facts in one transaction"] = together / 1_000
    figures["publishing what is new"] = _publish(node, public)
    return figures


def _peer(path: Path, size: int, times: int) -> dict[str, float]:
    entries = (facts.encode(Entry(n, SystemClock().now(), looked_up(n))) for n in range(size))
    with _shelf(path) as tree, setup(f"pymerkle with {size:,} entries"):
        tree.append_entries(entries)
    opening = []
    for _ in range(5):
        start = time.perf_counter()
        with _shelf(path):
            opening.append(time.perf_counter() - start)
    chance = random.Random(1)
    with _shelf(path) as tree:
        return {
            "opening": median(opening),
            "the first inclusion proof after opening": seconds(lambda: tree.prove_inclusion(size // 3)),
            "an inclusion proof": median(
                seconds(lambda: tree.prove_inclusion(1 + chance.randrange(size))) for _ in range(times)
            ),
            "a consistency proof": median(
                seconds(lambda: tree.prove_consistency(1 + chance.randrange(size - 1), size)) for _ in range(times)
            ),
            "appending one fact": median(seconds(lambda: tree.append_entry(bytes(300))) for _ in range(times)),
            "one of 1,000 facts in one transaction": median(
                seconds(lambda: tree.append_entries([bytes(300)] * 1_000)) / 1_000 for _ in range(7)
            ),
            "bytes on disk for each": path.stat().st_size / size,
        }


@contextlib.contextmanager
def _shelf(path: Path) -> Iterator[SqliteTree]:
    with SqliteTree(str(path)) as tree:
        tree.con.execute("PRAGMA journal_mode = WAL")
        tree.con.execute("PRAGMA synchronous = FULL")
        yield tree


def _opening(directory: Path) -> float:
    start = time.perf_counter()
    with open_node(directory):
        return time.perf_counter() - start


def _include(state: Snapshot, index: int) -> object:
    return inclusion_proof(index, state.size(), lambda level, place: state.hashes(level, place, 1)[0])


def _continue(state: Snapshot, old: int) -> object:
    return consistency_proof(old, state.size(), lambda level, place: state.hashes(level, place, 1)[0])


def _publish(directory: Path, public: Path) -> float:
    with public_log(directory) as log:
        note = log.checkpoint()
        assert note is not None
        return seconds(lambda: export(log, note, public))


def looked_up(number: int) -> PersonLookedUp:
    """A record about one of the persons: sealed, in her history, and no row of state."""
    person = f"person-{number % PERSONS}"
    return PersonLookedUp(f"call-{number}", person, "EE/GOV/1/register/persons", "EE/GOV/2/office", "office", "Care")


def fill(directory: Path, size: int) -> None:
    """Brings the journal of a new node to `size` facts, in bulk."""
    with open_node(directory) as node:
        node.store.write(partial(_register, persons=PERSONS))
        origin = node.about.origin
    key = KeyFile(origin, directory / "keys" / "signing.pem")
    with (
        contextlib.closing(KeyRing(directory / "keys" / "persons")) as keyring,
        contextlib.closing(Guard(directory / "keys" / "last-signed", vkey(key.name, key.public))) as guard,
        contextlib.closing(connect(directory / "journal.sqlite")) as connection,
    ):
        connection.execute("PRAGMA synchronous = OFF")
        frontier = trusted_frontier(connection, key, guard)
        while frontier.size < size:
            guard.keep(_chunk(connection, frontier, min(size, frontier.size + CHUNK), key, keyring))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _chunk(connection: sqlite3.Connection, frontier: Frontier, end: int, key: KeyFile, keyring: KeyRing) -> str:
    """One bulk transaction, as `store.batch` would write it; the signed note at its end."""
    at, entropy = SystemClock().now(), SystemEntropy()
    rows, nodes, mentions = [], [], []
    for number in range(frontier.size, end):
        fact = looked_up(number)
        record, nonce = facts.encode(Entry(number, at, fact)), entropy.bytes(32)
        leaf, slot = commit(nonce, record), number % PERSONS
        rows.append((number, fact.KIND, at, keyring.seal(slot, leaf, nonce, record), b"", leaf, slot))
        nodes += frontier.append(leaf)
        mentions.append((fact.person, number))
    note = sign_note(Checkpoint(key.name, end, frontier.root()).body(), key.name, key.public, key.sign)
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    connection.executemany("INSERT INTO tree VALUES (?, ?, ?)", sorted(nodes))
    connection.executemany("INSERT INTO about (party, seq) VALUES (?, ?)", sorted(mentions))
    connection.execute("INSERT INTO checkpoint VALUES (?, ?)", (end, note))
    connection.execute("COMMIT")
    return note


def _register(tx: Transaction, persons: int, first: int = 0) -> None:
    for number in range(first, persons):
        tx.append(PartyRegistered(f"person-{number}", "person", f"Person {number}", key=tx.new_key()))


def _crowd(folder: Path, persons: int, quick: bool) -> list[Result]:
    create_node(folder / "node", "Bench", "op", "Operator", "EUR")
    with open_node(folder / "node") as node:
        with setup(f"{persons:,} persons with a key, in one asset; their first epoch"):
            for first in range(0, persons, CHUNK):
                node.store.write(partial(_register, persons=min(persons, first + CHUNK), first=first))
            node.store.write(partial(_enrol, persons=persons))
            assert epoch.close_epoch(node) is not None
        everybody = median(_epoch_after(node, partial(_look, persons=persons)) for _ in range(3))
        one = median(_epoch_after(node, lambda tx: tx.append(looked_up(1))) for _ in range(3))
        key, kept = epoch.key_file(node, "person-1"), None
        assert key is not None
        shown = median(seconds(lambda: epoch.book(node, "person-1")) for _ in range(5))
        pages = epoch.book(node, "person-1")
        assert pages is not None

        def audit() -> None:
            done = book.audit(pages, bytes.fromhex(key.key), key.journal, verify_signature, node.clock.now(), kept)
            assert done.sound, done.flaws

        audited = median(seconds(audit) for _ in range(5))
    rooted = alone(f"{persons:,} persons, one look at them all: closing the epoch", everybody, "s")
    if persons <= PROMISED_TO:
        rooted = barred(rooted, f"< {ROOTED_WITHIN} s", None if quick else everybody < ROOTED_WITHIN)
    return [
        rooted,
        alone(f"{persons:,} persons, one of them looked up: closing the epoch", one, "s"),
        alone(f"{persons:,} persons: one's book of {len(pages['records'])} records, made", 1000 * shown, "ms"),
        alone(f"{persons:,} persons: one's book, audited by her", 1000 * audited, "ms"),
        alone(f"{persons:,} persons: one's book, as JSON", len(json.dumps(pages)) / 1000, "kB"),
    ]


def _epoch_after(node: Node, command: Callable[[Transaction], object]) -> float:
    node.store.write(command)
    start = time.perf_counter()
    assert epoch.close_epoch(node) is not None
    return time.perf_counter() - start


def _enrol(tx: Transaction, persons: int) -> None:
    tx.append(PartyRegistered("lab", "organisation", "Lab"))
    columns = (Column("person", "integer", "personal", 3),)
    tx.append(AssetRegistered(
        "pay", "op", "members-of-pay", "Pay", "made up", "none", (), "v1", "", "person", columns, 500, (),
        Quality(persons * 10, persons, (0,)),
    ))  # fmt: skip
    tx.append(PersonsEnrolled("pay", 0, tuple(f"person-{number}" for number in range(persons))))
    tx.append(BudgetOpened("pay", "v1", 1_000_000))


def _look(tx: Transaction, persons: int) -> None:
    """One question in which rows of everybody counted."""
    use, purpose = f"use-{tx.next}", "AcademicResearch"
    population = tx.attach("application/vnd.usufruct.population.v1", b"\xff" * -(-persons // 8))
    tx.append(QueryAdmitted(
        use, "lab", "agreement-1", "pay", "v1", purpose, "made up", "made up", 1, 0, "EUR", population=population
    ))  # fmt: skip
    answer = tx.attach("application/vnd.usufruct.answer.v1+json", b"{}")
    counted = tx.attach("application/vnd.usufruct.contributions.v1", array("I", [3] * persons).tobytes())
    tx.append(QueryAnswered(use, "lab", "pay", purpose, "made up", answer=answer, contributions=counted))
