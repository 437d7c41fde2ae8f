"""Closing an epoch: every person's new records get their slips, and everybody's count is rooted in the journal.

A follower: it reads the facts after the last epoch, outside the writer's turn, and then records one fact. Whoever crashes
in between leaves nothing behind but work to be done again. `book` shows one person what concerns her, with the paths that
lead to the roots; she checks it herself (`core.proof.book`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from usufruct.core.access import hold
from usufruct.core.base.faults import JournalDamaged
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact
from usufruct.core.epochs import Concern, Epoch, EpochClosed, LastEpoch, concerns, hold_of, parts_in
from usufruct.core.privacy.state import Use
from usufruct.core.proof.checkpoint import vkey
from usufruct.core.proof.commitment import NONCE_SIZE
from usufruct.core.proof.keeping import CountingKey
from usufruct.core.proof.tally import (
    ENTRY,
    NO_HEAD,
    Body,
    Grove,
    Slip,
    count_entry,
    hiding_nonce,
    room_for,
    split,
    tag,
    write,
)  # fmt: skip
from usufruct.core.registry.rules import find_party
from usufruct.core.registry.state import Person
from usufruct.node import witness
from usufruct.node.node import Node
from usufruct.ports import EpochTrees, KeyRing, Snapshot, Transaction

GROVES = 64  # trees kept in memory, the last used
NOWHERE = -1


def close_epoch(node: Node) -> EpochClosed | None:
    """Roots the records that are new since the last epoch; None if there are none."""
    with node.store.read() as state:
        last, size = state.get(LastEpoch), state.size()
        if last is not None and size <= last.through + 2:  # nothing but the fact that closed it
            return None
        new = list(_new_records(state, last.through + 1 if last else 0, size))
        tallies = state.tallies() if new else {}
        changed, slips = _write_slips(node.keyring, state, new, tallies)
    if not slips:
        return None
    number = last.number + 1 if last else 0
    tallies |= changed
    counts = [count_entry(key, number, *tallies[slot]) for slot in tallies if (key := node.keyring.counting_key(slot))]
    most = max(Counter(slot for slot, _ in slips).values())
    trees = EpochTrees(
        node.entropy.bytes(32), b"".join(sorted(entry for _, entry in slips)), room_for(len(counts), most),
        b"".join(sorted(counts)), room_for(len(counts)),
    )  # fmt: skip
    roots = _slips_tree(trees).root.hex(), _counts_tree(trees).root.hex()
    node.reach("epoch before closed")

    def command(tx: Transaction) -> EpochClosed | None:
        if tx.get(LastEpoch) != last:  # somebody else closed it meanwhile
            return None
        fact = EpochClosed(number, size - 1, *roots, hold.counts(tx, tx.now))
        tx.append(fact)
        tx.keep_epoch(number, trees, changed)
        return fact

    return node.store.write(command)


def _new_records(state: Snapshot, first: int, last: int) -> Iterator[tuple[Entry, Concern]]:
    """The records about persons among the facts from `first` to before `last`."""
    for entry in state.concerning(first, last):
        for concern in concerns(state, entry, state.evidence):
            yield entry, concern


def _write_slips(
    keyring: KeyRing, state: Snapshot, new: Iterable[tuple[Entry, Concern]], tallies: dict[int, tuple[int, bytes]]
) -> tuple[dict[int, tuple[int, bytes]], list[tuple[int, bytes]]]:
    """What becomes of the counts and heads of those concerned, and the leaves (key slot, entry) of their new slips."""
    changed: dict[int, tuple[int, bytes]] = {}
    slips = []
    for entry, concern in new:
        count, head = changed.get(concern.key) or tallies.get(concern.key, (0, NO_HEAD))
        written = _slip(keyring, state, concern.key, count, head, entry.seq, entry.fact, concern.part)
        if written is not None:
            slip, _, head = written
            changed[concern.key] = count + 1, head
            slips.append((concern.key, bytes.fromhex(slip.tag) + head))
    return changed, slips


def _slip(
    keyring: KeyRing, state: Snapshot, slot: int, number: int, previous: bytes, seq: int, fact: Fact, part: int
) -> tuple[Slip, dict[str, Any], bytes] | None:
    """The slip of a record, its body as shown when it is open, and the head after it; None if the key is destroyed."""
    key, hiding = keyring.counting_key(slot), keyring.hiding_key(slot)
    if key is None or hiding is None:
        return None
    body = Body(seq, state.leaves(seq, 1)[0].hex(), part)
    nonce = hiding_nonce(hiding, number)
    held = hold_of(state, fact)
    slip, head = write(key, number, previous, nonce, body, *((held.ground, held.until) if held else ()))
    return slip, {"entry": body.entry, "leaf": body.leaf, "part": body.part, "nonce": nonce.hex()}, head


def counting_key(node: Node, party: str) -> bytes | None:
    """The key by which a person counts her records; None if she is unknown or erased."""
    found = key_file(node, party)
    return None if found is None else found.secret


def key_file(node: Node, party: str) -> CountingKey | None:
    """What a person counts her records with, to be given to herself; None if she is unknown or erased."""
    with node.store.read() as state:
        found = _person(node, state, party)
    if found is None:
        return None
    person, _, key = found
    return CountingKey(person, key.hex(), vkey(node.signer.name, node.signer.public))


@dataclass(frozen=True, slots=True)
class Numbered:
    """Record `number` of a person, rooted in `epoch`: the fact, her `part` in it (see `concerns`), slip and opened body.

    No `epoch`: it waits for the next one. No `entry`: what was rooted under the number is lost, or is not that any more.
    """

    number: int
    epoch: Epoch | None
    entry: Entry | None = None
    part: int = 0
    slip: Slip | None = None
    body: dict[str, Any] = field(default_factory=dict)

    def withheld(self, now: Instant) -> bool:
        """Whether she may not see yet what it says; its slip names ground and end."""
        return self.slip is not None and self.slip.ground != "" and now < self.slip.until


def records(node: Node, party: str) -> list[Numbered] | None:
    """Every record about a person, by its number; None if she is unknown or erased."""
    with node.store.read() as state:
        found = _person(node, state, party)
        return None if found is None else list(_numbered(node.keyring, state, *found))


def book(node: Node, party: str) -> dict[str, Any] | None:
    """All that the node shows a person of her records, to be audited by herself; None if she is unknown or erased."""
    with node.store.read() as state:
        found = _person(node, state, party)
        if found is None:
            return None
        now, newest = node.clock.now(), list(state.list(Epoch))[-1:]
        numbered = list(_numbered(node.keyring, state, *found))
        rooted = [record for record in numbered if record.epoch and record.entry]
        needed = dict.fromkeys(newest + [record.epoch for record in rooted if record.epoch])
        shown: dict[str, Any] = {
            "person": found[0], "origin": node.about.origin,
            "epochs": {str(epoch.number): witness.receipt(node, state, epoch.seq).text() for epoch in needed},
            "records": [_shown(node, state, record, now) for record in rooted],
            "waiting": sum(1 for record in numbered if record.epoch is None),
        }  # fmt: skip
        if newest:
            shown["newest"] = _newest(state, newest[0], *found[1:])
        return shown


def _person(node: Node, state: Snapshot, party: str) -> tuple[str, int, bytes] | None:
    """A person's id, the slot of her key, and the key by which she counts; None if she is unknown or erased."""
    row = find_party(state, party)
    if row is None or row.key_slot is None or (key := node.keyring.counting_key(row.key_slot)) is None:
        return None
    return row.id, row.key_slot, key


def _numbered(keyring: KeyRing, state: Snapshot, person: str, slot: int, key: bytes) -> Iterator[Numbered]:
    """Her records in the order of their numbers.

    Which record stands under a number is what the trees say, so one that is lost or damaged shifts no other. Behind such
    a one the chain goes on from the head that its tree has or, if that is damaged too, that the next record comes to.
    """
    epochs = {epoch.number: epoch for epoch in state.list(Epoch)}
    unused, waiting = _by_epoch(state, person, list(epochs.values()))
    near, at = list(unused), 0
    last = next(reversed(epochs.values()), None)
    trees = lru_cache(4)(state.epoch)
    count, heads = state.tallies().get(slot, (0, NO_HEAD))[0] if epochs else 0, {NO_HEAD}

    def written(number: int, previous: bytes, record: _Record) -> tuple[Slip, dict[str, Any], bytes]:
        made = _slip(keyring, state, slot, number, previous, record[0].seq, record[0].fact, record[1])
        assert made is not None, "the key was there a moment ago"
        return made

    for number in range(count):
        while at < len(near) - 1 and not unused[near[at]]:
            at += 1
        epoch, head = _rooted(trees, tag(key, number), chain(islice(near, at, None), epochs))
        row = unused.get(near[at] if epoch == NOWHERE and near else epoch, [])
        tried = ((record, *written(number, previous, record)) for record in row for previous in heads)
        match = next((found for found in tried if found[3] == head), None)
        if match is not None:
            record, slip, body, _ = match
            row.remove(record)
            heads = {head}
            yield Numbered(number, epochs[epoch], *record, slip, body)
            continue
        heads = {head, *(written(number, previous, record)[2] for record in row[:1] for previous in heads)}
        if epoch == NOWHERE:
            del row[:1]
        yield Numbered(number, epochs.get(epoch, last))
    for number, record in enumerate(waiting, count):
        slip, body, head = written(number, min(heads), record)
        heads = {head}
        yield Numbered(number, None, *record, slip, body)


_Record = tuple[Entry, int]
"""A fact about a person, and her part in it."""


def _by_epoch(state: Snapshot, person: str, epochs: list[Epoch]) -> tuple[dict[int, list[_Record]], list[_Record]]:
    """Her records that can be read, by the epoch into which they fall; and those that wait for the next."""
    rooted: dict[int, list[_Record]] = {}
    waiting = []
    for seq, part in _found(state, person):
        try:
            record = state.entry(seq), part
        except (ValueError, IndexError):  # it is damaged, or was never there: her audit names its number
            continue
        at = bisect_left(epochs, seq, key=lambda epoch: epoch.through)
        if at == len(epochs):
            waiting.append(record)
        else:
            rooted.setdefault(epochs[at].number, []).append(record)
    return rooted, waiting


def _found(state: Snapshot, party: str) -> list[tuple[int, int]]:
    """Where the records about a person stand, in their order, with her part in each."""
    parts = dict.fromkeys(state.mentions(party), 0)
    for person in state.list(Person, party=party):
        for use in state.list(Use, asset=person.asset):
            try:
                part = parts_in(use, state.evidence)(person.number)
            except JournalDamaged:  # she is not shown it, and her audit says so
                continue
            if part is not None:
                parts[use.ended] = part
    return sorted(parts.items())


def _rooted(trees: Callable[[int], EpochTrees], wanted: bytes, numbers: Iterable[int]) -> tuple[int, bytes]:
    """The epoch whose trees hold a tag, and the head that is rooted with it; NOWHERE and nothing if none does."""
    for number in numbers:
        try:
            slips = trees(number).slips
        except JournalDamaged:
            continue
        at = slips.find(wanted)
        if at >= 0:
            return number, slips[at + len(wanted) : at + ENTRY]
    return NOWHERE, b""


def _shown(node: Node, state: Snapshot, record: Numbered, now: Instant) -> dict[str, Any]:
    """A record as it stands in the book; without its body while it is held."""
    epoch, slip, body = record.epoch, record.slip, record.body
    assert epoch is not None and slip is not None
    place, path = _slips_tree(state.epoch(epoch.number)).path(bytes.fromhex(slip.tag)) or (0, [])
    withheld = record.withheld(now)
    return {
        "slip": {"number": slip.number, "tag": slip.tag, "previous": slip.previous, "body": slip.body,
                 "ground": slip.ground, "until": slip.until},
        "epoch": epoch.number, "place": place, "path": [item.hex() for item in path],
        "body": None if withheld else body,
        "receipt": None if withheld else witness.receipt(node, state, body["entry"]).text(),
    }  # fmt: skip


def _newest(state: Snapshot, epoch: Epoch, slot: int, key: bytes) -> dict[str, Any]:
    count, head = state.tallies().get(slot, (0, NO_HEAD))
    entry = count_entry(key, epoch.number, count, head)
    place, path = _counts_tree(state.epoch(epoch.number)).path(entry[:NONCE_SIZE]) or (0, [])
    return {
        "epoch": epoch.number, "count": count, "head": head.hex(), "place": place, "path": [item.hex() for item in path],
    }  # fmt: skip


def _slips_tree(trees: EpochTrees) -> Grove:
    return _grove(trees.seed + b"slips", trees.slips, trees.slips_room)


def _counts_tree(trees: EpochTrees) -> Grove:
    return _grove(trees.seed + b"counts", trees.counts or b"", trees.counts_room)


@lru_cache(GROVES)
def _grove(seed: bytes, entries: bytes, room: int) -> Grove:
    """The tree, grown once."""
    return Grove.grow(split(entries), seed, room)
