"""Tiles: the public log as files that never change (c2sp.org/tlog-tiles).

A log could answer each question about itself with a proof made for it. Then it would have to be asked, and could answer
one person differently from another. A tiled log publishes the tree itself instead, cut into pieces of 256 hashes, and
whoever wants a proof makes it. A piece, once full, is the same for everybody for ever: any file server can hold it, any
cache keep it, and a stranger can mirror the whole.

    tile/<level>/<index>            256 hashes of complete subtrees of 256**level leaves each, from number 256 * index on
    tile/entries/<index>            the 256 entries under tile/0/<index>, each after its length in two bytes
    tile/…/<index>.p/<width>        the same, while the tree has only the first `width` of the 256

An index is written in groups of three digits, each but the last after an `x`, so that no directory grows large: 1234067
is `x001/x234/067`. A tile one level up holds the roots of *full* tiles only, so what is hashed upward never changes.

Entries of our log are commitments of 32 bytes (see `commitment`); those of others may be anything up to 65,535 bytes, and
are read as well. A bundle of entries implies the hashes of the tile above it. That is what a verifier compares, so a
bundle is read into that tile's content by `leaf_hashes`.

What is read is refused if it is not exactly in form: a path has one spelling, a tile one length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from usufruct.core.proof.tree import HASH_SIZE, HashAt, leaf_hash, node_hash

WIDTH = 256
"""Hashes in a full tile, and entries in a full bundle."""

ENTRIES = -1
"""The level of entry bundles, below the one of leaf hashes."""

ENTRY_LIMIT = 65_535
"""The longest entry that a bundle can hold, in bytes."""

SIZE_LIMIT = 2**63
"""Trees are smaller than this (see `checkpoint`)."""

_HEIGHT = 8  # levels of the tree in one of tiles: 2**8 is WIDTH
_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?")


class Source(Protocol):
    """Where tiles are made from."""

    def leaves(self, first: int, count: int) -> list[bytes]:
        """The entries of `count` leaves from leaf `first` on."""

    def hashes(self, level: int, first: int, count: int) -> list[bytes]:
        """The hashes of `count` complete subtrees of 2**level leaves each, from number `first` on."""


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """The name of a tile or, at the level `ENTRIES`, of a bundle.

    Raises:
        ValueError: there is no such tile in any tree.
    """

    level: int
    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        fits = ENTRIES <= self.level < SIZE_LIMIT.bit_length() and self.index >= 0 and 1 <= self.width <= WIDTH
        if not fits or self.sizes()[0] >= SIZE_LIMIT:
            raise ValueError(f"no tree has a tile of level {self.level}, index {self.index} and width {self.width}")

    @property
    def path(self) -> str:
        """Its place in the log, without the log's prefix."""
        groups = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{'/'.join(groups)}{'' if self.width == WIDTH else f'.p/{self.width}'}"

    @classmethod
    def parse(cls, path: str) -> Tile:
        """The tile whose `path` is this.

        Raises:
            ValueError: it is none, or another spelling of one.
        """
        found = _PATH.fullmatch(path)
        if found is None:
            raise ValueError(f"`{path[:100]}` is not the path of a tile")
        level, groups, width = found.groups()
        index = int(groups.replace("/", "").replace("x", ""))
        tile = cls(ENTRIES if level == "entries" else int(level), index, WIDTH if width is None else int(width))
        if tile.path != path:
            raise ValueError(f"`{path[:100]}` is another spelling of `{tile.path}`")
        return tile

    @property
    def bytes_limit(self) -> int:
        """How long its file can be: of a tile of hashes exactly, of a bundle at most."""
        return self.width * (HASH_SIZE if self.level != ENTRIES else 2 + ENTRY_LIMIT)

    def sizes(self) -> tuple[int, int]:
        """The sizes, from first to last, of the trees that have it: all from some size on if it is full."""
        height = max(self.level, 0) * _HEIGHT
        end = self.index * WIDTH + self.width
        last = SIZE_LIMIT if self.width == WIDTH else (end + 1) << height
        return end << height, min(last, SIZE_LIMIT) - 1

    def full(self) -> Tile | None:
        """The tile that a partial one becomes; None if it is full, or if no tree is that large."""
        try:
            return Tile(self.level, self.index) if self.width < WIDTH else None
        except ValueError:
            return None


def tiles_of(size: int) -> Iterator[Tile]:
    """All tiles and bundles of the tree with `size` leaves, lower levels first, the one partial of each level last."""
    for level in count():
        full, rest = divmod(size >> (_HEIGHT * level), WIDTH)
        if not full and not rest:
            return
        for kind in (ENTRIES, level) if level == 0 else (level,):
            yield from (Tile(kind, index) for index in range(full))
            if rest:
                yield Tile(kind, full, rest)


def edge_of(size: int) -> list[Tile]:
    """The partial tiles at the right edge of the tree with `size` leaves, top first: its root is made of their hashes."""
    found = []
    for level in range(0, size.bit_length(), _HEIGHT):
        index, width = divmod(size >> level, WIDTH)
        if width:
            found.append(Tile(level // _HEIGHT, index, width))
    return found[::-1]


def content(tile: Tile, source: Source) -> bytes:
    """The bytes of a tile's file."""
    first = tile.index * WIDTH
    if tile.level == ENTRIES:
        return bundle(source.leaves(first, tile.width))
    return b"".join(source.hashes(tile.level * _HEIGHT, first, tile.width))


def bundle(entries: Sequence[bytes]) -> bytes:
    """The entries as a bundle, each after its length in two bytes, big-endian.

    Raises:
        ValueError: an entry is longer than the length can say.
    """
    if any(len(entry) > ENTRY_LIMIT for entry in entries):
        raise ValueError(f"an entry of a bundle has at most {ENTRY_LIMIT} bytes")
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def entries_of(data: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle.

    Raises:
        ValueError: it ends inside an entry, or has fewer or more of them.
    """
    found, place = [], 0
    while place < len(data):
        start = place + 2
        place = start + int.from_bytes(data[place:start])
        found.append(data[start:place])
    if place != len(data):
        raise ValueError("it ends in the middle of an entry")
    if len(found) != width:
        raise ValueError(f"it holds {len(found)} entries, not {width}")
    return found


def leaf_hashes(data: bytes, width: int) -> bytes:
    """The content of the tile above a bundle with `width` entries: their leaf hashes. Raises ValueError as `entries_of`."""
    return b"".join(map(leaf_hash, entries_of(data, width)))


def peaks(data: bytes) -> list[bytes]:
    """The hashes of the maximal complete subtrees over a tile's hashes, from left to right; of a full tile, its root."""
    hashes = [data[place : place + HASH_SIZE] for place in range(0, len(data), HASH_SIZE)]
    found = []
    while hashes:
        length = 1 << (len(hashes).bit_length() - 1)
        found.append(_root(hashes[:length]))
        del hashes[:length]
    return found


def hash_at(size: int, content: Callable[[Tile], bytes]) -> HashAt:
    """The hashes of complete subtrees of the tree with `size` leaves, for making proofs from nothing but its tiles."""

    def look_up(level: int, index: int) -> bytes:
        row, height = divmod(level, _HEIGHT)
        number, first = divmod(index << height, WIDTH)
        width = min(WIDTH, (size >> (row * _HEIGHT)) - number * WIDTH)
        (found,) = peaks(content(Tile(row, number, width))[HASH_SIZE * first : HASH_SIZE * (first + (1 << height))])
        return found

    return look_up


def _root(hashes: list[bytes]) -> bytes:
    """The root over hashes that are a power of two many."""
    while len(hashes) > 1:
        hashes = list(map(node_hash, hashes[::2], hashes[1::2]))
    return hashes[0]
