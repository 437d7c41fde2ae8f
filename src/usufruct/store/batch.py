"""Group commit: one thread writes, and one sync to disk serves everybody who waits.

Callers hand the writer a *command* and wait; it takes all commands that wait, runs them one after another inside one
transaction, and commits once; that commit is the point from which everything in the batch has happened. A command sees
the state that the ones before it left, decides there, and appends; if it fails, its own part is undone and the others go
on. Nothing is answered before the commit.

With the facts of a batch go, in the same transaction: the rows of state folded from them, the nodes of the Merkle tree
they complete, and a signed checkpoint of the new size. So what is stored is always whole: after a crash there is
nothing to repair and nothing that two places could disagree on.

This is the same for every store. What differs, how a transaction is begun, undone and committed, is in `Batch`, which
SQLite, PostgreSQL and memory each make their own.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import cached_property
from typing import Any, TypeVar

from usufruct.core import facts
from usufruct.core.base.faults import BadInput, ClockWentBack, NodeFault
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.records import Entry, Fact, Row, RowT
from usufruct.core.proof.checkpoint import Checkpoint, sign_note
from usufruct.core.proof.commitment import commit, seal
from usufruct.core.proof.tree import Frontier
from usufruct.core.registry.state import ErasedPerson, Party
from usufruct.ports import Clock, Entropy, EpochTrees, KeyRing, Signer, Transaction
from usufruct.store.guard import Guard

T = TypeVar("T")

BATCH_LIMIT = 1024
# Signing and syncing cost the same for one fact and for a hundred. Where several came together, the next ones are given
# a moment to do so too, unless enough wait already; who writes alone never waits.
BUSY, MANY, GATHER_SECONDS = 4, 48, 0.004
CLOCK_TOLERANCE_SECONDS = 5  # small steps back, as time services make them, are not worth stopping for


def no_step(step: str) -> None:
    """Nobody watches the steps."""


class GroupCommit(ABC):
    """The writer of a `ports.Store`. `reach` is told each step, for tests that stop the process there."""

    rest: float | None = None
    """After so many seconds without a command the writer calls `idle`."""

    def __init__(
        self,
        clock: Clock,
        entropy: Entropy,
        signer: Signer,
        keyring: KeyRing,
        guard: Guard | None,
        reach: Callable[[str], None] = no_step,
    ) -> None:
        self._clock, self._entropy, self._signer, self._reach = clock, entropy, signer, reach
        self._keyring, self._guard = keyring, guard
        self._frontier, self._last_at = Frontier(), Instant("")
        self._door, self._closed = threading.Lock(), False
        self._turn = threading.Lock()  # held by whoever writes
        self._queue: queue.Queue[tuple[Callable[[Transaction], Any], Future[Any]] | None] = queue.Queue()
        self._writer = threading.Thread(target=self._run, name="journal writer", daemon=True)

    def write(self, command: Callable[[Transaction], T]) -> T:
        """Runs `command` in its turn and returns when what it appended is on disk; see `ports.Store`."""
        return self.submit(command).result()

    def submit(self, command: Callable[[Transaction], T]) -> Future[T]:
        """`write` for callers who must not block."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # a caller who goes away cannot take it back
        with self._door:
            if self._closed:
                raise NodeFault("node.closed", "the node is closed; nothing was written", "open it again")
            self._queue.put((command, future))
        return future

    def refold(self, before: Callable[[], None]) -> None:
        """Folds the whole journal again after `before`, and wipes what stood there; see `ports.Store`."""
        with self._turn:
            try:
                self.fold_again(before)
            except Exception as error:
                raise self.fault_of(error) from None

    def close(self) -> None:
        """Finishes what waits and lets go."""
        with self._door:  # so that nothing is put behind the end
            self._closed = True
            self._queue.put(None)
        self._writer.join()
        self.let_go()

    @abstractmethod
    def begin(self) -> Batch:
        """Opens a transaction."""

    @abstractmethod
    def fold_again(self, before: Callable[[], None]) -> None:
        """Marks the state as stale, so that a crash from here on leads here again; runs `before`; drops the state, folds
        it again, and leaves no byte of the old one in the files. Nobody else writes meanwhile."""

    @abstractmethod
    def fault_of(self, error: BaseException) -> BaseException:
        """What callers are told when the store itself fails."""

    @abstractmethod
    def let_go(self) -> None:
        """Closes whatever is open; nobody writes any more."""

    def idle(self) -> None:  # noqa: B027 (most stores have nothing to do)
        """Nobody has asked for anything in a while."""

    def _run(self) -> None:
        stop = busy = False
        while not stop:
            try:
                item = self._queue.get(timeout=self.rest)
            except queue.Empty:
                with self._turn:
                    self.idle()
                continue
            if busy and self._queue.qsize() < MANY:
                time.sleep(GATHER_SECONDS)
            batch = []
            while item is not None:
                batch.append(item)
                if len(batch) == BATCH_LIMIT or self._queue.empty():
                    break
                item = self._queue.get()
            stop, busy = item is None, len(batch) >= BUSY
            if batch:
                with self._turn:
                    self._commit(batch)

    def _commit(self, batch: list[tuple[Callable[[Transaction], Any], Future[Any]]]) -> None:
        """Runs a batch inside one transaction; everything in it lasts from the commit on."""
        transaction: Batch | None = None
        try:
            transaction = self.begin()
            done = [(future, *transaction.attempt(command)) for command, future in batch]
            note = transaction.sign(self._signer)
            self._reach("store before commit")
            transaction.commit()  # from here on everything in the batch has happened
            self._frontier, self._last_at = transaction.frontier, transaction.last_at
            self._reach("store after commit")
            if note and self._guard:
                self._guard.keep(note)  # before anybody is told, so that no copy of the journal outlives what was told
            self._reach("store after guard")
        except BaseException as error:
            if transaction:
                with contextlib.suppress(Exception):  # callers wait for an answer, whatever the disk does
                    transaction.rollback()
            fault = self.fault_of(error)
            for _, future in batch:
                future.set_exception(fault)
            return
        for future, result, failure in done:
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)


def _check_found_by(what: str, values: Sequence[object]) -> None:
    """Raises BadInput where something would be found by a text that not every database can hold.

    PostgreSQL has no text with the character 0. It would say so only when the row is written, in the turn of another
    command, or at the end of the batch for all.
    """
    if any(isinstance(value, str) and "\0" in value for value in values):
        raise BadInput("input.text", f"{what} has the character 0 in it", "leave it out")


class Batch(ABC):
    """`ports.Transaction`: one batch's; each command has its turn with it."""

    def __init__(self, frontier: Frontier, last_at: Instant, now: Instant, entropy: Entropy, keyring: KeyRing) -> None:
        self.frontier, self.last_at = frontier.copy(), last_at
        self.entries: list[tuple[Entry, bytes, int | None]] = []  # with the slot of the owner's key
        self._first = frontier.size
        self._clock_now = now
        self._entropy, self._keyring = entropy, keyring

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
        record = facts.encode(entry)
        _check_found_by("a party", fact.about())
        for row in facts.fold(self, entry):
            for name in (*row.KEY, *row.INDEXED):
                _check_found_by(f"`{name}`", (getattr(row, name),))
            self.put(row)
        self.entries.append((entry, record, self._key_of(fact.owner())))
        return entry

    def _key_of(self, owner: str | None) -> int | None:
        """The slot of the key that seals an owner's records. Raises BadInput if she is being erased."""
        party = None if owner is None else self.get(Party, owner)
        if party is None or party.key_slot is None:
            return None
        if self.get(ErasedPerson, party.key_slot):
            raise BadInput("input.member", f"`{party.called}` is being erased", "nothing can be recorded about her now")
        return party.key_slot

    def sealed_with(self, key: int) -> tuple[int, ...]:
        """The numbers of the facts whose records that person's key seals."""
        return (*self.sealed_before(key), *(entry.seq for entry, _, sealing in self.entries if sealing == key))

    def new_key(self) -> int:
        """Makes a key for a new person and returns its slot."""
        return self._keyring.create(self._entropy.bytes(32))

    def attach(self, media_type: str, evidence: bytes) -> str:
        """Keeps evidence beside the journal and returns its sealed digest."""
        salt = self._entropy.bytes(32)
        digest = seal(salt, evidence)
        self.keep_evidence(digest, media_type, salt, evidence)
        return digest

    def attempt(self, command: Callable[[Transaction], Any]) -> tuple[Any, BaseException | None]:
        """Runs a command: what it returned, or the failure that undid it. Raises what concerns the whole batch."""
        entries = len(self.entries)
        self.mark()
        try:
            result = command(self)
        except Exception as error:
            if self.is_ours(error):
                raise
            self.undo()
            del self.entries[entries:]
            return None, error
        self.unmark()
        return result, None

    def sign(self, signer: Signer) -> str | None:
        """Writes the batch's records and the nodes of the tree that they complete; the signed note of the new size.

        None if no command appended anything.
        """
        if not self.entries:
            return None
        rows, nodes = [], []
        for entry, record, key in self.entries:
            nonce = self._entropy.bytes(32)
            leaf = commit(nonce, record)
            if key is not None:
                nonce, record = b"", self._keyring.seal(key, leaf, nonce, record)
            rows.append((entry.seq, entry.fact.KIND, entry.at, record, nonce, leaf, key))
            nodes += self.frontier.append(leaf)
        size = self.frontier.size
        note = sign_note(
            Checkpoint(signer.name, size, self.frontier.root()).body(), signer.name, signer.public, signer.sign
        )
        self.keep(rows, nodes, size, note)
        self.last_at = self.entries[-1][0].at
        self._keyring.sync()
        return note

    def mentions(self) -> Sequence[tuple[str, int]]:
        """The parties in whose histories the batch's facts belong, with the facts' numbers."""
        return [(party, entry.seq) for entry, *_ in self.entries for party in dict.fromkeys(entry.fact.about())]

    @abstractmethod
    def get(self, kind: type[RowT], *key: str | int) -> RowT | None:
        """The row with this key, or None."""

    @abstractmethod
    def list(self, kind: type[RowT], /, **where: str | int) -> Iterator[RowT]:
        """Rows whose indexed fields equal `where`, in the order in which they first appeared."""

    @abstractmethod
    def evidence(self, seal: str) -> bytes:
        """The evidence with that seal."""

    @abstractmethod
    def put(self, row: Row) -> None:
        """Writes a row, in place of the one with its key."""

    @abstractmethod
    def sealed_before(self, key: int) -> Sequence[int]:
        """The facts that a key seals, but for those of this batch."""

    @abstractmethod
    def keep_evidence(self, digest: str, media_type: str, salt: bytes, evidence: bytes) -> None:
        """Writes a piece of evidence."""

    @abstractmethod
    def keep_epoch(self, number: int, trees: EpochTrees, tallies: Mapping[int, tuple[int, bytes]]) -> None:
        """Keeps the trees of an epoch that is being closed, and the counts and heads that it changed."""

    @abstractmethod
    def keep(
        self, rows: Sequence[tuple[Any, ...]], nodes: Sequence[tuple[int, int, bytes]], size: int, note: str
    ) -> None:
        """Writes rows of the journal, nodes of the tree, the checkpoint and `mentions`."""

    @abstractmethod
    def mark(self) -> None:
        """Remembers where a command begins."""

    @abstractmethod
    def undo(self) -> None:
        """Back to the mark, which is forgotten."""

    @abstractmethod
    def unmark(self) -> None:
        """Forgets the mark."""

    @abstractmethod
    def is_ours(self, error: Exception) -> bool:
        """Whether the store itself failed, which concerns the whole batch."""

    @abstractmethod
    def commit(self) -> None:
        """Makes the batch last."""

    @abstractmethod
    def rollback(self) -> None:
        """Gives the batch up."""
