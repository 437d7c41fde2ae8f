"""How long one goes on with who does not answer, or not now."""

from __future__ import annotations

from dataclasses import dataclass

LATER = frozenset((401, 404, 408, 409, 425, 429))
"""Statuses that mean *not now*, as 500 and above do."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on: so many `tries`, the first pause `pause` seconds, each twice the last up to `longest`; after
    `silence` seconds the other side is asked where it stands."""

    tries: int = 12
    pause: float = 0.2
    longest: float = 60.0
    silence: float = 60.0


@dataclass(slots=True)
class Course:
    """What is remembered between two tries: how often was tried what fact `queued`, and when next."""

    queued: int
    tries: int = 0
    due: float = 0.0

    def tried(self, patience: Patience, now: float) -> None:
        """Counts a try, and says when the next is."""
        self.tries += 1
        self.due = now + min(patience.pause * 2 ** (self.tries - 1), patience.longest)
