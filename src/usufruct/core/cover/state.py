"""Schemes, what they know of whom, contributions, claims and funds, as they are now; and what each fact does to the ledger.

The fold never asks who somebody was: what she said of herself may be erased, and contributions and payments stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.instants import END_OF_TIME, Instant
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.cover.collecting import payer_of, who_counts
from usufruct.core.cover.facts import (
    ClaimDecided,
    ClaimMade,
    Collected,
    ContributionTaken,
    CoverPaid,
    FundOpened,
    OptedIn,
    OptedOut,
    ParticularsStated,
    SchemeAdopted,
    SchemeEnded,
)
from usufruct.core.cover.scheme import JOB, Scheme, SchemeLevy
from usufruct.core.income.accounts import cover_of, of_party
from usufruct.core.income.ledger import Book

OPEN, GRANTED, REFUSED, PAID, APPEALED = "open", "granted", "refused", "paid", "appealed"


@dataclass(frozen=True, slots=True)
class AdoptedScheme(Row):
    """A version of a scheme that the node raises from `effective` until `until`."""

    KEY = ("name", "number")
    INDEXED = ("name",)
    name: str
    number: int
    scheme: Scheme
    effective: Instant
    until: Instant
    operators: tuple[str, ...]
    by: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Fund(Row):
    """A pooled account; see `FundOpened`."""

    KEY = ("name",)
    name: str
    title: str
    currency: str
    reserve_months: int
    trustees: tuple[str, ...]
    since: Instant


@dataclass(frozen=True, slots=True)
class FundMonth(Row):
    """What a fund took and paid out in a month (`2026-11`, UTC)."""

    KEY = ("fund", "currency", "month")
    INDEXED = ("fund",)
    fund: str
    currency: str
    month: str
    taken: int = 0
    paid: int = 0


@dataclass(frozen=True, slots=True)
class Particulars(Row):
    """What a party said last of herself; see `ParticularsStated`."""

    KEY = ("party",)
    party: str
    born: str
    works_with: str


@dataclass(frozen=True, slots=True)
class SchemeMembership(Row):
    """That a party joined a scheme, with which option; `joined` is no when she left it."""

    KEY = ("party", "scheme")
    INDEXED = ("party",)
    party: str
    scheme: str
    option: str
    since: Instant
    joined: bool = True


@dataclass(frozen=True, slots=True)
class Contribution(Row):
    """See `ContributionTaken`, the fact number `seq`."""

    KEY = ("id",)
    INDEXED = ("worker", "operator", "scheme")
    id: str
    worker: str
    operator: str
    scheme: str
    month: str
    currency: str
    days: tuple[str, ...]
    collected: tuple[Collected, ...]
    at: Instant
    seq: int

    def amount(self, payer: str = "") -> int:
        """What it came to; or what of it one payer bore."""
        return sum(levied.amount for levied in self.collected if payer in ("", levied.payer))

    def to(self, account: str) -> int:
        """What of it went to an account of the scheme."""
        return sum(part.amount for levied in self.collected for part in levied.parts if part.to == account)


@dataclass(frozen=True, slots=True)
class LevyPeriod(Row):
    """What a levy was reckoned from so far in a period, and what workers earned in it; an empty worker or operator stands for
    everybody."""

    KEY = ("scheme", "levy", "worker", "operator", "period")
    scheme: str
    levy: str
    worker: str
    operator: str
    period: str
    basis: int
    paid: int


@dataclass(frozen=True, slots=True)
class CoverClaim(Row):
    """A claim as it `stands`; see the facts. `seq` is that of the last, `at` when it was made. The last decision is in
    `granted`, `reasons`, `decider` and `turn_to`."""

    KEY = ("id",)
    INDEXED = ("party", "stands", "account")
    id: str
    party: str
    scheme: str
    entitlement: str
    account: str
    amount: int
    currency: str
    reason: str
    on: Instant
    appeals: str
    at: Instant
    seq: int
    stands: str = OPEN
    granted: int = 0
    reasons: str = ""
    decider: str = ""
    turn_to: str = ""


@dataclass(frozen=True, slots=True)
class CoverPayment(Row):
    """What was paid on a claim; see `CoverPaid`, the fact number `seq`. It stays when the claim is erased."""

    KEY = ("claim",)
    INDEXED = ("party", "account")
    claim: str
    party: str
    account: str
    amount: int
    currency: str
    at: Instant
    seq: int


def account_of(to: str, party: str) -> str:
    """The account in the ledger of what a scheme calls `own:NAME`, `fund:NAME` or `treasury:NAME`."""
    kind, _, name = to.partition(":")
    return cover_of(party, name) if kind == "own" else to


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about cover changes."""
    match entry.fact:
        case SchemeAdopted(scheme=scheme) as fact:
            yield from _until(read, scheme.name, fact.effective)
            yield AdoptedScheme(
                scheme.name, fact.number, scheme, fact.effective, END_OF_TIME, fact.operators, fact.by, entry.at
            )
        case SchemeEnded() as fact:
            yield from _until(read, fact.name, fact.effective)
        case FundOpened() as fact:
            since = read.get(Fund, fact.fund)
            yield Fund(
                fact.fund,
                fact.title,
                fact.currency,
                fact.reserve_months,
                fact.trustees,
                since.since if since else entry.at,
            )
        case ParticularsStated() as fact:
            yield Particulars(fact.party, fact.born, fact.works_with)
        case OptedIn() as fact:
            yield SchemeMembership(fact.party, fact.scheme, fact.option, entry.at)
        case OptedOut() as fact:
            row = read.get(SchemeMembership, fact.party, fact.scheme)
            if row is not None:
                yield replace(row, joined=False)
        case ContributionTaken() as fact:
            yield from _contributed(read, entry, fact)
        case ClaimMade() | ClaimDecided():
            yield from _claimed(read, entry, entry.fact)
        case CoverPaid() as fact:
            yield from _paid(read, entry, fact)
        case _:
            return


def _until(read: Reader, name: str, end: Instant) -> Iterator[Row]:
    """The versions of a scheme that would last longer end here."""
    for row in read.list(AdoptedScheme, name=name):
        if row.until > end:
            yield replace(row, until=end)


def _contributed(read: Reader, entry: Entry, fact: ContributionTaken) -> Iterator[Row]:
    yield Contribution(
        fact.contribution, fact.worker, fact.operator, fact.scheme, fact.month, fact.currency, fact.days, fact.collected,
        entry.at, entry.seq,
    )  # fmt: skip
    adopted = read.get(AdoptedScheme, fact.scheme, fact.number)
    book, to_funds = Book(read, entry), dict[str, int]()
    for levied in fact.collected:
        levy = adopted.scheme.levy(levied.levy) if adopted else None
        if levy is not None and levy.per != JOB:
            yield _period(read, fact, levied, levy)
        payer = of_party(payer_of(levied.payer, fact.worker, fact.operator))
        for part in levied.parts:
            _move(book, payer, account_of(part.to, fact.worker), part.amount, fact.currency, _memo(fact, levied))
            if part.to.startswith("fund:"):
                to_funds[part.to] = to_funds.get(part.to, 0) + part.amount
    for fund, amount in to_funds.items():
        yield _month(read, entry, fund, fact.currency, taken=amount)
    yield from book.rows()


def _move(book: Book, payer: str, to: str, amount: int, currency: str, memo: str) -> None:
    """A part below zero gives back what the account got too early, see `collecting`."""
    debit, credit = (payer, to) if amount >= 0 else (to, payer)
    book.move(debit, credit, abs(amount), currency, memo)


def _memo(fact: ContributionTaken, levied: Collected) -> str:
    return f"{fact.scheme}: {levied.levy} for {fact.month}"


def _period(read: Reader, fact: ContributionTaken, levied: Collected, levy: SchemeLevy) -> LevyPeriod:
    worker, operator = who_counts(levy, fact.worker, fact.operator)
    row = read.get(LevyPeriod, fact.scheme, levied.levy, worker, operator, levied.period)
    basis, paid = (row.basis, row.paid) if row else (0, 0)
    return LevyPeriod(
        fact.scheme, levied.levy, worker, operator, levied.period, basis + levied.basis, paid + levied.paid
    )


def _month(read: Reader, entry: Entry, fund: str, currency: str, taken: int = 0, paid: int = 0) -> FundMonth:
    name, month = fund.removeprefix("fund:"), entry.at[:7]
    row = read.get(FundMonth, name, currency, month) or FundMonth(name, currency, month)
    return replace(row, taken=row.taken + taken, paid=row.paid + paid)


def _claimed(read: Reader, entry: Entry, fact: ClaimMade | ClaimDecided) -> Iterator[Row]:
    if isinstance(fact, ClaimMade):
        yield CoverClaim(
            fact.claim, fact.party, fact.scheme, fact.entitlement, fact.account, fact.amount, fact.currency, fact.reason,
            fact.on, fact.appeals, entry.at, entry.seq,
        )  # fmt: skip
        before = read.get(CoverClaim, fact.appeals) if fact.appeals else None
        if before is not None:
            yield replace(before, stands=APPEALED)
        return
    row = read.get(CoverClaim, fact.claim)
    if row is not None:
        yield replace(
            row, stands=GRANTED if fact.amount else REFUSED, granted=fact.amount, reasons=fact.reasons, decider=fact.by,
            turn_to=fact.turn_to, seq=entry.seq,
        )  # fmt: skip


def _paid(read: Reader, entry: Entry, fact: CoverPaid) -> Iterator[Row]:
    yield CoverPayment(fact.claim, fact.party, fact.account, fact.amount, fact.currency, entry.at, entry.seq)
    row = read.get(CoverClaim, fact.claim)
    if row is not None:  # else she was erased, and her words with her
        yield replace(row, stands=PAID, seq=entry.seq)
    if fact.account.startswith("fund:"):
        yield _month(read, entry, fact.account, fact.currency, paid=fact.amount)
    book = Book(read, entry)
    book.move(
        account_of(fact.account, fact.party), of_party(fact.party), fact.amount, fact.currency, f"{fact.claim}: cover"
    )
    yield from book.rows()
