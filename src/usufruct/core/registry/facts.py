"""What can have happened in the register."""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Fact
from usufruct.core.rulebook.purposes import ROOT


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an asset, as declared in public.

    `type` is one of `TYPES`; `grade` 0 to 6 and `data_class` say how it must be handled. Numbers are kept as whole
    multiples of 10^-`decimals` (the grain); `low` and `high` bound what one row may count for, in grains. `values` is
    the public list of what can occur, without which the column cannot be grouped by. `origins` are the columns of other
    assets that it comes from, as `asset.column`.
    """

    name: str
    type: str
    data_class: str
    grade: int
    description: str = ""
    unit: str = ""
    decimals: int = 0
    low: int | None = None
    high: int | None = None
    values: tuple[int | str | bool, ...] = ()
    origins: tuple[str, ...] = ()


TYPES = {
    "integer": "whole numbers",
    "decimal": "numbers with a fixed number of decimals",
    "text": "texts",
    "boolean": "yes or no",
}


@dataclass(frozen=True, slots=True)
class Quality:
    """Figures about a table: `rows`, `persons` that are or ever were in it, `nulls` per column in the table's order, and the
    period covered."""

    rows: int
    persons: int
    nulls: tuple[int, ...]
    period: str = ""


@dataclass(frozen=True, slots=True)
class PartyRegistered(Fact):
    """A person, organisation, public body, cooperative, group or machine agent is known to the node.

    An agent always has a `principal` who answers for it. A person has a `key`: the number of her slot in the node's
    ring of persons' keys. Members have an id that says nothing, for it stands in facts about many; what people call
    them is `known_as`, which only this fact says, so that it can be erased.
    """

    KIND = "party.registered/1"
    party: str
    kind: str
    name: str
    principal: str | None = None
    known_as: str = ""
    key: int | None = None

    def about(self) -> tuple[str, ...]:
        return (self.party,)

    def owner(self) -> str | None:
        return None if self.key is None else self.party


class OfParty:
    """A fact about one `party` and nobody else. If it is a `person`, its record is sealed with her key."""

    __slots__ = ()
    party: str
    person: bool

    def about(self) -> tuple[str, ...]:
        return (self.party,)

    def owner(self) -> str | None:
        return self.party if self.person else None


PARTY_KINDS = ("person", "organisation", "public-body", "cooperative", "group", "agent")


@dataclass(frozen=True, slots=True)
class AssetRegistered(Fact):
    """A table can be used under the node's rules; title, description, licence and keywords as in DCAT 3.

    `version` names the bytes that were taken in; `stored` is the SHA-256 of the file that the node made of them.
    `rows_per_person` and the columns of `once_per` (a person has at most
    one row for each of their values) bound what one person can count for; the node enforces both whatever the data say.
    It may be used for `purposes` at most, and for none of `prohibited`, whatever anybody agrees to. `derived_from` names
    the assets it was made of, `transform` the registered one that made it. A pool's `charter` is the digest of what its
    members read. `member_prefix` and `period_column` are those of the card, by which an update is read.
    """

    KIND = "asset.registered/1"
    asset: str
    publisher: str
    source: str
    title: str
    description: str
    licence: str
    keywords: tuple[str, ...]
    version: str
    stored: str
    person_column: str
    columns: tuple[Column, ...]
    rows_per_person: int
    once_per: tuple[str, ...]
    quality: Quality
    purposes: tuple[str, ...] = (ROOT,)
    derived_from: tuple[str, ...] = ()
    transform: str = ""
    prohibited: tuple[str, ...] = ()
    charter: str = ""
    member_prefix: str | None = None
    period_column: str | None = None


@dataclass(frozen=True, slots=True)
class AssetUpdated(Fact):
    """Other rows took the place of an asset's, under the same card: those of `version`, as the file of the SHA-256 `stored`,
    in the place of the version that it `replaces`. Persons keep their numbers, and `quality` counts all numbers that were
    ever given. What was learnt from the old rows is spent for the new ones too."""

    KIND = "asset.updated/1"
    asset: str
    by: str
    replaces: str
    version: str
    stored: str
    quality: Quality


@dataclass(frozen=True, slots=True)
class PersonsEnrolled(Fact):
    """The persons an asset is about, in the order in which the engine numbers them, from number `first` on.

    It is in nobody's own history: a receipt of it would show each of them all the others.
    """

    KIND = "persons.enrolled/1"
    asset: str
    first: int
    persons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removed:
    """Where a person's rows were taken out of: her `number` in the asset, and the SHA-256 of what is `stored` since."""

    asset: str
    number: int
    stored: str


@dataclass(frozen=True, slots=True)
class PersonErased(Fact):
    """A person's key is destroyed, and with it every record that it `sealed`; her rows are removed from every table.

    The sealed records are named by number, so that no other can be hidden behind the destroyed key. What others did keeps
    its place: her part in past answers and payments stays under a number that leads to nobody.
    """

    KIND = "person.erased/1"
    party: str
    key: int
    removed: tuple[Removed, ...]
    by: str
    sealed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RightGranted(Fact):
    """`grantee` may hold, use, operate or benefit from the asset until `until`, because `grantor` had that right.

    `rests_on` is the grantor's own right; it is missing only where the chain begins, with the source of the data.
    `may_grant` says whether the grantee may pass it on, and `further` how many times more it may be passed on at most
    (None: as often as the chain allows). It is good for `purposes` and for `columns` (none: all of them) only.
    """

    KIND = "right.granted/1"
    id: str
    asset: str
    right: str
    grantor: str
    grantee: str
    may_grant: bool
    until: Instant = END_OF_TIME
    rests_on: str | None = None
    purposes: tuple[str, ...] = (ROOT,)
    columns: tuple[str, ...] = ()
    further: int | None = None

    def about(self) -> tuple[str, ...]:
        return (self.grantor, self.grantee)
