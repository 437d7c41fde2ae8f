"""What may be posted by somebody's decision, and whether a price is covered."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction

from usufruct.core.base.faults import BadInput
from usufruct.core.base.money import DECIMALS, Money
from usufruct.core.base.records import Reader
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income.accounts import SUSPENSE, of_party
from usufruct.core.income.ledger import Account, Corrected, CreditLimit, Transfer
from usufruct.core.income.payout_state import SeenLine
from usufruct.core.income.posting import CreditLimited, CurrencyExchanged, PaymentReceived, PostingCorrected
from usufruct.core.registry.rules import find_party
from usufruct.core.registry.state import Party

_RATE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,12})?")
WORDS = 500  # characters of a reason or a source


def limit_credit(read: Reader, party: str, currency: str, limit: int | None, by: str) -> CreditLimited | Refusal:
    """Says how much a party may owe, in minor units; None lifts the limit.

    Raises:
        BadInput: the limit is below zero, or in no currency.
    """
    found = _known(read, party, "no limit was set")
    if isinstance(found, Refusal):
        return found
    _checked(currency)
    if limit is not None and limit < 0:
        raise BadInput("input.money", "a limit is not below zero", "say 0 for who pays beforehand")
    return CreditLimited(found.id, currency, limit, by)


def covered(read: Reader, party: str, prices: Iterable[tuple[int, str]]) -> Refusal | None:
    """Whether a party's account covers `prices` (minor units and currency) within its limits, with what is reserved
    already counted as spent. Of no limit, whatever it costs."""
    due: dict[str, int] = {}
    for price, currency in prices:
        due[currency] = due.get(currency, 0) + price
    for currency, price in due.items():
        row = read.get(CreditLimit, party, currency)
        if row is None or row.limit is None or not price:
            continue
        account = read.get(Account, of_party(party), currency)
        free = row.limit + (account.free if account else 0)
        if price > free:
            return refuse(
                "ledger.limit", "nothing was asked of the data",
                f"it costs {Money(price, currency)}, and your account covers {Money(max(free, 0), currency)}",
                remedy=f"pay in {Money(price - free, currency)} at least, or agree on a higher limit with the operator",
            )  # fmt: skip
    return None


def pay_in(read: Reader, party: str, amount: int, currency: str, reference: str, by: str) -> PaymentReceived | Refusal:
    """What a party paid beside the bank, in minor units.

    Raises:
        BadInput: it is nothing, or in no currency.
    """
    found = _known(read, party, "nothing was paid in")
    if isinstance(found, Refusal):
        return found
    _checked(currency)
    if amount <= 0:
        raise BadInput("input.money", "what is paid in is more than nothing", "name an amount above zero")
    return PaymentReceived(found.id, amount, currency, _words(reference), by)


def explain_line(read: Reader, line: str, party: str, reference: str, by: str) -> PaymentReceived | Refusal:
    """Says whose money an unmatched line of a bank statement moved."""
    found = _known(read, party, "the line was not explained")
    if isinstance(found, Refusal):
        return found
    seen = read.get(SeenLine, line)
    if seen is None or seen.found != "unmatched":
        return refuse(
            "registry.unknown", "the line was not explained", f"no line `{line}` waits to be explained",
            remedy="look at the list of unmatched lines",
        )  # fmt: skip
    return PaymentReceived(found.id, seen.line.amount, seen.currency, _words(reference), by, line)


def exchange(
    read: Reader, party: str, given: Money, currency: str, rate: str, source: str, by: str
) -> CurrencyExchanged | Refusal:
    """Exchanges what a party has, at a stated rate: how much of `currency` one whole unit of the other is worth. What it gets
    is rounded down to a whole minor unit; the rest stays in the exchange account.

    Raises:
        BadInput: the rate, its source, the amount or the currency cannot be.
    """
    not_done = "nothing was exchanged"
    found = _known(read, party, not_done)
    if isinstance(found, Refusal):
        return found
    _checked(currency)
    if not _RATE.fullmatch(rate) or Fraction(rate) == 0:
        raise BadInput("input.rate", f"`{rate[:40]}` is not a rate", "write it as 1.0842, in whole units, above zero")
    if not source.strip():
        raise BadInput("input.rate", "a rate has a source", "say who published it, and of which day")
    if given.minor <= 0 or given.currency == currency:
        raise BadInput("input.money", "an exchange is of more than nothing, into another currency", "name both")
    account = read.get(Account, of_party(found.id), given.currency)
    free = account.free if account else 0
    got = given.minor * Fraction(rate) * Fraction(10) ** (DECIMALS[currency] - DECIMALS[given.currency]) // 1
    if free < given.minor or not got:
        has = f"`{found.called}` has {Money(free, given.currency)} to give"
        worth = f"{given} is worth less than the smallest unit of {currency}"
        return refuse("ledger.exchange", not_done, has if free < given.minor else worth, remedy="name another amount")
    return CurrencyExchanged(found.id, given.minor, given.currency, got, currency, rate, _words(source), by)


def correct(read: Reader, seq: int, n: int, amount: Money | None, why: str, by: str) -> PostingCorrected | Refusal:
    """Takes back a transfer, or `amount` of it. The transfer stays; a new one goes the other way.

    What uses earned and what a period divided cannot be taken back here: shares and settlements were worked out from it, and
    would not follow. Nor can what the bank moved: it was moved.

    Raises:
        BadInput: no reason is given, or an amount that is none.
    """
    not_done = f"transfer `{seq}/{n}` was not corrected"
    transfer = read.get(Transfer, seq, n)
    if transfer is None:
        return refuse("registry.unknown", not_done, "there is no such transfer", remedy="look at the ledger")
    if not why.strip():
        raise BadInput("input.reason", "a correction says why", "give a reason; whoever audits the ledger reads it")
    if amount is not None and (amount.minor <= 0 or amount.currency != transfer.currency):
        raise BadInput(
            "input.money", "what is taken back is more than nothing, in the transfer's currency", f"name it in {transfer.currency}"
        )  # fmt: skip
    sides = (transfer.debit, transfer.credit)
    if any(side.startswith(("asset:", "bank")) for side in sides):
        return refuse(
            "ledger.correction", not_done, f"more was worked out from what moved between `{sides[0]}` and `{sides[1]}`",
            remedy="what was earned is given back by a new posting between the parties; what the bank moved, by the bank",
        )  # fmt: skip
    before = read.get(Corrected, seq, n)
    left = transfer.amount - (before.amount if before else 0)
    wanted = left if amount is None else amount.minor
    if not 0 < wanted <= left:
        return refuse(
            "ledger.correction", not_done, f"{Money(left, transfer.currency)} of it can still be taken back",
            remedy="name no more than that" if left else "correct the correction, if that was wrong",
        )  # fmt: skip
    if SUSPENSE in sides and wanted != transfer.amount:
        return refuse(
            "ledger.correction", not_done, "it is a line of a bank statement, which is somebody's or is not",
            remedy="take all of it back",
        )  # fmt: skip
    return PostingCorrected(seq, n, wanted, _words(why), by)


def _known(read: Reader, party: str, not_done: str) -> Party | Refusal:
    found = find_party(read, party)
    if found is None:
        return refuse("registry.unknown", not_done, f"there is no party `{party}`", remedy="register it first")
    return found


def _checked(currency: str) -> None:
    if currency not in DECIMALS:
        raise BadInput(
            "input.money", f"`{currency}` is not a currency this node knows", f"use one of {', '.join(sorted(DECIMALS))}"
        )  # fmt: skip


def _words(text: str) -> str:
    """A text on one line, for it stands in the journals of other programs too."""
    found = " ".join(text.split())
    if len(found) > WORDS:
        raise BadInput("input.reason", f"the text is longer than {WORDS} characters", "shorten it")
    return found
