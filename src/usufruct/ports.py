"""The only doors to the world, each with what is demanded of whoever stands behind it.

The node is written against these; `main` decides what is plugged in. A port has the methods its users call and no
others. What the types cannot say is said in prose, and held by one test suite that every implementation must pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, TypeVar

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact, Reader
from usufruct.core.privacy.rules import QueryPlan
from usufruct.core.proof.receipt import Receipt
from usufruct.core.registry.rules import Card

T = TypeVar("T")


class Clock(Protocol):
    """What time it is."""

    def now(self) -> Instant:
        """The present instant. May jump; the store refuses to write behind its last fact."""


class Entropy(Protocol):
    """Unpredictable bytes."""

    def bytes(self, count: int) -> bytes:
        """`count` bytes from a cryptographic source; never the same twice, never logged."""


class Noise(Protocol):
    """Noise for privacy."""

    def add(self, values: Sequence[int], deviation: Fraction) -> list[int]:
        """`values`, each with its own draw of the discrete Gaussian of that standard deviation added.

        The sampler must be exact (no floating-point shortcut) and draw from a cryptographic source.
        """


class Signer(Protocol):
    """The node's signing key (Ed25519)."""

    @property
    def name(self) -> str:
        """The key's name, which is the origin of the journal."""

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""


class Passwords(Protocol):
    """Slow hashes of secrets that people choose."""

    def hash(self, password: str) -> str:
        """A salted hash that says how it was made."""

    def verify(self, hashed: str, password: str) -> bool:
        """Whether the password is the one; takes as long for a wrong one."""


@dataclass(frozen=True, slots=True)
class ColumnSeen:
    """What a first look at a table's column shows: its likely `type`, nulls, distinct values and extremes, as text."""

    name: str
    type: str
    decimals: int
    nulls: int
    distinct: int
    low: str
    high: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ingested:
    """A table that was taken in: its `version` (a digest of its bytes), the SHA-256 of what was `stored`,
    `rows`, `nulls` per column, the `period` its
    period column covers, and whom it is about: what the person column holds, in the order of the persons' numbers."""

    version: str
    stored: str
    rows: int
    nulls: tuple[int, ...]
    period: str
    persons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """Exact numbers, still inside the trust boundary: for each vector of the plan one number per group, in the order
    of `release.groups`, and the bounded rows per person (unsigned 32-bit, little-endian)."""

    vectors: list[list[int]]
    contributions: bytes


class Engine(Protocol):
    """Runs plans where the data lie. Nothing but plans of this project is ever run."""

    def inspect(self, table: Path) -> list[ColumnSeen]:
        """A first look at a CSV or Parquet file, for proposing a card. Raises BadInput if it cannot be read."""

    def ingest(self, card: Card, table: Path) -> Ingested:
        """Takes a CSV or Parquet file in, typed by the card; durable when it returns. Raises BadInput naming the first
        line that is ragged or mistyped, and keeps nothing then."""

    def run(self, plan: QueryPlan, population: bytes, persons: int) -> Measured:
        """The plan's exact numbers over the rows of the population. Raises EngineFault, with a message that does not
        depend on the data, if it fails or runs over its limits."""


class Transaction(Reader, Protocol):
    """One command's turn at writing: it reads the state as it is, and what it appends is kept together or not at all."""

    @property
    def now(self) -> Instant:
        """The instant of everything appended in this transaction."""

    @property
    def next(self) -> int:
        """The sequence number that the next fact will get."""

    def append(self, fact: Fact) -> Entry:
        """Puts a fact at the end of the journal and folds it into the state."""

    def attach(self, media_type: str, evidence: bytes) -> str:
        """Keeps evidence beside the journal and returns its sealed digest, to be named by a fact."""

    def evidence(self, seal: str) -> bytes:
        """The evidence with that seal. Raises JournalDamaged if it is missing."""


class Snapshot(Reader, Protocol):
    """The state and the journal as they were at one moment."""

    def evidence(self, seal: str) -> bytes:
        """The evidence with that seal. Raises JournalDamaged if it is missing."""

    def entry(self, seq: int) -> Entry:
        """The fact at that place."""

    def history(self, party: str) -> list[Entry]:
        """The facts about a party, oldest first."""

    def receipt(self, seq: int) -> Receipt:
        """The fact's place in the journal, with its proof against the newest signed checkpoint."""

    def size(self) -> int:
        """The number of facts."""

    def checkpoint(self) -> str | None:
        """The newest signed checkpoint, a C2SP signed note; None while the journal is empty."""


class Store(Protocol):
    """The journal, the state folded from it, and the few ordinary tables of the shell.

    `write` returns only when what was appended is on disk: a crash after that loses nothing, a crash before leaves no
    trace. Many callers may wait together; one sync serves them all. Commands run one after the other in one order,
    which is the order of the journal.
    """

    def write(self, command: Callable[[Transaction], T]) -> T:
        """Runs `command` in its turn. An exception undoes what it appended and is raised here. Raises StoreFull,
        ClockWentBack."""

    def read(self) -> AbstractContextManager[Snapshot]:
        """A snapshot to read from; does not wait for writers."""

    def close(self) -> None:
        """Finishes what waits and lets go of the directory."""


class Logins(Protocol):
    """Who may come in: ordinary tables, not facts. Secrets are kept as hashes only."""

    def set_password(self, party: str, role: str, hashed: str) -> None:
        """Gives a party an account, or another password."""

    def password(self, party: str) -> tuple[str, str] | None:
        """Role and hash."""

    def add_secret(
        self, kind: str, digest: bytes, party: str, role: str, scopes: str, until: Instant, label: str
    ) -> None:
        """Keeps the digest of a session, token or one-time link."""

    def secret(self, kind: str, digest: bytes) -> tuple[str, str, str, Instant] | None:
        """Party, role, scopes and end, by the secret's digest."""

    def drop_secret(self, kind: str, digest: bytes) -> bool:
        """Forgets it; whether it was there. Atomic: of two callers one gets True."""

    def secrets(self, kind: str, party: str) -> list[tuple[bytes, str, str, Instant]]:
        """Digest, label, scopes and end of all of a party's secrets of that kind."""
