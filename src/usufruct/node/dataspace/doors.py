"""What talking with other nodes needs of the world, and the bell that wakes who does the talking."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from usufruct.connector import Catalogues, Spelling, Vault
from usufruct.core.base.refusals import Refusal
from usufruct.core.privacy.question import Question
from usufruct.ports import Services


@dataclass(slots=True)
class Bell:
    """Rung when a message was queued. Who listens is called from whatever thread rings, and must return at once."""

    _heard: Callable[[], None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ring(self) -> None:
        """Tells who listens, if anybody does; else the message is found at the next round."""
        with self._lock:
            if self._heard is not None:
                self._heard()

    def listen(self, heard: Callable[[], None] | None) -> None:
        """Names who is told; None for nobody."""
        with self._lock:
            self._heard = heard


@dataclass(frozen=True, slots=True)
class Connector:
    """This node as a connector: the participant it is (`did:web:…`), where its endpoints lie, how it spells, what it keeps
    secret, how it reaches others, what it has read of their catalogues, and how it reads the SQL of a question to push."""

    participant: str
    url: str
    spelling: Spelling
    vault: Vault
    services: Callable[[], Services]
    catalogues: Catalogues
    parse: Callable[[str], Question | Refusal]
    bell: Bell = field(default_factory=Bell)
