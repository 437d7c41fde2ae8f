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

TOO_FEW, WITHHELD, WHOLE, EMPTY = "too uncertain", "withheld", "total", "–"


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name; whether it holds numbers, and the margins of the one before it."""

    name: str
    number: bool
    margin: bool


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise on one of the numbers that a `measure` is made from: `what` that is, its standard `deviation`, its `charge` in
    micro-rho, and the bounds to which values were brought."""

    measure: str
    what: str
    deviation: str
    charge: int
    bounds: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What of an answer is shown: the first `rows` of `total`, its charts, and the noise on it."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int
    notes: tuple[str, ...]
    charts: tuple[tuple[str, Markup], ...]
    noise: tuple[Noise, ...] = ()


KINDS = {
    "rows": "number of rows", "persons": "number of persons", "sum": "sum", "squares": "sum of squares",
    "bins": "numbers of rows, step by step",
}  # fmt: skip


def shown(let_out: Any, name: str, rows: int = ROWS, drawn: int = MEASURES) -> Shown | None:
    """The answer that a use let out, as kept in the journal, with charts of its first measures; `name` is for their ids."""
    if not isinstance(let_out, Mapping):
        return None
    measures = set(let_out["measures"])
    columns = tuple(
        Column(c.removesuffix("_margin") if _margin(c, measures) else c, c in measures, _margin(c, measures))
        for c in let_out["columns"]
    )
    cells = tuple(
        tuple(_in_words(cell, column, let_out) for cell, column in zip(row, let_out["columns"], strict=True))
        for row in let_out["rows"][:rows]
    )
    charts_drawn = tuple(_charts(let_out, name)[:drawn])
    return Shown(columns, cells, len(let_out["rows"]), tuple(let_out["notes"]), charts_drawn, _noise(let_out))


def _noise(let_out: Mapping[str, Any]) -> tuple[Noise, ...]:
    """What an answer declares of its noise; one that was kept before answers did declares nothing."""
    return tuple(
        Noise(
            "which groups are named" if one["measure"] == "groups" and "groups" not in let_out["columns"] else one["measure"],
            KINDS[one["kind"]], one["deviation"], one["charge"], " to ".join(one["clamped"]) or EMPTY,
        )
        for one in let_out.get("spread", ())
    )  # fmt: skip


def _in_words(cell: object, column: str, let_out: Mapping[str, Any]) -> str:
    """A cell as people read it: what is empty is uncertain, or withheld in a cube, or a key's total there."""
    if cell is not None or not let_out["measures"]:
        return EMPTY if cell is None else cell_in_words(cell)
    if not is_cube(let_out):
        return TOO_FEW
    return WITHHELD if column in let_out["measures"] else WHOLE


def is_cube(let_out: Mapping[str, Any]) -> bool:
    """Whether an answer is a cube: its figures are exact and have no margins."""
    measures = set(let_out["measures"])
    return bool(measures) and not any(_margin(column, measures) for column in let_out["columns"])


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


@dataclass(frozen=True, slots=True)
class CubeShown:
    """One measure of a cube as a table: a row for each combination of the keys but the last, a column for each value of the
    last; what is withheld is None. `chart` compares the values of the first key."""

    measure: str
    keys: tuple[str, ...]
    across: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], tuple[str | None, ...]], ...]
    chart: Markup


def cube(let_out: Any, name: str) -> tuple[CubeShown, ...]:
    """A cube that was let out, measure by measure; nothing if it is none."""
    if not isinstance(let_out, Mapping) or not is_cube(let_out):
        return ()
    columns, measures = let_out["columns"], let_out["measures"]
    width = len(columns) - len(measures)
    figures = {tuple(WHOLE if key is None else cell_in_words(key) for key in row[:width]): row[width:]
               for row in let_out["rows"]}  # fmt: skip
    across = tuple(dict.fromkeys(place[-1] for place in figures)) if width > 1 else ("",)
    down = tuple(dict.fromkeys(place[:-1] if width > 1 else place for place in figures))
    found = []
    for index, measure in enumerate(measures):
        rows = tuple(
            (head, tuple(figures[(*head, side) if width > 1 else head][index] for side in across)) for head in down
        )
        first = [(place[0], told[index]) for place, told in figures.items() if set(place[1:]) <= {WHOLE}]
        bars = [charts.Bar(label, float(told or 0), told or WITHHELD) for label, told in first if label != WHOLE]
        chart = charts.bars(f"{name}-{index}", f"{measure} by {columns[0]}", bars)
        found.append(CubeShown(measure, tuple(columns[:width]), across, rows, chart))
    return tuple(found)
