"""What can have happened in the ledger itself: limits, money that came in, exchanges, corrections.

What a use earns and how a period is divided has facts of its own; these are the few postings that somebody decides on.
"""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.records import Fact


@dataclass(frozen=True, slots=True)
class CreditLimited(Fact):
    """How much `party` may owe in a currency, in minor units, with what is reserved counted in: 0 is paying beforehand, None
    is without limit, as for whom nothing was said."""

    KIND = "credit.limited/1"
    party: str
    currency: str
    limit: int | None
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.party,)


@dataclass(frozen=True, slots=True)
class PaymentReceived(Fact):
    """`party` paid `amount` minor units; below zero it was paid so much, a fee that the bank took for one. `line` is the line of
    a bank statement that shows it, if one does; `reference` is what the payer wrote, or the number of the invoice."""

    KIND = "payment.received/1"
    party: str
    amount: int
    currency: str
    reference: str
    by: str
    line: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.party,)


@dataclass(frozen=True, slots=True)
class CurrencyExchanged(Fact):
    """`given` minor units of what `party` has in one currency became `got` of another. `rate` is how much of the other one
    whole unit was worth, as a decimal number, and `source` who says so."""

    KIND = "currency.exchanged/1"
    party: str
    given: int
    given_currency: str
    got: int
    got_currency: str
    rate: str
    source: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.party,)


@dataclass(frozen=True, slots=True)
class PostingCorrected(Fact):
    """`amount` minor units of the transfer `n` of the fact `seq` go back where they came from, and `why`."""

    KIND = "posting.corrected/1"
    seq: int
    n: int
    amount: int
    why: str
    by: str
