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

from usufruct.core.work.facts import Span
from usufruct.core.work.hours.intervals import millis
from usufruct.core.work.hours.stretches import Stretch, length, merged
from usufruct.core.work.state import Shift, Work

ENGAGED, ONLINE, WHOLE = "engaged", "online", "whole-shift"
DEFINITIONS = {
    ENGAGED: "time in which you were doing a piece of work",
    ONLINE: "that, and time in which you waited for the next at the operator's disposal",
    WHOLE: "all time from logging in to logging out",
}
"""The definitions of working time, from the narrowest to the widest."""


def ranges(spans: Iterable[Span]) -> list[Stretch]:
    """The union of spans: sorted, and apart. A span that ends before it begins holds no time."""
    return merged((millis(span.start), millis(span.end)) for span in spans)


def engaged_ms(spans: Iterable[Span]) -> int:
    """How many milliseconds spans cover, each counted once."""
    return length(ranges(spans))


@dataclass(frozen=True, slots=True)
class Worked:
    """The time of some shifts and works under each definition, as ranges that are apart."""

    engaged: tuple[Stretch, ...]
    online: tuple[Stretch, ...]
    whole: tuple[Stretch, ...]

    def under(self, definition: str) -> tuple[Stretch, ...]:
        """The ranges of a definition."""
        return {ENGAGED: self.engaged, ONLINE: self.online, WHOLE: self.whole}[definition]

    def ms(self, definition: str) -> int:
        """The time of a definition."""
        return length(self.under(definition))


def worked(shifts: Iterable[Shift], works: Iterable[Work]) -> Worked:
    """The time of these shifts and works. Two shifts at once count once: nobody has two bodies."""
    shifts = list(shifts)
    engaged = ranges(span for work in works for span in work.engaged)
    online = merged([*engaged, *ranges(span for shift in shifts for span in shift.online)])
    whole = merged([*online, *ranges(Span(shift.start, shift.end) for shift in shifts)])
    return Worked(tuple(engaged), tuple(online), tuple(whole))
