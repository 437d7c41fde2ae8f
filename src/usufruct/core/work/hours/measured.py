"""How long somebody worked, under each definition of working time, in whole milliseconds.

The same day has three lengths, and a floor or a rate means nothing before it is said which is meant:

- *engaged*: doing a piece of work; what was done at once counts once;
- *online*: engaged, or at the operator's disposal and waiting for the next;
- *whole shift*: from logging in to logging out, pauses with it.

Each is a union of half-open spans, so no minute counts twice, and each holds the one before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from usufruct.core.base.instants import Instant
from usufruct.core.work.facts import Span
from usufruct.core.work.state import Shift, Work

HOUR = 3_600_000
ENGAGED, ONLINE, WHOLE = "engaged", "online", "whole-shift"
DEFINITIONS = {
    ENGAGED: "time in which you were doing a piece of work",
    ONLINE: "that, and time in which you waited for the next at the operator's disposal",
    WHOLE: "all time from logging in to logging out",
}
"""The definitions of working time, from the narrowest to the widest."""

Range = tuple[int, int]  # from the first millisecond to just before the second, counted from 1970

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def milliseconds(at: Instant) -> int:
    """Milliseconds since the beginning of 1970."""
    return (datetime.fromisoformat(at) - _EPOCH) // _MS


def ranges(spans: Iterable[Span]) -> list[Range]:
    """The union of spans: sorted, and apart. A span that ends before it begins holds no time."""
    return joined((milliseconds(span.start), milliseconds(span.end)) for span in spans)


def joined(found: Iterable[Range]) -> list[Range]:
    """The union of ranges."""
    apart: list[Range] = []
    for start, end in sorted(found):
        if end <= start:
            continue
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def length(found: Iterable[Range]) -> int:
    """How many milliseconds ranges that are apart hold."""
    return sum(end - start for start, end in found)


def engaged_ms(spans: Iterable[Span]) -> int:
    """How many milliseconds spans cover, each counted once."""
    return length(ranges(spans))


@dataclass(frozen=True, slots=True)
class Worked:
    """The time of some shifts and works under each definition, as ranges that are apart."""

    engaged: tuple[Range, ...]
    online: tuple[Range, ...]
    whole: tuple[Range, ...]

    def under(self, definition: str) -> tuple[Range, ...]:
        """The ranges of a definition."""
        return {ENGAGED: self.engaged, ONLINE: self.online, WHOLE: self.whole}[definition]

    def ms(self, definition: str) -> int:
        """The time of a definition."""
        return length(self.under(definition))


def worked(shifts: Iterable[Shift], works: Iterable[Work]) -> Worked:
    """The time of these shifts and works. Two shifts at once count once: nobody has two bodies."""
    shifts = list(shifts)
    engaged = ranges(span for work in works for span in work.engaged)
    online = joined([*engaged, *ranges(span for shift in shifts for span in shift.online)])
    whole = joined([*online, *ranges(Span(shift.start, shift.end) for shift in shifts)])
    return Worked(tuple(engaged), tuple(online), tuple(whole))
