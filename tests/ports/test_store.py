"""What `ports.Store` and `ports.Logins` promise, held against whoever stands behind them."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import islice, product
from pathlib import Path
from typing import Any

import pytest
from histories import History

from support import SetClock, rebuilt_rows, state_rows
from usufruct.core import facts
from usufruct.core.access.facts import ConsentGiven
from usufruct.core.base.faults import JournalDamaged
from usufruct.core.base.instants import Instant, later
from usufruct.core.proof.checkpoint import vkey
from usufruct.core.proof.receipt import Receipt, check
from usufruct.core.registry.facts import PartyRegistered
from usufruct.core.registry.state import Party
from usufruct.ports import Transaction
from usufruct.store import sqlite
from usufruct.store.keys import KeyFile, SystemEntropy, verify_signature
from usufruct.store.logins import SqliteLogins
from usufruct.store.memory import MemoryState
from usufruct.store.sqlite import SqliteStore

NAME = "test.example/journal"


class Place:
    """A directory with a key, in which stores are opened."""

    def __init__(self, directory: Path) -> None:
        KeyFile.create(directory / "signing.pem")
        self.directory = directory
        self.journal = directory / "journal.sqlite"
        self.clock = SetClock()
        self.signer = KeyFile(NAME, directory / "signing.pem")

    @contextmanager
    def store(self) -> Iterator[SqliteStore]:
        """The store, open."""
        with closing(SqliteStore(self.journal, self.clock, SystemEntropy(), self.signer)) as store:
            yield store


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A new one."""
    return Place(tmp_path)


@pytest.fixture
def store(place: Place) -> Iterator[SqliteStore]:
    """A new, empty store."""
    with place.store() as store:
        yield store


def party(name: str) -> PartyRegistered:
    """A fact that needs nothing else."""
    return PartyRegistered(name, "organisation", name.capitalize())


def adds(name: str) -> Callable[[Transaction], int]:
    """A command that records it."""
    return lambda tx: tx.append(party(name)).seq


def names(store: SqliteStore) -> list[str]:
    """The parties that are known, in order."""
    with store.read() as state:
        return [row.id for row in state.list(Party)]


def in_one_batch(store: SqliteStore, *commands: Callable[[Transaction], Any]) -> list[Future[Any]]:
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


def test_commands_of_a_batch_see_what_the_ones_before_them_left(store: SqliteStore) -> None:
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
    incremental = state_rows(place.journal)
    assert rebuilt_rows(place.journal) == incremental


def test_a_batch_has_one_instant_and_one_checkpoint(place: Place) -> None:
    with place.store() as store:
        store.write(adds("first"))
        in_one_batch(store, *(adds(f"party-{number}") for number in range(5)))
        with store.read() as state:
            instants = [state.entry(seq).at for seq in range(state.size())]
    assert len(set(instants[1:])) == 1 and instants[0] < instants[1]
    with closing(sqlite.connect(place.journal)) as connection:
        assert connection.execute("SELECT size FROM checkpoint ORDER BY size").fetchall() == [(1,), (6,)]


def test_a_command_that_appends_nothing_signs_nothing(store: SqliteStore) -> None:
    assert store.write(lambda tx: "nothing") == "nothing"
    with store.read() as state:
        assert (state.size(), state.checkpoint()) == (0, None)


def test_more_commands_than_one_batch_takes(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BATCH_LIMIT", 3)
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

    with place.store() as store, ThreadPoolExecutor(16) as pool:
        told = sorted(entry for entries in pool.map(write, range(16)) for entry in entries)
    assert [seq for seq, _ in told] == list(range(400))
    with place.store() as store:
        assert names(store) == [name for _, name in told]
        with store.read() as state:
            assert all(state.entry(seq).fact == party(name) for seq, name in told)


def test_everything_is_there_when_the_store_opens_again(place: Place) -> None:
    with place.store() as store:
        seal = store.write(lambda tx: (tx.append(party("anna")), tx.attach("text/plain", b"kept"))[1])
        with store.read() as state:
            note = state.checkpoint()
    with place.store() as store, store.read() as state:
        assert (state.size(), state.checkpoint(), state.evidence(seal)) == (1, note, b"kept")
        assert state.entry(0).fact == party("anna")


def test_every_commit_is_synced(store: SqliteStore) -> None:
    """No test can cut the power; this holds the two settings on which it depends."""
    for connection in (store._connection, sqlite.connect(store._path)):
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


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


def test_a_snapshot_stays_as_it_was(store: SqliteStore) -> None:
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


def test_who_reads_does_not_wait_for_who_writes(store: SqliteStore) -> None:
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


def test_nobody_writes_through_a_snapshot(store: SqliteStore) -> None:
    with store.read() as state, pytest.raises(Exception, match="readonly"):
        state._connection.execute("DELETE FROM about")  # type: ignore[attr-defined]


def test_threads_that_come_and_go_leave_no_connections_behind(store: SqliteStore) -> None:
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
    history = History(6)
    memory = MemoryState()
    with place.store() as store:
        store.write(lambda tx: [tx.append(fact) for fact in history.beginning()])
        source = history.facts()
        while store.write(lambda tx: tx.next) < 600:
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
    incremental = state_rows(place.journal)
    assert all(incremental.values())
    assert rebuilt_rows(place.journal) == incremental


def compare(state: Any, memory: MemoryState) -> None:
    """Every row by its key, every list by every combination of what can be asked for."""
    for kind in facts.ROWS:
        rows = list(memory.list(kind))
        assert list(state.list(kind)) == rows
        for row in rows:
            assert state.get(kind, *(getattr(row, field) for field in kind.KEY)) == row
        values = [[None, *dict.fromkeys(getattr(row, field) for row in rows), "unknown"] for field in kind.INDEXED]
        for wanted in islice(product(*values), 400):
            where = {field: value for field, value in zip(kind.INDEXED, wanted, strict=True) if value is not None}
            expected = [row for row in rows if all(getattr(row, field) == value for field, value in where.items())]
            assert list(state.list(kind, **where)) == list(memory.list(kind, **where)) == expected
        assert state.get(kind, *["unknown"] * len(kind.KEY)) is None or not kind.KEY


def test_history_is_what_a_fact_is_about(store: SqliteStore) -> None:
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


def test_another_key_cannot_go_on_with_a_journal(place: Place) -> None:
    with place.store() as store:
        store.write(adds("anna"))
    KeyFile.create(place.directory / "other.pem")
    place.signer = KeyFile(NAME, place.directory / "other.pem")
    with pytest.raises(JournalDamaged), place.store():
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
