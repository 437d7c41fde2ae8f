"""An answer for the eye: its table, and a chart of every measure with its error bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from usufruct.core.privacy import builder
from usufruct.web.portal import charts
from usufruct.web.portal.charts import Spot

ROWS = 20  # rows shown on a page; the whole answer is a file
DRAWN = 30  # points that still make a picture
LINES = 4
MEASURES = 3
ACROSS = 40  # letters that fit side by side on a phone

TOO_FEW = "too uncertain"


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name; whether it holds numbers, and the margins of the one before it."""

    name: str
    number: bool
    margin: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What of an answer is shown: the first `rows` of `total`, and its charts."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int
    notes: tuple[str, ...]
    charts: tuple[tuple[str, Markup], ...]


def shown(let_out: Any, name: str, rows: int = ROWS, drawn: int = MEASURES) -> Shown | None:
    """The answer that a use let out, as kept in the journal, with charts of its first measures; `name` is for their ids."""
    if not isinstance(let_out, Mapping):
        return None
    measures = set(let_out["measures"])
    columns = tuple(
        Column(c.removesuffix("_margin") if _margin(c, measures) else c, c in measures, _margin(c, measures))
        for c in let_out["columns"]
    )
    cells = tuple(tuple(cell_in_words(cell) for cell in row) for row in let_out["rows"][:rows])
    charts_drawn = tuple(_charts(let_out, name)[:drawn])
    return Shown(columns, cells, len(let_out["rows"]), tuple(let_out["notes"]), charts_drawn)


def cell_in_words(cell: object) -> str:
    """A cell as people read it."""
    if cell is None:
        return TOO_FEW
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return str(cell)


def _margin(column: str, measures: set[str]) -> bool:
    return column in measures and column.endswith("_margin") and column.removesuffix("_margin") in measures


def _charts(let_out: Mapping[str, Any], name: str) -> list[tuple[str, Markup]]:
    """A chart, with its title, for each measure; none where there is nothing to compare, or too much."""
    columns, rows, measures = let_out["columns"], let_out["rows"], set(let_out["measures"])
    if not 2 <= len(rows) <= DRAWN * LINES:
        return []
    keys = [index for index, column in enumerate(columns) if column not in measures]
    names = [columns[key] for key in keys]
    labels = [tuple(cell_in_words(row[key]) for key in keys) for row in rows]
    drawn: list[tuple[str, Markup]] = []
    for index, column in enumerate(columns):
        if column in measures and not _margin(column, measures):
            bounded = f"{column}_margin" in columns[index + 1 : index + 2]
            found = [_spot(row[index], row[index + 1] if bounded else "0") for row in rows]
            title = f"{column} by {' and '.join(names)}" if names else column
            title += ", with margins of error" if names and bounded else ""
            chart = _draw(f"{name}-{len(drawn) + 1}", title, names, labels, found)
            drawn += [(title, chart)] if chart else []
    return drawn


def _spot(value: str | None, margin: str | None) -> Spot | None:
    return None if value is None or margin is None else Spot(float(value), float(margin))


def _draw(
    name: str, title: str, keys: Sequence[str], labels: Sequence[tuple[str, ...]], found: Sequence[Spot | None]
) -> Markup | None:
    """Side by side along one key if that fits a phone, with a shape for each value of the others; else row by row."""
    if keys and len(set(labels)) == len(labels):
        along = max(range(len(keys)), key=lambda key: _length({label[key] for label in labels}, key))
        places = list(dict.fromkeys(label[along] for label in labels))
        joined = _in_order(places)
        if joined:
            places.sort(key=_by_number)
        others = list(dict.fromkeys(_without(label, along) for label in labels))
        if len(others) <= LINES and sum(map(len, places)) <= ACROSS:
            spots = dict(zip(labels, found, strict=True))
            names = [", ".join(f"{key}: {part}" for key, part in zip(_without(tuple(keys), along), other, strict=True))
                     for other in others]  # fmt: skip
            lines = [
                (line, [spots.get((*other[:along], place, *other[along:])) for place in places])
                for line, other in zip(names, others, strict=True)
            ]
            return charts.series(name, title, places, lines, joined and len(places) > 2, TOO_FEW)
    if len(labels) > DRAWN:
        return None
    rows = [
        (", ".join(label) or str(number), spot, _figure(spot))
        for number, (label, spot) in enumerate(zip(labels, found, strict=True), 1)
    ]
    return charts.spots(name, title, rows)


def _figure(spot: Spot | None) -> str:
    if spot is None:
        return TOO_FEW
    return f"{spot.value:g} ± {spot.margin:g}" if spot.margin else f"{spot.value:g}"


def _length(values: set[str], key: int) -> tuple[bool, int, int]:
    """What makes a key the one to go along: time before all else, then how many places there are."""
    return builder.looks_like_time(list(values)), len(values), key


def _in_order(places: Sequence[str]) -> bool:
    """Whether the places follow one another: numbers, or stretches of time."""
    return all(place.isdigit() for place in places) or builder.looks_like_time(list(places))


def _by_number(place: str) -> list[tuple[int, str]]:
    """The second week before the tenth."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.findall(r"[0-9]+|[^0-9]+", place)]


def _without(parts: tuple[str, ...], index: int) -> tuple[str, ...]:
    return (*parts[:index], *parts[index + 1 :])
