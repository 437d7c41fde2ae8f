"""Work done elsewhere: what another node's export says of a worker, read in as a claim with where it comes from.

Nothing in it is taken on trust but the other journal's key. Every fact of the export carries a receipt; a figure counts here
only if it was added up again from facts whose receipts lead to a checkpoint that this key signed. So a claim says: *read here
from the export of X, signed by X's journal*, and never that X told the truth. Whoever reads it decides what X is worth to her.

The claim is about one person alone: her key seals it, and it is gone when she is erased.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.registry.facts import OfParty


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What somebody did for one `operator` at another node: so many `services`, over so much time and so far; `gross` and `fee`
    and `tips` in minor units. The operator's id is the one it has there."""

    operator: str
    currency: str
    since: Instant
    until: Instant
    services: int
    engaged_ms: int
    metres: int
    gross: int
    fee: int
    tips: int = 0


@dataclass(frozen=True, slots=True)
class HistoryRead(OfParty, Fact):
    """`party` brought the export of the node whose journal is `origin`, where she is called `there`. Of `facts` of it the
    receipts were checked with `key`; `figures` were added up from these. `digest` is the SHA-256 of the file."""

    KIND = "history.read/1"
    history: str
    party: str
    origin: str
    key: str
    there: str
    exported: Instant
    facts: int
    figures: tuple[Elsewhere, ...]
    digest: str
    person: bool = False


@dataclass(frozen=True, slots=True)
class History(Row):
    """See `HistoryRead`, the fact number `seq`."""

    KEY = ("id",)
    INDEXED = ("party",)
    id: str
    party: str
    origin: str
    key_of_journal: str
    there: str
    exported: Instant
    facts: int
    figures: tuple[Elsewhere, ...]
    digest: str
    at: Instant
    seq: int

    @property
    def provenance(self) -> str:
        """Where the figures come from, in words."""
        return f"read here from the export of {self.origin}, signed by the journal of {self.origin}"


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The row that an export read in makes."""
    match entry.fact:
        case HistoryRead() as fact:
            yield History(
                fact.history, fact.party, fact.origin, fact.key, fact.there, fact.exported, fact.facts, fact.figures,
                fact.digest, entry.at, entry.seq,
            )  # fmt: skip
        case _:
            return
