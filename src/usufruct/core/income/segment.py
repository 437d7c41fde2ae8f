"""The bytes of a settlement, and the tree over them.

Ten million lines are cut into *pieces* of 65,536, each a piece of evidence of its own, and an *index* that names them; so
one line is found by reading two small things, and the store, its backup and its audit need to know nothing new. A piece
has its numbers column by column, each column in the fewest bytes (0, 1, 2, 4 or 8) that hold its largest number,
little-endian: what each person is due, what was carried in for her, what she is paid. Who knows these knows what is
carried out.

The root in the plan is that of an RFC 6962 tree. Its leaves are *chunks* of 128 lines, and a chunk's entry is not the
lines but one salted commitment to each:

    SHA-256(0x02 ‖ salt, 16 bytes ‖ paid, 8 bytes ‖ owed, 8 bytes)

So a person is given her line, its salt, the 127 commitments beside hers and some hashes, and learns nothing of anybody
else. What is committed to is what she may know: the minor units that she is paid, and the whole ones still owed to her. Her
millionths would tell her how many rows a question matched (docs/decisions/0013-no-exact-totals-for-members.md); they are
under the seal of the piece, for the audit.

The salts come from a seed in the index: SHAKE-256 of it and the chunk's number, FIPS 202. Hashes of chunks stand at the
end of each piece, so that a proof works out a single chunk.
"""

from __future__ import annotations

import hashlib
import struct
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from usufruct.core.proof.tree import EMPTY_ROOT, HASH_SIZE, Frontier, inclusion_proof, node_hash

INDEX_TYPE = "application/vnd.usufruct.settlement.v2"
PIECE_TYPE = "application/vnd.usufruct.settlement-piece.v2"
PIECE, CHUNK = 65_536, 128  # lines
SALT_SIZE, SEED_SIZE = 16, 32
COLUMNS = 3  # due, carried in, paid
_HEAD = struct.Struct("<IBBB")
_INDEX = struct.Struct(f"<QQ{SEED_SIZE}s")
_COMMITTED = struct.Struct("<QQ")
_SALTS = b"usufruct/lines/v2\n"
_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}


def salts(seed: bytes, chunk: int, count: int) -> bytes:
    """The salts of the first `count` lines of a chunk, one behind the other."""
    return hashlib.shake_256(_SALTS + seed + chunk.to_bytes(8, "little")).digest(SALT_SIZE * count)


def commitment(salt: bytes, paid: int, owed: int) -> bytes:
    """What a chunk's entry says of one line, 32 bytes.

    Raises:
        ValueError: the salt is not 16 bytes, or an amount is not one of 64 bits.
    """
    if len(salt) != SALT_SIZE:
        raise ValueError(f"the salt has {len(salt)} bytes, not {SALT_SIZE}")
    try:
        return hashlib.sha256(b"\x02" + salt + _COMMITTED.pack(paid, owed)).digest()
    except struct.error:
        raise ValueError("an amount is not a number of 64 bits") from None


def entry(seed: bytes, chunk: int, amounts: Sequence[tuple[int, int]]) -> bytes:
    """A chunk's entry in the tree; `amounts` are what each of its persons is paid and still owed."""
    drawn = salts(seed, chunk, len(amounts))
    return b"".join(
        commitment(drawn[place * SALT_SIZE : (place + 1) * SALT_SIZE], paid, owed)
        for place, (paid, owed) in enumerate(amounts)
    )


def width(largest: int) -> int:
    """In how many bytes a column stands whose largest number is this. Raises ValueError above 64 bits."""
    for size in (0, 1, 2, 4, 8):
        if largest < 256**size:
            return size
    raise ValueError(f"{largest} is not a number of 64 bits")


def column(numbers: Sequence[int]) -> bytes:
    """A column's bytes."""
    size = width(max(numbers, default=0))
    return array(_CODES[size], numbers).tobytes() if size else b""


def piece(count: int, columns: Sequence[bytes], leaves: Iterable[bytes]) -> bytes:
    """The bytes of a piece of `count` lines; `leaves` are the hashes of its chunks."""
    return _HEAD.pack(count, *(len(data) // count for data in columns)) + b"".join([*columns, *leaves])


class Piece:
    """A piece, read.

    Raises:
        ValueError: the bytes are not those of a piece.
    """

    __slots__ = ("_data", "count", "widths")

    def __init__(self, data: bytes) -> None:
        try:
            self.count, *self.widths = _HEAD.unpack_from(data)
        except struct.error:
            raise ValueError("a piece of a settlement has no head") from None
        chunks = -(-self.count // CHUNK)
        if len(data) != _HEAD.size + self.count * sum(self.widths) + chunks * HASH_SIZE or not {*self.widths} <= {
            0, *_CODES
        }:  # fmt: skip
            raise ValueError("a piece of a settlement does not have the bytes that its head says")
        self._data = memoryview(data)

    def column(self, which: int) -> memoryview:
        """The bytes of a column; none if it is nothing but zeros."""
        start = _HEAD.size + self.count * sum(self.widths[:which])
        return self._data[start : start + self.count * self.widths[which]]

    def numbers(self, which: int) -> Sequence[int]:
        """A column's numbers."""
        if not self.widths[which]:
            return array("Q", bytes(8 * self.count))
        return array(_CODES[self.widths[which]], self.column(which).tobytes())

    def at(self, which: int, place: int) -> int:
        """One number of a column."""
        size = self.widths[which]
        return int.from_bytes(self.column(which)[place * size : (place + 1) * size], "little")

    def leaves(self) -> list[bytes]:
        """The hashes of the piece's chunks."""
        behind = self._data[_HEAD.size + self.count * sum(self.widths) :].tobytes()
        return [behind[start : start + HASH_SIZE] for start in range(0, len(behind), HASH_SIZE)]


@dataclass(frozen=True, slots=True)
class Index:
    """What names the pieces of a settlement of so many `persons`: of each piece the seal and the root over its chunks.
    `least` is the smallest amount that is paid out, in minor units."""

    persons: int
    least: int
    seed: bytes
    seals: tuple[str, ...]
    roots: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Its bytes."""
        named = (bytes.fromhex(seal) + root for seal, root in zip(self.seals, self.roots, strict=True))
        return _INDEX.pack(self.persons, self.least, self.seed) + b"".join(named)

    @classmethod
    def decode(cls, data: bytes) -> Index:
        """The index with these bytes.

        Raises:
            ValueError: they are not those of one.
        """
        try:
            persons, least, seed = _INDEX.unpack_from(data)
        except struct.error:
            raise ValueError("a settlement's index has no head") from None
        named = [data[start : start + 2 * HASH_SIZE] for start in range(_INDEX.size, len(data), 2 * HASH_SIZE)]
        if len(named) != -(-persons // PIECE) or any(len(pair) != 2 * HASH_SIZE for pair in named):
            raise ValueError("a settlement's index does not name the pieces that its persons fill")
        return cls(persons, least, seed, tuple(p[:HASH_SIZE].hex() for p in named), tuple(p[HASH_SIZE:] for p in named))


def root_over(hashes: Sequence[bytes]) -> bytes:
    """The root over hashes of chunks, or over the roots of pieces: all but the last piece are complete subtrees of one
    height, so the tree over them is that over all their chunks."""
    return Frontier.load(len(hashes), _subtree_of(hashes)).root() if hashes else EMPTY_ROOT


def path(number: int, leaves: Sequence[bytes], roots: Sequence[bytes]) -> list[bytes]:
    """The hashes that lead from the chunk of a person to the root: `leaves` of her piece, `roots` of all pieces."""
    within = inclusion_proof(number % PIECE // CHUNK, len(leaves), _subtree_of(leaves))
    return within + inclusion_proof(number // PIECE, len(roots), _subtree_of(roots))


def _subtree_of(hashes: Sequence[bytes]) -> Callable[[int, int], bytes]:
    def hash_at(level: int, index: int) -> bytes:
        if level == 0:
            return hashes[index]
        return node_hash(hash_at(level - 1, 2 * index), hash_at(level - 1, 2 * index + 1))

    return hash_at
