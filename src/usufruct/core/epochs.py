"""Epochs: at the end of each, everybody's count of records is rooted in the journal; see `core.proof.tally`.

A record about a person is a fact in her own history, or a use in which rows of hers counted, or one that was abandoned
after it had been admitted with her among the persons who could be looked at. A refused question touched nobody's rows and
is no record; she is shown those all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from usufruct.core.access.hold import HeldCount, Hold
from usufruct.core.base import bitmaps
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.income.measure import contributions, rows_of
from usufruct.core.privacy.facts import QueryAbandoned, QueryAnswered
from usufruct.core.privacy.state import Use
from usufruct.core.registry.state import Party, Person


@dataclass(frozen=True, slots=True)
class EpochClosed(Fact):
    """Epoch `number` roots the records in facts up to `through`: `slips` is the root over the new slips, `counts` that over
    everybody's count and head (hex). Nothing in it is personal; its opening is public, with the numbers of held uses."""

    KIND = "epoch.closed/1"
    number: int
    through: int
    slips: str
    counts: str
    held: tuple[HeldCount, ...] = ()


@dataclass(frozen=True, slots=True)
class Epoch(Row):
    """An epoch; `seq` is the fact that closed it."""

    KEY = ("number",)
    number: int
    through: int
    slips: str
    counts: str
    seq: int
    at: Instant


@dataclass(frozen=True, slots=True)
class LastEpoch(Row):
    """The newest epoch."""

    KEY = ()
    number: int
    through: int


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that the end of an epoch changes."""
    match entry.fact:
        case EpochClosed() as fact:
            last = read.get(LastEpoch)
            number, through = (last.number, last.through) if last else (-1, -1)
            assert fact.number == number + 1 and through < fact.through < entry.seq, (
                "an epoch goes on where the last ended"
            )
            yield Epoch(fact.number, fact.through, fact.slips, fact.counts, entry.seq, entry.at)
            yield LastEpoch(fact.number, fact.through)
        case _:
            return


@dataclass(frozen=True, slots=True)
class Concern:
    """A record about somebody: her `party`, the slot of her `key`, and her `part`, the rows of hers that counted."""

    party: str
    key: int
    part: int


def concerns(read: Reader, entry: Entry, evidence: Callable[[str], bytes]) -> Iterator[Concern]:
    """The persons whom a fact is a record about; `evidence` opens what it seals."""
    parts = dict.fromkeys(entry.fact.about(), 0)
    use = read.get(Use, entry.fact.use) if isinstance(entry.fact, QueryAnswered | QueryAbandoned) else None
    if use is not None:
        part_of = parts_in(use, evidence)
        for person in read.list(Person, asset=use.asset):
            part = part_of(person.number)
            if part is not None:
                parts[person.party] = part
    for party, part in parts.items():
        row = read.get(Party, party)
        if row is not None and row.key_slot is not None:
            yield Concern(party, row.key_slot, part)


def parts_in(use: Use, evidence: Callable[[str], bytes]) -> Callable[[int], int | None]:
    """For a use that ended: the part that the person of a number had in it; None if it does not concern her."""
    if use.state == "answered":
        rows = contributions(evidence(use.contributions))
        return lambda number: rows_of(rows, number) or None
    if use.state == "abandoned":
        population = evidence(use.population)
        return lambda number: 0 if bitmaps.is_in(population, number) else None
    return lambda number: None


def hold_of(read: Reader, fact: Fact) -> Hold | None:
    """The hold that a fact about a use was recorded under, whether or not it has ended."""
    name: str = getattr(fact, "use", "") or getattr(fact, "call", "")
    return read.get(Hold, name)
