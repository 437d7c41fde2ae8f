"""Counting: how a person can be sure that she is shown every record about her, each as it was made.

A receipt proves what is shown; it says nothing of what is not. So each record about a person gets a *slip* in a book of
her own. Slips are numbered from 0. Each carries a one-time tag, HMAC(her key, number), that she alone can predict, and
names the slip before it, so that they form a chain: nothing can be taken out, put in or changed without changing all
that follows. At the end of every *epoch* (some seconds, when there was something new) the journal roots two small trees:
one over the new slips of all persons, one over everybody's count and head of chain. The fact that holds the two roots is
public; the trees are not, and each person is given her own paths only.

What she then checks, with her key and the node's verifier key alone (`audit`): the newest epoch says that she has `n`
records; there are slips 0 to n-1, each with its tag, each rooted in its epoch, each naming the one before; each names
the leaf of a fact, and the fact she is shown opens that leaf in the signed tree. Whatever is missing, altered or shown
otherwise than it was rooted is named by its number.

Of a record under a lawful hold she gets the slip, with ground and end, and not its *body*: where the fact stands. When the
hold ends the body must open what the slip committed to.

Tags mean nothing to anybody else, and two of one person cannot be linked. The trees are filled up with random leaves to a
power of two that depends on how many persons the node knows, so no path tells how many of them a use concerned: how many
consent to what is just what the noise in answers hides.

The pattern is that of one-time pseudonyms in usage logs (Peeters, Pulls and Wouters 2013; arXiv 2104.09971) over a log with
a verifiable map of counts (as in key transparency: CONIKS, SEEMless).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from usufruct.core.base import canonical
from usufruct.core.proof.tree import HASH_SIZE, leaf_hash, node_hash

NO_HEAD = hashlib.sha256(b"usufruct/tally/v1\n").digest()
"""The head of a chain without slips."""

ENTRY = 2 * HASH_SIZE
"""Bytes of a leaf in either tree: a tag, then a commitment."""


@dataclass(frozen=True, slots=True)
class Body:
    """Where the record stands: the number and public leaf (hex) of its fact, and her `part`, the rows that counted."""

    entry: int
    leaf: str
    part: int = 0

    def encode(self) -> bytes:
        """Canonical bytes."""
        return canonical.encode({"entry": self.entry, "leaf": self.leaf, "part": self.part})


@dataclass(frozen=True, slots=True)
class Slip:
    """Record `number` in a person's book; `tag`, `previous` and `body` (a commitment) in hex. `ground` and `until` name
    the hold it was made under, if any."""

    number: int
    tag: str
    previous: str
    body: str
    ground: str = ""
    until: str = ""

    def encode(self) -> bytes:
        """Canonical bytes."""
        return canonical.encode({
            "number": self.number, "tag": self.tag, "previous": self.previous, "body": self.body, "ground": self.ground,
            "until": self.until,
        })  # fmt: skip


def tag(key: bytes, number: int) -> bytes:
    """The one-time tag of record `number`."""
    return _one_time(key, "tag", number)


def hiding_nonce(hiding: bytes, number: int) -> bytes:
    """The nonce (32 bytes) that hides the body of record `number`; from a key of hers that only the node has."""
    return hmac.digest(hiding, number.to_bytes(8, "big"), "sha256")


def hide(nonce: bytes, body: Body) -> bytes:
    """The commitment to a body that its slip carries; the nonce is the node's until it shows the body."""
    return _salted(b"usufruct/body/v1\n", nonce, body.encode())


def head_after(key: bytes, slip: Slip) -> bytes:
    """The head of the chain that ends with `slip`: a commitment to it, and through `previous` to all before."""
    return _salted(b"usufruct/slip/v1\n", _one_time(key, "slip", slip.number), slip.encode())


def write(
    key: bytes, number: int, previous: bytes, nonce: bytes, body: Body, ground: str = "", until: str = ""
) -> tuple[Slip, bytes]:
    """The next slip in a person's book, and the head after it."""
    slip = Slip(number, tag(key, number).hex(), previous.hex(), hide(nonce, body).hex(), ground, until)
    return slip, head_after(key, slip)


def count_entry(key: bytes, epoch: int, count: int, head: bytes) -> bytes:
    """A person's leaf in the tree of counts of an epoch."""
    said = canonical.encode({"epoch": epoch, "count": count, "head": head.hex()})
    return _one_time(key, "epoch", epoch) + _salted(b"usufruct/count/v1\n", _one_time(key, "count", epoch), said)


def _one_time(key: bytes, what: str, number: int) -> bytes:
    return hmac.digest(key, f"{what}/{number}".encode(), "sha256")


def _salted(domain: bytes, salt: bytes, data: bytes) -> bytes:
    return hashlib.sha256(domain + salt + data).digest()


def room_for(people: int, most: int = 1) -> int:
    """Leaves in a tree for up to `most` entries of each of `people`; a power of two, so it tells neither exactly."""
    return _power(people) * _power(most)


def _power(number: int) -> int:
    return 1 << max(0, number - 1).bit_length()


@dataclass(frozen=True, slots=True)
class Grove:
    """A tree over entries (tag and commitment, 64 bytes each) among random leaves made from `seed`, sorted by tag.

    `room` leaves in all; a power of two, at least as many as there are entries.
    """

    entries: dict[bytes, int] = field(repr=False)
    levels: list[list[bytes]] = field(repr=False)

    @classmethod
    def grow(cls, entries: Iterable[bytes], seed: bytes, room: int) -> Grove:
        """The tree; the same for the same entries in any order."""
        leaves = [(entry[:HASH_SIZE], leaf_hash(entry), True) for entry in entries]
        for number in range(room - len(leaves)):
            random = hashlib.sha512(seed + number.to_bytes(8, "big")).digest()
            leaves.append((random[:HASH_SIZE], random[HASH_SIZE:], False))
        leaves.sort()
        levels = [[leaf for _, leaf, _ in leaves]]
        while len(below := levels[-1]) > 1:
            levels.append(list(map(node_hash, below[0::2], below[1::2])))
        return cls({tag: place for place, (tag, _, real) in enumerate(leaves) if real}, levels)

    @property
    def root(self) -> bytes:
        """The root."""
        return self.levels[-1][0]

    def path(self, tag: bytes) -> tuple[int, list[bytes]] | None:
        """Where the entry with that tag stands, and the hashes that lead to the root; None if it is not there."""
        place = self.entries.get(tag)
        if place is None:
            return None
        return place, [level[(place >> height) ^ 1] for height, level in enumerate(self.levels[:-1])]


def split(blob: bytes) -> list[bytes]:
    """The entries in a row of them."""
    return [blob[start : start + ENTRY] for start in range(0, len(blob), ENTRY)]


def leads_to(entry: bytes, place: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `path` leads from `entry` at `place` to `root`."""
    current = leaf_hash(entry)
    for sibling in path:
        current = node_hash(sibling, current) if place & 1 else node_hash(current, sibling)
        place >>= 1
    return place == 0 and current == root
