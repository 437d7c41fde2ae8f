"""The settlement: every person's line of one division.

There may be millions of lines, so they are not rows of the ledger: the ledger has one control transfer, and the
settlement that its plan names has each person's line, by her number.

A line is four amounts. What she is *due* in this period, in millionths of a minor unit, by the measure; what was *carried
in* for her from the settlement before; what she is *paid* now, in whole minor units; and what is *carried out*. Paid are
all whole units of what was carried in and is due, unless that is less than the least that is paid out; then nothing.
The rest stays where it is, on the members' account of the asset, and is hers. So nobody gains or loses by a lot over whole
units, and over any number of periods what a person was paid is less than a unit from what she earned (or than the
least that is paid out).

Numbers of persons are for ever, so a carry follows her through all versions of an asset, and through joining, leaving
and joining a pool. Who is new begins with nothing.

`settle` is the reference. For large ones there are others behind the port `Settler`, which must make the same bytes (see
`segment`). The bytes of a settlement before there was a carry, its first version, are still read.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from usufruct.core.income import segment
from usufruct.core.income.facts import AssetStatement
from usufruct.core.income.measure import MICRO, Portion, due_of
from usufruct.core.income.segment import CHUNK, INDEX_TYPE, PIECE, PIECE_TYPE, Index, Piece
from usufruct.core.proof.tree import leaf_hash

FIRST_TYPE = "application/vnd.usufruct.settlement.v1"
_FIRST = struct.Struct("<QQ")

Evidence = Callable[[str], bytes]
"""The evidence with a seal."""


@dataclass(frozen=True, slots=True)
class Line:
    """`due`, `carried_in` and `carried_out` in millionths of a minor unit, `paid` in whole minor units."""

    due: int
    paid: int
    carried_in: int = 0
    carried_out: int = 0

    @property
    def owed(self) -> int:
        """The whole minor units that are carried out."""
        return self.carried_out // MICRO


def line_of(due: int, carried_in: int, least: int) -> Line:
    """The line of somebody to whom so much is due and was carried in, where less than `least` is not paid out."""
    whole = (due + carried_in) // MICRO
    paid = whole if whole >= least else 0
    return Line(due, paid, carried_in, due + carried_in - paid * MICRO)


@dataclass(frozen=True, slots=True)
class Settlement:
    """A settlement that is not kept yet: its `pieces` with the `roots` over their chunks; `payees` are paid something,
    `paid` minor units together, and `carried` are carried out. That is `odd` millionths more than the lines carry: it is whole
    units, and where a total was told that is too large (see `told`) the lines together need not be."""

    persons: int
    least: int
    seed: bytes = field(repr=False)
    pieces: tuple[bytes, ...] = field(repr=False)
    roots: tuple[bytes, ...] = field(repr=False)
    payees: int
    paid: int
    carried: int
    odd: int = 0

    @property
    def root(self) -> str:
        """The root over all lines, in hexadecimal digits."""
        return segment.root_over(self.roots).hex()

    def left(self, pool: int, due: int) -> int:
        """The whole minor units of a pool that are nobody's, where all together were `due` so many millionths of it."""
        carried_in = self.paid * MICRO + self.carried * MICRO - self.odd - due
        return (
            pool - (-carried_in // MICRO) - self.paid - self.carried
        )  # what was carried in, rounded up as it was then

    def keep(self, attach: Callable[[str, bytes], str]) -> str:
        """Keeps the settlement as evidence; the seal of its index."""
        seals = tuple(attach(PIECE_TYPE, data) for data in self.pieces)
        return attach(INDEX_TYPE, Index(self.persons, self.least, self.seed, seals, self.roots).encode())


def settle(portions: Sequence[Portion], before: Iterable[bytes], persons: int, least: int, seed: bytes) -> Settlement:
    """What the portions come to for each person, with what the settlement `before`, given by its pieces, carried out.

    `seed` is random and fresh, 32 bytes.
    """
    carried = [amount for data in before for amount in carried_out(Piece(data))]
    persons = max(persons, len(carried))
    carried += [0] * (persons - len(carried))
    due = due_of(portions, persons)
    pieces, roots, payees, paid = [], [], 0, 0
    for first in range(0, persons, PIECE):
        lines = [
            line_of(*pair, least)
            for pair in zip(due[first : first + PIECE], carried[first : first + PIECE], strict=True)
        ]
        leaves = [
            leaf_hash(segment.entry(
                seed, (first + start) // CHUNK, [(line.paid, line.owed) for line in lines[start : start + CHUNK]]
            ))
            for start in range(0, len(lines), CHUNK)
        ]  # fmt: skip
        columns = ([line.due for line in lines], [line.carried_in for line in lines], [line.paid for line in lines])
        pieces.append(segment.piece(len(lines), [segment.column(numbers) for numbers in columns], leaves))
        roots.append(segment.root_over(leaves))
        payees += sum(1 for line in lines if line.paid)
        paid += sum(line.paid for line in lines)
    left = sum(due) + sum(carried) - paid * MICRO
    return Settlement(
        persons, least, seed, tuple(pieces), tuple(roots), payees, paid, -(-left // MICRO), -left % MICRO
    )  # fmt: skip


def carried_out(piece: Piece) -> Iterator[int]:
    """What each person of a piece carries out, in millionths."""
    for due, carried, paid in zip(*(piece.numbers(which) for which in range(segment.COLUMNS)), strict=True):
        yield due + carried - paid * MICRO


class Lines:
    """The lines of a statement that was kept, whichever version it is of.

    Raises:
        ValueError: the evidence is not that of a settlement.
    """

    def __init__(self, statement: AssetStatement, evidence: Evidence) -> None:
        self._evidence, kept = evidence, evidence(statement.lines)
        self.index = Index.decode(kept) if statement.root else None
        self._first = b"" if statement.root else kept

    def line(self, number: int) -> Line:
        """The line of one person; nothing for who came after it was written."""
        if self.index is None:
            beyond = (number + 1) * _FIRST.size > len(self._first)
            return Line(0, 0) if beyond else Line(*_FIRST.unpack_from(self._first, number * _FIRST.size))
        if number >= self.index.persons:
            return Line(0, 0)
        return _line(self._piece(number), number % PIECE)

    def pieces(self) -> Iterator[bytes]:
        """The pieces, in their order; none of a first version, which carries nothing."""
        for seal in self.index.seals if self.index else ():
            yield self._evidence(seal)

    def columns(self) -> tuple[Sequence[int], Sequence[int]]:
        """What everybody is due, and what everybody is paid."""
        due, paid = array("Q"), array("Q")
        if self.index is None:
            both = array("Q", self._first)
            return both[0::2], both[1::2]
        for data in self.pieces():
            piece = Piece(data)
            due.extend(array("Q", piece.numbers(0)))
            paid.extend(array("Q", piece.numbers(2)))
        return due, paid

    def opening(self, number: int) -> tuple[bytes, bytes, tuple[bytes, ...]]:
        """What proves one person's line: its salt, the entry of its chunk, and the way from there to the root.

        Raises:
            ValueError: there is no such line, or the settlement is of the first version and has no root.
        """
        if self.index is None or number >= self.index.persons:
            raise ValueError("there is no line that can be proven")
        piece, seed = self._piece(number), self.index.seed
        start = number % PIECE // CHUNK * CHUNK
        lines = [_line(piece, place) for place in range(start, min(start + CHUNK, piece.count))]
        entry = segment.entry(seed, number // CHUNK, [(line.paid, line.owed) for line in lines])
        salt = segment.salts(seed, number // CHUNK, len(lines))[number % CHUNK * segment.SALT_SIZE :][
            : segment.SALT_SIZE
        ]
        return salt, entry, tuple(segment.path(number, piece.leaves(), self.index.roots))

    def _piece(self, number: int) -> Piece:
        assert self.index is not None
        return Piece(self._evidence(self.index.seals[number // PIECE]))


def _line(piece: Piece, place: int) -> Line:
    due, carried, paid = (piece.at(which, place) for which in range(segment.COLUMNS))
    return Line(due, paid, carried, due + carried - paid * MICRO)


def total_paid(settlement: bytes) -> int:
    """The sum of all lines of a settlement of the first version, in minor units."""
    lines = array("Q")
    lines.frombytes(settlement)
    return sum(lines[1::2])
