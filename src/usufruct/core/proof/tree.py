"""The Merkle tree over the journal (RFC 6962 section 2.1, taken over unchanged by RFC 9162), with SHA-256.

One hash, the root, stands for every leaf in order. From it follow the two short proofs on which the journal's honesty
rests: *inclusion*, this entry is the one at that index; and *consistency*, the tree of today continues the tree of
yesterday, with nothing changed, dropped or moved. Both have about log2(size) hashes, so a person can check her entry
among millions without seeing any other.

A subtree is *complete* when it covers 2**level leaves from a multiple of 2**level on. Its hash never changes again,
whatever is appended later. Hence a store keeps only complete subtrees, under (level, index), each written once:
`Frontier.append` says which ones a leaf completed. The ragged right edge of a tree whose size is no power of two is
folded together anew, from at most one complete subtree a level. Proofs read the store through `hash_at` alone and look
up O(log size) hashes.

Leaves and nodes are hashed under different first bytes, so that no entry can be passed off as an interior node.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

HASH_SIZE = 32
"""Bytes in a SHA-256 hash."""

EMPTY_ROOT = hashlib.sha256().digest()
"""The root of the tree without leaves: the hash of nothing (RFC 6962 section 2.1)."""

_BLOCK = 16  # the level of the blocks in which a whole tree is read

HashAt = Callable[[int, int], bytes]
"""`hash_at(level, index)`: the hash of the complete subtree over the 2**level leaves from leaf index * 2**level on."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of the leaf that holds `entry` (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an interior node over its two children's hashes (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: all that is needed to append to it and to know its root.

    `size` is the number of leaves so far; `hashes` are those of the maximal complete subtrees from left to right, the
    largest first, one for each 1 in the binary digits of `size`.
    """

    __slots__ = ("_edge", "size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """Raises ValueError: `hashes` are not as many as a tree of `size` leaves has maximal complete subtrees."""
        if size < 0 or size.bit_count() != len(hashes):
            raise ValueError(f"a tree of {size} leaves does not have {len(hashes)} maximal complete subtrees")
        self.size = size
        self._edge = list(hashes)

    @classmethod
    def load(cls, size: int, hash_at: HashAt) -> Frontier:
        """The frontier of the first `size` leaves, from stored hashes.

        Raises:
            ValueError: `size` is negative.
        """
        return cls(size, [hash_at(level, index) for level, index in _complete_subtrees(0, size)])

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The hashes of the maximal complete subtrees, from left to right."""
        return tuple(self._edge)

    def append(self, entry: bytes) -> list[tuple[int, int, bytes]]:
        """Appends the leaf that holds `entry`.

        Returns (level, index, hash) of every interior node, level 1 and up, that this leaf completed, lowest first. The
        leaf itself is (0, the old size, `leaf_hash(entry)`).
        """
        level, index, current = 0, self.size, leaf_hash(entry)
        completed = []
        while index & 1:  # a right child: its sibling ends the edge, and their parent is now complete
            current = node_hash(self._edge.pop(), current)
            level, index = level + 1, index >> 1
            completed.append((level, index, current))
        self._edge.append(current)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        return _fold(self._edge)

    def copy(self) -> Frontier:
        """A frontier that grows on its own from here, for a batch that may yet be given up."""
        return Frontier(self.size, self._edge)


def inclusion_proof(index: int, size: int, hash_at: HashAt) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root of the first `size` leaves, lowest first (RFC 9162 2.1.3.1).

    Raises:
        ValueError: no such leaf in a tree of that size.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path, start, end = [], 0, size
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            path.append(_subtree(middle, end, hash_at))
            end = middle
        else:
            path.append(_subtree(start, middle, hash_at))
            start = middle
    return path[::-1]


def consistency_proof(old: int, new: int, hash_at: HashAt) -> list[bytes]:
    """The hashes that show that the first `old` leaves are a prefix of the first `new` (RFC 9162 2.1.4.1).

    Empty when there is nothing to show: from the empty tree, or from a tree to itself.

    Raises:
        ValueError: `old` is negative or above `new`.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} leaves cannot be the beginning of one of {new}")
    if old in (0, new):
        return []
    path, start, end = [], 0, new
    while end != old:
        middle = _split(start, end)
        if old <= middle:
            path.append(_subtree(middle, end, hash_at))
            end = middle
        else:
            path.append(_subtree(start, middle, hash_at))
            start = middle
    if start > 0:  # otherwise this last subtree is the whole old tree, whose root the verifier holds
        path.append(_subtree(start, end, hash_at))
    return path[::-1]


def first_wrong(
    size: int, leaves: Callable[[int, int], Sequence[bytes]], hashes: Callable[[int, int, int], Sequence[bytes]]
) -> tuple[int, int] | None:
    """The first stored node, as (level, index), that is not the hash of what lies below it; None if all are.

    `leaves(first, count)` are entries, `hashes(level, index, count)` stored hashes of complete subtrees. Reads everything
    once, a block of leaves at a time.
    """
    tops = []
    for first in range(0, size, 1 << _BLOCK):
        below = [leaf_hash(entry) for entry in leaves(first, min(1 << _BLOCK, size - first))]
        wrong = _climbs(below, 0, first, hashes)
        if isinstance(wrong, tuple):
            return wrong
        tops += wrong
    found = _climbs(tops, _BLOCK, 0, hashes)
    return found if isinstance(found, tuple) else None


def _climbs(
    below: list[bytes], level: int, index: int, hashes: Callable[[int, int, int], Sequence[bytes]]
) -> tuple[int, int] | list[bytes]:
    """The first node above `below` that is wrong; else the hash on top, if the block is whole."""
    whole = len(below) == 1 << _BLOCK
    while len(below) > 1:
        below = list(map(node_hash, below[0::2], below[1::2]))
        level, index = level + 1, index >> 1
        stored = list(hashes(level, index, len(below)))
        if stored != below:
            place = next(
                (i for i, pair in enumerate(zip(below, stored, strict=False)) if pair[0] != pair[1]), len(stored)
            )
            return level, index + place
    return below if whole else []


def root_of(entries: Sequence[bytes]) -> bytes:
    """The root over `entries` just as RFC 6962 section 2.1 defines it: slow, the reference for tests and audits."""
    if len(entries) < 2:
        return leaf_hash(entries[0]) if entries else EMPTY_ROOT
    middle = _split(0, len(entries))
    return node_hash(root_of(entries[:middle]), root_of(entries[middle:]))


def verify_inclusion(entry: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows that `entry` is leaf `index` of the `size` leaves under `root` (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size or any(len(sibling) != HASH_SIZE for sibling in proof):
        return False
    node, last, current = index, size - 1, leaf_hash(entry)
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            current = node_hash(sibling, current)
            node, last = _climb(node, last)
        else:
            current = node_hash(current, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and current == root


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree under `old_root` begins the one under `new_root` (RFC 9162 2.1.4.2).

    Where nothing is to be shown, no proof is accepted: the empty tree begins every tree, and every tree itself.
    """
    if not 0 <= old_size <= new_size or any(len(item) != HASH_SIZE for item in proof):
        return False
    if old_size == 0 and old_root != EMPTY_ROOT:
        return False
    if old_size in (0, new_size):
        return not proof and (old_size < new_size or old_root == new_root)
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    # node is 0 just when the old tree is one complete subtree; the walk starts from its root, which no proof repeats
    path = list(proof) if node else [old_root, *proof]
    if not path:
        return False
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            node, last = _climb(node, last)
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def _climb(node: int, last: int) -> tuple[int, int]:
    """Skips the levels at which the ragged right edge has no sibling, up to one where `node` is a right child."""
    while node and not node & 1:
        node, last = node >> 1, last >> 1
    return node, last


def _split(start: int, end: int) -> int:
    """Where the tree over leaves `start` to `end - 1` divides: its left part is the largest power of two below all."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def _complete_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """(level, index) of the maximal complete subtrees over leaves `start` to `end - 1`, left to right.

    `start` is a multiple of every power of two up to the range's length, as in all ranges that `_split` makes.
    """
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _subtree(start: int, end: int, hash_at: HashAt) -> bytes:
    return _fold([hash_at(level, index) for level, index in _complete_subtrees(start, end)])


def _fold(hashes: Sequence[bytes]) -> bytes:
    """The root over maximal complete subtrees, given left to right."""
    if not hashes:
        return EMPTY_ROOT
    *lefts, current = hashes
    for left in reversed(lefts):
        current = node_hash(left, current)
    return current
