"""The ledger by hand: limits, money that came in, exchanges, corrections; and looking at it."""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.money import Money
from usufruct.core.base.refusals import Refusal
from usufruct.core.income import posting_rules as rules
from usufruct.core.income.ledger import Account, Transfer
from usufruct.core.income.posting import CreditLimited, CurrencyExchanged, PaymentReceived, PostingCorrected
from usufruct.node.node import Node


@dataclass(frozen=True, slots=True)
class Ledger:
    """The balances and the transfers that they come of."""

    accounts: tuple[Account, ...]
    transfers: tuple[Transfer, ...]


def look(node: Node) -> Ledger:
    """All of it, as it is now."""
    with node.store.read() as state:
        return Ledger(tuple(state.list(Account)), tuple(state.list(Transfer)))


def limit_credit(node: Node, party: str, limit: Money | None, by: str) -> CreditLimited | Refusal:
    """Says how much a party may owe in the node's currency; None lifts the limit.

    Raises:
        BadInput: the limit is below zero.
    """
    currency = limit.currency if limit else node.about.currency
    return node.record(lambda tx: rules.limit_credit(tx, party, currency, limit.minor if limit else None, by))


def pay_in(node: Node, party: str, amount: Money, reference: str, by: str) -> PaymentReceived | Refusal:
    """What a party paid beside the bank.

    Raises:
        BadInput: it is nothing.
    """
    return node.record(lambda tx: rules.pay_in(tx, party, amount.minor, amount.currency, reference, by))


def explain_line(node: Node, line: str, party: str, reference: str, by: str) -> PaymentReceived | Refusal:
    """Says whose money an unmatched line of a bank statement moved."""
    return node.record(lambda tx: rules.explain_line(tx, line, party, reference, by))


def exchange(
    node: Node, party: str, given: Money, currency: str, rate: str, source: str, by: str
) -> CurrencyExchanged | Refusal:
    """Exchanges what a party has, at a rate that somebody published.

    Raises:
        BadInput: the rate, its source, the amount or the currency cannot be.
    """
    return node.record(lambda tx: rules.exchange(tx, party, given, currency, rate, source, by))


def correct(node: Node, seq: int, n: int, amount: Money | None, why: str, by: str) -> PostingCorrected | Refusal:
    """Takes back a transfer, or `amount` of it, by a new one the other way.

    Raises:
        BadInput: no reason is given, or an amount that is none.
    """
    return node.record(lambda tx: rules.correct(tx, seq, n, amount, why, by))
