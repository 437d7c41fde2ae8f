"""A sample: which rows of an asset are learnt from, and how each column is coded.

Learning looks at rows, not at groups; so what is bounded here are rows. Of each person at most `rows_per_person` rows
count, and where the card says that a column has each value once for a person, one row for each; which ones is chosen by a
hash of the row and of her own draw, which depends on nobody else. A row with a gap, or with a value
that is not on its column's public list, is left out; a number beyond its column's bounds counts as the nearer end. So
every row maps to whole numbers from a range that the public card alone tells, and no row, whatever it holds, can make
anything fail.

Persons, not rows, are held out for scores: whether somebody is follows from her own draw, so taking her away moves
nobody else from one part to the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.money import decimal
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.question import Expression
from usufruct.core.privacy.relations import no_such_column
from usufruct.core.privacy.relations import where as resolve
from usufruct.core.registry.facts import Column
from usufruct.core.registry.state import Asset

HOLDOUT_MAX = 50  # per cent
BINS = (2, 64)  # the fewest and the most into which the bounds of a number are cut


@dataclass(frozen=True, slots=True)
class Coded:
    """A column cut into `size` codes, from 0: the places of its public list, or equal bins between its bounds."""

    column: Column
    size: int

    @property
    def values(self) -> tuple[int | str | bool, ...]:
        """What the codes stand for, where they stand for one value each."""
        return listed(self.column)

    def ends(self, code: int) -> tuple[int, int]:
        """The least and the greatest grain of a bin."""
        low, width = _range(self.column)
        return low - (-code * width // self.size), low - (-(code + 1) * width // self.size) - 1

    def code(self, grain: int) -> int:
        """The bin of a grain between the bounds."""
        low, width = _range(self.column)
        return (grain - low) * self.size // width

    def label(self, code: int) -> str:
        """A code as people read it."""
        if self.values:
            value = self.values[code]
            return str(value).lower() if isinstance(value, bool) else str(value)
        low, high = (decimal(end, self.column.decimals) for end in self.ends(code))
        return low if low == high else f"{low} to {high}"


@dataclass(frozen=True, slots=True)
class Sample:
    """The rows of a version of an asset that are learnt from: those that `where` lets in, in these columns, at most
    `rows_per_person` of each person, of whom `holdout` per cent are held out, and at most one of her rows for each value of
    the columns in the places `once`. Of a table about nobody (not `personal`) each row is taken by itself."""

    asset: str
    version: str
    columns: tuple[Column, ...]
    where: Expression | None
    rows_per_person: int
    holdout: int
    personal: bool
    once: tuple[int, ...] = ()


def listed(column: Column) -> tuple[int | str | bool, ...]:
    """The public list of what a column can hold; empty if it is a number between bounds."""
    return column.values or ((False, True) if column.type == "boolean" else ())


def coded(column: Column, bins: int) -> Coded:
    """A column with its codes; a number falls into `bins`, or fewer if there are not so many grains."""
    values = listed(column)
    return Coded(column, len(values) if values else min(bins, _range(column)[1]))


def _range(column: Column) -> tuple[int, int]:
    """The lower bound in grains, and how many grains there are."""
    assert column.low is not None and column.high is not None
    return column.low, column.high - column.low + 1


def take(
    asset: Asset, names: tuple[str, ...], where: Expression | None, rows_per_person: int | None, holdout: int, not_done: str
) -> Sample | Refusal:  # fmt: skip
    """The sample of these columns, at most `rows_per_person` rows of each person (as many as the card says, if None)."""
    columns: list[Column] = []
    for name in names:
        column = asset.column(name)
        if column is None:
            return no_such_column(name, asset)
        if column.name == asset.person_column or not (listed(column) or column.low is not None):
            return _no_range(asset, column, not_done)
        columns.append(column)
    if twice := [column.name for column in columns if columns.count(column) > 1]:
        return refuse(
            "fit.job", not_done, f"`{twice[0]}` is named twice", remedy="name each column once; the label is no feature"
        )
    rows = asset.rows_per_person if rows_per_person is None else rows_per_person
    if not 1 <= rows <= asset.rows_per_person:
        return refuse(
            "fit.job", not_done, f"{rows} rows of a person cannot count, for the card says 1 to {asset.rows_per_person}",
            remedy="leave it out, or stay within the card",
        )  # fmt: skip
    if not 0 <= holdout <= HOLDOUT_MAX:
        return refuse(
            "fit.job",
            not_done,
            f"{holdout} per cent cannot be held out",
            remedy=f"hold out 0 to {HOLDOUT_MAX} per cent",
        )
    resolved = resolve(where, asset) if where is not None else None
    if isinstance(resolved, Refusal):
        return resolved
    once = tuple(place for place, column in enumerate(columns) if column.name in asset.once_per and listed(column))
    return Sample(asset.id, asset.version, tuple(columns), resolved, rows, holdout, bool(asset.person_column), once)


def _no_range(asset: Asset, column: Column, not_done: str) -> Refusal:
    others = [c.name for c in asset.columns if c.name != asset.person_column and (listed(c) or c.low is not None)]
    why = (
        f"`{column.name}` says whom a row is about"
        if column.name == asset.person_column
        else f"`{column.name}` has neither a public list of values nor bounds, so one row could count for anything"
    )
    remedy = f"use {', '.join(others)}" if others else "ask the holder to declare lists or bounds"
    return refuse("fit.column", not_done, why, remedy=remedy)
