"""Contribution: what each person's rows added to the uses of a period.

The plainest measure is rows: in every answered question a person counted with a number of rows, after bounding; of what the
question earned for the members she is due that part. Whoever publishes an asset can choose another (`value`) before it is
used; then each person has a share in a use instead, a whole number that says nothing but its part of the sum. The parts are
kept in millionths of a minor unit, exact for each use, and only their sum is brought to whole units, so that many small
uses are not rounded many times; what is less than a unit is carried from period to period (see `settlement`).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from usufruct.core.income.division import divide

MICRO = 1_000_000  # parts of one minor unit
ROWS = "rows"  # the measure of a use for which no other was recorded
VALUE = "value"
MEASURES = {
    ROWS: "the rows that counted",
    VALUE: "what each person added to the answer",
}
SHARES_TYPE = "application/vnd.usufruct.shares.v1"


@dataclass(frozen=True, slots=True)
class EarningUse:
    """A use that earned something: its `price` in minor units, and what it is divided by, for each person by number: her
    bounded rows, or her share if the use was measured otherwise. Of a fee they are her rows in `counts` uses."""

    id: str
    price: int
    weights: Sequence[int]
    counts: int = 1


@dataclass(frozen=True, slots=True)
class Portion:
    """`amount` millionths of a minor unit that are divided by `weights`, one for each person by number; `name` is the
    division's name, for ties."""

    name: str
    amount: int
    weights: Sequence[int]


def contributions(data: bytes) -> Sequence[int]:
    """The number of bounded rows of each person, from the bytes the engine wrote: unsigned 32-bit, little-endian."""
    rows = array("I")
    assert rows.itemsize == 4
    rows.frombytes(data)
    return rows


def shares(data: bytes) -> Sequence[int]:
    """Each person's share in a use, from the bytes of its measure: unsigned 64-bit, little-endian, their sum below 2^63."""
    weights = array("Q")
    assert weights.itemsize == 8
    weights.frombytes(data)
    return weights


def rows_of(rows: Sequence[int], number: int) -> int:
    """The rows of one person, of those of a use; none if she came after it."""
    return rows[number] if number < len(rows) else 0


def parts_of_uses(uses: Sequence[EarningUse], members_pool: int) -> list[int]:
    """What each use earned for the members, in millionths of a minor unit: the pool split by price over the uses in
    which anybody's rows counted. All zero if there was none."""
    earned = [use.price if any(use.weights) else 0 for use in uses]
    return divide(members_pool * MICRO, earned, "uses") if any(earned) else [0] * len(uses)


def portions(uses: Sequence[EarningUse], members_pool: int) -> tuple[Portion, ...]:
    """`members_pool` minor units as portions: one for each use that brings the members anything."""
    parts = zip(uses, parts_of_uses(uses, members_pool), strict=True)
    return tuple(Portion(use.id, part, use.weights) for use, part in parts if part)


def due_of(found: Sequence[Portion], persons: int) -> list[int]:
    """What each person is due of all portions together, in millionths; sums to them exactly."""
    due = [0] * persons
    for portion in found:
        for number, amount in enumerate(divide(portion.amount, portion.weights, portion.name)):
            due[number] += amount
    return due


def accrue(uses: Sequence[EarningUse], members_pool: int, persons: int) -> list[int]:
    """What each person is due of `members_pool` minor units, in millionths.

    Sums to the pool exactly, or to nothing if no use touched anybody's rows.
    """
    return due_of(portions(uses, members_pool), persons)
