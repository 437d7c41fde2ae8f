"""The ledger: transfers from one account to another, each a row that balances by construction.

An account is a path: `party:institute` owes or is owed, `asset:wagepan:income` holds what uses earned and was not yet
divided, `fund:solidarity` is the members' fund, `asset:wagepan:members` is the control account of what its members are
owed: each member's own line stands in the settlement that the control transfer names, and the lines sum to the transfer.
`tax:wage-commons` is the tax on its invoices, `cash` what was paid back beside the bank.
A balance is credits minus debits; over all accounts they sum to zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from usufruct.core.access.clauses import FeeDue
from usufruct.core.access.pricing import EarningsReported
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.income.facts import PeriodClosed
from usufruct.core.income.invoices import CreditNoteIssued, InvoiceIssued, RefundMade
from usufruct.core.income.state import PeriodPlan
from usufruct.core.privacy.facts import QueryAnswered
from usufruct.core.privacy.state import Use

SOLIDARITY = "fund:solidarity"
CASH = "cash"


@dataclass(frozen=True, slots=True)
class Transfer(Row):
    """`amount` minor units moved from `debit` to `credit` because of the fact `seq`; never changed, only followed."""

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


@dataclass(frozen=True, slots=True)
class Account(Row):
    """Credits minus debits of one account in one currency."""

    KEY = ("id", "currency")
    id: str
    currency: str
    balance: int


def of_party(party: str) -> str:
    """The account of a party."""
    return f"party:{party}"


def income_of(asset: str) -> str:
    """Where what an asset earned waits to be divided."""
    return f"asset:{asset}:income"


def members_of(asset: str) -> str:
    """The control account of what an asset's members are owed."""
    return f"asset:{asset}:members"


def tax_of(issuer: str) -> str:
    """Where the tax waits that an issuer of invoices stated and owes its tax office."""
    return f"tax:{issuer}"


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The transfers that a fact brings about, and the balances after them."""
    match entry.fact:
        case QueryAnswered() as fact:
            use = read.get(Use, fact.use)
            assert use is not None
            if use.price:
                payer, earner = of_party(use.requester), income_of(use.asset)
                yield from _post(read, entry, use.currency, [(payer, earner, use.price, f"price of {use.id}")])
        case FeeDue() as fact:
            memo = f"{fact.clause} {fact.number} of {fact.agreement}"
            yield from _post(
                read, entry, fact.currency, [(of_party(fact.payer), income_of(fact.asset), fact.amount, memo)]
            )
        case EarningsReported() as fact:
            memo, payer = f"share of the earnings of {fact.period} by {fact.agreement}", of_party(fact.payer)
            yield from _post(read, entry, fact.currency, _moves((payer, income_of(fact.asset), fact.amount, memo)))
        case InvoiceIssued() as fact:
            memo = f"tax on {fact.invoice}"
            yield from _post(
                read, entry, fact.currency, _moves((of_party(fact.payer), tax_of(fact.issuer), fact.tax, memo))
            )
        case CreditNoteIssued() as fact:
            payer, memo = of_party(fact.payer), f"{fact.credit_note}: {fact.invoice} put right"
            back = [
                (income_of(line.asset) if line.undivided else of_party(fact.issuer), payer, line.amount, memo)
                for line in fact.lines
            ]
            yield from _post(read, entry, fact.currency, _moves(*back, (tax_of(fact.issuer), payer, fact.tax, memo)))
        case RefundMade() as fact:
            memo = f"refund of {fact.credit_note}"
            yield from _post(read, entry, fact.currency, _moves((of_party(fact.payer), CASH, fact.amount, memo)))
        case PeriodClosed() as fact:
            plan = read.get(PeriodPlan, fact.plan)
            assert plan is not None
            moves = []
            for statement in plan.planned.statements:
                source = income_of(statement.asset)
                moves += [
                    (source, s.account, s.amount, f"{fact.period}: {s.basis_points / 100:g} % of the income")
                    for s in statement.shares
                ]
                moves.append(
                    (
                        source,
                        members_of(statement.asset),
                        statement.members,
                        f"{fact.period}: settlement of the members",
                    )
                )
            yield from _post(read, entry, plan.planned.currency, [move for move in moves if move[2]])
        case _:
            return


def _moves(*moves: tuple[str, str, int, str]) -> list[tuple[str, str, int, str]]:
    """Those that move anything."""
    return [move for move in moves if move[2]]


def _post(read: Reader, entry: Entry, currency: str, moves: Iterable[tuple[str, str, int, str]]) -> Iterator[Row]:
    balances: dict[str, int] = {}
    for n, (debit, credit, amount, memo) in enumerate(moves):
        assert amount > 0 and debit != credit
        yield Transfer(entry.seq, n, debit, credit, amount, currency, entry.at, memo)
        for account, change in ((debit, -amount), (credit, amount)):
            if account not in balances:
                row = read.get(Account, account, currency)
                balances[account] = row.balance if row else 0
            balances[account] += change
    for account, balance in balances.items():
        yield Account(account, currency, balance)
