"""When an answer may leave.

How long it takes to work something out depends on the rows it meets, and time can be measured from outside. So an answer,
and whatever else comes of it once data may have been touched, does not leave when it is ready but at a tick, whose length
follows from figures that the catalogue shows: what is left to see is in which tick it was ready, for nearly all the first.
That is a bound on what time tells and no proof that it tells nothing (see `docs/concepts/privacy.md`).
"""

from __future__ import annotations

from usufruct.core.base.instants import Instant
from usufruct.core.rulebook.parameters import Rulebook


def length(rulebook: Rulebook, at: Instant, rows: int, computing: bool = False) -> int:
    """The length of a tick in milliseconds, for tables of so many rows in all; `computing` if something is fitted to them or
    drawn from them, which takes seconds."""
    base = rulebook.value("privacy.tick-milliseconds" + ("-computing" if computing else ""), at)
    return base + rulebook.value("privacy.tick-milliseconds-per-million-rows", at) * rows // 1_000_000


def until_next(elapsed: int, tick: int) -> int:
    """How many milliseconds there are until the next tick, `elapsed` milliseconds after the question came."""
    return -elapsed % tick if elapsed else tick
