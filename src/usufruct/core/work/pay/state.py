"""Pay for work: what an operator pays each worker for a time, planned first, then done once.

A *pay run* is a plan: for each worker a *reckoning* that names every piece of work with what it is reckoned from, the floors
that were looked at, and what comes out. Whoever approves it leaves no choices: each reckoning becomes a `WorkPaid`, her
*payslip*, and the ledger moves exactly what stands on it. A plan names the one before it. When another was paid first it is
stale, so that no piece of work can be paid twice.

What a reckoning adds up, in minor units:

    pay      what the customer paid for the work, less the fee of the operator
    made up  what is missing there of what the job agreement promised
    top-up   what is missing of a floor by the hour, if one is higher than both together
    tips     whole, and in no floor
    net      the sum of these: it goes to the worker's account

Surcharges are no pay of anybody: they go from the operator to the fund they were raised for. Contributions to cover move by
facts of their own; the payslip states what they took, so that it says what is left to take home.

What was paid is in the accounts of both, so it stays when she is erased, under an id that says nothing. A mistake is put right
by a new fact, never by changing the old.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.income.accounts import of_party
from usufruct.core.income.ledger import Book

PLANNED, REFUSED, PAID = "planned", "refused", "paid"
WORKER, OPERATOR, CUSTOMER = "worker", "operator", "customer"


@dataclass(frozen=True, slots=True)
class PaidWork:
    """One piece of work in a reckoning, in minor units: what the customer paid, the operator's `fee`, `tips` and `surcharges`.

    `agreed` is what the job agreement promises for it, by `basis`; `made_up` is what gross less fee lacks of that.
    """

    work: str
    gross: int
    fee: int
    tips: int = 0
    surcharges: int = 0
    agreed: int = 0
    basis: str = ""
    made_up: int = 0

    @property
    def pay(self) -> int:
        """What it pays before tips and floors."""
        return self.gross - self.fee + self.made_up


@dataclass(frozen=True, slots=True)
class TopUp:
    """A floor by the hour that was looked at: `milliseconds` by a definition of working time (engaged, online, whole-shift), at
    `per_hour` minor units, make `due`; `paid` was there, so `amount` is missing.

    `parameter` is the condition that sets it, with its source and authority. Only a `binding` floor is owed; what the other
    definitions would come to stands beside it, so that everybody sees what the choice of one is worth.
    """

    definition: str
    milliseconds: int
    per_hour: int
    due: int
    paid: int
    amount: int
    parameter: str
    source: str
    authority: str = ""
    binding: bool = True


@dataclass(frozen=True, slots=True)
class Deduction:
    """What a contribution to cover takes of `payer` (worker, operator or customer) for an account, as its own fact says."""

    name: str
    payer: str
    amount: int
    to: str


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What one worker gets in a pay run. The sums are those of the lines; `top_up` is that of the highest floor.

    `surcharges` go to the account `surcharges_to`.
    """

    worker: str
    lines: tuple[PaidWork, ...]
    gross: int
    fee: int
    tips: int
    made_up: int
    top_up: int
    net: int
    floors: tuple[TopUp, ...] = ()
    deductions: tuple[Deduction, ...] = ()
    surcharges: int = 0
    surcharges_to: str = ""

    @property
    def taken(self) -> int:
        """What contributions take of the worker."""
        return sum(one.amount for one in self.deductions if one.payer == WORKER)

    @property
    def take_home(self) -> int:
        """What is left to her after contributions."""
        return self.net - self.taken


@dataclass(frozen=True, slots=True)
class PayPlanned(Fact):
    """What `operator` would pay for all work that ended from `since` until just before `until`, or before that and was recorded
    late. `parent` is the plan that was paid before it, or nothing."""

    KIND = "pay.planned/1"
    plan: str
    operator: str
    currency: str
    since: Instant
    until: Instant
    reckonings: tuple[Reckoning, ...]
    parent: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.operator,)

    @property
    def total(self) -> int:
        """What leaves the operator's account for workers and funds, in minor units."""
        return sum(slip.net + slip.surcharges for slip in self.reckonings)


@dataclass(frozen=True, slots=True)
class PayRefused(Fact):
    """The plan is not carried out, and `why`."""

    KIND = "pay.refused/1"
    plan: str
    operator: str
    why: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.operator,)


@dataclass(frozen=True, slots=True)
class WorkPaid(Fact):
    """`operator` paid `worker` what its reckoning in a plan says. The ledger moves it from account to account."""

    KIND = "work.paid/1"
    pay: str
    plan: str
    operator: str
    worker: str
    currency: str
    since: Instant
    until: Instant
    reckoning: Reckoning
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.worker, self.operator)


@dataclass(frozen=True, slots=True)
class PayCorrected(Fact):
    """`amount` minor units more than a payslip said go to the worker; below zero, back to the operator; and `why`."""

    KIND = "pay.corrected/1"
    correction: str
    pay: str
    operator: str
    worker: str
    amount: int
    currency: str
    why: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.worker, self.operator)


@dataclass(frozen=True, slots=True)
class PayRun(Row):
    """A plan as it `stands`; `seq` is the number of the fact that planned it, `why` says why it was refused."""

    KEY = ("id",)
    INDEXED = ("operator", "stands")
    id: str
    operator: str
    stands: str
    planned: PayPlanned
    at: Instant
    seq: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class LastPay(Row):
    """The plan that an operator paid last in a currency, and the end of its time."""

    KEY = ("operator", "currency")
    operator: str
    currency: str
    plan: str
    until: Instant


@dataclass(frozen=True, slots=True)
class WorkPay(Row):
    """By which payslip a piece of work was paid."""

    KEY = ("work",)
    work: str
    pay: str


@dataclass(frozen=True, slots=True)
class Payslip(Row):
    """See `WorkPaid`, the fact number `seq`; `corrected` is the sum of the corrections since."""

    KEY = ("id",)
    INDEXED = ("worker", "operator", "plan")
    id: str
    plan: str
    operator: str
    worker: str
    currency: str
    since: Instant
    until: Instant
    reckoning: Reckoning
    at: Instant
    seq: int
    corrected: int = 0


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about pay changes, and what it moves in the ledger."""
    match entry.fact:
        case PayPlanned() as fact:
            yield PayRun(fact.plan, fact.operator, PLANNED, fact, entry.at, entry.seq)
        case PayRefused() as fact:
            yield replace(_run(read, fact.plan), stands=REFUSED, why=fact.why)
        case WorkPaid() as fact:
            yield replace(_run(read, fact.plan), stands=PAID)
            yield LastPay(fact.operator, fact.currency, fact.plan, fact.until)
            yield Payslip(
                fact.pay, fact.plan, fact.operator, fact.worker, fact.currency, fact.since, fact.until, fact.reckoning, entry.at,
                entry.seq,
            )  # fmt: skip
            for line in fact.reckoning.lines:
                yield WorkPay(line.work, fact.pay)
            yield from _paid(Book(read, entry), fact)
        case PayCorrected() as fact:
            slip = read.get(Payslip, fact.pay)
            assert slip is not None, "what was never paid is not corrected"
            yield replace(slip, corrected=slip.corrected + fact.amount)
            book = Book(read, entry)
            debit, credit = of_party(fact.operator), of_party(fact.worker)
            if fact.amount < 0:
                debit, credit = credit, debit
            book.move(debit, credit, abs(fact.amount), fact.currency, f"{fact.correction}: correction of {fact.pay}")
            yield from book.rows()
        case _:
            return


def _paid(book: Book, fact: WorkPaid) -> Iterator[Row]:
    """The postings of one payslip, each with what it is for."""
    debit, credit, slip = of_party(fact.operator), of_party(fact.worker), fact.reckoning
    book.move(debit, credit, slip.gross - slip.fee, fact.currency, f"{fact.pay}: pay")
    book.move(debit, credit, slip.made_up, fact.currency, f"{fact.pay}: made up to what was agreed")
    book.move(debit, credit, slip.top_up, fact.currency, f"{fact.pay}: topped up to the floor")
    book.move(debit, credit, slip.tips, fact.currency, f"{fact.pay}: tips")
    if slip.surcharges:
        book.move(debit, slip.surcharges_to, slip.surcharges, fact.currency, f"{fact.pay}: surcharges")
    yield from book.rows()


def _run(read: Reader, plan: str) -> PayRun:
    run = read.get(PayRun, plan)
    assert run is not None, "what was not planned is not paid"
    return run
