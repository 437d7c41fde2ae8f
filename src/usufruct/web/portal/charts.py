"""Charts, drawn here as SVG: no script, no picture file, and always beside a table of the same numbers.

Across, everything is in per cent of the width, so a chart fits a phone as well as a desk and its text keeps its size;
down, in pixels. What a colour tells, a shape, a pattern or a label tells too. Colours are in the style sheet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

_LEFT = 13.0  # per cent of the width, for the labels of a vertical axis
_LINE = 24  # pixels from one line of text to the next
_LINES, _BARS = 0.5, 0.8  # how much of a scale may be empty, so that it begins at zero
_WORDS = 16  # words that can stand upright beside one another on a phone
_DESK, _PHONE = 72, 30  # letters that fit side by side


@dataclass(frozen=True, slots=True)
class Bar:
    """A labelled amount: `value` is drawn, `text` is read."""

    label: str
    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Spot:
    """A point with an error bar: between `value` - `margin` and `value` + `margin`."""

    value: float
    margin: float

    @property
    def low(self) -> float:
        """The lower end."""
        return self.value - self.margin

    @property
    def high(self) -> float:
        """The upper end."""
        return self.value + self.margin


def stacked(name: str, title: str, parts: Sequence[Bar]) -> Markup:
    """One bar cut into up to three parts, with a line for each: the first solid, the second hatched, the third pale."""
    whole = sum(part.value for part in parts) or 1
    drawn, start = [_hatch(name)], 0.0
    for style, part in enumerate(parts, 1):
        width = 100 * part.value / whole
        if width:
            drawn.append(_part(name, style, start, 0, f"{_n(width)}%", 36))
        start += width
    for style, part in enumerate(parts, 1):
        y = 36 + _LINE * style
        drawn.append(_part(name, style, 0, y - 13, "14", 14))
        drawn.append(words("22", y, f"{part.label}: {part.text}"))
    return svg(name, title, 36 + _LINE * len(parts) + 10, drawn)


def bars(name: str, title: str, rows: Sequence[Bar]) -> Markup:
    """A bar for each row, under its label and text."""
    longest = max((row.value for row in rows), default=0) or 1
    drawn = []
    for index, row in enumerate(rows):
        y = index * 44
        width = f"{_n(100 * max(row.value, 0) / longest)}%"
        drawn.append(words("0", y + 16, f"{_cut(row.label)}: {row.text}"))
        drawn.append(element("rect", x="0", y=y + 22, width=width, height=14, class_="p1"))
    return svg(name, title, len(rows) * 44, drawn)


def timeline(
    name: str, title: str, rows: Sequence[tuple[str, Sequence[tuple[float, float]]]], ticks: Sequence[tuple[float, str]]
) -> Markup:
    """When something was so, in a line for each row: pieces from one place to another, both in per cent of the whole time. The
    `ticks` are labelled places; a phone shows every other."""
    drawn, bottom = [_hatch(name)], len(rows) * 44
    for index, (label, pieces) in enumerate(rows):
        for place, _ in ticks:
            ends = {"y1": index * 44 + 22, "y2": index * 44 + 36}
            drawn.append(element("line", x1=f"{_n(place)}%", x2=f"{_n(place)}%", **ends, class_="grid"))
        drawn.append(words("0", index * 44 + 16, _cut(label)))
        for start, end in pieces:
            drawn.append(_part(name, index + 1, start, index * 44 + 22, f"{_n(max(end - start, 0.3))}%", 14))
    last = len(ticks) - 1
    for index, (place, label) in enumerate(ticks):
        anchor = "middle" if 0 < index < last else "end" if index else ""
        drawn.append(words(f"{_n(place)}%", bottom + 16, label, anchor, index % 2 == 1 and index != last))
    return svg(name, title, bottom + 22, drawn)


def pairs(name: str, title: str, rows: Sequence[tuple[Bar, Bar]]) -> Markup:
    """Two bars for each row on one scale, the first solid and the second hatched, under the label of the first and both
    texts."""
    longest = max((max(bar.value, 0) for row in rows for bar in row), default=0) or 1
    drawn = [_hatch(name)]
    for index, row in enumerate(rows):
        y = index * 82
        drawn.append(words("0", y + 16, _cut(row[0].label)))
        drawn.append(words("0", y + 34, f"{row[0].text}; {row[1].text}"))
        for style, bar in enumerate(row, 1):
            drawn.append(_part(name, style, 0, y + 22 + style * 18, f"{_n(100 * max(bar.value, 0) / longest)}%", 14))
    return svg(name, title, len(rows) * 82, drawn)


def waterfall(name: str, title: str, whole: Bar, parts: Sequence[Bar]) -> Markup:
    """Where a whole goes: each part begins where the one above it ended, and the last ends where the whole does."""
    total, at, drawn = whole.value or 1, 0.0, []
    for index, row in enumerate((whole, *parts)):
        y, width = index * 44, 100 * max(row.value, 0) / total
        drawn.append(words("0", y + 16, f"{_cut(row.label)}: {row.text}"))
        style = {"class_": "p1"} if index else {"class_": "part p3"}
        drawn.append(element("rect", x=f"{_n(at)}%", y=y + 22, width=f"{_n(width)}%", height=14, **style))
        if index:
            at += width
            if index < len(parts):
                drawn.append(element("line", x1=f"{_n(at)}%", x2=f"{_n(at)}%", y1=y + 22, y2=y + 66, class_="grid"))
    return svg(name, title, (len(parts) + 1) * 44, drawn)


def spots(name: str, title: str, rows: Sequence[tuple[str, Spot | None, str]]) -> Markup:
    """A bar, or a point where bars would hide the differences, with its error bar for each row, under its label; `None` where
    nothing can be said."""
    axis = _Axis.around([spot for _, spot, _ in rows if spot], _BARS)
    drawn = [element("line", x1=f"{_n(x)}%", x2=f"{_n(x)}%", y1=0, y2=len(rows) * 44, class_="grid")
             for x in (axis.across(tick) for tick in axis.ticks)]  # fmt: skip
    for index, (label, spot, text) in enumerate(rows):
        y = index * 44
        drawn.append(words("0", y + 16, f"{_cut(label)}: {text}"))
        if spot and axis.from_zero:
            start, end = sorted((axis.across(0), axis.across(spot.value)))
            drawn.append(
                element("rect", x=f"{_n(start)}%", y=y + 22, width=f"{_n(end - start)}%", height=14, class_="p1")
            )
        elif spot:
            drawn.append(element("circle", cx=f"{_n(axis.across(spot.value))}%", cy=y + 29, r=5, class_="p1"))
        if spot and spot.margin:
            low, high = (f"{_n(axis.across(value))}%" for value in (spot.low, spot.high))
            for style in ("halo", "error"):
                drawn.append(element("line", x1=low, x2=high, y1=y + 29, y2=y + 29, class_=style))
                for end_of_it in (low, high):
                    drawn.append(element("line", x1=end_of_it, x2=end_of_it, y1=y + 24, y2=y + 34, class_=style))
    bottom = len(rows) * 44
    for tick in axis.ticks:
        drawn.append(words(f"{_n(axis.across(tick))}%", bottom + 16, axis.label(tick), "middle"))
    return svg(name, title, bottom + 22, drawn)


Lines = Sequence[tuple[str, Sequence[Spot | None]]]


def series(name: str, title: str, places: Sequence[str], lines: Lines, joined: bool, missing: str) -> Markup:
    """What holds at each place, for up to four lines, with error bars: `joined` from place to place where these are in an
    order, else as bars side by side, or as points where bars would hide the differences. Where nothing can be said stands
    the word for what is `missing`."""
    top = _LINE * len(lines) + 18 if len(lines) > 1 else 18
    bottom = top + 220
    axis = _Axis.around([spot for _, row in lines for spot in row if spot], _LINES if joined else _BARS)
    bars_drawn = axis.from_zero and not joined
    drawn: list[Markup] = [_hatch(name)] if bars_drawn else []
    if len(lines) > 1:
        for index, (label, _) in enumerate(lines):
            mark = (
                _part(name, index + 1, 0, _LINE * index + 4, "14", 14)
                if bars_drawn
                else shape(index, "8px", _LINE * index + 11)
            )
            drawn += [mark, words("22", _LINE * index + 16, label)]
    for tick in axis.ticks:
        y = axis.down(tick, top, bottom)
        drawn.append(element("line", x1="0", x2="100%", y1=_n(y), y2=_n(y), class_="grid"))
        drawn.append(words("0", y - 4, axis.label(tick)))
    slot = (100 - _LEFT) / len(places)
    drawn += [
        words(f"{_n(_LEFT + (place + 0.5) * slot)}%", bottom + 20, text, "middle", spare)
        for place, text, spare in _spared(places)
    ]
    apart = slot * (0.8 / len(lines) if bars_drawn else 0.22)
    for index, (_, row) in enumerate(lines):
        middles = [
            _LEFT + (place + 0.5) * slot + (index - (len(lines) - 1) / 2) * apart for place in range(len(places))
        ]
        if bars_drawn:
            drawn += _columns(name, index, middles, apart, row, axis, (top, bottom))
        else:
            drawn += _joined(index, middles, row, axis, (top, bottom)) if joined else []
        for middle, spot in zip(middles, row, strict=True):
            x = f"{_n(middle)}%"
            if spot is None:
                drawn.append(_gap(x, bottom, missing if len(places) * len(lines) <= _WORDS else ""))
                continue
            drawn += _whisker(x, axis.down(spot.high, top, bottom), axis.down(spot.low, top, bottom))
            drawn += [] if bars_drawn else [shape(index, x, axis.down(spot.value, top, bottom))]
    return svg(name, title, bottom + 28, drawn)


def _columns(
    name: str, index: int, middles: Sequence[float], width: float, row: Sequence[Spot | None], axis: _Axis,
    ends: tuple[float, float],
) -> Iterator[Markup]:  # fmt: skip
    """A bar for each spot, from zero."""
    for middle, spot in zip(middles, row, strict=True):
        if spot:
            high, low = sorted((axis.down(spot.value, *ends), axis.down(0, *ends)))
            yield _part(
                name, index + 1, middle - width * 0.45, round(high, 1), f"{_n(width * 0.9)}%", round(low - high, 1)
            )


def _joined(
    index: int, middles: Sequence[float], row: Sequence[Spot | None], axis: _Axis, ends: tuple[float, float]
) -> Iterator[Markup]:
    """A line from each spot to the next; where one is missing there is a gap."""
    for (x, spot), (next_x, next_spot) in pairwise(zip(middles, row, strict=True)):
        if spot and next_spot:
            yield element(
                "line", x1=f"{_n(x)}%", x2=f"{_n(next_x)}%", y1=_n(axis.down(spot.value, *ends)),
                y2=_n(axis.down(next_spot.value, *ends)), class_=f"curve l{index % 4 + 1}",
            )  # fmt: skip


def _gap(x: str, bottom: float, word: str) -> Markup:
    """Where nothing can be said: a word that stands upright, or a dash."""
    upright = element("text", escape(word), transform="rotate(-90)", x=6, y=5)
    return (
        element("svg", upright, x=x, y=_n(bottom), overflow="visible") if word else words(x, bottom - 4, "–", "middle")
    )


def _whisker(x: str, high: float, low: float) -> Iterator[Markup]:
    """An error bar with its two ends, to be seen on paper and on a bar; none where nothing is uncertain."""
    path = f"M0 0V{_n(low - high)}M-5 0H5M-5 {_n(low - high)}H5"
    inner = [element("path", d=path, class_=f"{style} open") for style in ("halo", "error")]
    if low > high:
        yield element("svg", *inner, x=x, y=_n(high), overflow="visible")


def lorenz(name: str, title: str, shares: Sequence[float]) -> Markup:
    """The curve of what the lowest tenth, the lowest two tenths … have together, against equal parts (dashed).

    `shares` are what each tenth has, as parts of one, the smallest first.
    """
    top, bottom = 16, 236

    def x(step: int) -> str:
        return f"{_n(_LEFT + (100 - _LEFT - 3) * step / len(shares))}%"

    def y(part: float) -> str:
        return _n(bottom - (bottom - top) * part)

    drawn = []
    for tick in (0, 0.5, 1):
        drawn.append(element("line", x1="0", x2="100%", y1=y(tick), y2=y(tick), class_="grid"))
        drawn.append(words("0", float(y(tick)) - 4, f"{tick:.0%}".replace("%", " %")))
    drawn.append(element("line", x1=x(0), y1=y(0), x2=x(len(shares)), y2=y(1), class_="equal"))
    so_far = 0.0
    for step, share in enumerate(shares):
        drawn.append(element("line", x1=x(step), y1=y(so_far), x2=x(step + 1), y2=y(so_far + share), class_="curve"))
        so_far += share
        drawn.append(element("circle", cx=x(step + 1), cy=y(so_far), r=4, class_="p1"))
    drawn.append(words(x(0), bottom + 20, "no members"))
    drawn.append(words(x(len(shares)), bottom + 20, "all members", "end"))
    return svg(name, title, bottom + 28, drawn)


@dataclass(frozen=True, slots=True)
class _Axis:
    """A scale with round numbers at its ticks."""

    low: float
    high: float
    step: float

    @classmethod
    def around(cls, shown: Sequence[Spot], zero: float) -> _Axis:
        """A scale for these, which begins at zero if that is less than so large a part of it from the nearest."""
        low = min((spot.low for spot in shown), default=0.0)
        high = max((spot.high for spot in shown), default=1.0)
        low = 0.0 if 0 < low < high * zero else low
        high = 0.0 if low * zero < high < 0 else high
        span = (high - low) or abs(high) or 1.0
        step = 10.0 ** math.floor(math.log10(span / 4))
        step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= 5)
        low, high = math.floor(low / step) * step, math.ceil(high / step) * step
        return cls(low, high if high > low else low + step, step)

    @property
    def from_zero(self) -> bool:
        """Whether bars can be drawn: their lengths are compared, so they begin at zero."""
        return self.low <= 0 <= self.high

    @property
    def ticks(self) -> list[float]:
        count = round((self.high - self.low) / self.step)
        return [self.low + index * self.step for index in range(count + 1)]

    def label(self, value: float) -> str:
        return f"{value:.{max(0, -math.floor(math.log10(self.step)))}f}"

    def across(self, value: float) -> float:
        """In per cent of the width, with room for a label at both ends."""
        return 5 + 90 * (value - self.low) / (self.high - self.low)

    def down(self, value: float, top: float, bottom: float) -> float:
        return bottom - (bottom - top) * (value - self.low) / (self.high - self.low)


def shape(index: int, x: str, y: float) -> Markup:
    """A circle, a hollow square, a triangle or a hollow diamond."""
    found = (
        element("circle", r=5, class_="p1"),
        element("rect", x=-5, y=-5, width=10, height=10, class_="p2"),
        element("path", d="M0-6 6 5H-6Z", class_="p1"),
        element("path", d="M0-7 7 0 0 7-7 0Z", class_="p2"),
    )[index % 4]
    return element("svg", found, x=x, y=_n(y), overflow="visible")


def _hatch(name: str) -> Markup:
    stroke = element("path", d="M0 8 8 0", class_="hatch")
    return element(
        "pattern", element("rect", width=8, height=8, class_="p3"), stroke,
        id=f"{name}-hatch", width=8, height=8, patternUnits="userSpaceOnUse",
    )  # fmt: skip


def _part(name: str, style: int, start: float, y: float, width: str, height: float) -> Markup:
    """A piece of a bar: solid, hatched, pale or empty."""
    place: dict[str, str | float] = {"x": f"{_n(start)}%", "y": y, "width": width, "height": height}
    if style == 4:
        return element("rect", **place, class_="part p4")
    if style == 2:
        return element("rect", **place, class_="part", fill=f"url(#{name}-hatch)")
    return element("rect", **place, class_=f"part p{style}")


def _spared(places: Sequence[str]) -> Iterator[tuple[int, str, bool]]:
    """The labels of an axis, and which of them a phone can do without."""
    letters = max(map(len, places)) + 1.5
    for place, text in enumerate(places):
        if place % math.ceil(len(places) * letters / _DESK) == 0:
            yield place, text, place % math.ceil(len(places) * letters / _PHONE) != 0


def words(x: str, y: float, text: str, anchor: str = "", spare: bool = False) -> Markup:
    """A line of text; what is `spare` is not shown on a phone."""
    placed = {"text_anchor": anchor} if anchor else {}
    if spare:
        placed["class_"] = "spare"
    return element("text", escape(text), x=x, y=_n(y), **placed)


def svg(name: str, title: str, height: float, drawn: Sequence[Markup]) -> Markup:
    """What was drawn, as one picture with a title that is read out."""
    inner = [element("title", escape(title), id=f"{name}-title"), *drawn]
    return element(
        "svg", *inner, class_="chart", width="100%", height=_n(height), role="img", aria_labelledby=f"{name}-title"
    )


def element(tag: str, *inner: Markup, **attributes: str | float) -> Markup:
    """An element; an underscore in the name of an attribute is a hyphen, one at its end nothing."""
    given = Markup("").join(_attribute(name, value) for name, value in attributes.items())
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(tag), given, Markup("").join(inner))  # noqa: S704


def _attribute(name: str, value: str | float) -> Markup:
    return Markup(' {}="{}"').format(name.rstrip("_").replace("_", "-"), value)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _cut(text: str) -> str:
    return text if len(text) <= 44 else f"{text[:43]}…"
