"""The journal in SQLite, with group commit.

One thread writes. Callers hand it a *command* and wait; it takes all commands that wait, runs them one after another
inside one transaction, and commits once: one sync to disk serves the whole batch, and that commit is the point from
which everything in it has happened. A command sees the state that the ones before it left, decides there, and appends;
if it fails, its own savepoint is undone and the others go on. Nothing is answered before the commit.

With the facts of a batch go, in the same transaction: the rows of state folded from them, the nodes of the Merkle tree
they complete, and a signed checkpoint of the new size. So what is on disk is always whole: after a crash there is
nothing to repair and nothing that two places could disagree on.

Readers have their own connections and see the last commit; they never wait for the writer.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from usufruct.core import facts
from usufruct.core.base.faults import ClockWentBack, Fault, JournalDamaged, NodeFault, StoreFull
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.records import Entry, Fact
from usufruct.core.proof.checkpoint import Checkpoint, open_note, sign_note, vkey
from usufruct.core.proof.commitment import commit, seal
from usufruct.core.proof.receipt import Receipt, opening
from usufruct.core.proof.tree import Frontier, inclusion_proof, leaf_hash
from usufruct.ports import Clock, Entropy, Signer, Snapshot, Transaction
from usufruct.store import tables
from usufruct.store.keys import verify_signature

T = TypeVar("T")

BATCH_LIMIT = 1024
CLOCK_TOLERANCE_SECONDS = 5  # small steps back, as time services make them, are not worth stopping for


def connect(path: Path) -> sqlite3.Connection:
    """A connection that commits only when told to and syncs every commit."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA busy_timeout = 30000")
    return connection


class SqliteStore:
    """`ports.Store` in one SQLite file. `reach` is told each step, for tests that stop the process there."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        entropy: Entropy,
        signer: Signer,
        reach: Callable[[str], None] = lambda step: None,
    ) -> None:
        self._path, self._clock, self._entropy, self._signer, self._reach = path, clock, entropy, signer, reach
        self._idle: list[sqlite3.Connection] = []  # reading connections that nobody uses now
        self._door, self._closed = threading.Lock(), False
        try:
            self._connection = connect(path)
            _prepare(self._connection)
            self._frontier = _trusted_frontier(self._connection, signer)
            found = self._connection.execute("SELECT at FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
        except (sqlite3.Error, UnicodeError) as error:  # the second, when damage is quoted in SQLite's own message
            raise _as_fault(error) from None
        self._last_at = Instant(found[0]) if found else Instant("")
        self._queue: queue.Queue[tuple[Callable[[Transaction], Any], Future[Any]] | None] = queue.Queue()
        self._writer = threading.Thread(target=self._run, name="journal writer", daemon=True)
        self._writer.start()

    def write(self, command: Callable[[Transaction], T]) -> T:
        """Runs `command` in its turn and returns when what it appended is on disk; see `ports.Store`."""
        future: Future[T] = Future()
        with self._door:
            if self._closed:
                raise NodeFault("node.closed", "the node is closed; nothing was written", "open it again")
            self._queue.put((command, future))
        return future.result()

    @contextlib.contextmanager
    def read(self) -> Iterator[Snapshot]:
        """A snapshot of the last commit."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = connect(self._path)
            connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        try:
            yield SqliteSnapshot(connection)
        except sqlite3.Error as error:
            raise _as_fault(error) from None
        finally:
            connection.execute("ROLLBACK")
            self._idle.append(connection)

    def close(self) -> None:
        """Finishes what waits and closes the file."""
        with self._door:  # so that nothing is put behind the end
            self._closed = True
            self._queue.put(None)
        self._writer.join()
        for connection in [*self._idle, self._connection]:
            connection.close()

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            batch = [item]
            stop = False
            while len(batch) < BATCH_LIMIT and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    stop = True
                    break
                batch.append(following)
            self._commit(batch)
            if stop:
                return

    def _commit(self, batch: list[tuple[Callable[[Transaction], Any], Future[Any]]]) -> None:
        """Runs a batch inside one transaction; everything in it lasts from the COMMIT on."""
        done: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            transaction = SqliteTransaction(
                self._connection, self._frontier.copy(), self._last_at, self._clock.now(), self._entropy
            )
            for command, future in batch:
                done.append((future, *self._attempt(command, transaction)))
            if transaction.entries:
                transaction.flush()
                self._sign(transaction.frontier)
            self._reach("store before commit")
            self._connection.execute("COMMIT")  # from here on everything in the batch has happened
            self._reach("store after commit")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):  # callers wait for an answer, whatever the disk does
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
            fault = _as_fault(error)
            for _, future in batch:
                future.set_exception(fault)
            return
        self._frontier = transaction.frontier
        self._last_at = transaction.last_at
        for future, result, failure in done:
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)

    def _attempt(
        self, command: Callable[[Transaction], Any], transaction: SqliteTransaction
    ) -> tuple[Any, BaseException | None]:
        mark = len(transaction.entries)
        self._connection.execute("SAVEPOINT command")
        try:
            result = command(transaction)
        except sqlite3.OperationalError:
            raise  # the store's own trouble concerns the whole batch
        except Exception as error:
            self._connection.execute("ROLLBACK TO command")
            self._connection.execute("RELEASE command")
            transaction.forget(mark)
            return None, error
        self._connection.execute("RELEASE command")
        return result, None

    def _sign(self, frontier: Frontier) -> None:
        body = Checkpoint(self._signer.name, frontier.size, frontier.root()).body()
        note = sign_note(body, self._signer.name, self._signer.public, self._signer.sign)
        self._connection.execute("INSERT INTO checkpoint (size, note) VALUES (?, ?)", (frontier.size, note))


class SqliteTransaction(tables.StateReader):
    """`ports.Transaction`: one batch's; each command has its turn with it."""

    def __init__(
        self, connection: sqlite3.Connection, frontier: Frontier, last_at: Instant, now: Instant, entropy: Entropy
    ) -> None:
        super().__init__(connection)
        self.frontier = frontier
        self.last_at = last_at
        self.entries: list[tuple[Entry, bytes]] = []
        self._first = frontier.size
        self._clock_now = now
        self._entropy = entropy

    @cached_property
    def now(self) -> Instant:
        """The instant of the batch."""
        if self.last_at and later(self._clock_now, seconds=CLOCK_TOLERANCE_SECONDS) < self.last_at:
            raise ClockWentBack(
                "node.clock",
                f"the clock says {self._clock_now}, but the last fact is of {self.last_at}",
                "set the clock right; nothing was written, and nothing will be until it has caught up",
            )
        return max(self._clock_now, self.last_at)

    @property
    def next(self) -> int:
        """The sequence number that the next fact will get."""
        return self._first + len(self.entries)

    def append(self, fact: Fact) -> Entry:
        """Puts a fact at the end of the journal and folds it into the state."""
        entry = Entry(self.next, self.now, fact)
        self.entries.append((entry, facts.encode(entry)))
        for row in facts.fold(self, entry):
            tables.put(self._connection, row)
        self._connection.executemany(
            "INSERT OR IGNORE INTO about (party, seq) VALUES (?, ?)", [(party, entry.seq) for party in fact.about()]
        )
        return entry

    def attach(self, media_type: str, evidence: bytes) -> str:
        """Keeps evidence beside the journal and returns its sealed digest."""
        salt = self._entropy.bytes(32)
        digest = seal(salt, evidence)
        self._connection.execute("INSERT INTO evidence VALUES (?, ?, ?, ?)", (digest, media_type, salt, evidence))
        return digest

    def evidence(self, seal: str) -> bytes:
        """The evidence with that seal."""
        return _evidence(self._connection, seal)

    def forget(self, mark: int) -> None:
        """Drops what a failed command appended."""
        del self.entries[mark:]

    def flush(self) -> None:
        """Writes the batch's records and the nodes of the tree that they complete."""
        rows, nodes = [], []
        for entry, record in self.entries:
            nonce = self._entropy.bytes(32)
            leaf = commit(nonce, record)
            rows.append((entry.seq, entry.fact.KIND, entry.at, record, nonce, leaf))
            nodes += self.frontier.append(leaf)
        self._connection.executemany("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._connection.executemany("INSERT INTO tree VALUES (?, ?, ?)", nodes)
        self.last_at = self.entries[-1][0].at


class SqliteSnapshot(tables.StateReader):
    """`ports.Snapshot` over a reading connection."""

    def evidence(self, seal: str) -> bytes:
        """The evidence with that seal."""
        return _evidence(self._connection, seal)

    def entry(self, seq: int) -> Entry:
        """The fact at that place."""
        found = self._connection.execute("SELECT record FROM journal WHERE seq = ?", (seq,)).fetchone()
        if found is None:
            raise IndexError(f"the journal has no entry {seq}")
        return facts.decode(found[0])

    def history(self, party: str) -> list[Entry]:
        """The facts about a party, oldest first."""
        found = self._connection.execute(
            "SELECT record FROM about JOIN journal USING (seq) WHERE party = ? ORDER BY seq", (party,)
        )
        return [facts.decode(record) for (record,) in found]

    def receipt(self, seq: int) -> Receipt:
        """The fact's place with its proof against the newest checkpoint."""
        size, note = self._connection.execute("SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1").fetchone()
        nonce, record = self._connection.execute("SELECT nonce, record FROM journal WHERE seq = ?", (seq,)).fetchone()
        proof = inclusion_proof(seq, size, lambda level, index: _hash_at(self._connection, level, index))
        return Receipt(seq, tuple(proof), note, opening(nonce, record))

    def size(self) -> int:
        """The number of facts."""
        return _size(self._connection)

    def checkpoint(self) -> str | None:
        """The newest signed checkpoint."""
        found = self._connection.execute("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1").fetchone()
        return found[0] if found else None


def rebuild(connection: sqlite3.Connection) -> None:
    """Drops the state and folds the journal again, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    tables.create(connection)
    state = tables.StateReader(connection)
    for (record,) in connection.execute("SELECT record FROM journal ORDER BY seq").fetchall():
        entry = facts.decode(record)
        for row in facts.fold(state, entry):
            tables.put(connection, row)
        connection.executemany(
            "INSERT OR IGNORE INTO about VALUES (?, ?)", [(party, entry.seq) for party in entry.fact.about()]
        )
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('state', ?)", (tables.state_version(),))
    connection.execute("COMMIT")


def create(connection: sqlite3.Connection) -> None:
    """The empty tables of a journal, with the triggers that keep it append-only."""
    script = resources.files(__package__).joinpath("journal.sql").read_text(encoding="utf-8")
    connection.executescript(f"BEGIN; {script} COMMIT;")


def _prepare(connection: sqlite3.Connection) -> None:
    """A new file gets its tables; one whose state an older version folded gets it folded again.

    Raises:
        JournalDamaged: the triggers that keep the journal append-only are not as they were made.
    """
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'journal'").fetchone():
        create(connection)
    _check_triggers(connection)
    found = connection.execute("SELECT value FROM meta WHERE name = 'state'").fetchone()
    if found is None or found[0] != tables.state_version():
        rebuild(connection)


def _check_triggers(connection: sqlite3.Connection) -> None:
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    with contextlib.closing(sqlite3.connect(":memory:")) as blank:
        create(blank)
        different = set(blank.execute(query)) ^ set(connection.execute(query))
    if different:
        raise JournalDamaged(
            "node.journal",
            f"the trigger `{min(name for name, _ in different)}`, one of those that keep the journal append-only, "
            "is not as it was made",
            "find out who changed it; run `usufruct journal verify`, then restore the directory from a backup",
        )


def _trusted_frontier(connection: sqlite3.Connection, signer: Signer) -> Frontier:
    """The tree's edge, if it is what was last signed.

    Raises:
        JournalDamaged: the tree and the last signed checkpoint disagree; signing on would sign a second history.
    """
    size = _size(connection)
    found = connection.execute("SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1").fetchone()
    try:
        frontier = Frontier.load(size, lambda level, index: _hash_at(connection, level, index))
        if found:
            body = open_note(found[1], vkey(signer.name, signer.public), verify_signature)
            signed = Checkpoint.parse(body)
            if (signed.size, signed.root) != (size, frontier.root()):
                raise ValueError(f"{signed.size} facts were signed for, the tree of {size} has another root")
        elif size:
            raise ValueError("there are facts but no checkpoint")
    except (ValueError, TypeError) as error:
        raise JournalDamaged(
            "node.journal",
            f"the journal is not what was last signed: {error}",
            "do not use this copy; run `usufruct journal verify`, then restore the directory from a backup",
        ) from None
    return frontier


def _hash_at(connection: sqlite3.Connection, level: int, index: int) -> bytes:
    if level == 0:
        return leaf_hash(connection.execute("SELECT leaf FROM journal WHERE seq = ?", (index,)).fetchone()[0])
    found = connection.execute("SELECT hash FROM tree WHERE level = ? AND idx = ?", (level, index)).fetchone()
    return bytes(found[0])


def _size(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(seq) + 1, 0) FROM journal").fetchone()[0])


def _evidence(connection: sqlite3.Connection, wanted: str) -> bytes:
    found = connection.execute("SELECT salt, bytes FROM evidence WHERE seal = ?", (wanted,)).fetchone()
    if found is None or seal(found[0], found[1]) != wanted:
        raise JournalDamaged(
            "node.evidence",
            f"the evidence sealed {wanted[:12]}… is missing or was changed",
            "restore the directory from a backup",
        )
    return bytes(found[1])


def _as_fault(error: BaseException) -> BaseException:
    if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
        return StoreFull(
            "node.full",
            "the disk is full; nothing of this was written",
            "free some space and ask again; nothing is lost",
        )
    if isinstance(error, Fault) or not isinstance(error, sqlite3.Error | UnicodeDecodeError):
        return error
    if type(error) is sqlite3.DatabaseError or isinstance(error, UnicodeDecodeError):
        return JournalDamaged(
            "node.journal",
            f"the journal cannot be read: {error}",
            "run `usufruct journal verify`, then restore the directory from a backup",
        )
    return NodeFault(
        "node.store", f"the journal could not be written: {error}", "look at the disk, then start the node again"
    )
