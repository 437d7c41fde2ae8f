"""When an answer may leave.

How long a question takes depends on the rows it meets, and time can be measured from outside. So an answer does not leave
when it is ready but at a tick, whose length follows from figures that the catalogue shows: what is left to see is in which
tick an answer was ready, for nearly all the first. That is a bound on what time tells and no proof that it tells nothing
(see `docs/concepts/privacy.md`).
"""

from __future__ import annotations

from usufruct.core.base.instants import Instant
from usufruct.core.rulebook.parameters import Rulebook


def length(rulebook: Rulebook, at: Instant, rows: int) -> int:
    """The length of a tick in milliseconds, for tables of so many rows in all."""
    base = rulebook.value("privacy.tick-milliseconds", at)
    return base + rulebook.value("privacy.tick-milliseconds-per-million-rows", at) * rows // 1_000_000


def until_next(elapsed: int, tick: int) -> int:
    """How many milliseconds there are until the next tick, `elapsed` milliseconds after the question came."""
    return -elapsed % tick if elapsed else tick
