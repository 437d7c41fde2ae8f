"""Needs: what a data user looks for, said once, so that the node can look for it as well.

A need names columns (or words for what they mean), a purpose, a form of answer, and, as far as it matters, the period to
be covered, the fewest persons, and the budget for a year. It is a standing request for as long as it is neither met nor
withdrawn: whenever something new is offered it is looked at again, and its author is told of each match once.

What is wanted and not offered is shown to providers as counts, by column and by purpose, and only where it is wanted by
more than one party: who wants it is nobody's business but hers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, in_years
from usufruct.core.base.money import DECIMALS
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.registry.state import Party
from usufruct.core.rulebook import purposes
from usufruct.core.rulebook.grades import FORMS

COLUMNS_MAX, WORD_MAX, NEEDS_MAX = 50, 63, 100
AMOUNT_MAX = 10**12
LIVE, WITHDRAWN = "live", "withdrawn"
_YEARS = re.compile(r"(\d{4})(?:-(\d{4}))?")


@dataclass(frozen=True, slots=True)
class Need:
    """What is looked for: `columns` by name or meaning, a `purpose`, a `form` of answer (see `grades.FORMS`), the years `first`
    to `last` (0: any), at least so many `persons`, for at most `budget` minor units of `currency` in the first year, over so
    many `uses`."""

    columns: tuple[str, ...]
    purpose: str
    form: str
    currency: str
    budget: int
    first: int = 0
    last: int = 0
    persons: int = 0
    uses: int = 1


@dataclass(frozen=True, slots=True)
class NeedStated(Fact):
    """`by` looks for something until `until`, and wants to be told when it is offered."""

    KIND = "need.stated/1"
    need: str
    by: str
    wanted: Need
    until: Instant

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class NeedWithdrawn(Fact):
    """`by` no longer looks for it."""

    KIND = "need.withdrawn/1"
    need: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class NeedMatched(Fact):
    """An `offer` on an asset could meet a need of `by`; so much it `scored`, of 100. She is told once."""

    KIND = "need.matched/1"
    need: str
    by: str
    offer: str
    asset: str
    scored: int

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class StatedNeed(Row):
    """See `NeedStated`, the fact number `seq`."""

    KEY = ("id",)
    INDEXED = ("by", "state")
    id: str
    by: str
    wanted: Need
    since: Instant
    until: Instant
    seq: int
    state: str = LIVE

    def stands(self, at: Instant) -> bool:
        """Whether it is looked for now."""
        return self.state == LIVE and at < self.until


@dataclass(frozen=True, slots=True)
class NeedMatch(Row):
    """See `NeedMatched`, the fact number `seq`."""

    KEY = ("need", "offer")
    INDEXED = ("need",)
    need: str
    offer: str
    asset: str
    scored: int
    at: Instant
    seq: int


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a need changes."""
    match entry.fact:
        case NeedStated() as fact:
            yield StatedNeed(fact.need, fact.by, fact.wanted, entry.at, fact.until, entry.seq)
        case NeedWithdrawn() as fact:
            row = read.get(StatedNeed, fact.need)
            assert row is not None
            yield replace(row, state=WITHDRAWN)
        case NeedMatched() as fact:
            yield NeedMatch(fact.need, fact.offer, fact.asset, fact.scored, entry.at, entry.seq)
        case _:
            return


def years(text: str) -> tuple[int, int]:
    """`2021-2023`, or `2022`; (0, 0) for nothing.

    Raises:
        BadInput: it is neither.
    """
    if not text.strip():
        return 0, 0
    found = _YEARS.fullmatch(text.strip())
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 0 < first <= last:
        raise BadInput("input.need", f"`{text[:80]}` is not a time in years", "write 2022, or 2021-2023")
    return first, last


def checked(need: Need, currency: str) -> Need:
    """The need with its words as they are compared.

    Raises:
        BadInput: it says what cannot be.
    """
    words = tuple(dict.fromkeys(" ".join(holdable(word).lower().split()) for word in need.columns))
    if not words or len(words) > COLUMNS_MAX or any(not 0 < len(word) <= WORD_MAX for word in words):
        raise BadInput(
            "input.need", "the need names no column, or one that is too long",
            f"name up to {COLUMNS_MAX} columns, or what they mean in a word or two",
        )  # fmt: skip
    if need.form not in FORMS:
        raise BadInput("input.need", f"`{need.form[:80]}` is not a form of answer", f"use one of {', '.join(FORMS)}")
    if need.currency != currency or currency not in DECIMALS:
        raise BadInput("input.need", f"the node's ledger is in {currency}", f"name the budget in {currency}")
    if not (0 <= need.budget <= AMOUNT_MAX and 0 <= need.persons <= AMOUNT_MAX and 1 <= need.uses <= 10_000):
        raise BadInput("input.need", "a number in the need cannot be", "give 0 or more, and 1 to 10000 uses")
    return replace(need, columns=words, purpose=purposes.checked(need.purpose))


def state(
    read: Reader, name: str, by: str, need: Need, until: Instant | None, at: Instant, currency: str
) -> NeedStated | Refusal:
    """Somebody looks for something, for a year unless she says otherwise.

    Raises:
        BadInput: the need says what cannot be.
    """
    wanted, not_done = checked(need, currency), "the need was not noted"
    if read.get(Party, by) is None:
        return refuse("registry.unknown", not_done, f"there is no party `{by}`", remedy="have the steward register you")
    end = until or in_years(at, 1)
    if end <= at:
        return refuse("market.need", not_done, "it would have run out already", remedy="name a later day")
    live = [row for row in read.list(StatedNeed, by=by) if row.stands(at)]
    if any(row.wanted == wanted for row in live):
        return refuse("market.need", not_done, "you are looking for just that already", remedy="read its matches")
    if len(live) >= NEEDS_MAX:
        return refuse("market.need", not_done, f"you have {NEEDS_MAX} needs", remedy="withdraw one of them first")
    return NeedStated(name, by, wanted, end)


def withdraw(read: Reader, need: str, by: str) -> NeedWithdrawn | Refusal:
    """Whoever stated a need takes it back."""
    row = read.get(StatedNeed, need)
    if row is None or row.by != by or row.state != LIVE:
        return refuse(
            "registry.unknown", "no need was withdrawn", f"there is no need `{need[:80]}` of yours that stands",
            remedy="take the ids from your own list",
        )  # fmt: skip
    return NeedWithdrawn(need, by)


# ---- demand


@dataclass(frozen=True, slots=True)
class Wanted:
    """So many `parties` look for a `what` (`column` or `purpose`) called `name`; `offered`: something on offer has it."""

    what: str
    name: str
    parties: int
    offered: bool


def demand(
    needs: list[StatedNeed], at: Instant, columns: frozenset[str], allowed: frozenset[str], least: int
) -> tuple[Wanted, ...]:
    """What at least so many parties look for, the most wanted first; `columns` and `allowed` purposes are what is offered."""
    by_column: Counter[str] = Counter()
    by_purpose: Counter[str] = Counter()
    for column, _ in sorted({(c, row.by) for row in needs if row.stands(at) for c in row.wanted.columns}):
        by_column[column] += 1
    for purpose, _ in sorted({(row.wanted.purpose, row.by) for row in needs if row.stands(at)}):
        by_purpose[purpose] += 1
    found = [Wanted("column", name, n, name in columns) for name, n in by_column.items() if n >= least]
    found += [
        Wanted("purpose", name, n, any(purposes.covers(one, name) for one in allowed))
        for name, n in by_purpose.items()
        if n >= least
    ]
    return tuple(sorted(found, key=lambda one: (-one.parties, one.what, one.name)))
