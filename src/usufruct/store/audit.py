"""The audit: is the journal what was signed, and does everything else follow from it?

Whoever audits trusts the verifier's key and recomputes the rest from the bytes: that every record is spelled as it must
be and opens the leaf beside it; that the leaves make the tree, and the tree every root that was signed; that evidence,
data, state, ledger and budgets are what the facts come to (see `recount`). The file is opened for reading only and without
the node's lock, in one snapshot, so a node can be audited while it serves.

A finding names the entry at which to look. Damage is reported where it is and not again where it is felt: behind a
missing entry no roots are compared, and no state behind an entry that is not what was recorded.

One thing no journal can tell of itself: that it was cut back to an earlier checkpoint, proofs, state and all. Whoever
keeps a later checkpoint can; hand it over as `kept`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from usufruct.core import facts
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, instant, moment
from usufruct.core.base.records import Entry, Erased
from usufruct.core.income import settlement
from usufruct.core.proof.checkpoint import Checkpoint, open_note, parse_vkey
from usufruct.core.proof.commitment import commit
from usufruct.core.proof.tree import Frontier
from usufruct.core.registry.facts import PersonErased
from usufruct.ports import Settler
from usufruct.store.keyring import KeyRing, opened
from usufruct.store.keys import verify_signature
from usufruct.store.recount import Recount
from usufruct.store.source import Source, reading, setting_of


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be: `what`, and the number of the journal's entry it concerns, if one can say."""

    entry: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Report:
    """How much was looked at (entries, checkpoints, pieces of evidence, rows of state), and what was found wrong."""

    facts: int
    checkpoints: int
    evidence: int
    rows: int
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.findings


def verify(directory: Path, key: str | None = None, kept: Sequence[str] = (), settler: Settler = settlement) -> Report:
    """Audits the journal of a node directory against the verifier key, by default the one in its `node.toml`.

    `kept` are checkpoints that somebody kept; the journal must still begin with what they were signed for. `settler` works
    settlements out again; by default the reference does, which takes its time over millions of lines.

    Raises:
        BadInput: there is no journal, no key or one that is no verifier key, or a kept checkpoint is not of that key.
    """
    with (
        reading(directory) as source,
        contextlib.closing(KeyRing(directory / "keys" / "persons", look=True)) as keyring,
    ):
        key = key or _configured_key(directory)
        return _Audit(source, key, _anchors(kept, key), keyring, directory / "data", settler).report()


def _anchors(kept: Sequence[str], key: str) -> list[Checkpoint]:
    try:
        parse_vkey(key)
        return [_signed(note, key) for note in kept]
    except ValueError as error:
        raise BadInput(
            "input.key", f"the audit has nothing to go by: {error}",
            "give the verifier key that the node's operator publishes, and checkpoints signed with it",
        ) from None  # fmt: skip


def _configured_key(directory: Path) -> str:
    found = setting_of(directory, "key")
    if not found:
        raise BadInput("input.key", f"`{directory}` has no `node.toml` with a key", "give the verifier key yourself")
    return found


def _signed(note: str, key: str) -> Checkpoint:
    """The checkpoint in a note that `key` signed. Raises ValueError."""
    signed = Checkpoint.parse(open_note(note, key, verify_signature))
    if signed.origin != parse_vkey(key)[0]:
        raise ValueError(f"it is of the journal `{signed.origin}`")
    return signed


class _Audit:
    """One audit; each step looks at one thing and takes down what it finds."""

    def __init__(
        self, source: Source, key: str, anchors: Sequence[Checkpoint], keyring: KeyRing, data: Path, settler: Settler
    ) -> None:
        self._source, self._key, self._anchors, self._keyring = source, key, anchors, keyring
        self._unread: dict[int, list[int]] = {}  # entries that could not be read, by the slot of the destroyed key
        self._erased: dict[int, frozenset[int]] = {}  # by destroyed key, the entries that facts say it sealed
        self._findings: list[Finding] = []
        self._facts = self._checkpoints = 0
        self._legible = False  # the tables of the journal mean what they must
        self._whole = True  # no entry is missing so far, so the tree can be grown
        self._frontier = Frontier()
        self._sizes: set[int] | None = None  # those that were signed for, if they can be read
        self._roots: dict[int, bytes] = {}  # what should have been signed there
        self._last_at = Instant("")
        self._recount = Recount(self._find, self._select, keyring, data, settler)

    def report(self) -> Report:
        """Takes all steps."""
        steps = {
            "the schema": self._look_at_schema,
            "the list of checkpoints": self._look_at_sizes,
            "the journal": self._look_at_journal,
            "the erased": self._look_at_erased,
            "the tree": self._look_at_tree,
            "the checkpoints": self._look_at_checkpoints,
            "the evidence": self._recount.look_at_evidence,
            "the data": self._recount.look_at_data,
            "the state": self._recount.look_at_state,
            "the ledger": self._recount.look_at_ledger,
            "the file": self._look_at_file,
        }
        for what, step in steps.items():
            try:
                step()
            except self._source.unreadable as error:
                self._find(None, f"{what} cannot be read: {error}")
            if not self._legible:
                break
        return Report(self._facts, self._checkpoints, self._recount.evidence, self._recount.rows, tuple(self._findings))

    def _find(self, entry: int | None, what: str) -> None:
        """Takes a finding down. It may quote what somebody planted, so nothing in it can command a terminal."""
        plain = "".join(character if character.isprintable() else "·" for character in what)
        self._findings.append(Finding(entry, plain))

    def _select(self, query: str, *values: int | str) -> Iterator[tuple[Any, ...]]:
        return self._source.select(query, *values)

    def _look_at_schema(self) -> None:
        """Tables, indexes and above all triggers are as they were made."""
        self._legible = True
        for what, fatal in self._source.flaws():
            self._find(None, what)
            self._legible = self._legible and not fatal

    def _look_at_sizes(self) -> None:
        self._sizes = {size for (size,) in self._select("SELECT size FROM checkpoint")}

    def _look_at_journal(self) -> None:
        """Every entry by itself, and that none is missing."""
        expected = 0
        try:
            for seq, *columns in self._entries():
                if seq != expected:
                    self._whole = False
                    self._find(
                        min(seq, expected), f"missing or out of place: entry {seq} stands where {expected} should"
                    )
                self._facts, expected = self._facts + 1, seq + 1
                self._look_at_entry(seq, *columns)
        except self._source.unreadable as error:
            self._whole = False
            self._find(expected - 1 if expected else None, f"the journal cannot be read after this entry: {error}")
            self._recount.stop(expected)

    def _entries(self) -> Iterator[tuple[Any, ...]]:
        """The rows of the journal, up to the last that can be read; `sqlite3` itself stops one row too early."""
        query, last = "SELECT seq, kind, at, record, nonce, leaf, key FROM journal", -1
        try:
            for row in self._select(f"{query} ORDER BY seq"):
                last = row[0]
                yield row
        except self._source.unreadable:
            yield from self._select(f"{query} WHERE seq > ? ORDER BY seq LIMIT 1", last)
            raise

    def _look_at_entry(self, seq: int, kind: Any, at: Any, record: Any, nonce: Any, leaf: Any, key: Any) -> None:
        entry = None
        types = [type(value) for value in (kind, at, record, nonce, leaf)]
        if types != [str, str, bytes, bytes, bytes] or type(key) not in (int, type(None)):
            self._find(seq, "a column holds another type than was written")
            self._whole = self._whole and isinstance(leaf, bytes)
        else:
            entry = self._read(seq, kind, at, record, nonce, leaf, key)
        if self._whole:
            self._grow(seq, leaf)
        if entry is None or not self._whole:
            self._recount.stop(seq)
        if entry is not None:
            self._look_at_instant(entry)
            self._recount.add(entry)

    def _read(
        self, seq: int, kind: str, at: str, record: bytes, nonce: bytes, leaf: bytes, key: int | None
    ) -> Entry | None:
        """The entry in a row, if it is what its leaf commits to."""
        try:
            if key is not None and nonce:
                raise ValueError("a nonce stands beside a sealed record")
            found = opened(self._keyring, record, nonce, leaf, key)
            if found is None:
                assert key is not None
                self._unread.setdefault(key, []).append(seq)
                return Entry(seq, Instant(at), Erased())
            if commit(*found) != leaf:
                raise ValueError("record and nonce do not open the leaf; one of the three was changed")
        except ValueError as error:
            self._find(seq, f"the leaf cannot be opened: {error}")
            return None
        entry = self._decoded(seq, kind, at, found[1])
        if entry is not None and isinstance(entry.fact, PersonErased):
            self._erased[entry.fact.key] = frozenset(entry.fact.sealed)
        return entry

    def _look_at_erased(self) -> None:
        """A record that nobody can read is one of a person who was erased, which is a fact too."""
        for key, entries in self._unread.items():
            for entry in entries:
                if entry not in self._erased.get(key, ()):
                    self._find(
                        entry,
                        "cannot be read: its owner's key is not there, though no fact says she was erased, or not that it was hers",
                    )

    def _decoded(self, seq: int, kind: str, at: str, record: bytes) -> Entry | None:
        try:
            entry = facts.decode(record)
            if instant(moment(entry.at)) != entry.at:
                raise ValueError("its instant is not spelled as instants are")
        except ValueError as error:
            self._find(seq, f"the record cannot be decoded: {error}")
            return None
        if (entry.seq, entry.fact.KIND, entry.at) != (seq, kind, at):
            self._find(
                seq, f"the record is of entry {entry.seq}, {entry.fact.KIND}, {entry.at}; its row says otherwise"
            )
            return None
        return entry

    def _look_at_instant(self, entry: Entry) -> None:
        """Instants never go back; and as one batch has one instant, a new instant follows a checkpoint."""
        if entry.at < self._last_at:
            self._find(entry.seq, f"dated {entry.at}, before an entry that it follows")
        elif entry.at != self._last_at and entry.seq and self._sizes is not None and entry.seq not in self._sizes:
            self._find(entry.seq - 1, "no checkpoint was signed with this entry, though the next was written later")
        self._last_at = max(self._last_at, entry.at)

    def _grow(self, seq: int, leaf: bytes) -> None:
        """Takes the leaf into the tree and compares the nodes that it completes."""
        for level, index, expected in self._frontier.append(leaf):
            if self._node(level, index) != expected:
                self._find(
                    seq, f"the tree's node {index} at level {level}, which this entry completed, is not its hash"
                )
        size = self._frontier.size
        if size in (self._sizes or ()) or any(anchor.size == size for anchor in self._anchors):
            self._roots[size] = self._frontier.root()

    def _node(self, level: int, index: int) -> bytes | None:
        with contextlib.suppress(*self._source.unreadable):
            for (found,) in self._select("SELECT hash FROM tree WHERE level = ? AND idx = ?", level, index):
                return found if isinstance(found, bytes) else None
        return None

    def _look_at_tree(self) -> None:
        size = self._frontier.size
        complete = size - size.bit_count()
        ((count,),) = self._select("SELECT count(*) FROM tree")
        if self._whole and count != complete:
            self._find(None, f"the tree has {count} nodes; {complete} are complete")

    def _look_at_checkpoints(self) -> None:
        """Signatures and roots. Once one root is wrong all later ones are, and are not reported."""
        newest, right = 0, True
        for size, note in self._select("SELECT size, note FROM checkpoint ORDER BY size"):
            self._checkpoints += 1
            newest = size
            try:
                signed = _signed(note, self._key)
            except (ValueError, TypeError, AttributeError) as error:
                self._find(size - 1, f"the checkpoint signed with this entry is not good: {error}")
                continue
            if signed.size != size:
                self._find(size - 1, f"the checkpoint kept for this entry was signed for {signed.size} entries")
            elif right and size in self._roots and signed.root != self._roots[size]:
                right = False
                self._find(size - 1, "the root signed with this entry is not that of the entries up to it")
        if newest < self._facts:
            self._find(newest, "no signed checkpoint covers this entry and those after it")
        elif newest > self._facts and self._whole:
            self._find(self._facts, f"missing: {newest} entries were signed for, {self._facts} are there")
        self._look_at_anchors()

    def _look_at_anchors(self) -> None:
        for anchor in self._anchors if self._whole else ():
            if anchor.size > self._facts:
                self._find(self._facts, f"missing: a checkpoint that was kept is for {anchor.size} entries")
            elif anchor.size and anchor.root != self._roots[anchor.size]:
                self._find(None, f"the first {anchor.size} entries are not those of a checkpoint that was kept")
        if self._facts == 0:
            self._find(None, "the journal is empty; every journal begins with the node's operator")

    def _look_at_file(self) -> None:
        for what in self._source.inconsistencies():
            self._find(None, f"the file is inconsistent: {what}")
