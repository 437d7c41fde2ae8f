"""A chain of things that come of one another, drawn like a map of railway lines: one line of text for each thing, the
earliest on top, and beside it the tracks that lead from what it came of to what came of it.

A drawing that grows downward fits a phone as well as a desk, however long the chain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from usufruct.web.portal.charts import element, shape, svg, words

_ROW, _LANE, _MARGIN = 48, 18, 10  # pixels: from line to line, from track to track, and to the first
_LETTERS = 34  # that fit beside the tracks on a phone


@dataclass(frozen=True, slots=True)
class Stop:
    """A thing on the map: its `label` and what it is in `words`; `style` 0 to 3 is its shape, and the one that the map is
    about is `marked`."""

    id: str
    label: str
    words: str
    style: int
    marked: bool


def chain(name: str, title: str, stops: Sequence[Stop], links: Sequence[tuple[str, str]]) -> Markup:
    """The map of `stops` and the (source, target) links between them, which must have no cycle."""
    order = _from_the_top([stop.id for stop in stops], links)
    rows = {item: row for row, item in enumerate(order)}
    lanes, tracks = _laid(order, links)
    left = _MARGIN + _LANE * (1 + max([*lanes.values(), *(lane for *_, lane in tracks)], default=0))
    drawn = [_track(lanes, rows, *track) for track in tracks]
    for stop in sorted(stops, key=lambda stop: rows[stop.id]):
        y = rows[stop.id] * _ROW + 16
        drawn.append(shape(stop.style, str(_MARGIN + _LANE * lanes[stop.id]), y))
        label = words(str(left), y, _cut(stop.label))
        drawn.append(element("g", label, font_weight=700) if stop.marked else label)
        drawn.append(words(str(left), y + 19, _cut(stop.words)))
    return svg(name, title, len(stops) * _ROW, drawn)


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"


def _from_the_top(items: Sequence[str], links: Sequence[tuple[str, str]]) -> list[str]:
    """The items with each after all that it comes of; else in the order in which they are given."""
    before: dict[str, set[str]] = {item: set() for item in items}
    for source, target in links:
        before[target].add(source)
    order: list[str] = []
    while before:
        free = next(item for item, sources in before.items() if not sources & before.keys())
        order.append(free)
        del before[free]
    return order


def _laid(order: Sequence[str], links: Sequence[tuple[str, str]]) -> tuple[dict[str, int], list[tuple[str, str, int]]]:
    """The lane of each item, and each link with the lane it goes down in.

    All links to one target share a lane, which is free again behind it.
    """
    lanes: dict[str, int] = {}
    taken: dict[str, int] = {}  # the lane that leads to a target further down
    tracks = []
    for item in order:
        lanes[item] = taken.pop(item) if item in taken else next(_free(taken))
        for target in (target for source, target in links if source == item):
            if target not in taken:
                taken[target] = lanes[item] if lanes[item] not in taken.values() else next(_free(taken))
            tracks.append((item, target, taken[target]))
    return lanes, tracks


def _free(taken: Mapping[str, int]) -> Iterator[int]:
    lane = 0
    while True:
        if lane not in taken.values():
            yield lane
        lane += 1


def _track(lanes: Mapping[str, int], rows: Mapping[str, int], source: str, target: str, lane: int) -> Markup:
    """From the source over into its lane within one line, and straight down to the target."""
    x, y, across = _MARGIN + _LANE * lanes[source], rows[source] * _ROW + 16, _MARGIN + _LANE * lane
    bend, end = y + _ROW // 2, rows[target] * _ROW + 16
    path = f"M{x} {y}C{x} {bend} {across} {bend} {across} {y + _ROW}V{end}"
    return element("path", d=path, fill="none", class_="error")
