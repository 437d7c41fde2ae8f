"""The journal in a PostgreSQL database: for nodes whose steward has a server that is looked after.

One process *leads*: it holds an advisory lock of the database for as long as its session lasts, and nobody else writes.
A lock alone is not enough. A leader may be stopped for a while (a sleeping machine, a long pause), lose its session
without noticing, and wake up when somebody else leads. So each taking of the lead begins a new *term*, and every
transaction that writes first holds the row with the newest term: if that is not its own, it is a *deposed* leader, and
nothing of it is written, ever again. The other way round a new leader, to begin its term, waits for that row until the
last transaction of the old one has ended, and only then looks where the journal ends.

A leader that is silent for `lease` seconds has its session ended by the server, which lets go of the lock; so it says
something from time to time. Key slots are handed out by a sequence in blocks, so two processes never write to the same
place of the key ring. The ring and the note of what was last signed are files of the machine that leads, as with SQLite.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import time
from collections.abc import Callable, Iterator

import psycopg

from usufruct.core.base.faults import Fault, JournalDamaged, NodeBusy, NodeFault
from usufruct.ports import Clock, Entropy, Signer, Snapshot
from usufruct.store import sql, tables
from usufruct.store.batch import GroupCommit, no_step
from usufruct.store.guard import Guard
from usufruct.store.keyring import KeyRing
from usufruct.store.pg import PgConnection, begin_reading, create, fault_of, flaws, is_created, keep_readers_out

LOCK = 0x7573_7566_7275_6374  # "usufruct"; locks are the database's own, and a database holds one node
LEASE_SECONDS = 15.0
GRACE_SECONDS = 2.0  # in which the server notices that a leader has died
SLOTS = 32  # key slots in a block, as the sequence has it
_IDLE = 8  # reading connections kept while nobody reads


class PostgresStore(GroupCommit):
    """`ports.Store` in the database at an address. `wait`: for how many seconds to wait while another process leads.

    Raises:
        NodeBusy: another process leads, and still did after that time.
        NodeFault: the database cannot be reached.
        JournalDamaged: the journal is not what was last signed, or is not kept append-only.
    """

    def __init__(
        self,
        address: str,
        clock: Clock,
        entropy: Entropy,
        signer: Signer,
        keyring: KeyRing,
        guard: Guard,
        reach: Callable[[str], None] = no_step,
        wait: float = 0,
        lease: float = LEASE_SECONDS,
    ) -> None:
        super().__init__(clock, entropy, signer, keyring, guard, reach)
        self._address, self._ring, self._last, self._lease, self.rest = address, keyring, guard, lease, lease / 3
        self._idle: list[PgConnection] = []
        self._known = tables.Known()
        self._slots: list[int] = []  # of the key ring, not yet used
        self._deposed = False
        self._lead(wait)
        self._writer.start()

    @contextlib.contextmanager
    def read(self) -> Iterator[Snapshot]:
        """A snapshot of the last commit."""
        if self._deposed:
            raise _deposed()
        try:
            connection = self._reader()
        except psycopg.Error as error:
            raise fault_of(error) from None
        try:
            yield sql.SqlSnapshot(connection, self._keyring)
        except psycopg.Error as error:
            raise fault_of(error) from None
        finally:
            with contextlib.suppress(psycopg.Error):
                connection.end()
            if connection.gone or len(self._idle) >= _IDLE:
                connection.close()
            else:
                self._idle.append(connection)

    def begin(self) -> PgBatch:
        """Opens a transaction, if this process still leads.

        Raises:
            NodeFault: it does not.
        """
        if self._deposed:
            raise _deposed()
        try:
            self._hold_term()
        except psycopg.OperationalError:  # the session is gone, and nothing has happened in this transaction
            self._lead(self._lease * 2, self._term)
            self._hold_term()
        return PgBatch(self._connection, self)

    def fold_again(self, before: Callable[[], None]) -> None:
        """Marks the state as stale, runs `before`, folds again and has the server write what is left anew."""
        self._known.clear()
        self._hold_term()
        sql.mark_stale(self._connection)
        self._connection.execute("COMMIT")
        before()
        self._hold_term()
        keep_readers_out(self._connection)
        sql.refold(self._connection, self._keyring)
        self._connection.execute("COMMIT")
        self._connection.execute("VACUUM FULL about")

    def idle(self) -> None:
        """Tells the server that the leader is alive; takes the lead again if the session was lost and nobody else led."""
        with contextlib.suppress(Exception):  # whatever it is, the next command meets it
            try:
                if self._connection.gone:
                    self._lead(0, self._term)
                self._connection.execute("SELECT 1")
            except NodeBusy:  # somebody else has the lock
                self._deposed = True

    def fault_of(self, error: BaseException) -> BaseException:
        """What callers are told when PostgreSQL fails."""
        return fault_of(error)

    def let_go(self) -> None:
        """Closes all connections, and with them lets go of the lead."""
        for connection in [*self._idle, self._connection]:
            connection.close()

    def new_slot(self) -> int:
        """A slot of the key ring that no other process was given."""
        if not self._slots:
            (first,) = self._connection.execute("SELECT nextval('key_slots')").fetchone()
            self._slots = list(range(first, first + SLOTS))
        return self._slots.pop(0)

    def _reader(self) -> PgConnection:
        """A connection in a transaction that sees one moment."""
        while self._idle:
            with contextlib.suppress(IndexError):  # another thread was faster
                connection = self._idle.pop()
                with contextlib.suppress(psycopg.Error):  # it was lost meanwhile
                    begin_reading(connection)
                    return connection
        connection = PgConnection(self._address)
        begin_reading(connection)
        return connection

    def _hold_term(self) -> None:
        """Opens a transaction that no newer term can begin beside."""
        self._connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        (term,) = self._connection.execute("SELECT term FROM leader FOR SHARE").fetchone()
        if term != self._term:
            self._connection.execute("ROLLBACK")
            self._depose()

    def _lead(self, wait: float, term: int | None = None) -> None:
        """Takes the lead; where `term` was ours, only if nobody has led since."""
        connection = PgConnection(self._address, writes=True)
        try:
            take_lock(connection, wait)
            if not is_created(connection):
                connection.execute("BEGIN")
                create(connection)
                connection.execute("COMMIT")
            self._connection, self._term = connection, self._begin_term(connection, term)
            self._look_where_it_ends()
        except BaseException as error:
            connection.close()
            raise fault_of(error) from None

    def _begin_term(self, connection: PgConnection, term: int | None) -> int:
        who = f"process {os.getpid()} of {getpass.getuser()} on {socket.gethostname()}"
        ours = "" if term is None else "WHERE term = ?"
        found = connection.execute(
            f"UPDATE leader SET term = term + 1, who = ?, since = to_char(now() AT TIME ZONE 'UTC', "
            f'\'YYYY-MM-DD"T"HH24:MI:SS"Z"\') {ours} RETURNING term',
            (who,) if term is None else (who, term),
        ).fetchone()
        if found is None:
            self._depose()
        milliseconds = int(self._lease * 1000)
        connection.execute(f"SET idle_session_timeout = {milliseconds}")
        connection.execute(f"SET idle_in_transaction_session_timeout = {4 * milliseconds}")
        return int(found[0])

    def _look_where_it_ends(self) -> None:
        self._known.clear()
        for what in flaws(self._connection):
            raise JournalDamaged(
                "node.journal", what,
                "find out who changed it; run `usufruct journal verify`, then restore the node from a backup",
            )  # fmt: skip
        self._connection.execute("BEGIN")
        if not sql.is_current(self._connection):
            keep_readers_out(self._connection)
            sql.refold(self._connection, self._keyring)
        self._connection.execute("COMMIT")
        self._last.look()
        self._frontier = sql.trusted_frontier(self._connection, self._signer, self._last)
        self._last_at = sql.last_instant(self._connection)
        (first,) = self._connection.execute("SELECT nextval('key_slots')").fetchone()
        if first < self._ring.count:  # the journal came from elsewhere
            self._connection.execute("SELECT setval('key_slots', ?, false)", (self._ring.count,))
        self._slots = []

    def _depose(self) -> None:
        self._deposed = True
        raise _deposed()


class PgBatch(sql.SqlBatch):
    """`Batch` in PostgreSQL."""

    def __init__(self, connection: PgConnection, store: PostgresStore) -> None:
        super().__init__(
            connection, store._frontier, store._last_at, store._clock.now(), store._entropy, store._keyring, store._known,
            lambda error: connection.gone or isinstance(error, psycopg.OperationalError | psycopg.InterfaceError),
        )  # fmt: skip
        self._pg, self._store = connection, store

    def new_key(self) -> int:
        """Makes a key for a new person and returns its slot."""
        return self._keyring.create(self._entropy.bytes(32), self._store.new_slot())

    def commit(self) -> None:
        """Makes the batch last."""
        try:
            done = self._pg.execute("COMMIT").statusmessage
        except psycopg.OperationalError as error:
            raise NodeFault(
                "node.store", f"the database was lost at the commit, so it is not known whether this was written: {error}",
                "look whether it was before asking again",
            ) from None  # fmt: skip
        if done != "COMMIT":  # what PostgreSQL says when a statement before had failed
            raise NodeFault("node.store", "the database undid the batch; nothing was written", "ask again")


def take_lock(connection: PgConnection, wait: float) -> None:
    """Takes the lock that only the leader holds. Raises NodeBusy, saying who leads."""
    until = time.monotonic() + max(wait, GRACE_SECONDS)
    while not connection.execute("SELECT pg_try_advisory_lock(?)", (LOCK,)).fetchone()[0]:
        if time.monotonic() >= until:
            found = (
                connection.execute("SELECT who, since, term FROM leader").fetchone() if is_created(connection) else None
            )
            leader = f"{found[0]}, since {found[1]}, term {found[2]}" if found else "unknown"
            raise NodeBusy(
                "node.busy",
                f"the node is led by another process ({leader})",
                "stop that process first, use the running node through its web address, or set `store_wait`",
            )
        time.sleep(0.1)


def _deposed() -> Fault:
    return NodeFault(
        "node.deposed",
        "another process has taken the lead; nothing was written",
        "use the node that leads now, or start this one again",
    )
