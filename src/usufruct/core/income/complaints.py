"""Complaints: somebody says that her line of a closed period is wrong, and a person answers with reasons.

Whoever gets a statement may complain about it, once for each asset on it, until a number of days after the period was
closed. The operator answers. *Upheld*: what she was wrongly not paid is posted to her account from the operator's, for
whoever erred pays and not the members' fund; the posting names the complaint, and her next statement shows it. What was
closed stays closed: nobody else is paid less. *Rejected*: the answer says whom she can turn to.

A complaint is hers alone, so her key seals its words. The answer repeats none of them, for the ledger rests on it; it
stays when she is erased.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from usufruct.core.base.canonical import holdable
from usufruct.core.base.faults import BadInput
from usufruct.core.base.instants import Instant, later
from usufruct.core.base.money import Money
from usufruct.core.base.records import Entry, Fact, Reader, Row
from usufruct.core.base.refusals import Refusal, refuse
from usufruct.core.income.state import Period
from usufruct.core.rulebook.parameters import Rulebook

OPEN, UPHELD, REJECTED = "open", "upheld", "rejected"
WORDS_MAX = 2_000  # characters of a reason
MADE_MAX = 10**12  # minor units that one answer can make good


@dataclass(frozen=True, slots=True)
class ComplaintMade(Fact):
    """`party` says that her line of `period` for `asset` is wrong, and why. It is to be answered `until` then."""

    KIND = "complaint.made/1"
    complaint: str
    party: str
    period: str
    asset: str
    reason: str
    until: Instant

    def about(self) -> tuple[str, ...]:
        return (self.party,)

    def owner(self) -> str | None:
        return self.party


@dataclass(frozen=True, slots=True)
class ComplaintAnswered(Fact):
    """What became of a complaint, and why. `upheld`: `amount` minor units are paid to her by the operator; otherwise she can
    `turn_to` somebody else."""

    KIND = "complaint.answered/1"
    complaint: str
    party: str
    period: str
    asset: str
    upheld: bool
    reasons: str
    by: str
    amount: int = 0
    currency: str = ""
    turn_to: str = ""

    def about(self) -> tuple[str, ...]:
        return (self.party, self.by)


@dataclass(frozen=True, slots=True)
class Complaint(Row):
    """A complaint as it `stands`; see the two facts. `seq` is that of the last; `at` and `answered` are when they were."""

    KEY = ("id",)
    INDEXED = ("party", "stands")
    id: str
    party: str
    period: str
    asset: str
    reason: str
    at: Instant
    until: Instant
    seq: int
    stands: str = OPEN
    reasons: str = ""
    amount: int = 0
    currency: str = ""
    turn_to: str = ""
    answered: Instant | None = None


def fold(read: Reader, entry: Entry) -> Iterator[Row]:
    """The rows that a fact about a complaint changes."""
    match entry.fact:
        case ComplaintMade() as fact:
            yield Complaint(
                fact.complaint, fact.party, fact.period, fact.asset, fact.reason, entry.at, fact.until, entry.seq
            )
        case ComplaintAnswered() as fact:
            row = read.get(Complaint, fact.complaint)
            if row is None:  # she was erased, and her words with her
                return
            yield replace(
                row, stands=UPHELD if fact.upheld else REJECTED, reasons=fact.reasons, amount=fact.amount,
                currency=fact.currency, turn_to=fact.turn_to, answered=entry.at, seq=entry.seq,
            )  # fmt: skip
        case _:
            return


def last_day(period: Period, rulebook: Rulebook) -> Instant:
    """Until when one can complain about a period."""
    return later(period.at, days=rulebook.value("income.complaint-days", period.at))


def complain(
    read: Reader, complaint: str, party: str, period: str, asset: str, reason: str, concerned: bool, rulebook: Rulebook,
    at: Instant,
) -> ComplaintMade | Refusal:  # fmt: skip
    """A complaint about a line; `concerned` says whether the party has one there.

    Raises:
        BadInput: no reason is given, or a very long one.
    """
    not_done = "your complaint was not recorded"
    closed = read.get(Period, period)
    if closed is None or not concerned:
        return refuse(
            "registry.unknown", not_done, f"there is no line of yours for `{asset}` in period `{period}`",
            remedy="take period and asset from your statement",
        )  # fmt: skip
    until = last_day(closed, rulebook)
    if at > until:
        return refuse(
            "income.complaint", not_done, f"complaints about `{period}` could be made until {until[:10]}",
            remedy="complain about a later period, or turn to the supervisory authority",
        )  # fmt: skip
    if any(row.period == period and row.asset == asset for row in read.list(Complaint, party=party)):
        return refuse(
            "income.complaint", not_done, "you complained about this line already",
            remedy="wait for the answer, or turn to whom it names",
        )  # fmt: skip
    answer_by = later(at, days=rulebook.value("income.complaint-answer-days", at))
    return ComplaintMade(complaint, party, period, asset, _words(reason, "a complaint says what is wrong"), answer_by)


def answer(
    read: Reader, complaint: str, upheld: bool, reasons: str, amount: Money | None, turn_to: str, by: str,
    operator: str, currency: str,
) -> ComplaintAnswered | Refusal:  # fmt: skip
    """The operator's answer: an amount goes with a complaint that is upheld, and whom to turn to with one that is not.

    Raises:
        BadInput: no reasons are given, or very long ones.
    """
    not_done = "the complaint was not answered"
    row = read.get(Complaint, complaint)
    if row is None or row.stands != OPEN or by != operator:
        return refuse(
            "registry.unknown", not_done, f"there is no complaint `{complaint}` that waits for your answer",
            remedy="look at the list of open complaints",
        )  # fmt: skip
    said = _words(reasons, "an answer has reasons")
    if upheld:
        if amount is None or amount.currency != currency or not 0 < amount.minor <= MADE_MAX or row.party == operator:
            return refuse(
                "income.complaint", not_done, f"who is right is paid an amount above zero, in {currency}, by the operator",
                remedy="say how much she was not paid",
            )  # fmt: skip
        return ComplaintAnswered(
            complaint, row.party, row.period, row.asset, True, said, by, amount.minor, amount.currency
        )
    if not turn_to.strip() or amount is not None:
        return refuse(
            "income.complaint", not_done, "who is told no is told whom she can turn to, and is paid nothing",
            remedy="name a court, an arbitrator or the supervisory authority",
        )  # fmt: skip
    return ComplaintAnswered(
        complaint, row.party, row.period, row.asset, False, said, by, turn_to=_words(turn_to, "somebody")
    )


def _words(text: str, what: str) -> str:
    said = holdable(text.strip())
    if not said:
        raise BadInput("input.complaint", what, "write it in a sentence or two")
    if len(said) > WORDS_MAX:
        raise BadInput("input.complaint", f"the text is longer than {WORDS_MAX} characters", "shorten it")
    return said
