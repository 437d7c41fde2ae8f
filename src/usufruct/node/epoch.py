"""Closing an epoch: every person's new records get their slips, and everybody's count is rooted in the journal.

A follower: it reads the facts after the last epoch, outside the writer's turn, and then records one fact. Whoever crashes
in between leaves nothing behind but work to be done again. `book` shows one person what concerns her, with the paths that
lead to the roots; she checks it herself (`core.proof.book`).
"""

from __future__ import annotations

import hmac
from bisect import bisect_left
from collections import Counter, OrderedDict
from typing import Any

from usufruct.core.access import hold
from usufruct.core.base.faults import JournalDamaged
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Fact
from usufruct.core.epochs import Epoch, EpochClosed, LastEpoch, concerns, hold_of, parts_in
from usufruct.core.privacy.state import Use
from usufruct.core.proof.commitment import NONCE_SIZE
from usufruct.core.proof.tally import NO_HEAD, Body, Grove, Slip, count_entry, room_for, split, write
from usufruct.core.registry.rules import find_party
from usufruct.core.registry.state import Person
from usufruct.node import witness
from usufruct.node.node import Node
from usufruct.ports import EpochTrees, KeyRing, Snapshot, Transaction

GROVES = 64  # trees kept in memory, the last used


def close_epoch(node: Node) -> EpochClosed | None:
    """Roots the records that are new since the last epoch; None if there are none."""
    with node.store.read() as state:
        last, size = state.get(LastEpoch), state.size()
        if last is not None and size <= last.through + 2:  # nothing but the fact that closed it
            return None
        tallies = state.tallies()
        changed, slips = _write_slips(node.keyring, state, last.through + 1 if last else 0, size, tallies)
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


def _write_slips(
    keyring: KeyRing, state: Snapshot, first: int, last: int, tallies: dict[int, tuple[int, bytes]]
) -> tuple[dict[int, tuple[int, bytes]], list[tuple[int, bytes]]]:
    """What becomes of the counts and heads of those concerned, and the leaves (key slot, entry) of their new slips."""
    changed: dict[int, tuple[int, bytes]] = {}
    slips = []
    for entry in state.entries(first, last):
        for concern in concerns(state, entry, state.evidence):
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
    nonce = hmac.digest(hiding, number.to_bytes(8, "big"), "sha256")
    held = hold_of(state, fact)
    slip, head = write(key, number, previous, nonce, body, *((held.ground, held.until) if held else ()))
    return slip, {"entry": body.entry, "leaf": body.leaf, "part": body.part, "nonce": nonce.hex()}, head


def counting_key(node: Node, party: str) -> bytes | None:
    """The key by which a person counts her records, to be given to herself; None if she is unknown or erased."""
    with node.store.read() as state:
        row = find_party(state, party)
    return None if row is None or row.key_slot is None else node.keyring.counting_key(row.key_slot)


def book(node: Node, party: str) -> dict[str, Any] | None:
    """All that the node shows a person of her records, to be audited by herself; None if she is unknown or erased."""
    with node.store.read() as state:
        row = find_party(state, party)
        if row is None or row.key_slot is None or (key := node.keyring.counting_key(row.key_slot)) is None:
            return None
        now, epochs = node.clock.now(), list(state.list(Epoch))
        shown: dict[str, Any] = {
            "person": row.id,
            "origin": node.about.origin,
            "epochs": {},
            "records": [],
            "waiting": 0,
        }
        head = NO_HEAD
        for number, (seq, part) in enumerate(_records(state, row.id)):
            at = bisect_left(epochs, seq, key=lambda epoch: epoch.through)
            if at == len(epochs):
                shown["waiting"] += 1
                continue
            fact = state.entry(seq).fact
            written = _slip(node.keyring, state, row.key_slot, number, head, seq, fact, part)
            assert written is not None
            slip, body, head = written
            record = _shown(node, state, epochs[at], slip, body, now)
            shown["records"].append(record)
            shown["epochs"][str(epochs[at].number)] = witness.receipt(node, state, epochs[at].seq).text()
        if epochs:
            newest = epochs[-1]
            shown["newest"] = _newest(state, newest, key, row.key_slot)
            shown["epochs"][str(newest.number)] = witness.receipt(node, state, newest.seq).text()
        return shown


def _shown(node: Node, state: Snapshot, epoch: Epoch, slip: Slip, body: dict[str, Any], now: Instant) -> dict[str, Any]:
    """A record as it stands in the book; without its body while it is held."""
    place, path = _slips_tree(state.epoch(epoch.number)).path(bytes.fromhex(slip.tag)) or (0, [])
    withheld = slip.ground != "" and now < slip.until
    return {
        "slip": {"number": slip.number, "tag": slip.tag, "previous": slip.previous, "body": slip.body,
                 "ground": slip.ground, "until": slip.until},
        "epoch": epoch.number, "place": place, "path": [item.hex() for item in path],
        "body": None if withheld else body,
        "receipt": None if withheld else witness.receipt(node, state, body["entry"]).text(),
    }  # fmt: skip


def _newest(state: Snapshot, epoch: Epoch, key: bytes, slot: int) -> dict[str, Any]:
    count, head = state.tallies().get(slot, (0, NO_HEAD))
    entry = count_entry(key, epoch.number, count, head)
    place, path = _counts_tree(state.epoch(epoch.number)).path(entry[:NONCE_SIZE]) or (0, [])
    return {
        "epoch": epoch.number, "count": count, "head": head.hex(), "place": place, "path": [item.hex() for item in path],
    }  # fmt: skip


def _records(state: Snapshot, party: str) -> list[tuple[int, int]]:
    """The facts that are records about a person, in their order, with her part in each."""
    parts = {entry.seq: 0 for entry in state.history(party)}
    for person in state.list(Person, party=party):
        for use in state.list(Use, asset=person.asset):
            try:
                part = parts_in(use, state.evidence)(person.number)
            except JournalDamaged:  # she is not shown it, and her audit says so
                continue
            if part is not None:
                parts[use.ended] = part
    return sorted(parts.items())


_GROWN: OrderedDict[bytes, Grove] = OrderedDict()


def _slips_tree(trees: EpochTrees) -> Grove:
    return _grove(trees.seed + b"slips", trees.slips, trees.slips_room)


def _counts_tree(trees: EpochTrees) -> Grove:
    return _grove(trees.seed + b"counts", trees.counts or b"", trees.counts_room)


def _grove(seed: bytes, entries: bytes, room: int) -> Grove:
    """The tree, grown once; a seed is never used for two."""
    found = _GROWN.get(seed)
    if found is None:
        found = _GROWN[seed] = Grove.grow(split(entries), seed, room)
        if len(_GROWN) > GROVES:
            _GROWN.popitem(last=False)
    return found
