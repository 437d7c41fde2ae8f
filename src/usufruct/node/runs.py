"""The matches that other nodes are in the middle of: what this node must remember from one of their messages to the next.

All of it is in memory, for exponents must not outlive their run. What was forgotten by a crash is abandoned when the node
opens again, and a node that does not come back in time is given up.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

MOST = 4
"""Runs at once: each holds a list in memory, and keeps the processors busy."""
SECONDS = 900
"""How long a node may be silent before its run is given up."""


class Run(Protocol):
    """What is kept; `heard` is when its node was heard last, in seconds since 1970."""

    heard: int


RunT = TypeVar("RunT", bound=Run)


@dataclass(slots=True)
class Runs(Generic[RunT]):
    """The runs by their numbers."""

    _runs: dict[str, RunT] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def room(self) -> bool:
        """Whether there is room for one more."""
        return len(self._runs) < MOST

    def put(self, number: str, run: RunT) -> bool:
        """Keeps a run, if there is room for it and no other has its number."""
        with self._lock:
            if number in self._runs or len(self._runs) >= MOST:
                return False
            self._runs[number] = run
            return True

    def get(self, number: str, now: int) -> RunT | None:
        """The run of that number, which is heard now."""
        with self._lock:
            found = self._runs.get(number)
            if found is not None:
                found.heard = now
            return found

    def drop(self, number: str) -> bool:
        """Forgets a run; whether it was there."""
        with self._lock:
            return self._runs.pop(number, None) is not None

    def silent(self, now: int) -> list[RunT]:
        """The runs that are given up now, forgotten."""
        with self._lock:
            old = [number for number, run in self._runs.items() if run.heard < now - SECONDS]
            return [self._runs.pop(number) for number in old]
