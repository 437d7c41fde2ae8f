"""Masked rows: records that leave under a pseudonym, coarser than they are, and never where few are alike.

Masking a question's answer would not do: whoever may choose columns and conditions picks somebody out by asking twice
(what is told of a group of five and of the same group without one tells of that one). So it is not the answer that is
masked but the *table*, once, whatever is asked:

1. whose column: a pseudonym, made with a key for each agreement, so that two agreements cannot be put side by side;
2. each other column by a rule of its own: *show* what is on a public list, *band* a number between its public bounds,
   *omit* everything else; whoever operates the table can declare other rules, within what the grade lets out;
3. a person is in only if at least k persons have the very same masked rows as she; where rows are not linked by a
   pseudonym, a row is in only if k persons have one like it.

Questions are put to this masked table, and what they choose, compare and put in order are masked values. So nothing that
is asked, or asked in addition, tells more than the masked table itself. That table is k-anonymous (Samarati 1998; Sweeney
2002), which is less than differential privacy: whoever knows that somebody is in a group of k that is alike learns what
they have in common, and the table changes when people join or leave it. How many are left out is not told.

One table has one mask: from two, the finer parts of each could be put together. So a mask cannot be changed once rows
have left under it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant
from usufruct.core.base.money import decimal
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.facts import QueryAdmitted
from usufruct.core.registry import rights
from usufruct.core.registry.facts import Column
from usufruct.core.registry.state import Asset
from usufruct.core.rulebook.grades import Table

SHOW, BAND, OMIT = "show", "band", "omit"
RULES = {
    SHOW: "as it is, if it is on the column's public list",
    BAND: "in bands of equal width between the column's public bounds, known by their lower ends",
    OMIT: "left out",
}
_WIDTH = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,9}))?")
BANDS = 10  # of a number that nothing is declared about
_NOT_DECLARED = "the mask was not declared"


@dataclass(frozen=True, slots=True)
class ColumnMask:
    """How a column is masked: `rule` is a key of `RULES`; bands are `width` grains wide."""

    column: str
    rule: str
    width: int = 0


@dataclass(frozen=True, slots=True)
class MaskDeclared(Fact):
    """Masked rows of the asset are made by these rules; what they do not name is masked as usual. A person must be like
    `least` persons (0: as many as the grades and the rulebook say). Without `linked` rows carry no pseudonym."""

    KIND = "mask.declared/1"
    asset: str
    columns: tuple[ColumnMask, ...]
    least: int
    linked: bool
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class Mask(Row):
    """How an asset is masked, see `MaskDeclared`; `fixed` once rows left under it."""

    KEY = ("asset",)
    asset: str
    columns: tuple[ColumnMask, ...] = ()
    least: int = 0
    linked: bool = True
    fixed: bool = False


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The row that a declaration, or the first use of a mask, changes."""
    match entry.fact:
        case MaskDeclared() as fact:
            yield Mask(fact.asset, fact.columns, fact.least, fact.linked)
        case QueryAdmitted(form="masked") as fact:
            yield replace(of(read, fact.asset), fixed=True)
        case _:
            return


def of(read: Reader, asset: str) -> Mask:
    """How an asset is masked now."""
    return read.get(Mask, asset) or Mask(asset)


@dataclass(frozen=True, slots=True)
class View:
    """A masked table: the columns that are in it with their rules, in the table's order, whether its rows are `linked` by
    pseudonyms, and how many persons must be alike."""

    columns: tuple[tuple[Column, ColumnMask], ...]
    linked: bool
    least: int

    def find(self, name: str) -> tuple[Column, ColumnMask] | None:
        """The column of that name, in capitals or not."""
        return next((one for one in self.columns if one[0].name.lower() == name.lower()), None)


def view(asset: Asset, mask: Mask, table: Table, floor: int) -> View:
    """The masked table of an asset as it stands, by its mask and the grades; at least `floor` persons are alike."""
    declared = {one.column.lower(): one for one in mask.columns}
    found = []
    for column in asset.columns:
        if column.name != asset.person_column and "masked" in table.grades[column.grade].forms:
            rule = declared.get(column.name.lower()) or usual(column)
            if rule.rule != OMIT:
                found.append((column, rule))
    person = asset.column(asset.person_column)
    read = [column for column, _ in found] + ([person] if person else [])
    least = max([floor, mask.least, *(table.grades[column.grade].group_min for column in read)])
    return View(tuple(found), mask.linked, least)


def usual(column: Column) -> ColumnMask:
    """How a column is masked that nothing is declared about."""
    if column.values or column.type == "boolean":
        return ColumnMask(column.name, SHOW)
    if column.low is not None and column.high is not None:
        return ColumnMask(column.name, BAND, max(2, -(-(column.high - column.low) // BANDS)))
    return ColumnMask(column.name, OMIT)


def declare(
    read: Reader, asset: str, columns: tuple[ColumnMask, ...], least: int, linked: bool, by: str, at: Instant
) -> MaskDeclared | Refusal:
    """Rules for the masked rows of an asset, by whoever may operate it.

    Raises:
        BadInput: a rule does not fit its column.
    """
    row = read.get(Asset, asset)
    if row is None or rights.held(read, by, asset, "operate", at) is None:
        return refuse(
            "registry.unknown", _NOT_DECLARED, f"there is no asset `{asset}` that `{by}` may operate",
            remedy="look at the list of assets; only who may operate one declares how it is masked",
        )  # fmt: skip
    if of(read, asset).fixed:
        return refuse(
            "privacy.mask", _NOT_DECLARED, f"rows of `{asset}` have left as it is masked now, and two masks could be compared",
            remedy="register new data as another asset, and declare its mask first",
        )  # fmt: skip
    if not 0 <= least <= 10_000:
        raise BadInput("input.mask", f"`{least}` persons cannot be asked for", "name a number from 0 to 10000")
    for one in columns:
        _check(row, one)
    names = [one.column.lower() for one in columns]
    if len(set(names)) < len(names):
        raise BadInput("input.mask", "a column is named twice", "give each column one rule")
    return MaskDeclared(asset, columns, least, linked, by)


def typed(asset: Asset, column: str, rule: str, width: str) -> ColumnMask:
    """A rule as people type it, with the width of a band in the column's unit.

    Raises:
        BadInput: the width is no number that fits the column.
    """
    found, written = asset.column(column), _WIDTH.fullmatch(width.strip())
    decimals = found.decimals if found else 0
    if width and (written is None or len(written[2] or "") > decimals):
        raise BadInput(
            "input.mask", f"`{width}` is not a width of bands", f"write a number with at most {decimals} decimals"
        )
    grains = int(written[1] + (written[2] or "").ljust(decimals, "0")) if written else 0
    return ColumnMask(found.name if found else column, rule, grains)


def _check(asset: Asset, one: ColumnMask) -> None:
    column, where = asset.column(one.column), f"column `{one.column}`"
    if column is None or column.name == asset.person_column:
        raise BadInput(
            "input.mask", f"{where} cannot be given a rule", "name columns of the asset but for the person's"
        )
    if one.rule not in RULES:
        raise BadInput("input.mask", f"`{one.rule}` is not a rule", f"use one of {', '.join(RULES)}")
    if one.rule == SHOW and not column.values and column.type != "boolean":
        raise BadInput("input.mask", f"{where} has no public list of values", "band it, or omit it")
    if (one.rule == BAND) != (one.width != 0):
        raise BadInput("input.mask", f"{where}: a band has a width, and only a band", "write it as 5.00")
    if one.rule == BAND and (column.low is None or column.high is None or column.values):
        raise BadInput("input.mask", f"{where} has no public bounds to lay bands between", "show it, or omit it")
    if one.rule == BAND and not 2 <= one.width <= 2**41:
        raise BadInput("input.mask", f"{where}: bands must be wider than one value", "name a larger width")


def band(column: Column, rule: ColumnMask, low: int) -> str:
    """A band for people, by its lower end in grains: `12.00 to 15.99`. The last one takes in the upper bound."""
    assert column.high is not None
    high = low + rule.width - 1 if low + rule.width < column.high else column.high
    return f"{decimal(low, column.decimals)} to {decimal(high, column.decimals)}"


def pseudonym(key: bytes, party: str) -> str:
    """What stands for a person under one agreement, whose `key` nobody but the node has: 80 bits, so that of a million
    persons hardly ever two meet in one."""
    return hmac.new(key, party.encode(), hashlib.sha256).hexdigest()[:20]
