"""What the register says now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.registry.facts import (
    AssetRegistered,
    AssetUpdated,
    Column,
    PartyRegistered,
    PersonErased,
    PersonsEnrolled,
    Quality,
    Removed,
    RightGranted,
)
from usufruct.core.registry.grants import RightPledged, RightReleased, RightRevoked, RightTransferred
from usufruct.core.rulebook.purposes import ROOT


@dataclass(frozen=True, slots=True)
class Party(Row):
    """Somebody the node knows; see `PartyRegistered`, the fact number `seq`."""

    KEY = ("id",)
    INDEXED = ("kind", "known_as")
    id: str
    kind: str
    name: str
    principal: str | None
    since: Instant
    known_as: str = ""
    key_slot: int | None = None
    seq: int = 0

    @property
    def called(self) -> str:
        """What people type to mean her."""
        return self.known_as or self.id


@dataclass(frozen=True, slots=True)
class Asset(Row):
    """Something that can be used; see `AssetRegistered`, the fact number `seq`."""

    KEY = ("id",)
    INDEXED = ("publisher",)
    id: str
    publisher: str
    source: str
    title: str
    description: str
    licence: str
    keywords: tuple[str, ...]
    version: str
    person_column: str
    columns: tuple[Column, ...]
    rows_per_person: int
    once_per: tuple[str, ...]
    quality: Quality
    since: Instant
    purposes: tuple[str, ...] = (ROOT,)
    derived_from: tuple[str, ...] = ()
    transform: str = ""
    seq: int = 0
    prohibited: tuple[str, ...] = ()
    charter: str = ""
    member_prefix: str | None = None
    period_column: str | None = None

    def column(self, name: str) -> Column | None:
        """The column of that name, in capitals or not, as SQL has it."""
        return next((c for c in self.columns if c.name.lower() == name.lower()), None)


NOW, REPLACED = "now", "replaced"


@dataclass(frozen=True, slots=True)
class Stored(Row):
    """The file that holds a version of an asset: the `digest` that it has, and the one that it had `before` it was written
    anew. Its `standing` is `now`, or `replaced` by an update: then it is kept for as long as somebody reads it."""

    KEY = ("asset", "version")
    INDEXED = ("asset", "version", "standing")
    asset: str
    version: str
    digest: str
    before: str = ""
    standing: str = NOW


@dataclass(frozen=True, slots=True)
class Person(Row):
    """The `number`-th person an asset is about; numbers count from 0 and are private to the node."""

    KEY = ("asset", "number")
    INDEXED = ("asset", "party")
    asset: str
    number: int
    party: str


@dataclass(frozen=True, slots=True)
class ErasedPerson(Row):
    """A person who was erased: the id that stood for her, the slot of her destroyed key, what was `removed`."""

    KEY = ("key_slot",)
    key_slot: int
    party: str
    removed: tuple[Removed, ...]
    at: Instant


@dataclass(frozen=True, slots=True)
class Passed:
    """`holder` had a right until it was transferred in the fact `seq`."""

    holder: str
    seq: int


@dataclass(frozen=True, slots=True)
class Ended:
    """`how` a right ended before its time (`revoked`, `released` or `transferred`), by whom, when, in the fact `seq`."""

    how: str
    by: str
    at: Instant
    seq: int


@dataclass(frozen=True, slots=True)
class Right(Row):
    """A right somebody holds; see `RightGranted`, the fact number `seq`.

    `passed` are those who had it before `grantee`, by transfer. A right that was lent out is a right of its own, with the
    name of the `pilot`; the right that it rests on names it as `lent` if it is exclusive.
    """

    KEY = ("id",)
    INDEXED = ("asset", "grantee")
    id: str
    asset: str
    right: str
    grantor: str
    grantee: str
    may_grant: bool
    until: Instant
    rests_on: str | None
    since: Instant
    seq: int = 0
    purposes: tuple[str, ...] = (ROOT,)
    columns: tuple[str, ...] = ()
    further: int | None = None
    pilot: str = ""
    lent: str = ""
    passed: tuple[Passed, ...] = ()
    end: Ended | None = None

    def live(self, at: Instant) -> bool:
        """Whether it has not ended, taken by itself."""
        return self.end is None and at < self.until

    def holder_at(self, seq: int) -> str:
        """Who had it when the fact `seq` came about."""
        return next((passed.holder for passed in self.passed if seq < passed.seq), self.grantee)


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact of the register changes."""
    match entry.fact:
        case PartyRegistered() as fact:
            yield Party(fact.party, fact.kind, fact.name, fact.principal, entry.at, fact.known_as, fact.key, entry.seq)
        case AssetRegistered() as fact:
            yield Asset(
                fact.asset, fact.publisher, fact.source, fact.title, fact.description, fact.licence, fact.keywords,
                fact.version, fact.person_column, fact.columns, fact.rows_per_person, fact.once_per, fact.quality,
                entry.at, fact.purposes, fact.derived_from, fact.transform, entry.seq, fact.prohibited, fact.charter,
                fact.member_prefix, fact.period_column,
            )  # fmt: skip
            yield Stored(fact.asset, fact.version, fact.stored)
        case AssetUpdated() as fact:
            yield replace(_stored(read, fact.asset), standing=REPLACED)
            yield replace(_asset(read, fact.asset), version=fact.version, quality=fact.quality)
            yield Stored(fact.asset, fact.version, fact.stored)
        case PersonsEnrolled() as fact:
            for number, party in enumerate(fact.persons, fact.first):
                yield Person(fact.asset, number, party)
        case PersonErased() as fact:
            yield ErasedPerson(fact.key, fact.party, fact.removed, entry.at)
            yield from (written_anew(read, removed.asset, removed.stored) for removed in fact.removed)
        case RightGranted() as fact:
            yield Right(
                fact.id, fact.asset, fact.right, fact.grantor, fact.grantee, fact.may_grant, fact.until, fact.rests_on,
                entry.at, entry.seq, fact.purposes, fact.columns, fact.further,
            )  # fmt: skip
        case RightTransferred() as fact:
            yield from _transferred(_right(read, fact.right), fact, entry)
        case RightPledged() as fact:
            yield Right(
                fact.id, fact.asset, fact.right, fact.pledger, fact.to, fact.may_grant, fact.until, fact.rests_on, entry.at,
                entry.seq, fact.purposes, fact.columns, fact.further, fact.pilot,
            )  # fmt: skip
            if fact.exclusive:
                yield replace(_right(read, fact.rests_on), lent=fact.id)
        case RightReleased() as fact:
            yield replace(_right(read, fact.right), end=Ended("released", fact.by, entry.at, entry.seq))
        case RightRevoked() as fact:
            yield replace(_right(read, fact.right), end=Ended("revoked", fact.by, entry.at, entry.seq))
        case _:
            return


def written_anew(read: Reader, asset: str, digest: str) -> Stored:
    """What is stored of an asset after its table was written anew, to the file of that SHA-256."""
    stored = _stored(read, asset)
    return replace(stored, digest=digest, before=stored.digest)


def _asset(read: Reader, name: str) -> Asset:
    asset = read.get(Asset, name)
    assert asset is not None, "an asset is registered before anything happens to it"
    return asset


def _stored(read: Reader, name: str) -> Stored:
    stored = read.get(Stored, name, _asset(read, name).version)
    assert stored is not None, "an asset's table is stored when it is registered"
    return stored


def _transferred(right: Right, fact: RightTransferred, entry: Entry) -> Iterator[Right]:
    """The same right in other hands; under a new id if what rested on the old one ends."""
    if fact.becomes != right.id:
        yield replace(right, end=Ended("transferred", fact.by, entry.at, entry.seq))
    passed = (*right.passed, Passed(fact.by, entry.seq))
    yield replace(right, id=fact.becomes, grantee=fact.to, passed=passed)


def _right(read: Reader, id: str) -> Right:
    right = read.get(Right, id)
    assert right is not None, "a right that is not there cannot change hands"
    return right
