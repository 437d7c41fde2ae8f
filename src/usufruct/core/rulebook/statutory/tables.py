"""Tables of numbers that laws set: minimum wages, rates of contributions, limits.

They are not `parameters`. Those are the node's own numbers, which its assembly may change; these are set by others, and all
that can be done with them is to know them rightly. So a figure here has what laws have and settings have not: a unit, bands
(by age), an exact fraction, a rounding, and now and then a hole, a time of which we do not know what held. What both have
is the two dates, and the lookup by them is one function (`parameters.in_force`).

*Effective*: from when it applies. *Known*: since when it could be known. France published rates for 2026 in 2024, and others
for the same day in 2025; a plan that was made in between was right. The United States announced a limit for 2018, and six
weeks later a lower one. Who asks what is *owed* reads all that is in the tables; who asks whether a decision was right reads
what was known on its day.

Where no day of publication was found, a figure counts as known from the day it took effect on, and says so (`published` is
False). A day is the day at the place of the law; it is looked up as that day's midnight in UTC, like every day here.

The numbers are illustrations with a date and a source, not advice.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Any

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME, Instant, parse
from usufruct.core.rulebook.parameters import by_dates, in_force
from usufruct.core.rulebook.statutory.explained import Rounding, Step, rounding


@dataclass(frozen=True, slots=True)
class Band:
    """`value` holds from `start` on (an age in completed years, say) until the next band starts."""

    start: int
    value: Fraction


@dataclass(frozen=True, slots=True)
class Figure:
    """What a law sets from `effective` on. From `until` on something else held which the table does not know.

    `published` says whether `known` is a day of publication, or the day of effect for want of one.
    """

    effective: Instant
    known: Instant
    published: bool
    bands: tuple[Band, ...]
    source: str
    link: str = ""
    until: Instant = END_OF_TIME

    def at(self, key: int = 0) -> Fraction:
        """The value for an age, or whatever the bands go by; 0 where there is one value.

        Raises:
            BadInput: below the first band.
        """
        found = next((band for band in reversed(self.bands) if band.start <= key), None)
        if found is None:
            raise BadInput("input.statutory", f"{key} is below the first band", f"begin at {self.bands[0].start}")
        return found.value


@dataclass(frozen=True, slots=True)
class Table:
    """All figures of one number, in the order of their dates. `by` says what its bands go by, if it has any."""

    name: str
    meaning: str
    unit: str
    authority: str
    source: str
    link: str
    rounding: Rounding
    by: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Regime:
    """What one law takes of one kind of activity: `lines`, each a table of rates on the same basis, and perhaps `tax`.

    The basis is rounded before the rates are applied.
    """

    name: str
    meaning: str
    currency: str
    basis: Rounding
    source: str
    lines: tuple[str, ...]
    tax: str = ""


class Tables:
    """Tables and regimes by their names."""

    def __init__(self, tables: Iterable[Table], regimes: Iterable[Regime] = ()) -> None:
        self._tables = {table.name: table for table in tables}
        self.regimes = {regime.name: regime for regime in regimes}

    def __iter__(self) -> Iterator[Table]:
        return iter(self._tables.values())

    def table(self, name: str) -> Table:
        """The table of that name.

        Raises:
            BadInput: there is none.
        """
        if name not in self._tables:
            raise BadInput(
                "input.statutory", f"there is no statutory table `{name}`", "see `usufruct statutory list` for their names"
            )  # fmt: skip
        return self._tables[name]

    def figure(self, name: str, effective: Instant, known: Instant | None = None) -> Figure:
        """What applied on `effective`, as published by `known`; as the tables know it today unless said otherwise.

        Raises:
            BadInput: there is no such table, or it has nothing for that day.
        """
        table = self.table(name)
        found = in_force(table.figures, effective, known or END_OF_TIME)
        if found is None or found.until <= effective:
            seen = f" as known on {known[:10]}" if known else ""
            raise BadInput(
                "input.statutory", f"`{name}` has no value on {effective[:10]}{seen}",
                f"ask for a day that it covers: {', '.join(covered(table))}",
            )  # fmt: skip
        return found

    def value(self, name: str, effective: Instant, known: Instant | None = None, key: int = 0) -> Fraction:
        """The number itself, in the table's unit, for an age or whatever its bands go by.

        Raises:
            BadInput: there is no such table, or it has nothing for that day, or that key.
        """
        return self.figure(name, effective, known).at(key)

    def step(self, name: str, effective: Instant, known: Instant | None = None, key: int = 0) -> Step:
        """The number as the first step of an explanation: with its words, its source and a link.

        Raises:
            BadInput: as `value`.
        """
        table, figure = self.table(name), self.figure(name, effective, known)
        return Step(
            f"{table.meaning}, from {figure.effective[:10]}", figure.at(key), table.unit, figure.source,
            figure.link or table.link,
        )  # fmt: skip


def covered(table: Table) -> list[str]:
    """The times of which a table knows what held, as `2019-02-01 to 2020-02-01`; the last has no end while it holds."""
    found: list[list[str]] = []
    for figure in table.figures:
        if found and found[-1][1] >= figure.effective:
            found[-1][1] = max(figure.until, figure.effective)
        else:
            found.append([figure.effective, figure.until])
    return [
        f"from {start[:10]} on" if end == END_OF_TIME else f"from {start[:10]} until before {end[:10]}"
        for start, end in found
    ]


# ---- the files


FILES = ("france", "new-york-city", "united-kingdom", "united-states")


@cache
def shipped() -> Tables:
    """The tables that come with the node."""
    read = [
        tomllib.loads(resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")) for name in FILES
    ]  # fmt: skip
    tables = [_table(entry, file["authority"]) for file in read for entry in file["table"]]
    return Tables(tables, [_regime(entry) for file in read for entry in file.get("regime", ())])


def _table(entry: dict[str, Any], authority: str) -> Table:
    figures = by_dates(_figure(each) for each in entry["figures"])
    return Table(
        entry["name"], entry["meaning"], entry["unit"], entry.get("authority", authority), entry["source"], entry["link"],
        rounding(entry["rounding"]), entry.get("by", ""), tuple(figures),
    )  # fmt: skip


def _figure(entry: dict[str, Any]) -> Figure:
    effective = _day(entry["from"])
    bands = entry["bands"] if "bands" in entry else {"0": entry["value"]}
    return Figure(
        effective, _day(entry["known"]) if "known" in entry else effective, "known" in entry,
        tuple(Band(int(start), _number(value)) for start, value in bands.items()), entry["source"], entry.get("link", ""),
        _day(entry["until"]) if "until" in entry else END_OF_TIME,
    )  # fmt: skip


def _regime(entry: dict[str, Any]) -> Regime:
    return Regime(
        entry["name"], entry["meaning"], entry["currency"], rounding(entry["basis-rounding"]), entry["source"],
        tuple(entry["lines"]), entry.get("tax", ""),
    )  # fmt: skip


def _day(value: date) -> Instant:
    return parse(value.isoformat())


def _number(text: str) -> Fraction:
    """Reads `12.02`, `455/3`, `12.3 %`."""
    bare = text.removesuffix("%").strip()
    return Fraction(bare) / (100 if text.endswith("%") else 1)
