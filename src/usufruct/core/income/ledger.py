"""The ledger: transfers from one account to another, each a row that balances by construction.

What accounts there are, `accounts` says. A balance is credits minus debits; over all accounts of a currency they sum to zero.
So the bank's is below zero when we have money there, as in the bank's own books it is above.

**Two phases.** What may be owed is *reserved* first, then *posted*, wholly or in parts, and what is left of it is *voided*:
the price of a use between its admission and its answer, a payout between its approval and the bank's word. What is reserved
sums to zero too, for it goes out of one account and into another. No clock voids anything: a use ends when it ends, and a
payment whose reservation had run out could be paid twice.

**One currency at a time.** An account has a balance for each currency. An exchange is two transfers, one in each, through the
account `exchange`, and a fact that says at which rate and by whose word; the node never converts by itself.

**Nothing is changed.** A correction is a new transfer the other way, and a fact that names what it corrects.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.access.clauses import FeeDue
from usufruct.core.access.pricing import EarningsReported
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.income.accounts import (
    BANK,
    CASH,
    EXCHANGE,
    SOLIDARITY,
    SUSPENSE,
    income_of,
    members_of,
    of_party,
    remitted_of,
    tax_of,
    vesting_of,
)
from usufruct.core.income.complaints import ComplaintAnswered
from usufruct.core.income.facts import LevyRemitted, PeriodClosed, PeriodPlanned
from usufruct.core.income.invoices import CreditNoteIssued, InvoiceIssued, RefundMade
from usufruct.core.income.payout_facts import BankLine, PayoutApproved, PayoutEnded, PayoutSent, StatementRead
from usufruct.core.income.payout_state import Payout
from usufruct.core.income.posting import CreditLimited, CurrencyExchanged, PaymentReceived, PostingCorrected
from usufruct.core.income.state import PeriodPlan, Summed
from usufruct.core.privacy.facts import QueryAbandoned, QueryAdmitted, QueryAnswered
from usufruct.core.privacy.state import Use
from usufruct.core.rulebook.levy import Surcharge


@dataclass(frozen=True, slots=True)
class Transfer(Row):
    """`amount` minor units moved from `debit` to `credit` because of the fact `seq`; never changed, only followed. One that
    `corrects` another names it as `seq/n`."""

    KEY = ("seq", "n")
    INDEXED = ("debit", "credit")
    seq: int
    n: int
    debit: str
    credit: str
    amount: int
    currency: str
    at: Instant
    memo: str
    corrects: str = ""


@dataclass(frozen=True, slots=True)
class Account(Row):
    """Credits minus debits of one account in one currency; and what is reserved to go out of it, and to come in."""

    KEY = ("id", "currency")
    id: str
    currency: str
    balance: int
    reserved_out: int = 0
    reserved_in: int = 0

    @property
    def free(self) -> int:
        """What is left if everything that is reserved goes out, and nothing comes in."""
        return self.balance - self.reserved_out


@dataclass(frozen=True, slots=True)
class Reservation(Row):
    """`amount` minor units that `cause` (a use, a payout) may yet move from `debit` to `credit`; of it were `posted` and
    `voided` so much. Whoever posts more, or twice, stops the work."""

    KEY = ("cause", "debit")
    cause: str
    debit: str
    credit: str
    amount: int
    currency: str
    at: Instant
    posted: int = 0
    voided: int = 0

    @property
    def open(self) -> int:
        """What may still be posted or voided."""
        return self.amount - self.posted - self.voided


@dataclass(frozen=True, slots=True)
class CreditLimit(Row):
    """How much a party may owe in a currency; None: no limit any more."""

    KEY = ("party", "currency")
    INDEXED = ("party",)
    party: str
    currency: str
    limit: int | None


@dataclass(frozen=True, slots=True)
class Corrected(Row):
    """How much of a transfer was taken back so far."""

    KEY = ("seq", "n")
    seq: int
    n: int
    amount: int


class Book:
    """What one fact does to the ledger: its transfers, numbered as they come, its reservations, and each account once, as it
    is after all of them."""

    def __init__(self, read: Reader, entry: Entry) -> None:
        self._read, self._entry = read, entry
        self._rows: list[Row] = []
        self._accounts: dict[tuple[str, str], Account] = {}
        self._reserved: dict[tuple[str, str], Reservation] = {}
        self._transfers = 0

    def move(self, debit: str, credit: str, amount: int, currency: str, memo: str, corrects: str = "") -> None:
        """A transfer; one of nothing is none."""
        assert amount >= 0 and debit != credit
        if amount:
            self._rows.append(Transfer(
                self._entry.seq, self._transfers, debit, credit, amount, currency, self._entry.at, memo, corrects
            ))  # fmt: skip
            self._transfers += 1
            self._change(debit, currency, balance=-amount)
            self._change(credit, currency, balance=amount)

    def reserve(self, cause: str, debit: str, credit: str, amount: int, currency: str) -> None:
        """The first phase; nothing is reserved of nothing."""
        assert amount >= 0 and debit != credit and self._read.get(Reservation, cause, debit) is None
        if amount:
            self._hold(Reservation(cause, debit, credit, amount, currency, self._entry.at), amount)

    def post(self, cause: str, debit: str, amount: int, memo: str) -> None:
        """The second phase, of all or a part."""
        held = self._held(cause, debit)
        assert 0 < amount <= held.open, "no more is posted than was reserved"
        self._hold(replace(held, posted=held.posted + amount), -amount)
        self.move(held.debit, held.credit, amount, held.currency, memo)

    def void(self, cause: str, debit: str, amount: int | None = None) -> None:
        """Lets go of what was reserved: a part, or all that is left."""
        held = self._held(cause, debit)
        amount = held.open if amount is None else amount
        assert 0 <= amount <= held.open
        if amount:
            self._hold(replace(held, voided=held.voided + amount), -amount)

    def rows(self) -> Iterator[Row]:
        """Everything that changed."""
        yield from self._rows
        yield from self._reserved.values()
        yield from self._accounts.values()

    def _held(self, cause: str, debit: str) -> Reservation:
        held = self._reserved.get((cause, debit)) or self._read.get(Reservation, cause, debit)
        assert held is not None, "what is posted or voided was reserved"
        return held

    def _hold(self, after: Reservation, change: int) -> None:
        self._reserved[after.cause, after.debit] = after
        self._change(after.debit, after.currency, out=change)
        self._change(after.credit, after.currency, into=change)

    def _change(self, account: str, currency: str, balance: int = 0, out: int = 0, into: int = 0) -> None:
        key = account, currency
        row = self._accounts.get(key) or self._read.get(Account, *key) or Account(account, currency, 0)
        self._accounts[key] = Account(
            account, currency, row.balance + balance, row.reserved_out + out, row.reserved_in + into
        )


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The transfers and reservations that a fact brings about, and the balances after them."""
    book = Book(read, entry)
    match entry.fact:
        case QueryAdmitted() as fact:
            payer = of_party(fact.requester)
            book.reserve(fact.use, payer, income_of(fact.asset), fact.price, fact.currency)
            for levy in fact.levies:
                book.reserve(_levied(fact.use, levy), payer, levy.to, levy.amount, fact.currency)
        case QueryAnswered() | QueryAbandoned() as fact:
            _end_use(read, book, fact)
        case FeeDue() as fact:
            memo = f"{fact.clause} {fact.number} of {fact.agreement}"
            book.move(of_party(fact.payer), income_of(fact.asset), fact.amount, fact.currency, memo)
        case LevyRemitted() as fact:
            memo = f"{fact.name}, remitted: {fact.reference}"
            book.move(fact.account, remitted_of(fact.account), fact.amount, fact.currency, memo)
        case EarningsReported() as fact:
            memo, payer = f"share of the earnings of {fact.period} by {fact.agreement}", of_party(fact.payer)
            book.move(payer, income_of(fact.asset), fact.amount, fact.currency, memo)
        case InvoiceIssued() | CreditNoteIssued() | RefundMade() as fact:
            _bill(book, fact)
        case PeriodClosed() as fact:
            plan = read.get(PeriodPlan, fact.plan)
            assert plan is not None
            for debit, credit, amount, memo in _division(read, plan.planned):
                book.move(debit, credit, amount, plan.planned.currency, memo)
        case ComplaintAnswered() as fact if fact.upheld:
            memo = f"{fact.complaint}: correction of {fact.period}, {fact.asset}"
            book.move(of_party(fact.by), of_party(fact.party), fact.amount, fact.currency, memo)
        case CreditLimited() as fact:
            yield CreditLimit(fact.party, fact.currency, fact.limit)
        case PaymentReceived() as fact:
            source, party = SUSPENSE if fact.line else CASH, of_party(fact.party)
            debit, credit = (source, party) if fact.amount > 0 else (party, source)
            book.move(debit, credit, abs(fact.amount), fact.currency, fact.reference or "paid in")
        case CurrencyExchanged() as fact:
            party, memo = of_party(fact.party), f"at {fact.rate}, by {fact.source}"
            book.move(party, EXCHANGE, fact.given, fact.given_currency, memo)
            book.move(EXCHANGE, party, fact.got, fact.got_currency, memo)
        case PostingCorrected() as fact:
            transfer = read.get(Transfer, fact.seq, fact.n)
            assert transfer is not None
            corrected, name = read.get(Corrected, fact.seq, fact.n), f"{fact.seq}/{fact.n}"
            yield Corrected(fact.seq, fact.n, fact.amount + (corrected.amount if corrected else 0))
            book.move(transfer.credit, transfer.debit, fact.amount, transfer.currency, fact.why, name)
        case PayoutApproved() | PayoutSent() | PayoutEnded() as fact:
            _pay_out(read, book, fact)
        case StatementRead() as fact:
            for line in fact.lines:
                _book_line(book, line, fact.currency)
        case _:
            return
    yield from book.rows()


def _levied(use: str, levy: Surcharge) -> str:
    """What a surcharge on a use is reserved for."""
    return f"{use}:{levy.name}"


def _end_use(read: Reader, book: Book, fact: QueryAnswered | QueryAbandoned) -> None:
    """What was reserved for a use is posted if it was answered, else set free."""
    use = read.get(Use, fact.use)
    assert use is not None
    payer = of_party(use.requester)
    reserved = [(use.id, use.price, f"price of {use.id}")]
    reserved += [(_levied(use.id, levy), levy.amount, f"{levy.name} on the price of {use.id}") for levy in use.levies]
    for cause, amount, memo in reserved:
        if amount and isinstance(fact, QueryAnswered):
            book.post(cause, payer, amount, memo)
        elif amount:
            book.void(cause, payer)


def _bill(book: Book, fact: InvoiceIssued | CreditNoteIssued | RefundMade) -> None:
    """The tax of an invoice, what a credit note gives back, what was refunded."""
    match fact:
        case InvoiceIssued():
            book.move(of_party(fact.payer), tax_of(fact.issuer), fact.tax, fact.currency, f"tax on {fact.invoice}")
        case CreditNoteIssued():
            payer, memo = of_party(fact.payer), f"{fact.credit_note}: {fact.invoice} put right"
            for wrong in fact.lines:
                source = income_of(wrong.asset) if wrong.undivided else of_party(fact.issuer)
                book.move(source, payer, wrong.amount, fact.currency, memo)
            book.move(tax_of(fact.issuer), payer, fact.tax, fact.currency, memo)
        case RefundMade():
            book.move(of_party(fact.payer), CASH, fact.amount, fact.currency, f"refund of {fact.credit_note}")


def _division(read: Reader, plan: PeriodPlanned) -> Iterator[tuple[str, str, int, str]]:
    """What the closing of a period moves: the shares of what each asset earned, what a total that is told leaves over, and what
    has vested of earlier shares."""
    for statement in plan.statements:
        source = income_of(statement.asset)
        for share in statement.shares:
            to = vesting_of(share.account) if share.vests_months else share.account
            of = f", {share.basis_points / 100:g} %" if share.basis_points else ""
            yield source, to, share.amount, f"{plan.period}: {share.name or 'share'}{of}"
        members, summed = members_of(statement.asset), read.get(Summed, statement.lines)
        yield source, members, statement.members, f"{plan.period}: settlement of the members"
        if summed is not None:
            yield members, SOLIDARITY, summed.fact.fund, f"{plan.period}: what is left of the members' share"
    for release in plan.releases:
        memo = f"{plan.period}: vested of {release.period}"
        yield vesting_of(release.account), release.account, release.amount, memo


def _pay_out(read: Reader, book: Book, fact: PayoutApproved | PayoutSent | PayoutEnded) -> None:
    payout = read.get(Payout, fact.payout)
    assert payout is not None
    for source in payout.proposed.sources:
        match fact:
            case PayoutApproved():
                book.reserve(payout.id, source.account, BANK, source.paid, payout.proposed.currency)
                memo = f"{payout.id}: given to the members' fund"
                book.move(source.account, SOLIDARITY, source.given, payout.proposed.currency, memo)
            case PayoutEnded() if source.paid and payout.state in ("approved", "sent"):
                book.void(payout.id, source.account)
    if isinstance(fact, PayoutSent):
        for move in fact.freed:
            book.void(payout.id, move.account, move.amount)


def _book_line(book: Book, line: BankLine, currency: str) -> None:
    """What a line of a bank statement moves. Whatever the bank moved, `bank` moves; what nobody can explain, to `suspense`."""
    memo = f"{line.end_to_end or line.payout or line.reference or 'bank line'} on {line.day}"
    for move in line.moves:
        match line.found:
            case "paid" | "part":
                book.post(line.payout, move.account, move.amount, memo)
            case "rejected":
                book.void(line.payout, move.account, move.amount)
            case "returned":
                book.move(BANK, move.account, move.amount, currency, f"{memo}, returned: {line.reason}")
    if line.found == "unmatched":
        debit, credit = (BANK, SUSPENSE) if line.amount > 0 else (SUSPENSE, BANK)
        book.move(debit, credit, abs(line.amount), currency, memo)
