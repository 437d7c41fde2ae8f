"""The ledger: transfers from one account to another, each a row that balances by construction.

What accounts there are, `accounts` says. A balance is credits minus debits; over all accounts they sum to zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from usufruct.core.access.clauses import FeeDue
from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.income.accounts import income_of, members_of, of_party, vesting_of
from usufruct.core.income.complaints import ComplaintAnswered
from usufruct.core.income.facts import PeriodClosed, PeriodPlanned
from usufruct.core.income.state import PeriodPlan
from usufruct.core.privacy.facts import QueryAnswered
from usufruct.core.privacy.state import Use


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
        case PeriodClosed() as fact:
            plan = read.get(PeriodPlan, fact.plan)
            assert plan is not None
            yield from _post(read, entry, plan.planned.currency, [move for move in _division(plan.planned) if move[2]])
        case ComplaintAnswered() as fact if fact.upheld:
            memo = f"{fact.complaint}: correction of {fact.period}, {fact.asset}"
            yield from _post(read, entry, fact.currency, [(of_party(fact.by), of_party(fact.party), fact.amount, memo)])
        case _:
            return


def _division(plan: PeriodPlanned) -> Iterator[tuple[str, str, int, str]]:
    """What the closing of a period moves: the shares of what each asset earned, and what has vested of earlier ones."""
    for statement in plan.statements:
        source = income_of(statement.asset)
        for share in statement.shares:
            to = vesting_of(share.account) if share.vests_months else share.account
            of = f", {share.basis_points / 100:g} %" if share.basis_points else ""
            yield source, to, share.amount, f"{plan.period}: {share.name or 'share'}{of}"
        yield source, members_of(statement.asset), statement.members, f"{plan.period}: settlement of the members"
    for release in plan.releases:
        memo = f"{plan.period}: vested of {release.period}"
        yield vesting_of(release.account), release.account, release.amount, memo


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
