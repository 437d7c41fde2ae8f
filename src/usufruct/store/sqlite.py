"""The journal in one SQLite file: the default store; see `batch` for how it is written and `sql` for what is in it.

Readers have their own connections and see the last commit; they never wait for the writer.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from usufruct.core.base.faults import Fault, JournalDamaged, NodeFault, StoreFull
from usufruct.ports import Clock, Entropy, KeyRing, Signer, Snapshot
from usufruct.store import sql, tables
from usufruct.store.batch import GroupCommit, no_step
from usufruct.store.guard import Guard


def connect(path: Path) -> sqlite3.Connection:
    """A connection that commits only when told to and syncs every commit."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten
    connection.execute("PRAGMA busy_timeout = 30000")
    return connection


class SqliteStore(GroupCommit):
    """`ports.Store` in one SQLite file. `reach` is told each step, for tests that stop the process there."""

    rest = 1.0

    def __init__(
        self,
        path: Path,
        clock: Clock,
        entropy: Entropy,
        signer: Signer,
        keyring: KeyRing,
        guard: Guard,
        reach: Callable[[str], None] = no_step,
    ) -> None:
        super().__init__(clock, entropy, signer, keyring, guard, reach)
        self._path = path
        self._idle: list[sqlite3.Connection] = []  # reading connections that nobody uses now
        self._known = tables.Known()
        try:
            self._connection = connect(path)
            _prepare(self._connection, keyring)
            self._wiped = _wipe_log(self._connection)
            self._frontier = sql.trusted_frontier(self._connection, signer, guard)
            self._last_at = sql.last_instant(self._connection)
        except (sqlite3.Error, UnicodeError) as error:  # the second, when damage is quoted in SQLite's own message
            raise self.fault_of(error) from None
        self._writer.start()

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
            yield sql.SqlSnapshot(connection, self._keyring)
        except sqlite3.Error as error:
            raise self.fault_of(error) from None
        finally:
            connection.execute("ROLLBACK")
            self._idle.append(connection)

    def begin(self) -> sql.SqlBatch:
        """Opens a transaction."""
        self.idle()
        self._connection.execute("BEGIN IMMEDIATE")
        return sql.SqlBatch(
            self._connection, self._frontier, self._last_at, self._clock.now(), self._entropy, self._keyring, self._known,
            lambda error: isinstance(error, sqlite3.OperationalError),
        )  # fmt: skip

    def fold_again(self, before: Callable[[], None]) -> None:
        """Marks the state as stale, runs `before`, folds again and wipes what was there."""
        self._known.clear()
        sql.mark_stale(self._connection)
        before()
        rebuild(self._connection, self._keyring)
        self._wiped = _wipe_log(self._connection)

    def idle(self) -> None:
        """Takes out of the log what somebody was still reading when it should have gone."""
        with contextlib.suppress(sqlite3.Error):  # whatever it is, the next command meets it
            self._wiped = self._wiped or _wipe_log(self._connection)

    def let_go(self) -> None:
        """Closes the file."""
        for connection in [*self._idle, self._connection]:
            connection.close()

    def fault_of(self, error: BaseException) -> BaseException:
        """What callers are told when SQLite fails."""
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


def rebuild(connection: sqlite3.Connection, keyring: KeyRing) -> None:
    """Drops the state and folds the journal again, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    sql.refold(connection, keyring)
    connection.execute("COMMIT")


def _wipe_log(connection: sqlite3.Connection) -> bool:
    """Takes old pages out of the write-ahead log; whether that could be done, for whoever reads them keeps them there."""
    connection.execute("PRAGMA busy_timeout = 0")
    busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    connection.execute("PRAGMA busy_timeout = 30000")
    return not busy


def create(connection: sqlite3.Connection) -> None:
    """The empty tables of a journal, with the triggers that keep it append-only."""
    connection.executescript(f"BEGIN; {sql.script()} COMMIT;")


def _prepare(connection: sqlite3.Connection, keyring: KeyRing) -> None:
    """A new file gets its tables; one whose state an older version folded gets it folded again.

    Raises:
        JournalDamaged: the triggers that keep the journal append-only are not as they were made.
    """
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'journal'").fetchone():
        create(connection)
    _check_triggers(connection)
    if not sql.is_current(connection):
        rebuild(connection, keyring)


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
