"""What may be seen once: assertions and proofs, each of which is good for a short time and for one request.

They are remembered in memory for as long as they could be shown again. A node that starts has forgotten what it saw
before, so it takes nothing that could have been made then; clients make a new one and are let in a few seconds later.
"""

from __future__ import annotations

import hashlib
import threading

MOST = 200_000
"""How many are remembered; beyond that nothing is let in until some have run out."""


class Once:
    """Remembers what was seen. `started` is when it began to, `ahead` how far in the future something may be made."""

    def __init__(self, started: int, ahead: int) -> None:
        self._since = started + ahead
        self._seen: dict[bytes, int] = {}
        self._lock = threading.Lock()

    def first(self, id: str, issued: int, until: int, now: int) -> bool:
        """Whether this is seen for the first time; it is remembered until then. All times in seconds since 1970."""
        if issued <= self._since:
            return False
        name = hashlib.sha256(id.encode()).digest()
        with self._lock:
            if len(self._seen) >= MOST:
                self._seen = {name: end for name, end in self._seen.items() if end > now}
            if name in self._seen or len(self._seen) >= MOST:
                return False
            self._seen[name] = until
            return True
