"""Do the epochs root every record about every person? Part of the audit.

The slips are written again from the facts, with the persons' keys, and compared with the trees that are kept and the roots
that were recorded. Whoever was left out when an epoch was closed is named here, by the entry she was not told of. Of an
erased person nothing can be written again; what was rooted for her stays a leaf like the random ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from usufruct.core.base.records import Entry, Reader
from usufruct.core.epochs import Concern, EpochClosed, concerns, hold_of
from usufruct.core.proof.tally import ENTRY, NO_HEAD, Body, Grove, count_entry, hiding_nonce, split, write
from usufruct.core.registry.state import ErasedPerson
from usufruct.ports import KeyRing

Find = Callable[[int | None, str], None]
Select = Callable[..., Iterator[tuple[Any, ...]]]
Evidence = Callable[[str], bytes]


class Reroot:
    """The books of all persons, written again."""

    def __init__(self, find: Find, select: Select, keyring: KeyRing) -> None:
        self._find, self._select, self._keyring = find, select, keyring
        self._tallies: dict[int, tuple[int, bytes]] = {}
        self._waiting: list[tuple[int, Concern, tuple[str, str]]] = []  # records that no epoch has rooted yet
        self._uncounted: int | None = None  # the entry of the newest epoch, if its counts are not kept
        self._surplus: list[tuple[int, str]] = []  # where more is rooted than was written again

    def add(self, state: Reader, entry: Entry, evidence: Evidence) -> None:
        """Takes the next entry down, after it was folded into `state`."""
        held = hold_of(state, entry.fact)
        ground = (held.ground, held.until) if held else ("", "")
        self._waiting += [(entry.seq, concern, ground) for concern in concerns(state, entry, evidence)]
        if isinstance(entry.fact, EpochClosed):
            self._close(entry.seq, entry.fact)

    def end(self, state: Reader) -> None:
        """There are no more entries. Who was erased explains slips and counts that cannot be written again."""
        if next(state.list(ErasedPerson), None) is None:
            for entry, what in self._surplus:
                self._find(entry, f"among the {what} that this entry roots are some that no record is behind")
        if self._uncounted is not None:
            self._find(self._uncounted, "the counts that this entry roots are missing, and no epoch follows it")

    def _close(self, seq: int, closed: EpochClosed) -> None:
        due = [one for one in self._waiting if one[0] <= closed.through]
        self._waiting = [one for one in self._waiting if one[0] > closed.through]
        wanted = {entry: record for record, entry in self._slips(due)}
        found = list(
            self._select(
                "SELECT seed, slips, slips_room, counts, counts_room FROM epoch WHERE number = ?", closed.number
            )
        )
        if not found:
            self._uncounted = None
            self._find(seq, f"what epoch {closed.number} rooted is missing")
            return
        seed, slips, slips_room, counts, counts_room = found[0]
        self._compare(seq, "slips", seed, slips, slips_room, closed.slips)
        kept = set(split(slips))
        for entry, record in wanted.items():
            if entry not in kept:
                self._find(record, f"a person whom this entry concerns was not told of it in epoch {closed.number}")
        if len(kept) != len(wanted):
            self._surplus.append((seq, "slips"))
        self._uncounted = seq if counts is None else None
        if counts is not None:
            self._compare(seq, "counts", seed, counts, counts_room, closed.counts)
            self._look_at_counts(seq, closed.number, set(split(counts)))

    def _compare(self, seq: int, what: str, seed: bytes, entries: bytes, room: int, root: str) -> None:
        types = [type(value) for value in (seed, entries, room)]
        fits = types == [bytes, bytes, int] and not len(entries) % ENTRY and len(entries) // ENTRY <= room <= 1 << 30
        if not fits or Grove.grow(split(entries), seed + what.encode(), room).root.hex() != root:
            self._find(seq, f"the {what} that are kept are not those that this entry roots")

    def _look_at_counts(self, seq: int, number: int, kept: set[bytes]) -> None:
        if len(kept) != len(self._tallies):
            self._surplus.append((seq, "counts"))
        stored = {key: (count, head) for key, count, head in self._select("SELECT key, count, head FROM tally")}
        for slot, tally in self._tallies.items():
            key = self._keyring.counting_key(slot)
            if key is None:
                continue
            if count_entry(key, number, *tally) not in kept or stored.get(slot) != tally:
                self._find(seq, f"the count of the person with key {slot} is not that of her {tally[0]} records")

    def _slips(self, due: list[tuple[int, Concern, tuple[str, str]]]) -> Iterator[tuple[int, bytes]]:
        """The entry each slip is for, and its leaf; also brings the counts forward."""
        for seq, concern, ground in due:
            key, hiding = self._keyring.counting_key(concern.key), self._keyring.hiding_key(concern.key)
            ((leaf,),) = self._select("SELECT leaf FROM journal WHERE seq = ?", seq)
            if key is None or hiding is None:
                continue  # a fact that says she was erased comes later
            number, head = self._tallies.get(concern.key, (0, NO_HEAD))
            nonce = hiding_nonce(hiding, number)
            slip, head = write(key, number, head, nonce, Body(seq, leaf.hex(), concern.part), *ground)
            self._tallies[concern.key] = number + 1, head
            yield seq, bytes.fromhex(slip.tag) + head
