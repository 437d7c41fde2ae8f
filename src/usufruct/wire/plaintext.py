"""The ledger as a journal of plain-text accounting, for Beancount and for hledger (which `ledger` reads as well).

They have nothing to do with this node, so that their word on its balances is worth something: each transfer is a transaction
of two postings, in the journal's order, and after the last each account's balance is asserted in each of its currencies. Their
signs are the other way round: what they count as plus is a debit, so that an account that we owe to is below zero.

Names are made so that no two accounts share one: `party:wage-commons` is `Liabilities:Party:Wage-commons`. What is only
reserved has not been posted and is not in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from usufruct.core.base.instants import Instant, later
from usufruct.core.base.money import DECIMALS, decimal
from usufruct.core.income.accounts import BANK, CASH, EXCHANGE, SUSPENSE
from usufruct.core.income.ledger import Account, Transfer

_ROOTS = {BANK: "Assets", CASH: "Assets", EXCHANGE: "Equity", SUSPENSE: "Equity"}
_FORBIDDEN = re.compile(r'[\x00-\x1f";|\\]')


def beancount(transfers: Iterable[Transfer], accounts: Iterable[Account], title: str) -> Iterator[str]:
    """A Beancount journal, line by line. Whoever runs `bean-check` on it has the balances checked."""
    accounts = sorted(accounts, key=lambda account: account.key)
    transfers = list(transfers)
    yield f'option "title" "{_plain(title)}"\n'
    first, after = _days(transfers)
    for name in dict.fromkeys(name_of(account.id) for account in accounts):
        yield f"{first} open {name}\n"
    for transfer in transfers:
        amount = _amount(transfer.amount, transfer.currency)
        yield (
            f'{transfer.at[:10]} * "{_plain(transfer.memo)}"\n  fact: "{transfer.key}"\n'
            + (f'  corrects: "{transfer.corrects}"\n' if transfer.corrects else "")
            + f"  {name_of(transfer.debit)}  {amount}\n  {name_of(transfer.credit)}  -{amount}\n"
        )
    for account in accounts:  # without tolerance: left to itself it would let a cent pass
        balance = decimal(-account.balance, DECIMALS[account.currency])
        yield f"{after} balance {name_of(account.id)}  {balance} ~ 0 {account.currency}\n"


def hledger(transfers: Iterable[Transfer], accounts: Iterable[Account], title: str) -> Iterator[str]:
    """A journal for hledger, line by line. Whoever runs `hledger check` on it has the balances checked."""
    accounts = sorted(accounts, key=lambda account: account.key)
    transfers = list(transfers)
    yield f"; {_plain(title)}\n"
    for transfer in transfers:
        amount = _amount(transfer.amount, transfer.currency)
        corrects = f"    ; corrects {transfer.corrects}\n" if transfer.corrects else ""
        yield (
            f"{transfer.at[:10]} * ({transfer.key}) {_plain(transfer.memo)}\n{corrects}"
            f"    {name_of(transfer.debit)}  {amount}\n    {name_of(transfer.credit)}  -{amount}\n"
        )
    _, after = _days(transfers)
    if accounts:
        yield f"{after} * balances\n"
    for account in accounts:
        nothing = _amount(0, account.currency)
        yield f"    {name_of(account.id)}  {nothing} = {_amount(-account.balance, account.currency)}\n"


FORMATS: dict[str, Callable[[Iterable[Transfer], Iterable[Account], str], Iterator[str]]] = {
    "beancount": beancount,
    "hledger": hledger,
}


def name_of(account: str) -> str:
    """What an account is called there: below a root that says what it is, each part with a capital letter."""
    root = _ROOTS.get(account, "Liabilities")
    return ":".join([root, *(part[:1].upper() + part[1:] for part in account.split(":"))])


def _days(transfers: list[Transfer]) -> tuple[str, str]:
    """The day of the first transfer, and the day after the last: balances are those of its beginning."""
    if not transfers:
        return "1970-01-01", "1970-01-02"
    days = [transfer.at for transfer in transfers]
    return min(days)[:10], later(Instant(max(days)), days=1)[:10]


def _amount(minor: int, currency: str) -> str:
    return f"{decimal(minor, DECIMALS[currency])} {currency}"


def _plain(text: str) -> str:
    """A text that ends no line, quotation or comment."""
    return " ".join(_FORBIDDEN.sub(" ", text).split())
