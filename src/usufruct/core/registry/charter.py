"""The charter of a pool: what members of a data cooperative let it do with their data together.

A charter says what columns a pool holds of each member, for what it may be used and for what never, what a question
costs at least, and until when. It is written before anybody joins, it never changes, and its *words* are what every
member reads and says yes to: they are made here once, kept in the fact, and known by their SHA-256. So nobody can show
one thing and record another, and what she read can be shown to her again in ten years, whatever this program says then.

What others wrote stands behind `>`, line by line, lest it pass for a line of the node's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.money import Money, decimal
from usufruct.core.base.records import Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.facts import TYPES, Column
from usufruct.core.registry.rights import until_in_words
from usufruct.core.registry.rules import Card
from usufruct.core.registry.state import Party
from usufruct.core.rulebook import purposes

TEXT_LIMIT = 20_000  # characters of what members agree to in the cooperative's own words


@dataclass(frozen=True, slots=True)
class Draft:
    """A charter as it is proposed: the `card` of the pool, the least price of a question, its end (none: it has none), and
    what members agree to in the cooperative's own words."""

    card: Card
    price: Money
    until: Instant
    text: str


@dataclass(frozen=True, slots=True)
class PoolFounded(Fact):
    """`cooperative` adopted the charter of a pool, which `by` signed. `words` are what members read, and `digest` their
    SHA-256; a question costs `price` minor units of `currency` at least, and the pool ends with the charter at `until`.
    What it holds and what it may be used for stands in the asset of the same name."""

    KIND = "pool.founded/1"
    pool: str
    cooperative: str
    words: str
    digest: str
    price: int
    currency: str
    by: str
    until: Instant = END_OF_TIME

    def about(self) -> tuple[str, ...]:
        return (self.cooperative,)


@dataclass(frozen=True, slots=True)
class Charter(Row):
    """The charter of a pool; see `PoolFounded`, the fact number `seq`."""

    KEY = ("pool",)
    INDEXED = ("cooperative",)
    pool: str
    cooperative: str
    words: str
    digest: str
    price: int
    currency: str
    until: Instant
    since: Instant
    seq: int


def found(read: Reader, draft: Draft, cooperative: str, by: str, at: Instant, currency: str) -> PoolFounded | Refusal:
    """Adopts a charter.

    Raises:
        BadInput: it lacks what a charter must say, or says what none can.
    """
    card, not_done = draft.card, f"the pool `{draft.card.asset}` was not founded"
    party = read.get(Party, cooperative)
    if party is None or party.kind != "cooperative":
        return refuse(
            "pool.charter", not_done, f"`{cooperative}` is no cooperative that this node knows",
            remedy="name a party of that kind: members pool their data in a cooperative",
        )  # fmt: skip
    _check(draft)
    if draft.price.currency != currency:
        return refuse(
            "pool.charter", not_done, f"the node's ledger is in {currency}, the least price in {draft.price.currency}",
            remedy=f"name a price in {currency}",
        )  # fmt: skip
    if draft.until <= at:
        return refuse("pool.charter", not_done, "it would have run out already", remedy="let it last until a later day")
    shown = words(draft, party.name)
    return PoolFounded(
        card.asset, cooperative, shown, digest(shown), draft.price.minor, draft.price.currency, by, draft.until
    )


def _check(draft: Draft) -> None:
    card = draft.card
    if not card.purposes:
        raise _wrong("it names no purpose", "say what the pool may be used for, as `purposes`")
    if not draft.text.strip() or len(draft.text) > TEXT_LIMIT:
        raise _wrong(
            "it does not say in words what members agree to", f"write it as `text`, up to {TEXT_LIMIT} letters"
        )
    if draft.price.minor < 0:
        raise _wrong("the least price is below 0", "give 0.00 or more")
    if not card.person_column or len(card.columns) < 2:
        raise _wrong("it describes nothing about members", "name `person_column`, and the columns that members bring")
    open_ones = [column.name for column in card.columns if column.data_class != "personal"]
    if open_ones:
        raise _wrong(f"`{open_ones[0]}` is not of class personal", "what is about members is personal data")
    if card.derived_from or card.transform or card.steps or any(column.origins for column in card.columns):
        raise _wrong("it comes from other data", "a pool holds what members bring, and nothing else")
    if card.period_column:
        raise _wrong(
            "it names a `period_column`", "leave it out: which time is covered would be read from members' rows"
        )


def _wrong(what: str, remedy: str) -> BadInput:
    return BadInput("input.charter", f"the charter cannot be adopted: {what}", remedy)


def digest(shown: str) -> str:
    """The SHA-256 of a charter's words, in hex."""
    return hashlib.sha256(shown.encode()).hexdigest()


def words(draft: Draft, cooperative: str) -> str:
    """The whole charter as members read it."""
    return holdable("\n".join(_lines(draft, cooperative)) + "\n")


def _lines(draft: Draft, cooperative: str) -> Iterator[str]:
    card = draft.card
    yield f"A pool of members' own data: {card.asset}"
    yield f"Who answers for it: {_line(cooperative)}"
    yield "What it holds of each member:"
    yield from (f"- {_column(column)}" for column in card.columns if column.name != card.person_column)
    most = card.rows_per_person
    once = f", one for each {' and '.join(card.once_per)}" if card.once_per else ""
    yield f"At most {most} row{'s' * (most != 1)} of one member count in an answer{once}."
    allowed, never = (purposes.broadest(map(purposes.checked, said)) for said in (card.purposes, card.prohibited))
    yield "What it may be used for, and what is narrower:"
    yield from (f"- {purposes.label(purpose)} ({purpose})" for purpose in allowed)
    if never:
        yield "What it may never be used for, and nothing narrower:"
        yield from (f"- {purposes.label(purpose)} ({purpose})" for purpose in never)
    yield f"A question about it costs {draft.price} at least. What it earns is divided by the node's published rule."
    yield f"The charter holds {until_in_words(draft.until)}, and is never changed: what it says now, it says to the end."
    yield "If you join with a cell of yours"
    yield "- the cooperative may use and operate these columns of it, in this pool and nowhere else, until you take it back;"
    yield "- you say yes to these purposes. You can refuse or narrow each of them at any time;"
    yield "- you can leave at any time, without a reason. From then on no question counts your rows, and they are taken out."
    yield "What was answered before stays answered; it showed nobody alone."
    yield "In the cooperative's own words:"
    yield from (f"> {line}" for line in (_line(card.title), _line(card.description), *draft.text.strip().splitlines()))


def _line(text: str) -> str:
    """What somebody wrote, in one line."""
    return " ".join(text.split())


def _column(column: Column) -> str:
    said = [TYPES[column.type] + (f" in {_line(column.unit)}" if column.unit else "")]
    if column.low is not None and column.high is not None:
        said.append(f"from {decimal(column.low, column.decimals)} to {decimal(column.high, column.decimals)}")
    if column.values:
        said.append(f"one of {', '.join(_value(value) for value in column.values)}")
    described = f" ({_line(column.description)})" if column.description else ""
    return f"{_line(column.name)}: {'; '.join(said)}; grade {column.grade}{described}"


def _value(value: int | str | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _line(str(value))


def too_cheap(read: Reader, asset: str, price: int, not_done: str) -> Refusal | None:
    """Why a question about an asset cannot be had for a price, in the ledger's minor units; None if it can, or if the asset
    is no pool."""
    row = read.get(Charter, asset)
    if row is None or price >= row.price:
        return None
    least = Money(row.price, row.currency)
    return refuse(
        "contract.terms", not_done, f"by the charter of `{asset}` a question costs {least} at least",
        remedy=f"name a price of {least} or more",
    )  # fmt: skip
