"""What can have happened on the way of money to those who are owed it.

A payout is a plan: proposed, then refused or approved, and carried out without any choice that is left. What became of each
payment only the bank knows; its statements are facts, with what each of their lines was found to be.
"""

from __future__ import annotations

from dataclasses import dataclass

from usufruct.core.base.records import Fact
from usufruct.core.registry.facts import OfParty

BANK, PURSE, KEEP = "bank", "purse", "keep"


@dataclass(frozen=True, slots=True)
class PayoutInstructed(OfParty, Fact):
    """What is to become of what `party` is owed, until it says otherwise: `how` is `bank` (it is paid to the account `iban` of
    `holder`), `purse` (she gives it to the members' fund) or `keep` (it stays owed). Sealed with her key, if she is a person."""

    KIND = "payout.instructed/1"
    party: str
    how: str
    holder: str = ""
    iban: str = ""
    bic: str = ""
    person: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """What a payout takes from one account, in minor units: `paid` by the bank, `given` to the members' fund."""

    account: str
    paid: int
    given: int


@dataclass(frozen=True, slots=True)
class Move:
    """`amount` minor units to or from an account."""

    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class PayoutProposed(Fact):
    """So much would be paid, on top of the payout `parent`, the last that was approved. `lines` is the sealed list: first the
    `payments`, then the `donations`, each with its source, its person and the instruction that it follows."""

    KIND = "payout.proposed/1"
    payout: str
    parent: str | None
    currency: str
    payments: int
    donations: int
    sources: tuple[Source, ...]
    lines: str


@dataclass(frozen=True, slots=True)
class PayoutRefused(Fact):
    """A payout that was proposed is not to be, and why."""

    KIND = "payout.refused/1"
    payout: str
    why: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class PayoutApproved(Fact):
    """What a payout takes is reserved, and what it gives is given; the payer does the rest."""

    KIND = "payout.approved/1"
    payout: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class PayoutSent(Fact):
    """The order to the bank is written and may be handed over: `file` is its SHA-256, `total` its sum in minor units. Lines
    `left_out` are of persons who were erased meanwhile; what was reserved for them (`freed`) is owed as before."""

    KIND = "payout.sent/1"
    payout: str
    file: str
    payments: int
    total: int
    left_out: tuple[int, ...] = ()
    freed: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True)
class PayoutEnded(Fact):
    """No more is heard of a payout: what no statement booked is owed again, and why the steward is sure of that."""

    KIND = "payout.ended/1"
    payout: str
    why: str
    by: str

    def about(self) -> tuple[str, ...]:
        return (self.by,)


@dataclass(frozen=True, slots=True)
class BankLine:
    """One line of a bank statement: `amount` minor units that came in, negative if they went out.

    `found` says what it is: `paid` (the payment `first` of a payout), `part` (`count` payments from `first` on, booked as one),
    `returned` (the payment came back, for the `reason` that the bank gives), `rejected` (it was never made), or `unmatched`.
    `moves` are the accounts that it concerns. Names and texts of others are not kept.
    """

    id: str
    day: str
    amount: int
    found: str
    reference: str = ""
    end_to_end: str = ""
    payout: str = ""
    first: int = 0
    count: int = 0
    moves: tuple[Move, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StatementRead(Fact):
    """The bank's statement of that id about our account, by the SHA-256 of its file, with the lines that were new. Balances
    in minor units, positive for money we have; None where the bank gives none."""

    KIND = "statement.read/1"
    statement: str
    account: str
    currency: str
    file: str
    opening: int | None
    closing: int | None
    lines: tuple[BankLine, ...]
    by: str = ""
