"""What a first look at a table that nobody has registered yet shows, and proposes. The figures are the data's own: they are
for the steward, who writes a card from them, and for nobody else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColumnSeen:
    """What a first look at a table's column shows: its likely `type`, nulls, distinct values and extremes, as text.

    `rows` are those that are not null.
    """

    name: str
    type: str
    decimals: int
    nulls: int
    distinct: int
    low: str
    high: str
    values: tuple[str, ...]
    rows: int = 0


@dataclass(frozen=True, slots=True)
class ColumnProposed:
    """A class and a grade that a column of a new table may have, with the `reasons` in words; a person confirms them."""

    name: str
    data_class: str
    grade: int
    reasons: tuple[str, ...]
