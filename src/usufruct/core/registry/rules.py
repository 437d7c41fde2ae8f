"""What may be registered: parties, and assets by their card.

An asset's *card* is what its holder declares in public about a table before anyone asks of it: what the columns are,
how sensitive, and what bounds hold. It must be complete, for later decisions are made from the card and never from the
data; what is missing is refused here rather than guessed there.
"""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.ids import checked
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.facts import PARTY_KINDS, TYPES, Column, PartyRegistered
from usufruct.core.registry.state import Asset, Party, Stored
from usufruct.core.rulebook.grades import CLASSES, GRADES


@dataclass(frozen=True, slots=True)
class DeclaredStep:
    """Something done with data outside the node, as its steward tells it; `lineage.facts.StepRecorded` says what is what.

    Nobody in `by` means who registers the asset, no `outputs` mean the asset, no `at` means when it is recorded.
    """

    kind: str
    how: str
    by: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    purpose: str = ""
    evidence: str = ""
    at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """What the holder declares about a table; the fields of `AssetRegistered` that do not come from the data.

    `member_prefix` makes party ids of what the person column holds: `member` and `13` make `member-13`. `steps` are what
    was done with the data before. Without `purposes` it may be used for what its inputs may be used for;
    for `prohibited` it may not be used at all.
    """

    asset: str
    title: str
    description: str
    licence: str
    person_column: str
    columns: tuple[Column, ...]
    rows_per_person: int
    once_per: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    period_column: str | None = None
    member_prefix: str = "member"
    purposes: tuple[str, ...] = ()
    derived_from: tuple[str, ...] = ()
    transform: str = ""
    steps: tuple[DeclaredStep, ...] = ()
    prohibited: tuple[str, ...] = ()


def find_party(read: Reader, name: str) -> Party | None:
    """The party that people mean by `name`: its id, or what a member is known as."""
    return read.get(Party, name) or (next(read.list(Party, known_as=name), None) if name else None)


def id_of(read: Reader, name: str) -> str:
    """The id of the party that people mean by `name`; `name` itself if there is none, for it may get one yet."""
    party = find_party(read, name)
    return party.id if party else name


def register_party(read: Reader, party: str, kind: str, name: str, principal: str | None) -> PartyRegistered | Refusal:
    """Somebody new.

    Raises:
        BadInput: the id, the kind or the name cannot be, or an agent has nobody who answers for it.
    """
    checked(party, "a party")
    if kind not in PARTY_KINDS:
        raise BadInput("input.party", f"`{kind}` is not a kind of party", f"use one of {', '.join(PARTY_KINDS)}")
    if not name.strip():
        raise BadInput("input.party", f"party `{party}` has no name", "give a name that people know it by")
    if (kind == "agent") != (principal is not None):
        raise BadInput(
            "input.party",
            "an agent, and only an agent, has a principal who answers for it",
            "give --principal for an agent",
        )
    if principal is not None and read.get(Party, principal) is None:
        return refuse(
            "registry.unknown", f"agent `{party}` was not registered", f"there is no party `{principal}`",
            remedy="register the principal first",
        )  # fmt: skip
    if find_party(read, party) is not None:
        return refuse(
            "registry.exists", f"party `{party}` was not registered", "a party of that name is there already",
            remedy="choose another id",
        )  # fmt: skip
    return PartyRegistered(party, kind, holdable(name.strip()), principal)


def check_card(read: Reader, card: Card, publisher: str, anonymous: bool = False) -> Refusal | None:
    """Whether the table of this card can be registered by `publisher`; `anonymous` if the node itself drew its rows so that
    they are about nobody.

    Raises:
        BadInput: the card contradicts itself.
    """
    checked(card.asset, "an asset")
    not_done = f"asset `{card.asset}` was not registered"
    if read.get(Party, publisher) is None:
        return refuse(
            "registry.unknown", not_done, f"there is no party `{publisher}`", remedy="register the publisher first"
        )
    if read.get(Asset, card.asset) is not None:
        return refuse("registry.exists", not_done, "an asset of that name is there already", remedy="choose another id")
    names = [column.name for column in card.columns]
    about_nobody = anonymous or all(column.data_class == "public" and column.grade == 0 for column in card.columns)
    if card.person_column not in names and (card.person_column or not about_nobody):
        return refuse(
            "registry.no-person-column", not_done,
            f"`{card.person_column}` is not among the columns {', '.join(names)}" if card.person_column
            else "the card does not say which column tells whom a row is about",
            remedy="name it as `person_column`; a table about nobody is public and open in every column",
        )  # fmt: skip
    for column in card.columns:
        _check_column(column)
        if column.name == card.person_column and (column.values or column.low is not None):
            raise BadInput(
                "input.card", f"`{column.name}` says whom a row is about", "give it neither `values` nor bounds"
            )
    for name in (*card.once_per, *([card.period_column] if card.period_column else [])):
        if name not in names:
            raise BadInput(
                "input.card", f"the card names `{name}`, which is not a column", f"use one of {', '.join(names)}"
            )
    if len({name.lower() for name in names}) != len(names):
        raise BadInput("input.card", "two columns have the same name, but for capitals", "rename one")
    if not 1 <= card.rows_per_person <= 1_000_000:
        raise BadInput(
            "input.card", "`rows_per_person` must be 1 or more", "declare how many rows one person may count for"
        )
    return None


def check_new(read: Reader, card: Card, version: str) -> Refusal | None:
    """Whether no asset has or had these very bytes: a second name for them would be a second privacy budget."""
    for stored in read.list(Stored, version=version):
        return refuse(
            "registry.exists", f"asset `{card.asset}` was not registered", f"this table is `{stored.asset}` already",
            remedy=f"use `{stored.asset}`; what may be learnt from a table is counted once",
        )  # fmt: skip
    return None


def _check_column(column: Column) -> None:
    where = f"column `{column.name}`"
    if column.type not in TYPES:
        raise BadInput("input.card", f"{where} has the unknown type `{column.type}`", f"use one of {', '.join(TYPES)}")
    if column.data_class not in CLASSES:
        raise BadInput(
            "input.card", f"{where} has the unknown class `{column.data_class}`", f"use one of {', '.join(CLASSES)}"
        )
    if not 0 <= column.grade < len(GRADES):
        raise BadInput("input.card", f"{where} has no grade `{column.grade}`", "grades go from 0 (open) to 6 (core)")
    if not 0 <= column.decimals <= 9 or (column.decimals and column.type != "decimal"):
        raise BadInput("input.card", f"{where} cannot have {column.decimals} decimals", "a decimal column has 0 to 9")
    if column.low is not None and column.type not in ("integer", "decimal"):
        raise BadInput(
            "input.card", f"{where} has bounds, but holds {TYPES[column.type]}", "give bounds to numbers only"
        )
    if (column.low is None) != (column.high is None):
        raise BadInput("input.card", f"{where} has one bound of two", "give `low` and `high`, or neither")
    if column.low is not None and column.high is not None and not -(2**40) <= column.low < column.high <= 2**40:
        raise BadInput(
            "input.card", f"{where} has bounds that cannot hold", "give a `low` below a `high`, both below 2^40 grains"
        )
    if column.values and column.type == "decimal":
        raise BadInput(
            "input.card", f"{where} lists values, but decimals cannot be grouped by", "give it `low` and `high` instead"
        )
    if len(set(column.values)) != len(column.values):
        raise BadInput("input.card", f"{where} lists a value twice", "list each value once")
    wanted = {"integer": int, "decimal": int, "text": str, "boolean": bool}[column.type]
    for value in column.values:
        if type(value) is not wanted:
            raise BadInput(
                "input.card", f"{where} lists `{value}`, which is not of type {column.type}", "correct the list"
            )
