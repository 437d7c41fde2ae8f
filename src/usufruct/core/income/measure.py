"""Contribution: what each person's rows added to the uses of a period.

The measure is use: in every answered question a person counted with a number of rows, after bounding; of what the
question earned for the members she is due that part. The parts are kept in millionths of a minor unit, exact for each
use, and only their sum over the period is brought to whole units, so that many small uses are not rounded many times.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from usufruct.core.income.division import divide

MICRO = 1_000_000  # parts of one minor unit


@dataclass(frozen=True, slots=True)
class EarningUse:
    """A use that earned something: its `price` in minor units, and the bounded `rows` of each person by number."""

    id: str
    price: int
    rows: Sequence[int]


def contributions(data: bytes) -> Sequence[int]:
    """The number of bounded rows of each person, from the bytes the engine wrote: unsigned 32-bit, little-endian."""
    rows = array("I")
    assert rows.itemsize == 4
    rows.frombytes(data)
    return rows


def rows_of(rows: Sequence[int], number: int) -> int:
    """The rows of one person, of those of a use; none if she came after it."""
    return rows[number] if number < len(rows) else 0


def parts_of_uses(uses: Sequence[EarningUse], members_pool: int) -> list[int]:
    """What each use earned for the members, in millionths of a minor unit: the pool split by price over the uses in
    which anybody's rows counted. All zero if there was none."""
    earned = [use.price if any(use.rows) else 0 for use in uses]
    return divide(members_pool * MICRO, earned, "uses") if any(earned) else [0] * len(uses)


def accrue(uses: Sequence[EarningUse], members_pool: int, persons: int) -> list[int]:
    """What each person is due of `members_pool` minor units, in millionths.

    Sums to the pool exactly, or to nothing if no use touched anybody's rows.
    """
    due = [0] * persons
    for use, part in zip(uses, parts_of_uses(uses, members_pool), strict=True):
        if part:
            for number, amount in enumerate(divide(part, use.rows, use.id)):
                due[number] += amount
    return due
