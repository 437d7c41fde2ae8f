"""Time as whole milliseconds: unions, gaps, runs, windows and local days of stretches of work.

A stretch is `(start, end)` in milliseconds since 1970, without its end. Whole numbers, so that no rounding ever makes 9 h 59
into 10 h. Most functions here want their stretches *merged*: sorted, apart from each other, none empty. Then two orders at
once are one stretch, and so are two shifts at two operators: the hours are the person's, whoever she works for.

Nothing here knows time zones. Where a local day begins is worked out outside and comes in as `Days`, so a day of 23 or 25
hours needs no case of its own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

Stretch = tuple[int, int]

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY


@dataclass(frozen=True, slots=True)
class Days:
    """Local days, one after the other: day `i` is from `midnights[i]` until just before `midnights[i + 1]`. The first is the
    `weekday` of a week, Monday being 0.

    `offsets` say for how many minutes before UTC the local clock is, from which moment on.
    """

    midnights: tuple[int, ...]
    weekday: int
    offsets: tuple[tuple[int, int], ...] = ()

    def clock(self, at: int) -> str:
        """What the local clock shows, as `2026-11-23 06:20`; UTC says so."""
        ahead = next((minutes for since, minutes in reversed(self.offsets) if since <= at), None)
        shown = datetime.fromtimestamp((at + (ahead or 0) * MINUTE) // 1000, UTC)
        return f"{shown:%Y-%m-%d %H:%M}" + (" UTC" if ahead is None else "")

    def mondays(self) -> list[int]:
        """The midnights at which a week begins; the last may be the end of what is known."""
        return list(self.midnights[-self.weekday % 7 :: 7])

    def day(self, at: int) -> Stretch | None:
        """The day in which a moment lies, if it is one of these."""
        return _around(self.midnights, at)

    def week(self, at: int) -> Stretch | None:
        """The week in which a moment lies, if all of it is here."""
        return _around(self.mondays(), at)


def _around(bounds: Sequence[int], at: int) -> Stretch | None:
    i = bisect_right(bounds, at)
    return (bounds[i - 1], bounds[i]) if 0 < i < len(bounds) else None


def merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The union: sorted, apart, none empty. Stretches that touch become one."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            if end > found[-1][1]:
                found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def length(stretches: Iterable[Stretch]) -> int:
    """How long they are together."""
    return sum(end - start for start, end in stretches)


def shared(one: Sequence[Stretch], other: Sequence[Stretch]) -> list[Stretch]:
    """What is in both; both are merged."""
    found, i, j = [], 0, 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            found.append((start, end))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return found


def between(stretches: Sequence[Stretch]) -> list[Stretch]:
    """The gaps between merged stretches; nothing before the first or after the last."""
    return [(one[1], other[0]) for one, other in pairwise(stretches)]


def within(stretches: Sequence[Stretch], window: Stretch) -> list[Stretch]:
    """What of merged stretches lies in a window."""
    first = max(0, bisect_right(stretches, (window[0], window[0])) - 1)
    found = []
    for start, end in stretches[first:]:
        if start >= window[1]:
            break
        if end > window[0]:
            found.append((max(start, window[0]), min(end, window[1])))
    return found


def longest_gap(stretches: Sequence[Stretch], window: Stretch) -> int:
    """The longest gap in a window that holds these merged stretches."""
    edges = [window[0], *(edge for stretch in stretches for edge in stretch), window[1]]
    return max(edges[i + 1] - edges[i] for i in range(0, len(edges), 2))


def blocks(stretches: Sequence[Stretch], rest: int) -> list[list[Stretch]]:
    """Merged stretches, cut at every gap of at least `rest`."""
    found: list[list[Stretch]] = []
    for stretch in stretches:
        if found and stretch[0] - found[-1][-1][1] < rest:
            found[-1].append(stretch)
        else:
            found.append([stretch])
    return found


def runs(stretches: Sequence[Stretch], pause: int, first: int = 0, second: int = 0) -> list[list[Stretch]]:
    """Merged stretches, cut where the work was interrupted long enough.

    A gap of at least `pause` is; and, if the pause may be split, a gap of at least `second` that comes after one of at least
    `first` in the same run (Regulation (EC) No 561/2006, article 7: 15 minutes, then 30).
    """
    found: list[list[Stretch]] = []
    half = False
    for stretch in stretches:
        gap = stretch[0] - found[-1][-1][1] if found else pause
        if gap >= pause or (half and second and gap >= second):
            found.append([stretch])
            half = False
        else:
            found[-1].append(stretch)
            half = half or bool(first and gap >= first)
    return found


def windows(stretches: Sequence[Stretch], size: int) -> list[tuple[int, int]]:
    """The windows of `size` that begin with a stretch, as (start, work within), by their starts.

    No other window holds more. One that begins in a gap loses nothing when it is slid on to the next stretch. One that begins
    within a stretch and ends within work or at its end loses nothing when it is slid back; and if its end leaves that work
    before its start meets that of a stretch, it gains.
    """
    meter = Meter(stretches)
    return [(start, meter.until(start + size) - meter.until(start)) for start, _ in stretches]


class Meter:
    """How much work there was until a moment; asked often."""

    def __init__(self, stretches: Sequence[Stretch]) -> None:
        self._starts = [start for start, _ in stretches]
        self._ends = [end for _, end in stretches]
        self._before = [0]
        for start, end in stretches:
            self._before.append(self._before[-1] + end - start)

    def until(self, at: int) -> int:
        """The work before a moment."""
        i = bisect_left(self._starts, at)
        return self._before[i] - (max(0, self._ends[i - 1] - at) if i else 0)

    def before_end(self, amount: int, end: int) -> int:
        """The latest moment from which on there was no more than `amount` of work until `end`."""
        gone = self.until(end) - amount
        if gone <= 0:
            return self._starts[0] if self._starts else end
        i = bisect_left(self._before, gone)
        return self._starts[i - 1] + gone - self._before[i - 1]
