"""A buyer's own rows, already labelled: what a model is scored on, and what people's rows are measured against.

Who is paid, and how much, rests on these rows. So they come in with the job, before anything is worked out, and their digest,
their number and the measure are a fact before the data are looked at: nobody can choose them afterwards. The rows themselves
are sealed beside it, and are shown to whoever was measured against them once the use is over. Until then they stay with the
buyer: whoever knew them could bring copies, and no measure could tell.

They must be of the card: its columns, its lists, within its bounds. And there must be enough that differ, for a share that
rests on one row would tell who stands next to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.privacy.sample import Sample, listed
from usufruct.core.registry.facts import Column
from usufruct.core.registry.state import Asset

MEDIA_TYPE = "text/csv"
DIFFERENT_MIN = 50  # rows that differ
ROWS_MAX = 10_000
WORK_MAX = 2 * 10**9  # pairs of a record and a row: some 40 seconds of one processor
NEAR = 20  # a number is told rightly if it is no further off than this part of its column's range
NOT_MEASURED = "nothing was fitted or measured"
_NUMBER = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,9}))?")


@dataclass(frozen=True, slots=True)
class Validation:
    """Rows as they came in: `columns` by name, cells as text; `data` are the very bytes, and `digest` their SHA-256 in hex."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    data: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class ValidationTaken(Fact):
    """With the job of a `use` came `rows` labelled rows, to score a model on and to measure by, in the way named `measure` (empty:
    to score only). `digest` is the SHA-256 of the rows as they came; `kept` are they themselves, sealed."""

    KIND = "validation.taken/1"
    use: str
    requester: str
    digest: str
    rows: int
    measure: str
    kept: str

    def about(self) -> tuple[str, ...]:
        return (self.requester,)


@dataclass(frozen=True, slots=True)
class ValidationSet(Row):
    """The rows that came with a use, see `ValidationTaken`."""

    KEY = ("use",)
    use: str
    requester: str
    digest: str
    rows: int
    measure: str
    kept: str


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The row that a fact brings about."""
    match entry.fact:
        case ValidationTaken() as fact:
            yield ValidationSet(fact.use, fact.requester, fact.digest, fact.rows, fact.measure, fact.kept)
        case _:
            return


def coded(validation: Validation, sample: Sample, asset: Asset) -> tuple[tuple[int, ...], ...] | Refusal:
    """The rows as whole numbers, in the columns of the sample: places on a list, or grains."""
    places = {name.lower(): place for place, name in enumerate(validation.columns)}
    wanted = [column.name for column in sample.columns]
    if len(places) != len(validation.columns) or sorted(places) != sorted(name.lower() for name in wanted):
        return _no(
            f"the rows have the columns {', '.join(validation.columns) or 'none'}",
            f"give each of {', '.join(wanted)} once, and no others",
        )
    if not DIFFERENT_MIN <= len(validation.rows) <= ROWS_MAX:
        return _no(
            f"{len(validation.rows)} rows were given",
            f"give {DIFFERENT_MIN} to {ROWS_MAX} rows that are already labelled",
        )
    if sample.personal and asset.quality.rows * len(validation.rows) > WORK_MAX:
        return _no(
            f"{len(validation.rows)} rows are too many to measure {asset.quality.rows} records by",
            f"give {WORK_MAX // asset.quality.rows} rows at most",
        )
    found = []
    for number, row in enumerate(validation.rows, 1):
        codes = []
        for column in sample.columns:
            cell = row[places[column.name.lower()]]
            code = _code(column, cell)
            if code is None:
                return _no(
                    f"row {number} has in `{column.name}` what the card does not know: `{cell[:60]}`",
                    f"give {_known(column)}, or leave the row out",
                )
            codes.append(code)
        found.append(tuple(codes))
    if len(set(found)) < DIFFERENT_MIN:
        return _no(f"only {len(set(found))} of the rows differ", f"give {DIFFERENT_MIN} that differ")
    return tuple(found)


def near(label: Column) -> int:
    """How far off a label may be and be right: not at all on a list, a part of the range between bounds."""
    return 0 if listed(label) else ((label.high or 0) - (label.low or 0)) // NEAR


def _no(why: str, remedy: str) -> Refusal:
    return refuse("fit.validation", NOT_MEASURED, why, remedy=remedy)


def _code(column: Column, cell: str) -> int | None:
    values = listed(column)
    if values:
        said = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
        text = cell.strip().lower() if column.type == "boolean" else cell
        return said.index(text) if text in said else None
    found = _NUMBER.fullmatch(cell.strip())
    if not found:
        return None
    sign, whole, fraction = found[1], found[2], (found[3] or "").rstrip("0")
    if len(fraction) > column.decimals:
        return None
    grains = int(whole + fraction.ljust(column.decimals, "0")) * (-1 if sign else 1)
    assert column.low is not None and column.high is not None
    return grains if column.low <= grains <= column.high else None


def _known(column: Column) -> str:
    values = listed(column)
    if values:
        return f"one of {', '.join(str(value).lower() if isinstance(value, bool) else str(value) for value in values[:20])}"
    assert column.low is not None and column.high is not None
    unit = 10**column.decimals
    return f"a number from {column.low / unit:g} to {column.high / unit:g} with at most {column.decimals} decimals"
