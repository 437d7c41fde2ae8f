"""A person's book as the node shows it to her, and its audit; see `tally` for what it rests on.

The book is one JSON document, so that her own program, another's, or the script on her page can check it:

    {"person", "origin",
     "epochs":  {number: receipt of the fact that roots it (tlog-proof)},
     "newest":  {"epoch", "count", "head", "place", "path"},       missing before the first epoch
     "records": [{"slip": {...}, "epoch", "place", "path",
                  "body": {"entry", "leaf", "part", "nonce"},      null while it is held
                  "receipt": tlog-proof}],                         null while it is held
     "waiting": how many records will be rooted with the next epoch}

Hashes are in hex. The audit trusts two keys: hers, and the verifier key of the node's journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from usufruct.core.base import canonical
from usufruct.core.base.instants import Instant, instant, moment
from usufruct.core.proof.checkpoint import Checkpoint, Verify, open_note
from usufruct.core.proof.commitment import NONCE_SIZE, commit
from usufruct.core.proof.receipt import Receipt, check
from usufruct.core.proof.tally import NO_HEAD, Body, Slip, count_entry, head_after, hide, leads_to, tag
from usufruct.core.proof.tree import HASH_SIZE

EPOCH_KIND = "epoch.closed/1"
_NAMED = 1_000  # missing records that are named one by one


@dataclass(frozen=True, slots=True)
class Kept:
    """What her program keeps from one audit to the next: her count and the head (hex) of the chain then, and the newest
    checkpoint. Whoever shows less, or something else, later is caught even if everything he shows agrees."""

    epoch: int
    count: int
    head: str
    checkpoint: str


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong, and the `number` of the record it concerns, if it concerns one."""

    number: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Audit:
    """How many records the journal says there are, numbers of those withheld under a hold, the flaws, what to keep."""

    count: int
    held: tuple[int, ...]
    flaws: tuple[Flaw, ...]
    keep: Kept | None

    @property
    def sound(self) -> bool:
        """Whether everything is there, as it was made."""
        return not self.flaws


def audit(book: Any, key: bytes, vkey: str, verify: Verify, now: Instant, kept: Kept | None = None) -> Audit:
    """Checks a book with her counting key and the journal's verifier key.

    Never raises for what is in the book: whatever cannot be read is a flaw.
    """
    reader = _Reader(book if isinstance(book, dict) else {}, key, vkey, verify, now)
    reader.read(kept)
    return Audit(reader.count, tuple(reader.held), tuple(reader.flaws), reader.keep)


class _Reader:
    def __init__(self, book: Mapping[str, Any], key: bytes, vkey: str, verify: Verify, now: Instant) -> None:
        self._book, self._key, self._vkey, self._verify, self._now = book, key, vkey, verify, now
        self.count = 0
        self.held: list[int] = []
        self.flaws: list[Flaw] = []
        self.keep: Kept | None = None
        self._roots: dict[int, tuple[bytes, bytes]] = {}
        self._heads: dict[int, bytes] = {0: NO_HEAD}  # after so many slips

    def read(self, kept: Kept | None) -> None:
        newest = self._book.get("newest")
        if newest is None:
            if kept is not None:
                self._flaw(None, f"no count is shown, though you had {kept.count} records before")
            elif self._book.get("records") or self._book.get("epochs"):
                self._flaw(None, "records are shown, but not how many there must be")
            return
        try:
            head = self._newest(newest)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._flaw(None, f"the count of your records is not what the journal rooted: {error}")
            return
        shown = self._shown()
        for number in range(min(self.count, len(shown) + _NAMED)):
            self._record(number, shown.get(number))
        if self.count > len(shown) + _NAMED:
            self._flaw(None, f"there must be {self.count} records; those that are missing are too many to name")
        if self._heads.get(self.count) != head and all(flaw.number is None for flaw in self.flaws):
            self._flaw(
                self.count - 1 if self.count else None, "the chain of records does not end where the journal says"
            )
        self._compare(kept, head)

    def _shown(self) -> dict[int, Any]:
        """The records that are shown, by their number."""
        shown: dict[int, Any] = {}
        records = self._book.get("records")
        for record in records if isinstance(records, list) else []:
            try:
                number = record["slip"]["number"]
                if type(number) is not int or not 0 <= number < self.count:
                    self._flaw(None, f"a record is shown under the number {number}, which the count does not have")
                elif number in shown:
                    self._flaw(number, "is shown twice")
                else:
                    shown[number] = record
            except (TypeError, KeyError):
                self._flaw(None, "something is shown that is no record")
        return shown

    def _newest(self, newest: Mapping[str, Any]) -> bytes:
        """The rooted head; sets the count."""
        epoch, count, head = newest["epoch"], newest["count"], _hash(newest["head"])
        if type(epoch) is not int or type(count) is not int or count < 0:
            raise ValueError("it is not a number")
        entry = count_entry(self._key, epoch, count, head)
        if not leads_to(entry, newest["place"], [_hash(h) for h in newest["path"]], self._epoch(epoch)[1]):
            raise ValueError(f"the path does not lead to the root of epoch {epoch}")
        self.count = count
        note = Receipt.parse(self._book["epochs"][str(epoch)]).checkpoint_note
        self.keep = Kept(epoch, count, head.hex(), note)
        return head

    def _epoch(self, number: int) -> tuple[bytes, bytes]:
        """The roots of an epoch, slips and counts, as the journal has them. Raises ValueError and others."""
        if number not in self._roots:
            record = canonical.decode(check(Receipt.parse(self._book["epochs"][str(number)]), self._vkey, self._verify))
            if not isinstance(record, dict) or record.get("kind") != EPOCH_KIND:
                raise ValueError("the receipt is not of an epoch")
            fact: Any = record["fact"]
            if fact["number"] != number:
                raise ValueError(f"the receipt is of epoch {fact['number']}")
            self._roots[number] = bytes.fromhex(fact["slips"]), bytes.fromhex(fact["counts"])
        return self._roots[number]

    def _record(self, number: int, shown: Any) -> None:
        if shown is None:
            self._flaw(number, "is missing")
            return
        try:
            slip = Slip(**shown["slip"])
            head = head_after(self._key, slip)
            if slip.tag != tag(self._key, number).hex():
                raise ValueError("its tag is not yours")
            entry = bytes.fromhex(slip.tag) + head
            path = [_hash(h) for h in shown["path"]]
            if not leads_to(entry, shown["place"], path, self._epoch(shown["epoch"])[0]):
                raise ValueError("it is not the record that was rooted under this number")
            self._heads[number + 1] = head
            before = self._heads.get(number)
            if before is not None and slip.previous != before.hex():
                raise ValueError("it does not follow the record before it")
            self._body(slip, shown)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._flaw(number, f"was altered, or another is shown in its place: {error}")

    def _body(self, slip: Slip, shown: Mapping[str, Any]) -> None:
        body, receipt = shown["body"], shown["receipt"]
        if body is None:
            if not slip.ground:
                raise ValueError("it is withheld without a ground")
            if instant(moment(Instant(slip.until))) != slip.until:
                raise ValueError(f"it is withheld until `{slip.until[:100]}`, which is no instant")
            if slip.until <= self._now:
                raise ValueError(f"it is withheld, though the hold ended {slip.until}")
            self.held.append(slip.number)
            return
        opened = Body(body["entry"], body["leaf"], body["part"])
        if hide(_hash(body["nonce"]), opened).hex() != slip.body:
            raise ValueError("what is shown is not what its slip committed to")
        proof = Receipt.parse(receipt)
        check(proof, self._vkey, self._verify)
        assert proof.extra is not None
        leaf = commit(proof.extra[:NONCE_SIZE], proof.extra[NONCE_SIZE:])
        if (proof.index, leaf.hex()) != (opened.entry, opened.leaf):
            raise ValueError("the fact that is shown is not the one its slip names")

    def _compare(self, kept: Kept | None, head: bytes) -> None:
        """With what was kept from the audit before."""
        if kept is None:
            return
        if self.keep and self.keep.epoch < kept.epoch:
            self._flaw(
                None, f"the count is of epoch {self.keep.epoch}, though you were shown that of {kept.epoch} before"
            )
        if self.count < kept.count:
            for number in range(self.count, kept.count):
                self._flaw(number, "is missing: you were shown it before")
        elif kept.count in self._heads and self._heads[kept.count].hex() != kept.head:
            self._flaw(kept.count - 1 if kept.count else None, "or one before it is not as you were shown it before")
        try:
            old = Checkpoint.parse(open_note(kept.checkpoint, self._vkey, self._verify))
            new = Checkpoint.parse(open_note(self.keep.checkpoint, self._vkey, self._verify)) if self.keep else old
        except ValueError as error:
            self._flaw(None, f"the checkpoint that was kept cannot be read: {error}")
            return
        if new.size == old.size and new.root != old.root:
            self._flaw(None, f"the journal was forked: two roots are signed for its first {old.size} facts")

    def _flaw(self, number: int | None, what: str) -> None:
        self.flaws.append(Flaw(number, what))


def _hash(text: str) -> bytes:
    """The hash that is written so and no other way."""
    found = bytes.fromhex(text)
    if len(found) != HASH_SIZE or found.hex() != text:
        raise ValueError(f"`{text[:100]}` is no hash")
    return found
