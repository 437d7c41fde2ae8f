"""Who is to be paid where, which payouts there are, and what the bank said of them.

There may be a million payments in a payout, so they are lines of a sealed list, and a row of their own they get only when the
bank says something of one of them; what it booked as one is one row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.instants import Instant
from usufruct.core.base.records import Entry, Reader, Row
from usufruct.core.income.payout_facts import (
    BankLine,
    PayoutApproved,
    PayoutEnded,
    PayoutInstructed,
    PayoutProposed,
    PayoutRefused,
    PayoutSent,
    StatementRead,
)
from usufruct.core.income.posting import PaymentReceived, PostingCorrected

PROPOSED, APPROVED, SENT, SETTLED, REFUSED, ENDED = "proposed", "approved", "sent", "settled", "refused", "ended"


@dataclass(frozen=True, slots=True)
class Instruction(Row):
    """What a party said last, in the fact `seq`, about what it is owed."""

    KEY = ("party",)
    party: str
    how: str
    holder: str
    iban: str
    bic: str
    seq: int
    at: Instant


@dataclass(frozen=True, slots=True)
class Payout(Row):
    """A payout and where it stands: `proposed`, `refused`, `approved`, `sent`, `settled` (every payment has the bank's word) or
    `ended`. `waiting` payments have no word yet; `returned` came back, or were never made."""

    KEY = ("id",)
    INDEXED = ("state",)
    id: str
    proposed: PayoutProposed
    state: str
    at: Instant
    seq: int
    approved: Instant | None = None
    file: str = ""
    waiting: int = 0
    returned: int = 0
    left_out: tuple[int, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class LastPayout(Row):
    """The payout that was approved last, on which the next must build."""

    KEY = ()
    payout: str


@dataclass(frozen=True, slots=True)
class Payment(Row):
    """What the bank said of payment `n` of a payout: `paid`, `returned` or `rejected`; the line of the statement, and why."""

    KEY = ("payout", "n")
    INDEXED = ("payout", "found")
    payout: str
    n: int
    found: str
    line: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PaidTogether(Row):
    """The payments of a payout from `first` on that the bank booked as one."""

    KEY = ("payout", "first")
    INDEXED = ("payout",)
    payout: str
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Statement(Row):
    """A bank statement that was read, by the digest of its file."""

    KEY = ("file",)
    INDEXED = ("account",)
    file: str
    id: str
    account: str
    currency: str
    opening: int | None
    closing: int | None
    lines: int
    seq: int
    at: Instant


@dataclass(frozen=True, slots=True)
class SeenLine(Row):
    """A line of a statement. One that was `unmatched` is `explained` once somebody said whose it is, in the fact `by`."""

    KEY = ("id",)
    INDEXED = ("found", "by")
    id: str
    line: BankLine
    currency: str
    found: str
    seq: int
    by: int = -1


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact on the way of a payment changes."""
    match entry.fact:
        case PayoutInstructed() as fact:
            yield Instruction(fact.party, fact.how, fact.holder, fact.iban, fact.bic, entry.seq, entry.at)
        case PayoutProposed() as fact:
            yield Payout(fact.payout, fact, PROPOSED, entry.at, entry.seq)
        case PayoutRefused() as fact:
            yield replace(_payout(read, fact.payout), state=REFUSED, why=fact.why)
        case PayoutApproved() as fact:
            found = _payout(read, fact.payout)
            waiting = found.proposed.payments
            yield replace(found, state=APPROVED if waiting else SETTLED, approved=entry.at, waiting=waiting)
            yield LastPayout(fact.payout)
        case PayoutSent() as fact:
            yield replace(
                _payout(read, fact.payout), state=SENT if fact.payments else SETTLED, file=fact.file,
                waiting=fact.payments, left_out=fact.left_out,
            )  # fmt: skip
        case PayoutEnded() as fact:
            yield replace(_payout(read, fact.payout), state=ENDED, why=fact.why)
        case StatementRead() as fact:
            yield from _read(read, entry, fact)
        case PaymentReceived() as fact if fact.line:
            seen = read.get(SeenLine, fact.line)
            assert seen is not None
            yield replace(seen, found="explained", by=entry.seq)
        case PostingCorrected() as fact:
            for seen in tuple(read.list(SeenLine, by=fact.seq)):
                yield replace(seen, found="unmatched", by=-1)
        case _:
            return


def _read(read: Reader, entry: Entry, fact: StatementRead) -> Iterator[Row]:
    yield Statement(
        fact.file, fact.statement, fact.account, fact.currency, fact.opening, fact.closing, len(fact.lines), entry.seq, entry.at
    )  # fmt: skip
    heard: Counter[str] = Counter()
    back: Counter[str] = Counter()
    for line in fact.lines:
        yield SeenLine(line.id, line, fact.currency, line.found, entry.seq)
        match line.found:
            case "part":
                yield PaidTogether(line.payout, line.first, line.count)
                heard[line.payout] += line.count
            case "paid" | "returned" | "rejected":
                yield Payment(line.payout, line.first, line.found, line.id, line.reason)
                heard[line.payout] += line.found != "returned"  # that one was heard of when it was paid
                back[line.payout] += line.found != "paid"
    for payout in dict.fromkeys([*heard, *back]):
        found = _payout(read, payout)
        waiting = found.waiting - heard[payout]
        assert waiting >= 0, "the bank's word on a payment counts once"
        state = SETTLED if not waiting and found.state == SENT else found.state
        yield replace(found, waiting=waiting, returned=found.returned + back[payout], state=state)


def _payout(read: Reader, payout: str) -> Payout:
    found = read.get(Payout, payout)
    assert found is not None
    return found
