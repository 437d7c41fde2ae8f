"""The settlement: every person's line of one division, as bytes.

There may be millions of lines, so they are not rows of the ledger: the ledger has one control transfer, and the
settlement that it names has, for each person by number, what she is due in millionths and what she is paid in minor
units, each an unsigned 64-bit number, little-endian. One person's line is at a known place and needs no other.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

MEDIA_TYPE = "application/vnd.usufruct.settlement.v1"
_LINE = struct.Struct("<QQ")


@dataclass(frozen=True, slots=True)
class Line:
    """`due` in millionths of a minor unit by the measure, `paid` in whole minor units."""

    due: int
    paid: int


def write(due: Sequence[int], paid: Sequence[int]) -> bytes:
    """The bytes of a settlement."""
    lines = array("Q", bytes(_LINE.size * len(due)))
    lines[0::2] = array("Q", due)
    lines[1::2] = array("Q", paid)
    return lines.tobytes()


def line(settlement: bytes, number: int) -> Line:
    """The line of one person; nothing for who came after it was written."""
    if (number + 1) * _LINE.size > len(settlement):
        return Line(0, 0)
    return Line(*_LINE.unpack_from(settlement, number * _LINE.size))


def all_paid(settlement: bytes) -> Sequence[int]:
    """What everybody is paid, by number, in minor units."""
    lines = array("Q")
    lines.frombytes(settlement)
    return lines[1::2]


def total_paid(settlement: bytes) -> int:
    """The sum of all lines, in minor units."""
    return sum(all_paid(settlement))
