"""What `ports.Store` and `ports.Logins` promise, held against whoever stands behind them."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import islice, product
from pathlib import Path
from typing import Any

import psycopg
import pytest
from histories import History

from support import SetClock
from usufruct.core import facts
from usufruct.core.access.facts import ConsentGiven
from usufruct.core.base.faults import BadInput, ClockWentBack, JournalDamaged
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.records import Erased
from usufruct.core.proof.checkpoint import Checkpoint, read_note, vkey
from usufruct.core.proof.receipt import Receipt, check
from usufruct.core.proof.tree import Frontier, leaf_hash, node_hash
from usufruct.core.registry.facts import PartyRegistered, PersonsEnrolled
from usufruct.core.registry.state import Party, Person
from usufruct.ports import EpochTrees, Transaction
from usufruct.store import batch as batches
from usufruct.store import sqlite, tables
from usufruct.store.guard import Guard
from usufruct.store.keyring import KeyRing
from usufruct.store.keys import KeyFile, SystemEntropy, verify_signature
from usufruct.store.logins import SqliteLogins
from usufruct.store.memory import MemoryState, MemoryStore
from usufruct.store.pg import PgConnection
from usufruct.store.postgres import PostgresStore
from usufruct.store.sqlite import SqliteStore

NAME = "test.example/journal"


class Place:
    """A directory with a key, in which stores of one kind are opened."""

    lasts = True  # what is written is there when the store opens again

    def __init__(self, directory: Path) -> None:
        (directory / "keys").mkdir()
        KeyFile.create(directory / "keys" / "signing.pem")
        self.directory = directory
        self.clock = SetClock()
        self.signer = KeyFile(NAME, directory / "keys" / "signing.pem")

    @contextmanager
    def store(self) -> Iterator[Any]:
        """The store, open."""
        keys = self.directory / "keys"
        with (
            closing(KeyRing(keys / "persons")) as keyring,
            closing(Guard(keys / "last-signed", vkey(NAME, self.signer.public))) as guard,
            closing(self.made(keyring, guard)) as store,
        ):
            yield store

    def made(self, keyring: KeyRing, guard: Guard) -> Any:
        """A store over what is there."""
        raise NotImplementedError


class SqlitePlace(Place):
    """In a file."""

    def made(self, keyring: KeyRing, guard: Guard) -> SqliteStore:
        return SqliteStore(self.journal, self.clock, SystemEntropy(), self.signer, keyring, guard)

    @property
    def journal(self) -> Path:
        """The file."""
        return self.directory / "journal.sqlite"

    def connection(self) -> Any:
        """A connection behind the store's back."""
        return sqlite.connect(self.journal)

    def copy(self) -> Callable[[], None]:
        """Copies the journal; what is returned puts the copy back."""
        saved = self.journal.read_bytes()  # the log is empty once the store is closed
        return lambda: [None, self.journal.write_bytes(saved)][0]


class PostgresPlace(Place):
    """In a database."""

    def __init__(self, directory: Path, address: str) -> None:
        super().__init__(directory)
        self.address = address

    def made(self, keyring: KeyRing, guard: Guard) -> PostgresStore:
        return PostgresStore(self.address, self.clock, SystemEntropy(), self.signer, keyring, guard, lease=3)

    def connection(self) -> Any:
        """A connection behind the store's back."""
        return PgConnection(self.address, writes=True)

    def copy(self) -> Callable[[], None]:
        """Copies the journal; what is returned puts the copy back."""
        name = psycopg.conninfo.conninfo_to_dict(self.address)["dbname"]
        there = self.address.replace(f"/{name}?", f"/{name}_copy?")
        with psycopg.connect(self.address.replace(f"/{name}?", "/postgres?"), autocommit=True) as server:
            server.execute(f"CREATE DATABASE {name}_copy TEMPLATE {name}")  # type: ignore[call-overload]
        return lambda: setattr(self, "address", there)


class MemoryPlace(Place):
    """Nowhere."""

    lasts = False

    def made(self, keyring: KeyRing, guard: Guard) -> MemoryStore:
        return MemoryStore(self.clock, SystemEntropy(), self.signer, keyring)


KINDS = ("sqlite", "postgres", "memory")


def place_of(kind: str, directory: Path, request: pytest.FixtureRequest) -> Any:
    """A new place of that kind."""
    if kind == "postgres":
        return PostgresPlace(directory, request.getfixturevalue("pg_address"))
    return {"sqlite": SqlitePlace, "memory": MemoryPlace}[kind](directory)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A new one of each kind: what is tested on it every store must do."""
    found: Place = place_of(request.param, tmp_path, request)
    return found


@pytest.fixture(params=KINDS[:2])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A new one of each kind that lasts, with tables that can be looked into."""
    return place_of(request.param, tmp_path, request)


@pytest.fixture
def store(place: Place) -> Iterator[Any]:
    """A new, empty store."""
    with place.store() as store:
        yield store


def party(name: str) -> PartyRegistered:
    """A fact that needs nothing else."""
    return PartyRegistered(name, "organisation", name.capitalize())


def adds(name: str) -> Callable[[Transaction], int]:
    """A command that records it."""
    return lambda tx: tx.append(party(name)).seq


def names(store: Any) -> list[str]:
    """The parties that are known, in order."""
    with store.read() as state:
        return [row.id for row in state.list(Party)]


def in_one_batch(store: Any, *commands: Callable[[Transaction], Any]) -> list[Future[Any]]:
    """Runs commands together: they are all waiting when the writer is done with the one before."""
    begun, go_on = threading.Event(), threading.Event()

    def hold(tx: Transaction) -> None:
        begun.set()
        assert go_on.wait(20)

    with ThreadPoolExecutor(len(commands) + 1) as pool:
        pool.submit(store.write, hold)
        assert begun.wait(20)
        waiting = []
        for command in commands:
            before = store._queue.qsize()
            waiting.append(pool.submit(store.write, command))
            while store._queue.qsize() == before:  # in the order given
                time.sleep(0.001)
        go_on.set()
    return waiting


# Commands


def test_commands_of_a_batch_see_what_the_ones_before_them_left(store: Any) -> None:
    def count(tx: Transaction) -> int:
        known = sum(1 for _ in tx.list(Party))
        assert tx.next == known
        tx.append(party(f"party-{known}"))
        found = tx.get(Party, f"party-{known}")
        assert found is not None and found.since == tx.now
        return known

    done = in_one_batch(store, *[count] * 20)
    assert [future.result() for future in done] == list(range(20))
    assert names(store) == [f"party-{number}" for number in range(20)]


def test_a_failing_command_leaves_no_trace_and_the_others_go_on(place: Place) -> None:
    kept: list[str] = []

    class Told(Exception):
        """Something of the caller's own."""

    def fails(tx: Transaction) -> None:
        tx.append(party("nobody"))
        kept.append(tx.attach("text/plain", b"evidence of nothing"))
        assert tx.get(Party, "nobody") and tx.evidence(kept[0])
        raise Told

    def breaks_the_fold(tx: Transaction) -> None:
        tx.append(party("nobody"))
        tx.append(ConsentGiven("rides", "nobody", "Marketing"))  # about nothing that is known

    def cannot_be_recorded(tx: Transaction) -> None:
        tx.append(party("nobody"))
        tx.append(PartyRegistered("odd", "organisation", "e\u0301"))  # not in the form that has canonical bytes

    with place.store() as store:
        done = in_one_batch(store, adds("anna"), fails, adds("bo"), breaks_the_fold, cannot_be_recorded, adds("chen"))
        failures = [type(future.exception()) for future in done]
        assert failures == [type(None), Told, type(None), LookupError, ValueError, type(None)]
        assert [future.result() for future in (done[0], done[2], done[5])] == [0, 1, 2]
        assert names(store) == ["anna", "bo", "chen"]
        with store.read() as state:
            assert state.size() == 3
            assert state.history("nobody") == [] and state.get(Party, "nobody") is None
            with pytest.raises(JournalDamaged):
                state.evidence(kept[0])
        store.write(adds("dana"))
        check_refold(store)


def test_a_batch_has_one_instant_and_one_checkpoint(place: Place) -> None:
    with place.store() as store:
        store.write(adds("first"))
        in_one_batch(store, *(adds(f"party-{number}") for number in range(5)))
        with store.read() as state:
            instants = [entry.at for entry in state.entries(0, state.size())]
            assert [size for size in range(8) if state.signed_between(size, size)] == [1, 6]
    assert len(set(instants[1:])) == 1 and instants[0] < instants[1]


def test_a_command_that_appends_nothing_signs_nothing(store: Any) -> None:
    assert store.write(lambda tx: "nothing") == "nothing"
    with store.read() as state:
        assert (state.size(), state.checkpoint()) == (0, None)


def test_a_text_that_postgresql_cannot_hold_is_refused_to_who_gave_it(place: Place) -> None:
    """It could wait among the rows of commands that are done, and fail when another command lists them."""

    def known_as(name: str) -> Callable[[Transaction], Any]:
        return lambda tx: tx.append(PartyRegistered("odd", "organisation", "Odd", known_as=name))

    with place.store() as store:
        lists = lambda tx: [row.id for row in tx.list(Party)]  # noqa: E731
        done = in_one_batch(store, adds("anna"), known_as("o\0d"), adds("b\0"), lists, adds("chen"))
        assert [type(future.exception()) for future in done] == [
            type(None), BadInput, BadInput, type(None), type(None)
        ]  # fmt: skip
        assert "`known_as` has the character 0" in str(done[1].exception()) and done[3].result() == ["anna"]
        with store.read() as state:
            assert state.get(Party, "b\0") is None and list(state.list(Party, known_as="o\0d")) == []
        store.write(known_as("odd"))
        assert names(store) == ["anna", "chen", "odd"]
        check_refold(store)


@pytest.mark.parametrize("asks", [lambda tx: list(tx.list(Party)), lambda tx: tx.attach("text/plain", b"")])
def test_what_waits_and_cannot_be_written_is_the_failure_of_the_store(
    disk: Any, monkeypatch: pytest.MonkeyPatch, asks: Callable[[Transaction], Any]
) -> None:
    """Whatever the reason, it is not the fault of the command in whose turn it is found out; nothing is half there."""
    written = tables.insert

    def fails_once(connection: Any, into: str, rows: Any, *more: Any) -> None:
        if into.startswith("state_party"):
            monkeypatch.setattr(tables, "insert", written)
            raise ArithmeticError("a row that cannot be written")
        written(connection, into, rows, *more)

    with disk.store() as store:
        store.write(adds("anna"))
        monkeypatch.setattr(tables, "insert", fails_once)
        done = in_one_batch(store, adds("bo"), asks, adds("chen"))
        assert [type(future.exception()) for future in done] == [ArithmeticError] * 3
        assert names(store) == ["anna"]
        store.write(adds("dana"))
        assert names(store) == ["anna", "dana"]
        check_refold(store)


def test_what_is_remembered_of_rows_does_not_grow_for_ever(disk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "CACHED", 8)
    with disk.store() as store:
        store.write(lambda tx: [tx.append(party(f"party-{number}")) for number in range(50)])
        assert len(store._known) <= 8
        assert store.write(lambda tx: len([tx.get(Party, f"party-{number}") for number in range(50)])) == 50
        assert len(names(store)) == 50


def test_more_commands_than_one_batch_takes(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_LIMIT", 3)
    done = in_one_batch(store, *(adds(f"party-{number}") for number in range(11)))
    assert [future.result() for future in done] == list(range(11))


def test_what_many_threads_were_told_is_there_in_one_order(place: Place) -> None:
    def write(number: int) -> list[tuple[int, str]]:
        told = []
        for count in range(25):
            name = f"party-{number}-{count}"
            told.append((store.write(adds(name)), name))
            with store.read() as state:  # and at once to be seen
                assert state.get(Party, name) is not None
        return told

    with place.store() as store:
        with ThreadPoolExecutor(16) as pool:
            told = sorted(entry for entries in pool.map(write, range(16)) for entry in entries)
        assert [seq for seq, _ in told] == list(range(400))
        assert names(store) == [name for _, name in told]
        with store.read() as state:
            assert all(state.entry(seq).fact == party(name) for seq, name in told)
            sizes = sum(state.signed_between(size, size) for size in range(401))
        assert sizes < 400, "no two commands ever shared a commit"


def test_everything_is_there_when_the_store_opens_again(disk: Any) -> None:
    with disk.store() as store:
        seal = store.write(lambda tx: (tx.append(party("anna")), tx.attach("text/plain", b"kept"))[1])
        with store.read() as state:
            note = state.checkpoint()
    with disk.store() as store, store.read() as state:
        assert (state.size(), state.checkpoint(), state.evidence(seal)) == (1, note, b"kept")
        assert state.entry(0).fact == party("anna")


def test_every_commit_is_synced(disk: Any) -> None:
    """No test can cut the power; this holds the settings on which it depends."""
    with disk.store() as store:
        store.write(adds("anna"))
        if isinstance(store, SqliteStore):
            for connection in (store._connection, sqlite.connect(store._path)):
                assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
                assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        else:
            shown = {
                name: store._connection.execute(f"SHOW {name}").fetchone() for name in ("synchronous_commit", "fsync")
            }
            assert shown == {"synchronous_commit": ("on",), "fsync": ("on",)}


def test_closing_waits_for_what_was_asked_before(place: Place) -> None:
    with ThreadPoolExecutor(8) as pool:
        with place.store() as store:
            begun = threading.Semaphore(0)
            release = threading.Event()

            def hold(tx: Transaction) -> None:
                begun.release()
                assert release.wait(20)

            pool.submit(store.write, hold)
            begun.acquire()
            done = [pool.submit(store.write, adds(f"party-{number}")) for number in range(5)]
            while store._queue.qsize() < 5:
                time.sleep(0.001)
            threading.Timer(0.05, release.set).start()
        assert sorted(future.result(timeout=20) for future in done) == list(range(5))


# Readers


def test_a_snapshot_stays_as_it_was(store: Any) -> None:
    store.write(adds("anna"))
    with store.read() as before:
        size, note = before.size(), before.checkpoint()
        store.write(adds("bo"))
        assert [row.id for row in before.list(Party)] == ["anna"]
        assert before.get(Party, "bo") is None and before.history("bo") == []
        assert (before.size(), before.checkpoint()) == (size, note)
        with pytest.raises(IndexError):
            before.entry(1)
        with store.read() as after:
            assert [row.id for row in after.list(Party)] == ["anna", "bo"]


def test_who_is_in_two_assets_is_found_as_by_listing_both(store: Any) -> None:
    people = {"pay": ("ana", "bea", "cy"), "pay-2": ("zoe",), "care": ("dot", "cy", "ana")}
    store.write(lambda tx: [tx.append(PersonsEnrolled(asset, 0, who)) for asset, who in people.items()])
    store.write(lambda tx: tx.append(PersonsEnrolled("pay", 3, ("eve", "dot"))))
    with store.read() as state:
        for here, there in product((*people, "nothing"), repeat=2):
            known = {person.party: person.number for person in state.list(Person, asset=there)}
            both = [(p.number, known[p.party]) for p in state.list(Person, asset=here) if p.party in known]
            assert sorted(state.also_in(here, there)) == sorted(both)
        assert sorted(state.also_in("pay", "care")) == [(0, 2), (2, 1), (4, 0)]


def test_who_reads_does_not_wait_for_who_writes(store: Any) -> None:
    store.write(adds("anna"))
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        tx.append(party("bo"))
        begun.set()
        assert go_on.wait(20)

    writer = threading.Thread(target=store.write, args=(slow,))
    writer.start()
    assert begun.wait(20)
    assert names(store) == ["anna"]  # neither waits nor sees what is not committed
    go_on.set()
    writer.join()
    assert names(store) == ["anna", "bo"]


def test_nobody_writes_through_a_snapshot(disk: Any) -> None:
    with disk.store() as store:
        writes_through(store)


def writes_through(store: Any) -> None:
    with store.read() as state, pytest.raises(Exception, match=r"read-?only"):
        state._connection.execute("DELETE FROM about")


def test_threads_that_come_and_go_leave_no_connections_behind(disk: Any) -> None:
    with disk.store() as store:
        for _ in range(50):
            thread = threading.Thread(target=names, args=(store,))
            thread.start()
            thread.join()
        assert len(store._idle) == 1


# The state


def test_the_state_is_the_fold_of_the_journal(place: Place) -> None:
    """After a long and random history, with commands that fail in between: the same rows in the same order in the
    tables as they grew, in tables folded anew, and in memory; whatever one asks for."""
    chance = random.Random(5)
    history = History(3)
    memory = MemoryState()
    with place.store() as store:
        store.write(lambda tx: [tx.append(fact) for fact in history.beginning()])
        source = history.facts()
        while store.write(lambda tx: tx.next) < 1300:
            batch = list(islice(source, chance.randrange(1, 30)))

            def command(tx: Transaction, batch: list[Any] = batch, fail: bool = False) -> None:
                for fact in batch:
                    tx.append(fact)
                if fail:
                    raise RuntimeError

            if chance.random() < 0.3:
                with pytest.raises(RuntimeError):
                    store.write(lambda tx: command(tx, fail=True))
            store.write(command)
        with store.read() as state:
            for seq in range(state.size()):
                memory.apply(state.entry(seq))
            assert {type(state.entry(seq).fact) for seq in range(state.size())} == set(facts.FACTS)
            compare(state, memory)
        assert all(check_refold(store).values())


def check_refold(store: Any) -> dict[Any, Any]:
    """The rows and histories that a store holds, which are the same after they were dropped and folded again."""

    def everything() -> dict[Any, Any]:
        with store.read() as state:
            rows: dict[Any, Any] = {kind: list(state.list(kind)) for kind in facts.ROWS}
            return rows | {"about": [state.history(row.id) for row in rows[Party]]}

    before = everything()
    store.refold(lambda: None)
    assert everything() == before
    return before


def test_who_reads_while_the_state_is_folded_again_finds_all_of_it(store: Any) -> None:
    store.write(adds("anna"))
    done = threading.Event()

    def folds() -> None:
        for _ in range(15):
            store.refold(lambda: None)
        done.set()

    with ThreadPoolExecutor(1) as pool:
        folding = pool.submit(folds)
        while not done.is_set() and not folding.done():
            with store.read() as state:
                time.sleep(0.001)
                assert state.size() == 1  # from here on it sees one moment
                time.sleep(0.001)
                assert state.get(Party, "anna") is not None
        folding.result()


def compare(state: Any, memory: MemoryState) -> None:
    """Every row by its key, every list by every combination of what can be asked for."""
    for kind in facts.ROWS:
        rows = list(memory.list(kind))
        assert list(state.list(kind)) == rows
        for row in rows:
            assert state.get(kind, *(getattr(row, field) for field in kind.KEY)) == row
        values = [
            [
                None,
                *dict.fromkeys(getattr(row, field) for row in rows),
                -1 if kind.__annotations__[field] == "int" else "unknown",
            ]
            for field in kind.INDEXED
        ]
        for wanted in islice(product(*values), 400):
            where = {field: value for field, value in zip(kind.INDEXED, wanted, strict=True) if value is not None}
            expected = [row for row in rows if all(getattr(row, field) == value for field, value in where.items())]
            assert list(state.list(kind, **where)) == list(memory.list(kind, **where)) == expected
        assert state.get(kind, *["unknown"] * len(kind.KEY)) is None or not kind.KEY


def test_history_is_what_a_fact_is_about(store: Any) -> None:
    history = History(8)
    store.write(lambda tx: [tx.append(fact) for fact in [*history.beginning(), *islice(history.facts(), 100)]])
    with store.read() as state:
        entries = [state.entry(seq) for seq in range(state.size())]
        for name in ("anna", "eve", "member-7", "nobody"):
            assert state.history(name) == [entry for entry in entries if name in entry.fact.about()]


# Receipts


def test_receipts_are_verified_offline_with_nothing_but_the_key(place: Place) -> None:
    """Each against the checkpoint of its day, and still after the journal went on."""
    key = vkey(NAME, place.signer.public)
    texts: list[str] = []
    with place.store() as store:
        for number in range(9):
            store.write(
                lambda tx, number=number: [tx.append(party(f"party-{number}-{n}")) for n in range(number % 4 + 1)]
            )
            with store.read() as state:
                texts += [state.receipt(seq).text() for seq in range(state.size())]
        with store.read() as state:
            records = [facts.encode(state.entry(seq)) for seq in range(state.size())]
    for text in texts:
        receipt = Receipt.parse(text)
        assert check(receipt, key, verify_signature) == records[receipt.index]
    other = KeyFile.create(place.directory / "other.pem") or KeyFile(NAME, place.directory / "other.pem")
    with pytest.raises(ValueError, match="not signed by"):
        check(Receipt.parse(texts[-1]), vkey(NAME, other.public), verify_signature)


def test_the_public_part_is_the_tree_of_the_leaves(store: Any) -> None:
    for number in range(21):
        store.write(adds(f"party-{number}"))
    with store.read() as state:
        leaves = state.leaves(0, 21)
        assert leaves[5:9] == state.leaves(5, 4)
        hashes = [leaf_hash(leaf) for leaf in leaves]
        for level in range(5):
            assert state.hashes(level, 0, 21 >> level) == hashes[: 21 >> level]
            hashes = [node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=False)]
        for level, first, count in ((0, 20, 2), (2, 5, 1), (9, 0, 1)):
            with pytest.raises(JournalDamaged):
                state.hashes(level, first, count)
        frontier = Frontier()
        for leaf in leaves:
            frontier.append(leaf)
        assert Checkpoint.parse(read_note(state.checkpoint())[0]).root == frontier.root()


def test_epochs_and_tallies_are_kept_with_their_fact_or_not_at_all(store: Any) -> None:
    trees = [EpochTrees(bytes([n]) * 32, b"slips", 4, b"counts", 8) for n in range(3)]

    def close(number: int, tallies: dict[int, tuple[int, bytes]], fail: bool = False) -> Callable[[Transaction], None]:
        def command(tx: Transaction) -> None:
            tx.append(party(f"epoch-{number}-{fail}"))
            tx.keep_epoch(number, trees[number], tallies)
            if fail:
                raise RuntimeError

        return command

    store.write(close(0, {0: (1, b"a"), 7: (2, b"b")}))
    with pytest.raises(RuntimeError):
        store.write(close(1, {0: (9, b"x")}, fail=True))
    with store.read() as before:
        assert before.tallies() == {0: (1, b"a"), 7: (2, b"b")}
        store.write(close(1, {7: (3, b"c"), 9: (1, b"d")}))
        assert before.tallies() == {0: (1, b"a"), 7: (2, b"b")}
    with store.read() as after:
        assert after.tallies() == {0: (1, b"a"), 7: (3, b"c"), 9: (1, b"d")}
        assert after.epoch(0) == replace(trees[0], counts=None)
        assert after.epoch(1) == trees[1]


def test_records_of_a_person_are_sealed_and_gone_with_her_key(place: Place) -> None:
    def enrols(name: str) -> Callable[[Transaction], int]:
        def command(tx: Transaction) -> int:
            slot = tx.new_key()
            tx.append(PartyRegistered(name, "person", name.capitalize(), key=slot))
            return slot

        return command

    with place.store() as store:
        slots = [store.write(enrols(name)) for name in ("anna", "bo")]
        assert len(set(slots)) == 2
        with store.read() as state:
            assert [entry.fact.party for entry in state.entries(0, 2)] == ["anna", "bo"]
        store.refold(lambda: store._keyring.destroy(slots[0]))
        with store.read() as state:
            assert isinstance(state.entry(0).fact, Erased)
            assert state.receipt(0).extra is None
            assert state.entry(1).fact.party == "bo"
            assert state.get(Party, "anna") is None and state.history("anna") == []


def test_a_clock_set_back_stops_writing_until_it_has_caught_up(place: Place) -> None:
    with place.store() as store:
        store.write(adds("anna"))
        place.clock.move(hours=-1)
        with pytest.raises(ClockWentBack):
            store.write(adds("bo"))
        assert names(store) == ["anna"]
        place.clock.move(hours=1)
        store.write(adds("bo"))
        assert names(store) == ["anna", "bo"]


# What lasts


def test_another_key_cannot_go_on_with_a_journal(disk: Any) -> None:
    with disk.store() as store:
        store.write(adds("anna"))
    KeyFile.create(disk.directory / "other.pem")
    disk.signer = KeyFile(NAME, disk.directory / "other.pem")
    with pytest.raises(JournalDamaged), disk.store():
        pass


def test_an_older_copy_of_the_journal_is_not_gone_on_with(disk: Any) -> None:
    """It is whole and was signed; only the note beside the key says that more was."""
    with disk.store() as store:
        store.write(adds("anna"))
    put_back = disk.copy()
    with disk.store() as store:
        store.write(adds("bo"))
    put_back()
    with pytest.raises(JournalDamaged, match="older copy"), disk.store():
        pass


@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET {} = {}", "TRUNCATE {}"])
@pytest.mark.parametrize(("table", "column"), [("journal", "at"), ("checkpoint", "note")])
def test_facts_and_checkpoints_cannot_be_changed(disk: Any, statement: str, table: str, column: str) -> None:
    with disk.store() as store:
        store.write(adds("anna"))
    with closing(disk.connection()) as connection, pytest.raises((sqlite3.Error, psycopg.Error)) as caught:
        connection.execute(statement.format(table, column, column))
    assert "never" in str(caught.value) or "once" in str(caught.value) or "TRUNCATE" in str(caught.value)
    with disk.store() as store:
        assert names(store) == ["anna"]


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM tree", "DELETE FROM tree WHERE level = 1", "UPDATE tree SET hash = (SELECT leaf FROM journal)"],
)
def test_nothing_is_signed_on_top_of_a_tree_that_was_not(disk: Any, statement: str) -> None:
    with disk.store() as store:
        for name in ("anna", "bo", "chen"):
            store.write(adds(name))
    with closing(disk.connection()) as connection:
        connection.execute(statement.replace("journal)", "journal LIMIT 1)"))
    with pytest.raises(JournalDamaged), disk.store():
        pass


# Logins


@pytest.fixture
def logins(tmp_path: Path) -> Iterator[SqliteLogins]:
    """A new, empty one."""
    with closing(SqliteLogins(tmp_path / "logins.sqlite")) as logins:
        yield logins


UNTIL = Instant("2030-01-01T00:00:00.000Z")


def test_an_account_has_one_password(logins: SqliteLogins) -> None:
    assert logins.password("anna") is None
    logins.set_password("anna", "member", "hash 1")
    logins.set_password("bo", "user", "hash 2")
    logins.set_password("anna", "steward", "hash 3")
    assert logins.password("anna") == ("steward", "hash 3")
    assert logins.password("bo") == ("user", "hash 2")


def test_a_secret_is_found_by_its_kind_and_digest_until_it_is_dropped(logins: SqliteLogins) -> None:
    logins.add_secret("token", b"\x01" * 32, "anna", "user", "ask negotiate", UNTIL, "laptop")
    logins.add_secret("token", b"\x02" * 32, "anna", "user", "ask", later(UNTIL, days=1), "script")
    logins.add_secret("session", b"\x01" * 32, "bo", "member", "member", UNTIL, "")
    assert logins.secret("token", b"\x01" * 32) == ("anna", "user", "ask negotiate", UNTIL)
    assert logins.secret("session", b"\x01" * 32) == ("bo", "member", "member", UNTIL)
    assert logins.secret("link", b"\x01" * 32) is None
    assert sorted(logins.secrets("token", "anna")) == [
        (b"\x01" * 32, "laptop", "ask negotiate", UNTIL),
        (b"\x02" * 32, "script", "ask", later(UNTIL, days=1)),
    ]
    assert logins.secrets("token", "bo") == []
    assert logins.drop_secret("token", b"\x01" * 32)
    assert not logins.drop_secret("token", b"\x01" * 32)
    assert logins.secret("token", b"\x01" * 32) is None
    assert logins.secret("session", b"\x01" * 32) is not None


def test_secrets_that_have_run_out_are_forgotten_some_at_a_time(logins: SqliteLogins) -> None:
    for number in range(100):
        logins.add_secret("nonce", bytes([number]), "anna", "", "", UNTIL if number else later(UNTIL, days=1), "")
    logins.add_secret("token", b"", "anna", "", "", UNTIL, "")
    left = [len(logins.secrets("nonce", "anna"))]
    for _ in range(3):
        logins.drop_ended("nonce", UNTIL)
        left.append(len(logins.secrets("nonce", "anna")))
    assert left == [100, 36, 1, 1] and len(logins.secrets("token", "anna")) == 1
    assert logins.secret("nonce", bytes([0])) is not None


def test_secrets_are_looked_up_once_whatever_else_is_asked_or_added(logins: SqliteLogins) -> None:
    looked: list[str] = []
    logins._connection.set_trace_callback(
        lambda query: looked.append(query) if "scopes, until FROM secret" in query else None
    )
    logins.add_secret("token", b"1", "anna", "user", "ask", UNTIL, "")
    logins.add_secret("token", b"2", "bo", "user", "ask", UNTIL, "")
    for _ in range(3):
        assert logins.secret("token", b"1") and logins.secret("token", b"2")
        logins.add_secret("nonce", b"n", "anna", "", "", UNTIL, "")
        assert logins.secret("nonce", b"n") and logins.drop_secret("nonce", b"n")
        assert logins.secret("nonce", b"n") is None
        assert logins.password("anna") is None and logins.linked("i", "s") is None and not logins.subjects("anna")
    assert len([query for query in looked if "'token'" in query]) == 2
    logins.forget("anna")
    assert logins.secret("token", b"1") is None and logins.secret("token", b"2") is not None
    assert logins.drop_secret("token", b"2") and logins.secret("token", b"2") is None


def test_of_many_who_use_one_link_one_gets_in(logins: SqliteLogins) -> None:
    for number in range(30):
        logins.add_secret("link", bytes([number]), "anna", "member", "member", UNTIL, "")
        with ThreadPoolExecutor(8) as pool:
            got = list(pool.map(lambda _, number=number: logins.drop_secret("link", bytes([number])), range(8)))
        assert got.count(True) == 1


def test_logins_are_there_again_and_for_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "logins.sqlite"
    with closing(SqliteLogins(path)) as logins:
        logins.set_password("anna", "member", "hash")
    with closing(SqliteLogins(path)) as logins:
        assert logins.password("anna") == ("member", "hash")
    assert path.stat().st_mode & 0o077 == 0
