"""A file of earnings, and what a scheme would take of them: to be looked at before anybody adopts it.

Each line is what one person earned with one operator in a month. Who she is stays in the file: only sums leave this module.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc  # type: ignore[import-untyped]
from numpy.typing import NDArray

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME
from usufruct.core.base.money import DECIMALS
from usufruct.core.cover.scheme import Scheme
from usufruct.engine import cover
from usufruct.engine.cover import Earnings, Levied, Numbers, People

NEEDED = ("person", "operator", "month", "gross")
OPTIONAL = ("fee", "tips", "born", "joined", "option", "works_with")


@dataclass(frozen=True, slots=True)
class Estimated:
    """What a scheme would take: rows and persons, and for each levy its payer and what would go to each account."""

    rows: int
    persons: int
    gross: int
    levies: tuple[tuple[str, str, str, int], ...]


def estimate(scheme: Scheme, file: Path) -> Estimated:
    """What the levies of a scheme would take of the earnings in a CSV file with the columns `person`, `operator`, `month`
    (`2026-11`), `gross`, and if they are there `fee`, `tips`, `born`, `joined` (yes), `option`, `works_with`; amounts in the
    scheme's currency with a point.

    Raises:
        BadInput: a column is missing or unknown, or a cell cannot be read.
    """
    table = _read(file)
    earnings, people = _columns(scheme, table)
    try:
        taken = cover.take(scheme, people, earnings, END_OF_TIME)
    except OverflowError:
        raise _wrong("the amounts are too large", "write amounts that people earn") from None
    return Estimated(table.num_rows, len(people.born), int(earnings.gross.sum()), tuple(_sums(taken)))


def _sums(taken: list[Levied]) -> Iterator[tuple[str, str, str, int]]:
    for one in taken:
        for account, part in one.parts.items():
            yield one.levy, one.payer, account, int(part.sum())


def _read(file: Path) -> pa.Table:
    kinds = {name: pa.string() for name in (*NEEDED, *OPTIONAL)}
    try:
        options = pc.ConvertOptions(column_types=kinds, strings_can_be_null=False)
        table = pc.read_csv(file, convert_options=options)
    except (pa.ArrowInvalid, OSError) as error:
        raise _wrong(f"it is no CSV file: {error}", "write one with a line of names first") from None
    missing = [name for name in NEEDED if name not in table.column_names]
    unknown = [name for name in table.column_names if name not in (*NEEDED, *OPTIONAL)]
    if missing or unknown or not table.num_rows:
        what = f"the columns {', '.join(missing or unknown)} are {'missing' if missing else 'unknown'}"
        raise _wrong(what if missing or unknown else "it has no line", f"give {', '.join(NEEDED)}")
    return table


def _columns(scheme: Scheme, table: pa.Table) -> tuple[Earnings, People]:
    names = {name: _text(table, name) for name in (*NEEDED, *OPTIONAL)}
    persons, first, person = np.unique(names["person"], return_index=True, return_inverse=True)
    _, operator = np.unique(names["operator"], return_inverse=True)
    months, month = np.unique(names["month"], return_inverse=True)
    for one in months:
        _month(str(one))
    gross, fee, tips = (_amounts(names[name], scheme.currency) for name in ("gross", "fee", "tips"))
    if (fee > gross).any():
        raise _wrong("a fee is more than the gross amount", "the fee is a part of it")
    born = np.array([_month(text[:7]) if text else -1 for text in names["born"][first]], np.int64)
    options = {"": 0} | {name: place for place, name in enumerate(scheme.options, 1)}
    off = {one.name: one.basis_points for one in scheme.deductions}
    joined = names["joined"][first] == "yes"
    younger = [bool(scheme.born_from) and text >= scheme.born_from for text in names["born"][first]]
    everybody = not scheme.born_from and scheme.joining == "nobody"
    try:
        option = np.array([options[str(text)] for text in names["option"][first]], np.int64)
    except KeyError as error:
        raise _wrong(f"there is no option {error}", f"choose one of {', '.join(scheme.options)}") from None
    people = People(
        born, joined | np.array(younger, np.bool_) | everybody, option,
        np.array([off.get(str(text), 0) for text in names["works_with"][first]], np.int64),
    )  # fmt: skip
    assert len(persons) == len(born)
    return (
        Earnings(person, operator, month, tuple(str(one) for one in months), gross, fee, tips),
        people,
    )


def _text(table: pa.Table, name: str) -> NDArray[np.str_]:
    if name not in table.column_names:
        return np.full(table.num_rows, "", dtype=np.str_)
    return np.array(table[name].to_pylist(), dtype=np.str_)


def _month(text: str) -> int:
    year, dash, number = text.partition("-")
    if len(text) != 7 or not dash or not (year + number).isdigit() or not 1 <= int(number) <= 12:
        raise _wrong(f"`{text}` is no month", "write it as 2026-11")
    return int(year) * 12 + int(number) - 1


def _amounts(texts: NDArray[np.str_], currency: str) -> Numbers:
    decimals = DECIMALS[currency]
    found = np.zeros(len(texts), np.int64)
    for place, text in enumerate(texts):
        whole, _, rest = str(text or "0").partition(".")
        if not (whole + rest).isdigit() or len(rest) > decimals or len(whole) > 12:
            raise _wrong(
                f"`{text}` is no amount in {currency}", f"write it with at most {decimals} digits after the point"
            )
        found[place] = int(whole) * 10**decimals + int(rest.ljust(decimals, "0") or "0")
    return found


def _wrong(what: str, remedy: str) -> BadInput:
    return BadInput("input.cover", f"the earnings cannot be read: {what}", remedy)
