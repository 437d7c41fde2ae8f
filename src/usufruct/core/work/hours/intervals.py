"""Spans of time, counted once: their union, what two have in common, the gaps, the longest run, the fullest window.

These are the spans of facts, whose instants are text. Each is half-open, so one that ends at noon and one that begins at noon
touch and do not overlap. One that ends before it begins is refused, never dropped or turned round: it comes from a clock that
was wrong, and somebody must look. One without length holds no time and is left out.

What the spans are counted for (days, weeks, limits) is in `stretches` and `hours`, on whole milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, instant
from usufruct.core.work.facts import Span
from usufruct.core.work.hours import stretches as ms
from usufruct.core.work.hours.stretches import MINUTE, Stretch

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def millis(at: Instant) -> int:
    """Milliseconds since the beginning of 1970."""
    return (datetime.fromisoformat(at) - _EPOCH) // _MS


def at_millis(count: int) -> Instant:
    """The instant so many milliseconds after the beginning of 1970; the inverse of `millis`.

    Raises:
        BadInput: it is after the year 9999, or before the year 1.
    """
    try:
        return instant(_EPOCH + count * _MS)
    except OverflowError:
        raise BadInput("input.instant", "that moment is in no year from 1 to 9999", "look at the spans") from None


def stretch(span: Span) -> Stretch:
    """A span in milliseconds.

    Raises:
        BadInput: it ends before it begins.
    """
    found = millis(span.start), millis(span.end)
    if found[1] < found[0]:
        raise BadInput(
            "input.span", f"the span from {span.start} to {span.end} ends before it begins",
            "look at the clock that it comes from, and record it as it was",
        )  # fmt: skip
    return found


def of(spans: Iterable[Span]) -> list[Stretch]:
    """The union of spans, in milliseconds.

    Raises:
        BadInput: one ends before it begins.
    """
    return ms.merged(map(stretch, spans))


def _spans(found: Iterable[Stretch]) -> list[Span]:
    return [Span(at_millis(start), at_millis(end)) for start, end in found]


def union(spans: Iterable[Span]) -> list[Span]:
    """All time that is in one of them or in several, as spans that are sorted and apart."""
    return _spans(of(spans))


def total(spans: Iterable[Span]) -> int:
    """How many milliseconds they cover, each counted once."""
    return ms.length(of(spans))


def overlap(one: Iterable[Span], other: Iterable[Span]) -> list[Span]:
    """The time that is in both."""
    return _spans(ms.shared(of(one), of(other)))


def gaps(spans: Iterable[Span]) -> list[Span]:
    """What lies between them."""
    return _spans(ms.between(of(spans)))


def longest_run(spans: Iterable[Span], pause_minutes: int, split: tuple[int, int] = (0, 0)) -> int:
    """The most milliseconds of work with no pause that counts: of `pause_minutes` at least, or `split` in two that follow on
    each other, as (15, 30)."""
    found = ms.runs(of(spans), pause_minutes * MINUTE, split[0] * MINUTE, split[1] * MINUTE)
    return max(map(ms.length, found), default=0)


def most_in_window(spans: Iterable[Span], window_ms: int) -> int:
    """The most milliseconds that are in any window of that length, wherever it begins."""
    return max((work for _, work in ms.windows(of(spans), window_ms)), default=0)


def longest_rest(spans: Sequence[Span], within: Span) -> int:
    """The most milliseconds at a stretch that are in none of the spans, in that window."""
    window = stretch(within)
    return ms.longest_gap(ms.within(of(spans), window), window)
