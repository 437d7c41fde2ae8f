"""What every SQL store shares: reading the journal, writing a batch, folding the state again, trusting a tree.

SQLite and PostgreSQL are asked the same questions in the same words: placeholders are `?`, and nothing is used that only
one of them knows. So what holds for one holds for the other, and the audit reads both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib import resources
from typing import Any

from usufruct.core import facts
from usufruct.core.base.faults import JournalDamaged
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, row_key
from usufruct.core.privacy.facts import QueryAbandoned, QueryAnswered
from usufruct.core.proof.checkpoint import Checkpoint, open_note, vkey
from usufruct.core.proof.commitment import seal
from usufruct.core.proof.receipt import Receipt, opening
from usufruct.core.proof.tree import Frontier, inclusion_proof, leaf_hash
from usufruct.core.registry.state import Party, Person
from usufruct.ports import Entropy, EpochTrees, KeyRing, Signer
from usufruct.store import tables
from usufruct.store.batch import Batch
from usufruct.store.guard import Guard
from usufruct.store.keyring import entry_of, opened
from usufruct.store.keys import verify_signature
from usufruct.store.publiclog import SqlPublicLog
from usufruct.store.tables import Connection

_ROW = "seq, at, record, nonce, leaf, key"  # what `entry_of` takes
_CHUNK = 10_000  # entries read at once


class SqlBatch(tables.StateWriter, Batch):
    """`Batch` over a connection in a transaction."""

    def __init__(
        self,
        connection: Connection,
        frontier: Frontier,
        last_at: Instant,
        now: Instant,
        entropy: Entropy,
        keyring: KeyRing,
        known: tables.Known,
        broken: Callable[[Exception], bool],
    ) -> None:
        tables.StateWriter.__init__(self, connection, known)
        Batch.__init__(self, frontier, last_at, now, entropy, keyring)
        self._broken = broken

    def is_ours(self, error: Exception) -> bool:
        """Whether the store itself failed, which concerns the whole batch."""
        return self.failed or self._broken(error)

    def evidence(self, seal: str) -> bytes:
        """The evidence with that seal."""
        return _evidence(self._connection, seal)

    def sealed_before(self, key: int) -> Sequence[int]:
        """The facts that a key seals, but for those of this batch."""
        found = self._connection.execute("SELECT seq FROM journal WHERE key = ? ORDER BY seq", (key,))
        return [seq for (seq,) in found]

    def keep_evidence(self, digest: str, media_type: str, salt: bytes, evidence: bytes) -> None:
        """Writes a piece of evidence."""
        self.save()
        self._connection.execute("INSERT INTO evidence VALUES (?, ?, ?, ?)", (digest, media_type, salt, evidence))

    def keep_epoch(self, number: int, trees: EpochTrees, tallies: Mapping[int, tuple[int, bytes]]) -> None:
        """Keeps the trees of an epoch that is being closed, and the counts and heads that it changed."""
        self.save()
        self._connection.execute("UPDATE epoch SET counts = NULL WHERE counts IS NOT NULL")
        self._connection.execute(
            "INSERT INTO epoch VALUES (?, ?, ?, ?, ?, ?)",
            (number, trees.seed, trees.slips, trees.slips_room, trees.counts, trees.counts_room),
        )
        self._connection.executemany(
            "INSERT INTO tally VALUES (?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET count = excluded.count, head = excluded.head",
            [(key, count, head) for key, (count, head) in tallies.items()],
        )

    def keep(
        self, rows: Sequence[tuple[Any, ...]], nodes: Sequence[tuple[int, int, bytes]], size: int, note: str
    ) -> None:
        """Writes rows of the journal, nodes of the tree, the checkpoint and `mentions`."""
        self.flush()
        tables.insert(self._connection, "journal (seq, kind, at, record, nonce, leaf, key)", rows)
        tables.insert(self._connection, "about (party, seq)", self.mentions())
        tables.insert(self._connection, "tree (level, idx, hash)", nodes)
        tables.insert(self._connection, "checkpoint (size, note)", [(size, note)])

    def commit(self) -> None:
        """Makes the batch last."""
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Gives the batch up."""
        self._known.clear()
        self._connection.execute("ROLLBACK")


class SqlSnapshot(tables.StateReader, SqlPublicLog):
    """`ports.Snapshot` over a reading connection."""

    def __init__(self, connection: Connection, keyring: KeyRing) -> None:
        tables.StateReader.__init__(self, connection)
        self._keyring = keyring
        self._hash_at = cache(partial(_hash_at, connection))  # receipts of neighbours share most of their paths

    def evidence(self, seal: str) -> bytes:
        """The evidence with that seal."""
        return _evidence(self._connection, seal)

    def also_in(self, asset: str, other: str) -> Iterator[tuple[int, int]]:
        """The persons of an asset whom the other is about too: the number of each here and there."""
        person = tables.table(Person).name
        query = (
            f"SELECT CAST(substr(here.key, ?) AS INTEGER), CAST(substr(there.key, ?) AS INTEGER) FROM {person} AS here "
            f"JOIN {person} AS there ON there.by_party = here.by_party AND there.by_asset = ? WHERE here.by_asset = ?"
        )
        behind = (len(row_key((name, ""))) + 1 for name in (asset, other))  # in a key the number follows the asset
        yield from self._connection.execute(query, (*behind, other, asset)).fetchall()

    def entry(self, seq: int) -> Entry:
        """The fact at that place."""
        found = self._connection.execute(f"SELECT {_ROW} FROM journal WHERE seq = ?", (seq,)).fetchone()
        if found is None:
            raise IndexError(f"the journal has no entry {seq}")
        return entry_of(self._keyring, *found)

    def entries(self, first: int, last: int) -> Iterator[Entry]:
        """The facts from `first` to before `last`."""
        query = f"SELECT {_ROW} FROM journal WHERE seq >= ? AND seq < ? ORDER BY seq"
        for row in self._connection.execute(query, (first, last)):
            yield entry_of(self._keyring, *row)

    def concerning(self, first: int, last: int) -> Iterator[Entry]:
        """The facts in that range that may be records about persons."""
        person = f"SELECT seq FROM about JOIN {tables.table(Party).name} ON key = party WHERE by_kind = 'person' AND"
        ended = f"kind IN ('{QueryAnswered.KIND}', '{QueryAbandoned.KIND}')"
        query = (
            f"SELECT {_ROW} FROM journal WHERE seq >= ? AND seq < ? "
            f"AND (key IS NOT NULL OR {ended} OR seq IN ({person} seq >= ? AND seq < ?)) ORDER BY seq"
        )
        for row in self._connection.execute(query, (first, last, first, last)):
            yield entry_of(self._keyring, *row)

    def epoch(self, number: int) -> EpochTrees:
        """What the trees of an epoch are grown from."""
        query = "SELECT seed, slips, slips_room, counts, counts_room FROM epoch WHERE number = ?"
        found = self._connection.execute(query, (number,)).fetchone()
        if found is None:
            raise JournalDamaged(
                "node.journal", f"the trees of epoch {number} are missing", "restore the directory from a backup"
            )
        return EpochTrees(*found)

    def tallies(self) -> dict[int, tuple[int, bytes]]:
        """Everybody's count of records and head of chain, by key slot."""
        return {key: (count, head) for key, count, head in self._connection.execute("SELECT * FROM tally")}

    def history(self, party: str) -> list[Entry]:
        """The facts about a party, oldest first."""
        found = self._connection.execute(
            f"SELECT {_ROW} FROM about JOIN journal USING (seq) WHERE party = ? ORDER BY seq", (party,)
        )
        return [entry_of(self._keyring, *row) for row in found]

    def mentions(self, party: str) -> list[int]:
        """Where the facts about a party stand."""
        found = self._connection.execute("SELECT seq FROM about WHERE party = ? ORDER BY seq", (party,))
        return [seq for (seq,) in found]

    def receipt(self, seq: int) -> Receipt:
        """The fact's place with its proof against the newest checkpoint."""
        size, note = self._connection.execute("SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1").fetchone()
        query = "SELECT record, nonce, leaf, key FROM journal WHERE seq = ?"
        found = opened(self._keyring, *self._connection.execute(query, (seq,)).fetchone())
        proof = inclusion_proof(seq, size, self._hash_at)
        return Receipt(seq, tuple(proof), note, opening(*found) if found else None)


def script() -> str:
    """The tables of a journal, and for SQLite the triggers that keep it append-only."""
    return resources.files(__package__).joinpath("journal.sql").read_text(encoding="utf-8")


def is_current(connection: Connection) -> bool:
    """Whether the state was folded by this version."""
    found = connection.execute("SELECT value FROM meta WHERE name = 'state'").fetchone()
    return found is not None and found[0] == tables.state_version()


def mark_stale(connection: Connection) -> None:
    """The state must be folded again, even if a crash comes first."""
    connection.execute("UPDATE meta SET value = 'stale' WHERE name = 'state'")


def last_instant(connection: Connection) -> Instant:
    """The instant of the newest fact."""
    found = connection.execute("SELECT at FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    return Instant(found[0]) if found else Instant("")


def refold(connection: Connection, keyring: KeyRing) -> None:
    """Drops the state and folds the journal again. The caller opens a transaction around it and commits it."""
    tables.create(connection)
    state = tables.StateWriter(connection, tables.Known())
    query = f"SELECT {_ROW} FROM journal WHERE seq >= ? AND seq < ? ORDER BY seq"
    for first in range(0, SqlPublicLog(connection).size(), _CHUNK):
        mentioned = []
        for row in connection.execute(query, (first, first + _CHUNK)).fetchall():
            entry = entry_of(keyring, *row)
            for changed in facts.fold(state, entry):
                state.put(changed)
            state.unmark()
            mentioned += [(party, entry.seq) for party in dict.fromkeys(entry.fact.about())]
        state.flush()
        tables.insert(connection, "about (party, seq)", mentioned)
    for (key,) in connection.execute("SELECT key FROM tally").fetchall():
        if keyring.counting_key(key) is None:
            connection.execute("DELETE FROM tally WHERE key = ?", (key,))
    connection.execute("DELETE FROM meta WHERE name = 'state'")
    connection.execute("INSERT INTO meta VALUES ('state', ?)", (tables.state_version(),))


def trusted_frontier(connection: Connection, signer: Signer, guard: Guard) -> Frontier:
    """The tree's edge, if it is what was last signed, and continues what the guard keeps.

    Raises:
        JournalDamaged: the tree and a signed checkpoint disagree; signing on would sign a second history.
    """

    def hash_at(level: int, index: int) -> bytes:
        return _hash_at(connection, level, index)

    kept = guard.last
    size = SqlPublicLog(connection).size()
    found = connection.execute("SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1").fetchone()
    try:
        frontier = Frontier.load(size, hash_at)
        if kept and kept.size > size:
            raise ValueError(f"{kept.size} facts were signed for, {size} are there: it is an older copy")
        if kept and Frontier.load(kept.size, hash_at).root() != kept.root:
            raise ValueError(f"the first {kept.size} facts are not those that were signed for")
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


def _hash_at(connection: Connection, level: int, index: int) -> bytes:
    if level == 0:
        found = connection.execute("SELECT leaf FROM journal WHERE seq = ?", (index,)).fetchone()
    else:
        found = connection.execute("SELECT hash FROM tree WHERE level = ? AND idx = ?", (level, index)).fetchone()
    if found is None:
        raise JournalDamaged(
            "node.journal",
            f"the hash {index} at level {level} of the tree is missing",
            "run `usufruct journal verify`, then restore the directory from a backup",
        )
    return leaf_hash(found[0]) if level == 0 else bytes(found[0])


def _evidence(connection: Connection, wanted: str) -> bytes:
    found = connection.execute("SELECT salt, bytes FROM evidence WHERE seal = ?", (wanted,)).fetchone()
    if found is None or seal(found[0], found[1]) != wanted:
        raise JournalDamaged(
            "node.evidence",
            f"the evidence sealed {wanted[:12]}… is missing or was changed",
            "restore the directory from a backup",
        )
    return bytes(found[1])
