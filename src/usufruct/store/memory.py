"""The state, and a whole journal, in memory.

`MemoryState` is the rows in dictionaries: for checking a journal, and for folding it again under other rules.

`MemoryStore` is a store that forgets, for trying things out and for tests. It keeps every promise but the one to outlast
the process. What is only ever added to (leaves, notes, evidence) is shared by all snapshots, which know how far they
reach; rows of state never change once they are published, for each command works on a copy. That makes a command as dear
as the state is large, which is right for a sandbox and for nothing else.
"""

from __future__ import annotations

import contextlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from usufruct.core import facts
from usufruct.core.base.faults import JournalDamaged
from usufruct.core.base.records import Entry, Row, RowT, row_key
from usufruct.core.proof.receipt import Receipt, opening
from usufruct.core.proof.tree import inclusion_proof, leaf_hash
from usufruct.core.registry.state import Person
from usufruct.ports import Clock, Entropy, EpochTrees, KeyRing, Signer, Snapshot
from usufruct.store.batch import Batch, GroupCommit
from usufruct.store.keyring import entry_of, opened


class MemoryState:
    """`records.Reader` over dictionaries; the same rows in the same order as the tables would hold."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.rows: dict[type[Row], dict[str, Row]] = {kind: {} for kind in facts.ROWS}
        self._listed: dict[tuple[type[Row], str, str | int], dict[str, None]] = {}
        self._place: dict[tuple[type[Row], str], int] = {}  # the order in which rows first appeared
        self.version = object()  # another one after every change
        for entry in entries:
            self.apply(entry)

    def apply(self, entry: Entry) -> None:
        """Folds one fact in."""
        for row in facts.fold(self, entry):
            self.put(row)

    def put(self, row: Row) -> None:
        """Writes a row, in place of the one with its key."""
        kind, key = type(row), row.key
        old = self.rows[kind].get(key)
        self._place.setdefault((kind, key), len(self._place))
        self.rows[kind][key] = row
        self.version = object()
        for name in kind.INDEXED:
            if old is not None:
                self._listed[kind, name, getattr(old, name)].pop(key, None)
            self._listed.setdefault((kind, name, getattr(row, name)), {})[key] = None

    def copy(self) -> MemoryState:
        """The same rows, to be changed apart."""
        made = MemoryState()
        made.rows = {kind: dict(rows) for kind, rows in self.rows.items()}
        made._listed = {item: dict(keys) for item, keys in self._listed.items()}
        made._place = dict(self._place)
        return made

    def get(self, kind: type[RowT], *key: str | int) -> RowT | None:
        """The row with this key, or None."""
        return self.rows[kind].get(row_key(key))  # type: ignore[return-value]

    def list(self, kind: type[RowT], /, **where: str | int) -> Iterator[RowT]:
        """Rows whose indexed fields equal `where`."""
        if not where:
            yield from list(self.rows[kind].values())  # type: ignore[misc]
            return
        keys = min((self._listed.get((kind, *item), {}) for item in where.items()), key=len)
        for row in [self.rows[kind][key] for key in sorted(keys, key=lambda key: self._place[kind, key])]:
            if all(getattr(row, name) == value for name, value in where.items()):
                yield row  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class _Contents:
    """Everything there is after a commit; the first five fields are shared with later ones and only grow."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    tree: dict[tuple[int, int], bytes] = field(default_factory=dict)
    notes: list[tuple[int, str]] = field(default_factory=list)
    evidence: dict[str, bytes] = field(default_factory=dict)
    about: dict[str, list[int]] = field(default_factory=dict)
    size: int = 0
    state: MemoryState = field(default_factory=MemoryState)
    epochs: Mapping[int, EpochTrees] = field(default_factory=dict)
    tallies: Mapping[int, tuple[int, bytes]] = field(default_factory=dict)


class MemoryStore(GroupCommit):
    """`ports.Store` in memory."""

    def __init__(self, clock: Clock, entropy: Entropy, signer: Signer, keyring: KeyRing) -> None:
        super().__init__(clock, entropy, signer, keyring, None)
        self.contents = _Contents()
        self._writer.start()

    @contextlib.contextmanager
    def read(self) -> Iterator[Snapshot]:
        """A snapshot of the last commit."""
        yield MemorySnapshot(self.contents, self._keyring)

    def begin(self) -> MemoryBatch:
        """Opens a transaction."""
        return MemoryBatch(self)

    def fold_again(self, before: Callable[[], None]) -> None:
        """Runs `before`, drops the state and folds it again."""
        before()
        snapshot, state, about = MemorySnapshot(self.contents, self._keyring), MemoryState(), dict[str, list[int]]()
        for entry in snapshot.entries(0, snapshot.size()):
            state.apply(entry)
            for party in dict.fromkeys(entry.fact.about()):
                about.setdefault(party, []).append(entry.seq)
        self.contents = replace(self.contents, state=state, about=about)

    def fault_of(self, error: BaseException) -> BaseException:
        """What callers are told: what happened."""
        return error

    def let_go(self) -> None:
        """There is nothing to close."""


class MemoryBatch(Batch):
    """`Batch` in memory; nothing of it is to be seen before the commit."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store._frontier, store._last_at, store._clock.now(), store._entropy, store._keyring)
        self._store, self._contents = store, store.contents
        self._state = self._contents.state
        self._epochs, self._tallies = dict(self._contents.epochs), dict(self._contents.tallies)
        self._evidence: dict[str, bytes] = {}
        self._before = self._marked()
        self._kept: tuple[Sequence[tuple[Any, ...]], Sequence[tuple[int, int, bytes]], int, str] | None = None

    def get(self, kind: type[RowT], *key: str | int) -> RowT | None:
        """The row with this key, or None."""
        return self._state.get(kind, *key)

    def list(self, kind: type[RowT], /, **where: str | int) -> Iterator[RowT]:
        """Rows whose indexed fields equal `where`, in the order in which they first appeared."""
        return self._state.list(kind, **where)

    def evidence(self, seal: str) -> bytes:
        """The evidence with that seal."""
        return _evidence({**self._contents.evidence, **self._evidence}, seal)

    def put(self, row: Row) -> None:
        """Writes a row, in place of the one with its key."""
        self._state.put(row)

    def sealed_before(self, key: int) -> Sequence[int]:
        """The facts that a key seals, but for those of this batch."""
        return [row[0] for row in self._contents.rows if row[6] == key]

    def keep_evidence(self, digest: str, media_type: str, salt: bytes, evidence: bytes) -> None:
        """Keeps a piece of evidence."""
        self._evidence[digest] = evidence

    def keep_epoch(self, number: int, trees: EpochTrees, tallies: Mapping[int, tuple[int, bytes]]) -> None:
        """Keeps the trees of an epoch, and the counts and heads that it changed."""
        self._epochs = {old: replace(kept, counts=None) for old, kept in self._epochs.items()} | {number: trees}
        self._tallies |= tallies

    def keep(
        self, rows: Sequence[tuple[Any, ...]], nodes: Sequence[tuple[int, int, bytes]], size: int, note: str
    ) -> None:
        """Keeps them for the commit."""
        self._kept = rows, nodes, size, note

    def mark(self) -> None:
        """Remembers where a command begins."""
        self._before = self._marked()
        self._state = self._state.copy()

    def undo(self) -> None:
        """Back to the mark."""
        self._state, self._evidence, self._epochs, self._tallies = self._before

    def unmark(self) -> None:
        """The next mark takes the place of this one."""

    def is_ours(self, error: Exception) -> bool:
        """Memory does not fail."""
        return False

    def commit(self) -> None:
        """Shows the batch to those who read from now on."""
        contents = self._contents
        contents.evidence.update(self._evidence)
        if self._kept:
            rows, nodes, size, note = self._kept
            contents.rows.extend(rows)
            contents.tree.update({(level, index): found for level, index, found in nodes})
            contents.notes.append((size, note))
            for party, seq in self.mentions():
                contents.about.setdefault(party, []).append(seq)
        self._store.contents = replace(
            contents, size=len(contents.rows), state=self._state, epochs=self._epochs, tallies=self._tallies
        )

    def rollback(self) -> None:
        """Nothing was shown to anybody."""

    def _marked(self) -> Any:
        return self._state, dict(self._evidence), self._epochs, dict(self._tallies)


class MemorySnapshot:
    """`ports.Snapshot` of one commit."""

    def __init__(self, contents: _Contents, keyring: KeyRing) -> None:
        self._contents, self._keyring = contents, keyring
        self.get, self.list = contents.state.get, contents.state.list

    def also_in(self, asset: str, other: str) -> Iterator[tuple[int, int]]:
        """The persons of an asset whom the other is about too: the number of each here and there."""
        there = {person.party: person.number for person in self.list(Person, asset=other)}
        here = ((person.number, there.get(person.party)) for person in self.list(Person, asset=asset))
        yield from ((number, found) for number, found in here if found is not None)

    def size(self) -> int:
        """The number of facts."""
        return self._contents.size

    def checkpoint(self) -> str | None:
        """The newest signed checkpoint."""
        place = self._signed_from(self.size())
        return self._contents.notes[place][1] if self.size() else None

    def signed_between(self, first: int, last: int) -> bool:
        """Whether a checkpoint was signed for a size in that range."""
        last = min(last, self.size())
        notes, place = self._contents.notes, self._signed_from(first)
        return place < len(notes) and notes[place][0] <= last

    def leaves(self, first: int, count: int) -> list[bytes]:
        """The leaves from that number on."""
        found = [row[5] for row in self._contents.rows[first : min(first + count, self.size())]]
        return _complete(found, count)

    def hashes(self, level: int, first: int, count: int) -> list[bytes]:
        """The tree's hashes at that level, from that number on."""
        if level == 0:
            return [leaf_hash(leaf) for leaf in self.leaves(first, count)]
        last = min(first + count, self.size() >> level)
        return _complete([self._contents.tree[level, index] for index in range(first, last)], count)

    def evidence(self, seal: str) -> bytes:
        """The evidence with that seal."""
        return _evidence(self._contents.evidence, seal)

    def entry(self, seq: int) -> Entry:
        """The fact at that place."""
        if not 0 <= seq < self.size():
            raise IndexError(f"the journal has no entry {seq}")
        number, _, at, *row = self._contents.rows[seq]
        return entry_of(self._keyring, number, at, *row)

    def entries(self, first: int, last: int) -> Iterator[Entry]:
        """The facts from `first` to before `last`."""
        return map(self.entry, range(first, min(last, self.size())))

    def concerning(self, first: int, last: int) -> Iterator[Entry]:
        """All of them, for reading them costs nothing here."""
        return self.entries(first, last)

    def history(self, party: str) -> list[Entry]:
        """The facts about a party, oldest first."""
        return [self.entry(seq) for seq in self.mentions(party)]

    def mentions(self, party: str) -> list[int]:
        """Where the facts about a party stand."""
        return [seq for seq in self._contents.about.get(party, ()) if seq < self.size()]

    def receipt(self, seq: int) -> Receipt:
        """The fact's place with its proof against the newest checkpoint."""
        note = self.checkpoint()
        assert note is not None
        _, _, _, record, nonce, leaf, key = self._contents.rows[seq]
        found = opened(self._keyring, record, nonce, leaf, key)
        proof = inclusion_proof(seq, self.size(), lambda level, index: self.hashes(level, index, 1)[0])
        return Receipt(seq, tuple(proof), note, opening(*found) if found else None)

    def epoch(self, number: int) -> EpochTrees:
        """What the trees of an epoch are grown from."""
        return self._contents.epochs[number]

    def tallies(self) -> dict[int, tuple[int, bytes]]:
        """Everybody's count of records and head of chain, by key slot."""
        return dict(self._contents.tallies)

    def _signed_from(self, size: int) -> int:
        """The place of the first checkpoint of at least that size."""
        return bisect_left(self._contents.notes, size, key=lambda note: note[0])


def _complete(found: list[bytes], count: int) -> list[bytes]:
    if len(found) != count:
        raise JournalDamaged("node.journal", "a leaf, or a hash of the tree, is missing", "ask for what is there")
    return found


def _evidence(kept: Mapping[str, bytes], seal: str) -> bytes:
    if seal not in kept:
        raise JournalDamaged(
            "node.evidence", f"the evidence sealed {seal[:12]}… is missing", "ask for evidence that a fact names"
        )
    return kept[seal]
